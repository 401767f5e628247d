/* mailbox_race_test.c - another program or session comes at the worst moment:
 * nothing is there twice, what was removed stays away, and nothing is lost.
 * System calls of the library go through this file, which does what the other
 * one does at a certain call. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "mailbox_help.h"
#include "store/drop.h"
#include "test/tap.h"

enum { MOVED = 6, MOVERS = 5, MOVE_MS = 1500, STUBBORN = 60 };

static void (*at_unlink)(int dir, const char *name);
static const char *hidden;	/* getdents64 leaves out what begins so */
static int looks, naps;		/* how often cur/ was read, and slept */
static bool old_rename, coarse, lost_answer;
static void (*at_look)(void);
static ino_t bad_sync;		/* what fdatasync fails for */

int
fdatasync(int fd)
{
	struct stat st;

	if (bad_sync != 0 && fstat(fd, &st) == 0 && st.st_ino == bad_sync) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

int
unlinkat(int dir, const char *name, int flags)
{
	void (*f)(int, const char *) = at_unlink;
	int r;

	if (f != NULL)
		f(dir, name);
	r = (int)syscall(SYS_unlinkat, dir, name, flags);
	if (r == 0 && lost_answer) {
		lost_answer = false;
		errno = ENOENT;
		r = -1;
	}
	return r;
}

int
renameat2(int from, const char *name, int to, const char *as, unsigned flags)
{
	if (old_rename) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, name, to, as, flags);
}

/* the entries but those that are hidden */
ssize_t
getdents64(int fd, void *buf, size_t size)
{
	ssize_t n = syscall(SYS_getdents64, fd, buf, size), at, to = 0;
	const struct dirent64 *d;
	char *p = buf;

	looks += n > 0;
	if (n > 0 && at_look != NULL)
		at_look();
	for (at = 0; at < n; ) {
		d = (const struct dirent64 *)(const void *)(p + at);
		size = d->d_reclen;
		if (hidden == NULL || strncmp(d->d_name, hidden,
		    strlen(hidden)) != 0) {
			memmove(p + to, p + at, size);
			to += (ssize_t)size;
		}
		at += (ssize_t)size;
	}
	return n <= 0 ? n : to;
}

int
fstat(int fd, struct stat *st)
{
	int r = (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);

	if (r == 0 && coarse && S_ISDIR(st->st_mode))
		st->st_mtim.tv_nsec = 0;
	return r;
}

int
usleep(useconds_t us)
{
	struct timespec ts = { us / 1000000, (long)(us % 1000000) * 1000 };

	naps++;
	return nanosleep(&ts, NULL);
}

/* what is in cur/ under names that begin so gets a name with that flag */
static void
flag_file(struct place *p, const char *start, const char *flag)
{
	char from[NAME_MAX + 8], to[NAME_MAX + 8];
	const char *name = place_find(p, "cur", start), *colon;

	colon = strchr(name, ':');
	if (colon == NULL)
		return;
	snprintf(from, sizeof(from), "cur/%s", name);
	snprintf(to, sizeof(to), "cur/%.*s:2,%s", (int)(colon - name), name,
	    flag);
	syscall(SYS_renameat2, p->at.dir, from, p->at.dir, to, 0);
}

static size_t
messages(struct mailbox *mb)
{
	usleep(30000);
	if (mailbox_refresh(mb, &test_err) < 0)
		die("%s", test_err.text);
	return mb->n - mb->gone;
}

/* --- MOVE ----------------------------------------------------------------- */

static struct place src, dst, third;

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

/* messages with these UIDs: 0, or -1; *first_r is the first's */
static int
move(struct mailbox *from, struct mailbox *to, uint32_t first, uint32_t last,
    bool *mine, uint32_t *first_r)
{
	struct mailbox_add *a = mailbox_add_new(to);
	uint32_t *idx = xcalloc(from->n + 1, sizeof(*idx));
	size_t i, n = 0;
	int r = 0;

	mailbox_add_moves(a, from, idx, mine);
	for (i = mailbox_find(from, first); i < from->n &&
	    from->msg[i].uid <= last && r == 0; i++) {
		if (from->msg[i].flags & MSG_GONE)
			continue;
		idx[n++] = (uint32_t)i;
		r = mailbox_add_copy(a, from, i, &test_err);
	}
	if (r == 0 && n > 0)
		r = mailbox_add_commit(a, first_r, &test_err);
	mailbox_add_free(a);
	free(idx);
	return r;
}

