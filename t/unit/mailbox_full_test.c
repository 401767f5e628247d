/* mailbox_full_test.c - a mailbox that was never opened, on a full disk: it can
 * be read, under a UIDVALIDITY that nobody else has, and nothing is left of
 * the log that could not be written. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mailbox_help.h"
#include "store/mbox.h"
#include "test/tap.h"

static int broken;	/* errno of fsync */

/* the library's fsync fails where the test says so */
int
fsync(int fd)
{
	if (broken) {
		errno = broken;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static struct place p;

static void
test_full(void)
{
	struct mailbox *a, *b, *c;
	uint32_t first;

	broken = ENOSPC;
	a = place_open(&p, 0);
	ok(a->readonly && a->passing, "it opens, for reading");
	is_str(view(a), "1:S;2:-", "with what is there");
	is_str(text_of(a, 1), "b\n", "which can be read");
	ok(change(a, 1, 1, "-S") < 0 && append(a, "x", 0, NULL) == 0 &&
	    expunge(a, 1, 1) < 0, "and not changed");
	ok(!place_has(&p, ".state/log") && !place_has(&p, ".state/log.tmp") &&
	    !place_has(&p, MBOX_UID_FILE), "nothing was written");
	is_int(place_count(&p, "new"), 1, "new/ is as it was");
	b = place_open(&p, MAILBOX_READONLY);
	ok(b->uidvalidity > a->uidvalidity && strcmp(b->id, a->id) != 0,
	    "another view has another UIDVALIDITY, and MAILBOXID");
	place_put(&p, "new/3.c", "c\n");
	ok(mailbox_refresh(a, &test_err) > 0, "new mail is seen");
	is_str(view(a), "1:S;2:-;3:-", "under the next UID");
	mailbox_shrink(a);
	is_str(view(a), "1:S;2:-;3:-", "also behind a pause");
	ok(mailbox_open(&p.at, MAILBOX_NO_RECENT, &test_err) == NULL,
	    "STATUS and COPY are refused");
	is_str(test_err.dsn, "4.3.1", "for now");
	first = b->uidvalidity;
	broken = 0;
	c = place_open(&p, 0);
	ok(!c->readonly && !c->passing && c->uidvalidity > first,
	    "when there is room it is opened as any, under a new one");
	is_int(change(c, 1, 1, "+F"), 0, "and changed");
	mailbox_close(c);	/* names are ours now */
	ok(mailbox_refresh(a, &test_err) >= 0, "who had it open");
	is_int(a->n - a->gone, 3, "still sees all");
	is_str(text_of(a, 2), "c\n", "and reads it");
	mailbox_close(a);
	mailbox_close(b);
	a = place_open(&p, 0);
	is_str(view(a), "1:SF;2:-;3:-", "all is there");
	mailbox_close(a);
}

static void
test_other_trouble(void)
{
	place_remove(&p, ".state/log");
	place_remove(&p, MBOX_UID_FILE);
	broken = EIO;
	ok(mailbox_open(&p.at, 0, &test_err) == NULL,
	    "a disk that is broken is no full one");
	broken = 0;
}

/* Somebody has given a UIDVALIDITY, and his log comes late: it is used. */
static void
test_held(void)
{
	struct mailbox *mb = place_open(&p, 0);
	uint32_t validity = mb->uidvalidity;
	int go[2], status;
	pid_t pid;
	char c;

	mailbox_close(mb);
	place_move(&p, ".state/log", ".state/log.late");
	if (pipe(go) < 0 || (pid = fork()) < 0)
		die("%s", strerror(errno));
	if (pid == 0) {
		flock(openat(p.at.dir, "cur", O_RDONLY), LOCK_EX);
		if (write(go[1], "x", 1) != 1)
			_exit(1);
		usleep(300 * 1000);
		place_move(&p, ".state/log.late", ".state/log");
		_exit(0);
	}
	is_int(read(go[0], &c, 1), 1, "somebody gives a UIDVALIDITY");
	broken = ENOSPC;
	mb = place_open(&p, 0);
	broken = 0;
	ok(!mb->passing && mb->readonly && mb->uidvalidity == validity,
	    "his is waited for");
	is_int(mb->n, 3, "and his log is read");
	mailbox_close(mb);
	waitpid(pid, &status, 0);
	is_int(status, 0, "as it was meant");
	close(go[0]);
	close(go[1]);
}

int
main(void)
{
	place_make(&p, "full");
	place_put(&p, "cur/1.a,S=2,W=3:2,S", "a\n");
	place_put(&p, "new/2.b", "b\n");
	test_full();
	test_held();
	test_other_trouble();
	place_free(&p);
	return tap_done();
}
