/* mailbox_foreign_test.c - other programs change the Maildir: nothing is
 * lost, nothing gets another UID, nothing is overwritten or removed */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "mailbox_help.h"
#include "store/drop.h"
#include "store/store.h"
#include "test/tap.h"

enum { FLIPPED = 40, RACES = 12 };

/* what changed a moment ago is looked at again */
static int
refresh(struct mailbox *mb)
{
	int r = mailbox_refresh(mb, &test_err);

	return r;
}

static struct mailbox *
three(struct place *p, const char *name)
{
	struct mailbox *mb;

	place_make(p, name);
	place_put(p, "new/1.a", "a\n");
	place_put(p, "new/2.b", "b\n");
	place_put(p, "new/3.c", "c\n");
	mb = place_open(p, 0);
	usleep(30000);
	mailbox_refresh(mb, &test_err);
	return mb;
}

static void
test_rename(void)
{
	struct place p;
	struct mailbox *mb = three(&p, "rename");

	place_move(&p, "cur/1.a,S=2,W=3,U=1:2,", "cur/1.a,S=2,W=3,U=1:2,FS");
	is_int(refresh(mb), 1, "flags of another program are seen");
	is_str(view(mb), "1:SF;2:-;3:-", "and taken over");
	ok(mb->msg[0].flags & MSG_TOUCHED, "the session can tell");
	change(mb, 2, 2, "+S");
	place_move(&p, "cur/2.b,S=2,W=3,U=2:2,", "cur/2.b,S=2,W=3,U=2:2,T");
	usleep(30000);
	refresh(mb);
	is_str(view(mb), "1:SF;2:ST;3:-",
	    "a change of ours that has no name yet is not undone");
	place_move(&p, "cur/1.a,S=2,W=3,U=1:2,FS", "cur/1.a,S=2,W=3,U=1:2,F");
	usleep(30000);
	refresh(mb);
	is_str(view(mb), "1:F;2:ST;3:-", "a flag is taken away");
	place_move(&p, "cur/3.c,S=2,W=3,U=3:2,", "cur/3.c:2,RSab");
	usleep(30000);
	refresh(mb);
	is_str(view(mb), "1:F;2:ST;3:SR", "a name without its fields");
	is_str(place_find(&p, "cur", "3."), "3.c,S=2,W=3,U=3:2,RSab",
	    "gets them back, and letters of others stay");
	is_str(text_of(mb, 2), "c\n", "it is read");
	change(mb, 3, 3, "-R");
	mailbox_settle(mb);
	is_str(place_find(&p, "cur", "3."), "3.c,S=2,W=3,U=3:2,Sab",
	    "also when flags change");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), "1:F;2:ST;3:S", "all is in the log");
	is_str(text_of(mb, 2), "c\n", "it is read again");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_remove(void)
{
	struct place p;
	struct mailbox *mb = three(&p, "remove");
	uint64_t modseq = mb->modseq;

	place_remove(&p, "cur/2.b,S=2,W=3,U=2:2,");
	usleep(30000);
	is_int(refresh(mb), 1, "a file that is gone is noticed");
	is_str(view(mb), "1:-;(2:-);3:-", "it is expunged");
	ok(mb->modseq > modseq, "with a modseq");
	place_put(&p, "cur/2.b,S=2,W=3,U=2:2,", "b\n");
	usleep(30000);
	refresh(mb);
	is_str(view(mb), "1:-;(2:-);3:-;4:-",
	    "restored, it gets a new UID and is not removed");
	is_str(place_find(&p, "cur", "2."), "2.b,S=2,W=3,U=4:2,",
	    "in its name too");
	expunge(mb, 4, 4);
	mailbox_purge(mb, NULL, NULL);
	place_put(&p, "cur/2.b,S=2,W=3,U=4:2,", "b\n");
	usleep(30000);
	refresh(mb);
	is_str(view(mb), "1:-;3:-;5:-", "so does what we expunged");
	is_str(text_of(mb, 2), "b\n", "and it is there");
	place_remove(&p, "cur/1.a,S=2,W=3,U=1:2,");
	is_int(mailbox_read(mb, 0, &test_err), -1, "what is gone is gone");
	is_int(test_err.kind, ERR_PERM, "for good");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_uids(void)
{
	struct place p;
	struct mailbox *mb = three(&p, "uids");

	place_put(&p, "cur/7.x,S=2,W=3,U=3:2,", "x\n");
	place_put(&p, "cur/6.y,S=2,W=3,U=9:2,S", "y\n");
	place_put(&p, "new/5.z,S=2,W=3,U=9", "z\n");
	place_put(&p, "cur/8.w,S=2,W=3,U=4000000000:2,", "w\n");
	usleep(30000);
	refresh(mb);
	is_str(view(mb), "1:-;2:-;3:-;9:-;10:S;11:-;12:-",
	    "a free UID is kept, a second one of it gets another, and so "
	    "does one out of all measure");
	is_str(text_of(mb, 2), "c\n", "the first owner keeps its UID");
	is_int(place_count(&p, "cur"), 7, "all files are there");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_strange(void)
{
	struct place p;
	struct mailbox *mb;
	char name[300], base[300];
	size_t i;

	place_make(&p, "strange");
	place_put(&p, "new/1 a\n%\x7f\xff", "a\n");
	memset(name, 'x', sizeof(name));
	snprintf(base, sizeof(base), "new/%.250s", name);
	place_put(&p, base, "long\n");
	snprintf(base, sizeof(base), "cur/%.236s,U=1:2,S", name);
	place_put(&p, base, "longer\n");
	place_put(&p, "cur/,S=3", "b\n");
	place_put(&p, "cur/:2,S", "c\n");
	place_put(&p, "cur/U=7,U=7,U=8", "d\n");
	place_put(&p, "cur/.hidden", "e\n");
	mkdirat(p.at.dir, "cur/dir", 0700);
	if (symlinkat("/etc/passwd", p.at.dir, "cur/link") < 0)
		die("symlink");
	mb = place_open(&p, 0);
	is_int(mb->n, 6, "files with strange names are messages");
	for (i = 0; i < mb->n; i++)
		ok(strlen(text_of(mb, i)) == mb->msg[i].size,
		    "message %zu is read", i);
	change(mb, 1, 100, "+FT");
	mailbox_settle(mb);
	for (i = 0; i < mb->n; i++)
		ok(strlen(text_of(mb, i)) == mb->msg[i].size,
		    "message %zu is read after a change of flags", i);
	snprintf(base, sizeof(base), "%s", view(mb));
	mailbox_close(mb);
	mb = place_open(&p, 0);
	is_str(view(mb), base, "the same when opened again");
	for (i = 0; i < mb->n; i++)
		ok(strlen(text_of(mb, i)) == mb->msg[i].size,
		    "message %zu is read then", i);
	mailbox_close(mb);
	place_free(&p);
}

/* POP3 and delivery on the same Maildir */
static void
test_others(void)
{
	struct place p;
	struct mailbox *mb;
	struct drop d;
	struct drop_done done;
	struct store st;
	struct store_slot slot = { .home = "", .unique = "2.b",
	    .again = true };
	char *home;

	/* a home whose Maildir this is */
	place_make(&p, "home");
	home = p.dir;
	mkdirat(p.at.dir, "Maildir", 0700);
	p.at.dir = openat(p.at.dir, "Maildir", O_PATH | O_DIRECTORY);
	mkdirat(p.at.dir, "new", 0700);
	mkdirat(p.at.dir, "cur", 0700);
	mkdirat(p.at.dir, "tmp", 0700);
	place_put(&p, "new/1.a,S=2,W=3", "a\n");
	place_put(&p, "new/2.b,S=2,W=3", "b\n");
	mb = place_open(&p, 0);
	change(mb, 2, 2, "+S");
	mailbox_settle(mb);
	if (store_open(&st, home, &test_err) < 0)
		die("%s", test_err.text);
	is_int(store_has(&st, &slot, &test_err), 1,
	    "a delivery that is tried again finds the message");
	store_close(&st);
	if (drop_open(&d, home, &test_err) < 0 ||
	    drop_lock(&d, 0, &test_err) != 1 ||
	    drop_scan(&d, 100, &test_err) < 0)
		die("%s", test_err.text);
	is_int(d.n, 2, "POP3 sees both");
	{
		struct str u = STR_INIT;

		drop_uidl(&d, 1, &u);
		is_str(u.s, "2.b", "the UIDL is the unique part");
		str_free(&u);
	}
	change(mb, 1, 1, "+F");
	mailbox_settle(mb);
	d.msg[0].deleted = true;
	is_int(drop_update(&d, 0, &done, &test_err), 0, "POP3 deletes");
	drop_close(&d);
	usleep(30000);
	refresh(mb);
	is_str(view(mb), "(1:F);2:S", "and IMAP is told");
	mailbox_close(mb);
	place_free(&p);
}

static void
test_readonly(void)
{
	struct place p;
	struct mailbox *mb = three(&p, "ro");
	uint32_t i = 0;
	struct flags_change c = { .op = FLAGS_ADD, .flags = MSG_SEEN };

	mailbox_close(mb);
	place_put(&p, "new/4.d", "d\n");
	mb = place_open(&p, MAILBOX_READONLY);
	ok(mb->readonly, "EXAMINE");
	is_str(view(mb), "1:-;2:-;3:-;4:-", "sees new messages");
	ok(mb->msg[3].flags & MSG_RECENT, "which are recent");
	is_int(mailbox_flags(mb, &i, 1, &c, NULL, &test_err), -1,
	    "and changes none");
	is_str(test_err.dsn, "5.7.8", "for it is read-only");
	mailbox_close(mb);
	mb = place_open(&p, 0);
	ok(mb->msg[3].flags & MSG_RECENT, "recent is left to others");
	mailbox_close(mb);
	place_free(&p);
}

static void
modes(struct place *p, mode_t dir, mode_t file)
{
	static const char *const dirs[] = { "new", "cur", ".state", "." };
	size_t i;

	for (i = 0; i < ARRAY_LEN(dirs); i++)
		if (fchmodat(p->at.dir, dirs[i], dir, 0) < 0)
			die("chmod: %s", strerror(errno));
	if (fchmodat(p->at.dir, ".state/log", file, 0) < 0 && errno != ENOENT)
		die("chmod: %s", strerror(errno));
}

/* a shared folder that we may only read */
static void
test_foreign_folder(void)
{
	struct place p;
	struct mailbox *mb = three(&p, "shared");
	bool root = geteuid() == 0;

	change(mb, 2, 2, "+S $Work");
	mailbox_close(mb);
	place_put(&p, "new/4.d,S=2,W=3", "d\n");
	modes(&p, 0555, 0444);
	if (root && setresuid(65534, 65534, 0) < 0)
		die("seteuid: %s", strerror(errno));
	mb = mailbox_open(&p.at, 0, &test_err);
	ok(mb != NULL, "a folder of others opens");
	ok(mb != NULL && mb->readonly, "read-only");
	is_str(mb ? view(mb) : "", "1:-;2:S,$Work;3:-",
	    "with the UIDs that its owner gave");
	if (mb != NULL) {
		ok(append(mb, "x", 0, NULL) == 0 && expunge(mb, 1, 1) < 0,
		    "and nothing can be changed");
		mailbox_close(mb);
	}
	if (root && setresuid(0, 0, 0) < 0)
		die("seteuid: %s", strerror(errno));
	modes(&p, 0755, 0644);
	place_remove(&p, ".state/log");
	modes(&p, 0555, 0444);
	if (root && setresuid(65534, 65534, 0) < 0)
		die("seteuid: %s", strerror(errno));
	mb = mailbox_open(&p.at, 0, &test_err);
	is_int(mb ? mb->n : 0, 4, "without a log it shows what is there %s",
	    mb ? "" : test_err.text);
	mailbox_close(mb);
	if (root && setresuid(0, 0, 0) < 0)
		die("seteuid: %s", strerror(errno));
	modes(&p, 0755, 0644);
	if (mkfifoat(p.at.dir, ".state/log", 0644) < 0)
		die("mkfifo: %s", strerror(errno));
	modes(&p, 0555, 0444);
	if (root && setresuid(65534, 65534, 0) < 0)
		die("seteuid: %s", strerror(errno));
	alarm(20);
	ok(mailbox_open(&p.at, 0, &test_err) == NULL,
	    "a log that is a pipe keeps nobody waiting");
	alarm(0);
	if (root && setresuid(0, 0, 0) < 0)
		die("seteuid: %s", strerror(errno));
	modes(&p, 0755, 0644);
	place_remove(&p, ".state/log");
	mb = place_open(&p, 0);
	ok(mb->n == 4 && mb->msg[2].uid == 3, "its owner sees it all");
	mailbox_close(mb);
	place_free(&p);
}

/* flags of one change all the time, until it is gone */
static _Noreturn void
flip_all(struct place *p)
{
	char a[80], b[80];
	size_t i;

	for (;;)
		for (i = 1; i <= FLIPPED; i++) {
			snprintf(a, sizeof(a), "%zu.f,S=2,W=3,U=%zu:2,F", i, i);
			snprintf(b, sizeof(b), "%zu.f,S=2,W=3,U=%zu:2,R", i, i);
			if (renameat(p->at.dir, a, p->at.dir, b) < 0)
				renameat(p->at.dir, b, p->at.dir, a);
		}
}

static void
fill_flipped(struct place *p)
{
	char name[80];
	size_t i;

	for (i = 1; i <= FLIPPED; i++) {
		snprintf(name, sizeof(name), "cur/%zu.f,S=2,W=3,U=%zu:2,F", i,
		    i);
		place_put(p, name, "f\n");
	}
}

static pid_t
start_flipping(struct place *p)
{
	pid_t pid = fork();

	if (pid == 0) {
		p->at.dir = openat(p->at.dir, "cur", O_RDONLY | O_DIRECTORY);
		flip_all(p);
	}
	usleep(20000);
	return pid;
}

/* Another program changes flags while we expunge: what has another name by the
 * time that it is unlinked is looked for again. */
static void
test_expunge_race(void)
{
	struct place p;
	struct mailbox *mb;
	int status;
	pid_t pid;

	place_make(&p, "race");
	fill_flipped(&p);
	mb = place_open(&p, 0);
	is_int(mb->n, FLIPPED, "there they are");
	pid = start_flipping(&p);
	is_int(expunge(mb, 1, FLIPPED), 0, "expunged while they are renamed");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	is_int(place_count(&p, "cur"), 0, "all are gone");
	usleep(30000);
	refresh(mb);
	is_int(mb->n - mb->gone, 0, "and none comes back");
	mailbox_close(mb);
	place_free(&p);
}

/* The same for POP3: 0 all were deleted, and told so.  More than once, for the
 * other one may not run meanwhile. */
static size_t
drop_race(struct place *p, const char *home)
{
	struct drop_done done;
	struct drop d;
	int status;
	size_t i, left;
	pid_t pid;

	fill_flipped(p);
	if (drop_open(&d, home, &test_err) < 0 ||
	    drop_scan(&d, 1000, &test_err) < 0)
		die("%s", test_err.text);
	pid = start_flipping(p);
	for (i = 0; i < d.n; i++)
		d.msg[i].deleted = true;
	left = drop_update(&d, 0, &done, &test_err) < 0 ||
	    done.deleted != FLIPPED;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	left += place_count(p, "cur");
	drop_close(&d);
	return left;
}

static void
test_drop_race(void)
{
	struct place p, home;
	size_t i, left = 0;

	place_make(&home, "pop");
	place_make(&p, "pop/Maildir");
	for (i = 0; i < RACES && left == 0; i++)
		left = drop_race(&p, home.dir);
	is_int(left, 0, "POP3 deletes all while they are renamed");
	place_free(&p);
	place_free(&home);
}

int
main(void)
{
	test_rename();
	test_remove();
	test_uids();
	test_strange();
	test_others();
	test_readonly();
	test_foreign_folder();
	test_expunge_race();
	test_drop_race();
	return tap_done();
}
