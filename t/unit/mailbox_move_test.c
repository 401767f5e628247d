/* mailbox_move_test.c - MOVE and its locks: what others change until it has
 * them counts, they are held no longer than needed, and on each host they are
 * taken in the same order.  And: files that can not be unlinked hinder nobody.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "mailbox_help.h"
#include "test/tap.h"

enum { N = 4, MOVE_MS = 1500 };

static void (*at_unlink)(void);	/* of 1.m */
static const char *stuck;	/* what begins so can not be unlinked */
static ino_t host;		/* each numbers devices in its own way */

int
unlinkat(int dir, const char *name, int flags)
{
	void (*f)(void) = at_unlink;

	if (f != NULL && strncmp(name, "1.m", 3) == 0) {
		at_unlink = NULL;
		f();
	}
	if (stuck != NULL && strncmp(name, stuck, strlen(stuck)) == 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}

int
fstat(int fd, struct stat *st)
{
	int r = (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);

	if (r == 0 && host != 0 && S_ISDIR(st->st_mode))
		st->st_dev = 1 + (dev_t)(host == 1 ? st->st_ino :
		    UINT32_MAX - st->st_ino);
	return r;
}

/* a host that has a lock is slow to take the next */
int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;
	int r;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	r = (int)syscall(SYS_fcntl, fd, cmd, arg);
	if (r == 0 && host != 0 && cmd == F_OFD_SETLK &&
	    ((struct flock *)arg)->l_type == F_WRLCK)
		usleep(3000);
	return r;
}

static struct place src, dst;

static void
fill(struct place *p, const char *name, int n)
{
	char path[80];
	int i;

	place_make(p, name);
	for (i = 1; i <= n; i++) {
		snprintf(path, sizeof(path), "cur/%d.m,S=2,W=3,U=%d:2,", i, i);
		place_put(p, path, "m\n");
	}
}

static struct mailbox_add *add;
static uint32_t idx[N];
static bool mine[N];

/* all that is in one, as far as the commit */
static void
prepare(struct mailbox *from, struct mailbox *to)
{
	size_t i, n = 0;

	add = mailbox_add_new(to);
	mailbox_add_moves(add, from, idx, mine);
	for (i = 0; i < from->n && n < N; i++) {
		if (from->msg[i].flags & MSG_GONE)
			continue;
		idx[n++] = (uint32_t)i;
		if (mailbox_add_copy(add, from, i, &test_err) < 0)
			die("%s", test_err.text);
	}
}

static int
commit(void)
{
	uint32_t first;
	int r = mailbox_add_commit(add, &first, &test_err);

	mailbox_add_free(add);
	add = NULL;
	return r;
}

static const char *
seen_in(struct mailbox *mb)
{
	if (mailbox_refresh(mb, &test_err) < 0)
		die("%s", test_err.text);
	mailbox_purge(mb, NULL, NULL);
	return view(mb);
}

static void
test_flags(void)
{
	struct mailbox *a, *b, *other;

	fill(&src, "flags", 3);
	place_make(&dst, "flags2");
	a = place_open(&src, 0);
	b = place_open(&dst, 0);
	other = place_open(&src, 0);
	change(other, 3, 3, "+F old");
	prepare(a, b);
	is_int(change(other, 1, 1, "+SF work"), 0, "flags are stored");
	is_int(change(other, 3, 3, "=R new"), 0, "and others");
	is_int(commit(), 0, "before messages that are moved are locked");
	is_str(seen_in(b), "1:SF,work;2:-;3:R,new", "they have them");
	mailbox_close(a);
	mailbox_close(b);
	mailbox_close(other);
	place_free(&src);
	place_free(&dst);
}

/* --- who waits ------------------------------------------------------------ */

static pid_t other_one;
static size_t in_time;