/* a copy is renamed just before it is taken out of cur/ again */
static void
flag_copy(int dir, const char *name)
{
	(void)dir;
	if (strstr(name, ".C") == NULL)
		return;
	at_unlink = NULL;
	flag_file(&dst, "1.m", "F");
}

static void
test_copy_renamed(void)
{
	struct mailbox *a, *b;
	uint32_t first = 0;
	bool mine[2];

	fill(&src, "src", 2);
	place_make(&dst, "dst");
	a = place_open(&src, 0);
	b = place_open(&dst, 0);
	flag_file(&src, "2.m", "S");	/* the second can not be linked */
	at_unlink = flag_copy;
	is_int(move(a, b, 1, 2, mine, &first), 0, "two are moved");
	ok(at_unlink == NULL, "and the first copy was renamed meanwhile");
	at_unlink = NULL;
	is_int(messages(b), 2, "both are there once");
	is_int(place_count(&dst, "cur"), 2, "as files, too");
	is_int(place_count(&src, "cur"), 0, "and not where they were");
	is_int(b->uidnext, first + 2, "no UID was given to a third");
	mailbox_close(a);
	mailbox_close(b);
	place_free(&src);
	place_free(&dst);
}

static pid_t other_mover;
static struct mailbox *stale;	/* what it sees: nothing of what we do */
static size_t doubled;

static void
start_mover(int dir, const char *name)
{
	struct mailbox *to;
	bool mine = true;
	uint32_t first = 0;

	(void)dir;
	(void)name;
	at_unlink = NULL;
	other_mover = fork();
	if (other_mover == 0) {
		to = mailbox_open(&third.at, 0, &test_err);
		if (to == NULL || move(stale, to, 1, 1, &mine, &first) < 0)
			_exit(1);
		_exit(mine ? 2 : 0);
	}
	usleep(200000);
	doubled = place_count(&third, "cur");
}

/* Two sessions move one message: the second waits for the first, and makes no
 * copy that a third could move on. */
static void
test_two_movers(void)
{
	struct mailbox *a, *b, *c;
	uint32_t first = 0, next;
	bool mine;
	int status;

	fill(&src, "src2", 1);
	place_make(&dst, "dst2");
	place_make(&third, "third2");
	a = place_open(&src, 0);
	b = place_open(&dst, 0);
	c = place_open(&third, 0);
	stale = place_open(&src, 0);
	next = c->uidnext;
	at_unlink = start_mover;
	is_int(move(a, b, 1, 1, &mine, &first), 0, "it is moved");
	ok(mine && at_unlink == NULL, "while another wants it");
	is_int(doubled, 0, "which has to wait");
	waitpid(other_mover, &status, 0);
	is_int(status, 0, "and is told that it came too late");
	is_int(messages(c), 0, "it has none");
	is_int(c->uidnext, next, "and had none");
	mine = true;
	is_int(move(stale, c, 1, 1, &mine, &first), 0, "an old view");
	ok(!mine, "is told so, too");
	is_int(messages(c), 0, "it makes no copy");
	is_int(messages(b), 1, "it is in one place");
	mailbox_close(a);
	mailbox_close(b);
	mailbox_close(c);
	mailbox_close(stale);
	place_free(&src);
	place_free(&dst);
	place_free(&third);
}

/* what is there of each, in all folders; a file is a message's by its inode */
static size_t
count_inodes(struct place *p, size_t n, ino_t *ino, size_t max)
{
	struct mailbox *mb = place_open(p, 0);
	struct stat st;
	size_t i;
	int fd;

	messages(mb);
	for (i = 0; i < mb->n && n < max; i++) {
		fd = mailbox_read(mb, i, &test_err);
		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		ino[n++] = st.st_ino;
		close(fd);
	}
	mailbox_close(mb);
	return n;
}

