/* mailbox_cut_test.c - a foreign program cuts off or overwrites the snapshot
 * that a session has mapped: the session may end, but no message gets another
 * UID */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "mailbox_help.h"
#include "test/tap.h"

enum { MANY = 3000, ZEROS = -1 };

/* keep so much of it, or all, as zeros */
static void
spoil(struct place *p, const struct mailbox *mb, int keep)
{
	static const char zeros[1 << 20];
	int fd = openat(p->at.index, mb->id, O_WRONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || (size_t)st.st_size >
	    sizeof(zeros) || (keep == ZEROS ? pwrite(fd, zeros,
	    (size_t)st.st_size, 0) != st.st_size : ftruncate(fd, keep) < 0))
		die("snapshot: %s", strerror(errno));
	close(fd);
}

static void
session(struct place *p, int keep)
{
	struct mailbox *mb = place_open(p, 0);

	spoil(p, mb, keep);
	place_put(p, "new/2.b", "more\n");
	mailbox_refresh(mb, &test_err);
	change(mb, 1, MANY, "+S");
	place_put(p, "cur/3.b:2,", "more\n");
	mailbox_refresh(mb, &test_err);
	mailbox_close(mb);
	_exit(0);
}

static void
test_cut(const char *where, int keep)
{
	struct mailbox *mb;
	size_t i, wrong = 0;
	char name[64];
	struct place p;
	int status = -1;
	pid_t pid;

	place_make(&p, where);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "cur/%zu.a:2,", 1000000 + i);
		place_put(&p, name, "abc\n");
	}
	mailbox_close(place_open(&p, 0));
	pid = fork();
	if (pid == 0)
		session(&p, keep);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status), "%s: no signal killed the session", where);
	mb = place_open(&p, 0);
	ok(mb->n >= MANY, "%s: all messages are there", where);
	for (i = 0; i < MANY; i++)
		wrong += i >= mb->n || mb->msg[i].uid != i + 1;
	is_int((long)wrong, 0, "%s: with their UIDs", where);
	mailbox_close(mb);
	place_free(&p);
}

int
main(void)
{
	fault_catch();
	mailbox_prepare();
	test_cut("whole", 0);
	test_cut("records", 4096 + 4096 * 20);
	test_cut("a page", 4096 + 4096 * 20 + 100);
	test_cut("zeros", ZEROS);
	return tap_done();
}