static void
append_elsewhere(void)
{
	int64_t end = mono_ms() + 20000;
	struct mailbox *mb;

	other_one = fork();
	if (other_one == 0) {
		mb = mailbox_open(&dst.at, 0, &test_err);
		_exit(mb == NULL || append(mb, "m\n", 0, NULL) == 0);
	}
	for (in_time = 1; in_time < 2 && mono_ms() < end; usleep(10000))
		in_time = place_count(&dst, "cur");
}

/* unlinking many takes long */
static void
test_unlinking(void)
{
	struct mailbox *a, *b;
	int status = -1;

	fill(&src, "long", 1);
	place_make(&dst, "long2");
	a = place_open(&src, 0);
	b = place_open(&dst, 0);
	prepare(a, b);
	at_unlink = append_elsewhere;
	is_int(commit(), 0, "a message is moved");
	ok(at_unlink == NULL, "its original is unlinked");
	is_int(in_time, 2, "meanwhile another one comes to where it is now");
	waitpid(other_one, &status, 0);
	is_int(status, 0, "without trouble");
	is_str(seen_in(b), "1:-;2:-", "both are there");
	is_int(place_count(&src, "cur"), 0, "and no original");
	mailbox_close(a);
	mailbox_close(b);
	place_free(&src);
	place_free(&dst);
}

static void
mover(struct place *from, struct place *to, ino_t h, int64_t end)
{
	struct mailbox *a, *b, *c;

	a = place_open(from, 0);
	b = place_open(to, 0);
	host = h;
	while (mono_ms() < end) {
		if (mailbox_refresh(a, &test_err) < 0)
			_exit(2);
		mailbox_purge(a, NULL, NULL);
		prepare(a, b);
		if (commit() < 0)
			_exit(3);
		c = a;
		a = b;
		b = c;
	}
	_exit(0);
}

static void
test_hosts(void)
{
	int64_t end = mono_ms() + MOVE_MS;
	struct mailbox *mb;
	size_t n = 0, i;
	int k, status;
	pid_t pid[2];

	fill(&src, "host1", N);
	fill(&dst, "host2", 0);
	mailbox_close(place_open(&src, 0));
	for (k = 0; k < 2; k++)
		if ((pid[k] = fork()) == 0)
			mover(k ? &src : &dst, k ? &dst : &src,
			    (ino_t)k + 1, end);
	for (k = 0; k < 2; k++) {
		waitpid(pid[k], &status, 0);
		is_int(status, 0, "host %d: all moves are answered OK", k);
	}
	ok(mono_ms() < end + 10000, "none waits for the other in a circle, "
	    "whatever the numbers of devices");
	for (i = 0; i < 2; i++) {
		mb = place_open(i ? &src : &dst, 0);
		n += mb->n;
		mailbox_close(mb);
	}
	is_int(n, N, "as many are there as before");
	place_free(&src);
	place_free(&dst);
}

/* --- what can not be unlinked --------------------------------------------- */

static void
test_stuck(void)
{
	struct mailbox *mb, *other;

	fill(&src, "stuck", 2);
	mb = place_open(&src, 0);
	stuck = "1.m";
	is_int(expunge(mb, 1, 1), 0, "a file that can not be unlinked: its "
	    "message is expunged");
	is_int(mailbox_refresh(mb, &test_err) < 0, 0, "the mailbox goes on");
	is_str(seen_in(mb), "2:-", "without it");
	other = mailbox_open(&src.at, 0, &test_err);
	ok(other != NULL, "it can be opened, too");
	place_put(&src, "new/3.m", "m\n");
	if (other != NULL)
		is_str(seen_in(other), "2:-;3:-", "and new ones come in");
	mailbox_close(other);
	is_int(place_count(&src, "cur"), 3, "(the file is there)");
	stuck = NULL;
	is_str(seen_in(mb), "2:-;3:-", "later");
	is_int(place_count(&src, "cur"), 2, "it is removed");
	mailbox_close(mb);
	place_free(&src);
}

int
main(void)
{
	alarm(120);
	test_flags();
	test_unlinking();
	test_hosts();
	test_stuck();
	return tap_done();
}