static void
mover(struct place *v, int64_t end)
{
	struct mailbox *mb[3];
	bool mine[MOVED];
	uint32_t first;
	int i, from, to;

	for (i = 0; i < 3; i++)
		mb[i] = place_open(&v[i], 0);
	while (mono_ms() < end) {
		from = (int)random_below(3);
		to = (from + 1 + (int)random_below(2)) % 3;
		if (mailbox_refresh(mb[from], &test_err) < 0)
			_exit(2);
		mailbox_purge(mb[from], NULL, NULL);
		if (mb[from]->n == 0)
			continue;
		first = mb[from]->msg[random_below((uint32_t)
		    mb[from]->n)].uid;
		if (move(mb[from], mb[to], first, first + 2, mine, &first) < 0)
			_exit(3);
	}
	_exit(0);
}

static int
cmp_ino(const void *a, const void *b)
{
	const ino_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* sessions move messages in circles: no two wait for each other, and each
 * message is in one place in the end */
static void
test_circle(void)
{
	struct place v[3];
	ino_t ino[4 * MOVED];
	int64_t end = mono_ms() + MOVE_MS;
	pid_t pid[MOVERS];
	int i, status, bad = 0;
	size_t n = 0, k, twice = 0;

	fill(&v[0], "circle0", MOVED);
	place_make(&v[1], "circle1");
	place_make(&v[2], "circle2");
	mailbox_close(place_open(&v[0], 0));
	for (i = 0; i < MOVERS; i++)
		if ((pid[i] = fork()) == 0)
			mover(v, end);
	for (i = 0; i < MOVERS; i++) {
		waitpid(pid[i], &status, 0);
		bad += status != 0;
	}
	is_int(bad, 0, "all moves are answered OK");
	ok(mono_ms() < end + 10000, "none waits for a lock in a circle");
	for (i = 0; i < 3; i++)
		n = count_inodes(&v[i], n, ino, ARRAY_LEN(ino));
	qsort(ino, n, sizeof(*ino), cmp_ino);
	for (k = 1; k < n; k++)
		twice += ino[k] == ino[k - 1];
	is_int(n, MOVED, "as many are there as before");
	is_int(twice, 0, "each of them once");
	for (i = 0; i < 3; i++)
		place_free(&v[i]);
}

/* where the originals can not be expunged there are no copies */
static void
test_not_expunged(void)
{
	struct mailbox *a, *b;
	struct stat st;
	uint32_t first = 0;
	bool mine[2];

	fill(&src, "stays", 2);
	place_make(&dst, "stays-to");
	a = place_open(&src, 0);
	b = place_open(&dst, 0);
	if (fstatat(src.at.dir, ".state/log", &st, 0) < 0)
		die("stat: %s", strerror(errno));
	bad_sync = st.st_ino;
	is_int(move(a, b, 1, 2, mine, &first), -1, "a log that can not be "
	    "written is told");
	bad_sync = 0;
	is_int(messages(b), 0, "no copy is left");
	is_int(place_count(&dst, "cur"), 0, "nor its file");
	is_int(messages(a), 2, "all is where it was");
	is_int(place_count(&src, "cur"), 2, "as files, too");
	is_int(move(a, b, 1, 2, mine, &first), 0, "it works later");
	is_int(messages(a) + 10 * messages(b), 20, "all is there then");
	mailbox_close(a);
	mailbox_close(b);
	place_free(&src);
	place_free(&dst);
}

/* within one user's folders a full quota is no hindrance */
static void
test_quota(void)
{
	struct mailbox *a, *b;
	struct mailbox_add *add;
	uint32_t first = 0;
	bool mine;

	fill(&src, "full", 1);
	fill(&dst, "full/.Sub", 0);
	dst.at.maildir = src.at.maildir;
	src.at.quota = dst.at.quota = 1;
	a = place_open(&src, 0);
	b = place_open(&dst, 0);
	add = mailbox_add_new(b);
	ok(mailbox_add_copy(add, a, 0, &test_err) < 0 ||
	    mailbox_add_commit(add, &first, &test_err) < 0,
	    "over quota nothing is copied");
	is_str(test_err.dsn, "5.2.2", "for that reason");
	mailbox_add_free(add);
	is_int(move(a, b, 1, 1, &mine, &first), 0, "but it is moved: %s",
	    test_err.text);
	mailbox_close(a);
	mailbox_close(b);
	place_free(&src);
	place_free(&dst);
}

/* --- EXPUNGE -------------------------------------------------------------- */

static int stubborn;

/* it has another name whenever it is to be removed */
static void
flip_name(int dir, const char *name)
{
	static const char *const flags[] = { "F", "R" };

	(void)dir;
	if (strncmp(name, "1.m", 3) == 0 && stubborn-- > 0)
		flag_file(&src, "1.m", flags[stubborn % 2]);
}

static void
touch_cur(void)
{
	place_put(&src, "cur/.x", "x");
	place_remove(&src, "cur/.x");
}

static void
test_never_found(void)
{
	struct mailbox *mb, *other;

	fill(&src, "never", 2);
	mb = place_open(&src, 0);
	flag_file(&src, "1.m", "F");
	hidden = "1.m";
	at_look = touch_cur;
	is_int(expunge(mb, 1, 1), 0, "one that readdir does not show, ever, "
	    "in a directory that changes, is expunged");
	is_int(place_count(&src, "cur"), 1, "(it does not show it)");
	mailbox_purge(mb, NULL, NULL);
	hidden = NULL;
	is_int(place_count(&src, "cur"), 2, "its file is there");
	other = place_open(&src, 0);
	is_str(view(other), "2:-", "when it is shown it is no new message");
	is_int(messages(mb), 1, "for nobody");
	at_look = NULL;
	is_int(messages(mb), 1, "and later");
	is_str(view(mb), "2:-", "the other stays");
	is_int(place_count(&src, "cur"), 1, "its file is removed");
	place_put(&src, "cur/1.m,S=2,W=3,U=1:2,", "m\n");
	is_int(messages(mb), 2, "one that comes from a backup then is new");
	is_str(view(mb), "2:-;3:-", "under another UID");
	mailbox_close(mb);
	mailbox_close(other);
	place_free(&src);
}

static void
test_always_renamed(void)
{
	struct mailbox *mb;

	fill(&src, "always", 2);
	mb = place_open(&src, 0);
	stubborn = STUBBORN;
	at_unlink = flip_name;
	is_int(expunge(mb, 1, 1), 0, "one that is renamed each time that it "
	    "shall be removed is expunged");
	ok(stubborn > 0, "(that goes on)");
	is_int(place_count(&src, "cur"), 2, "its file is there");
	is_int(messages(mb), 1, "but no new message");
	at_unlink = NULL;
	is_int(messages(mb), 1, "nor later");
	is_int(place_count(&src, "cur"), 1, "its file is removed");
	mailbox_close(mb);
	place_free(&src);
}

/* --- names over NFS ------------------------------------------------------- */

static void
rename_old(int dir, const char *name)
{
	(void)dir;
	(void)name;
	at_unlink = NULL;
	place_move(&src, "cur/1.m,S=2,W=3,U=1:2,",
	    "cur/1.m,S=2,W=3,U=1:2,R");
}

static void
test_link_rename(void)
{
	struct mailbox *mb;

	fill(&src, "nfs", 1);
	mb = place_open(&src, 0);
	old_rename = true;
	change(mb, 1, 1, "+F");
	mailbox_settle(mb);
	is_str(place_find(&src, "cur", "1.m"), "1.m,S=2,W=3,U=1:2,F",
	    "where no rename spares what is there names follow, too");
	change(mb, 1, 1, "-F");
	mailbox_settle(mb);
	change(mb, 1, 1, "+S");
	at_unlink = rename_old;
	mailbox_settle(mb);
	ok(at_unlink == NULL, "another program renames it between link and "
	    "unlink");
	is_int(messages(mb), 1, "it is there once");
	is_int(place_count(&src, "cur"), 1, "as a file, too");
	is_str(view(mb), "1:SR", "with both flags");
	mailbox_settle(mb);
	is_int(messages(mb), 1, "it stays");
	change(mb, 1, 1, "-S");
	lost_answer = true;
	mailbox_settle(mb);
	ok(!lost_answer, "an unlink is repeated, and its answer ENOENT");
	is_int(place_count(&src, "cur"), 1, "the file is there");
	is_int(messages(mb), 1, "and the message");
	is_str(view(mb), "1:R", "as it was");
	old_rename = false;
	mailbox_close(mb);
	place_free(&src);
}

/* --- POP3 ----------------------------------------------------------------- */

static struct place home;

static void
open_drop(struct drop *d, const char *name, int n)
{
	char path[80];

	place_make(&home, name);
	snprintf(path, sizeof(path), "%s/Maildir", name);
	fill(&src, path, n);
	if (drop_open(d, home.dir, &test_err) < 0 ||
	    drop_scan(d, 1000, &test_err) < 0)
		die("%s", test_err.text);
	is_int(d->n, n, "%d messages", n);
}

static void
close_drop(struct drop *d)
{
	drop_close(d);
	place_free(&src);
	place_free(&home);
}

/* shown again with the third look at the directories: new/ and cur/ each */
static void
show_later(void)
{
	if (looks >= 3)
		hidden = NULL;
}

static void
test_drop_coarse(void)
{
	struct drop_done done;
	struct drop d;

	open_drop(&d, "coarse", 2);
	flag_file(&src, "1.m", "F");
	coarse = true;
	d.msg[0].deleted = true;
	hidden = "1.m";
	looks = 0;
	at_look = show_later;
	/* not within the last 20 ms, but in this second or the last */
	usleep(30000);
	is_int(drop_update(&d, 0, &done, &test_err), 0,
	    "POP3 where times are whole seconds");
	ok(looks > 2, "what was not found is looked for again");
	is_int(done.deleted, 1, "told as deleted");
	hidden = NULL;
	at_look = NULL;
	coarse = false;
	is_str(place_find(&src, "cur", "1.m"), "", "and it is");
	close_drop(&d);
}

static void
test_drop_others_gone(void)
{
	struct drop_done done;
	struct drop d;

	open_drop(&d, "gone", 3);
	flag_file(&src, "1.m", "F");
	place_remove(&src, "cur/3.m,S=2,W=3,U=3:2,");
	d.msg[0].deleted = true;
	naps = looks = 0;
	is_int(drop_update(&d, 0, &done, &test_err), 0, "POP3 deletes one");
	is_int(naps, 0, "one that others removed keeps nobody waiting");
	is_int(place_count(&src, "cur"), 1, "one is left");
	close_drop(&d);
}

/* longer than the grain of times */
static void
touch_and_wait(void)
{
	struct timespec ts = { 0, 30000000 };

	touch_cur();
	nanosleep(&ts, NULL);
}

static void
test_drop_hidden(void)
{
	struct drop_done done;
	struct drop d;
	int fd;

	open_drop(&d, "hidden", 2);
	flag_file(&src, "1.m", "F");
	hidden = "2.m";
	at_look = touch_and_wait;
	fd = drop_read(&d, 0, &test_err);
	ok(fd >= 0, "one that was renamed is read");
	close_fd(fd);
	hidden = NULL;
	at_look = NULL;
	d.msg[1].deleted = true;
	is_int(drop_update(&d, 0, &done, &test_err), 0, "another, which "
	    "readdir missed then, is deleted");
	is_str(place_find(&src, "cur", "2.m"), "", "in truth");
	close_drop(&d);
}

int
main(void)
{
	alarm(120);
	test_copy_renamed();
	test_two_movers();
	test_circle();
	test_not_expunged();
	test_quota();
	test_never_found();
	test_always_renamed();
	test_link_rename();
	test_drop_coarse();
	test_drop_others_gone();
	test_drop_hidden();
	return tap_done();
}
