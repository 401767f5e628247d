/* store_deliver_test.c - making mailboxes, delivery, batches, undo */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/store.h"
#include "test/tap.h"

static char root[256], spool[256], path[1024];
static struct store st;
static struct err err;

static const char *
in(const char *dir, const char *rel)
{
	snprintf(path, sizeof(path), "%s/%s", dir, rel);
	return path;
}

static ino_t
inode(const char *rel)
{
	struct stat sb;

	return lstat(in(root, rel), &sb) == 0 ? sb.st_ino : 0;
}

static struct store_content
content(const char *name, const char *text, bool link)
{
	struct store_content c = { .fd = -1 };
	int fd = open(in(spool, name), O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("%s: %s", path, strerror(errno));
	c.fd = fd;
	c.size = c.wsize = strlen(text);
	if (link) {
		c.dir = open(spool, O_PATH);
		c.path = name;
	}
	return c;
}

static int
deliver(struct store_content *c, const char *home, const char *unique,
    bool again)
{
	struct store_slot slot = { home, unique, again, false };
	struct store_batch b;
	int r;

	store_batch_init(&b, &st);
	r = store_deliver(&b, c, &slot, &err);
	if (store_sync(&b, &err) < 0)
		return -2;
	return r;
}

static void
test_link(void)
{
	struct store_content c = content("m1", "Subject: x\n\nhi\n", true);
	struct store_slot slot = { "example.com/ann", "17.Qa", false,
	    false };
	struct stat sb;
	char *to;

	is_int(store_content_check(&c, &err), 0, "the content is fine");
	is_int(deliver(&c, "example.com/ann", "17.Qa", false), 1,
	    "a mailbox is made and gets its message");
	fstat(c.fd, &sb);
	ok(inode("example.com/ann/Maildir/new/17.Qa,S=15,W=15") == sb.st_ino,
	    "it is the same inode");
	ok(inode("example.com/ann/Maildir/cur") != 0 &&
	    inode("example.com/ann/Maildir/tmp") != 0 &&
	    inode("example.com/ann/Maildir/.state") != 0,
	    "the mailbox is whole");
	lstat(in(root, "example.com/ann"), &sb);
	is_int(sb.st_mode & 07777, 0700, "and closed to others");
	is_int(deliver(&c, "example.com/ann", "17.Qa", false), 0,
	    "a second attempt finds it there");
	alarm(20);
	mkfifo(in(root, "example.com/ann/Maildir/new/17.Qf,S=15,W=15"), 0600);
	is_int(deliver(&c, "example.com/ann", "17.Qf", false), 2,
	    "a pipe of that name keeps nobody waiting");
	lstat(in(root, "example.com/ann/Maildir/new/17.Qf,S=15,W=15"), &sb);
	ok(S_ISREG(sb.st_mode), "the message takes its place");
	alarm(0);

	to = xasprintf("%s/example.com/ann/Maildir/cur/17.Qa,S=15,U=3:2,S",
	    root);
	rename(in(root, "example.com/ann/Maildir/new/17.Qa,S=15,W=15"), to);
	free(to);
	is_int(deliver(&c, "example.com/ann", "17.Qa", true), 0,
	    "`again' finds it in cur/ too, under another name");
	is_int(deliver(&c, "example.com/ann", "17.Q", true), 1,
	    "but only the whole unique part counts");
	slot.unique = "17.Q";
	store_undo(&st, &c, &slot);
	ok(inode("example.com/ann/Maildir/new/17.Q,S=15,W=15") == 0,
	    "a delivery is taken back");
	close(c.dir);
	close(c.fd);
}

static void
test_copy(void)
{
	struct store_content c = content("m2", "copied\n", false);
	struct stat sb, want;
	int fd;

	is_int(store_content_check(&c, &err), 0, "no path is fine");
	/* what a process of our number left behind is in the way */
	deliver(&c, "example.com/bob", "16.Qz", false);
	snprintf(path, sizeof(path),
	    "%s/example.com/bob/Maildir/tmp/18.Qb,S=7,W=7.%d", root,
	    (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ok(fd >= 0 && write(fd, "half", 4) == 4, "a leftover in tmp/");
	close(fd);
	is_int(deliver(&c, "example.com/bob", "18.Qb", false), 1, "a copy");
	ok(access(path, F_OK) < 0, "tmp/ is empty afterwards");
	fstat(c.fd, &want);
	lstat(in(root, "example.com/bob/Maildir/new/18.Qb,S=7,W=7"), &sb);
	ok(sb.st_ino != want.st_ino && sb.st_size == 7,
	    "it is a file of its own");
	is_int(deliver(&c, "example.com/bob", "18.Qb", false), 0,
	    "which is found too");

	c.dir = open(spool, O_PATH);
	c.path = "m1";
	is_int(store_content_check(&c, &err), 0, "a path of another file");
	ok(!c.linkable, "is not linked");
	c.size = 8;
	is_int(store_content_check(&c, &err), -1, "a wrong size is an error");
	is_int(err.kind, ERR_TEMP, "of the temporary kind");
	close(c.dir);
	close(c.fd);
}

/* what a power cut may have left in the place of a delivery */
static void
test_damaged(void)
{
	struct store_content c = content("m4", "ten bytes\n", true);
	struct store_content other = content("m5", "ten bytez\n", true);
	struct store_content empty = content("m6", "", true);
	struct store_slot slot = { "example.com/cec", "20.Qd", true, true };
	const char *new = "example.com/cec/Maildir/new/20.Qd,S=10,W=10";
	struct store_batch b;
	struct stat sb;
	char *cur;

	store_content_check(&c, &err);
	store_content_check(&other, &err);
	store_content_check(&empty, &err);
	deliver(&other, "example.com/cec", "20.Qd", false);
	is_int(deliver(&c, "example.com/cec", "20.Qd", true), 2,
	    "other bytes are replaced");
	fstat(c.fd, &sb);
	ok(inode(new) == sb.st_ino, "by the content itself");
	is_int(deliver(&c, "example.com/cec", "20.Qd", true), 0,
	    "which is found then");
	unlink(in(root, new));
	deliver(&other, "example.com/cec", "20.Qd", false);
	is_int(deliver(&c, "example.com/cec", "20.Qd", false), 2,
	    "also where nobody said that it may be there");
	unlink(in(root, new));
	deliver(&empty, "example.com/cec", "20.Qd", false);
	cur = xasprintf("%s/example.com/cec/Maildir/cur/20.Qd,S=10,U=1:2,S",
	    root);
	rename(in(root, "example.com/cec/Maildir/new/20.Qd,S=0,W=0"), cur);
	c.linkable = false;
	is_int(deliver(&c, "example.com/cec", "20.Qd", true), 2,
	    "an empty one in cur/, by a copy");
	ok(lstat(cur, &sb) == 0 && sb.st_size == 10, "under its name");
	ok(inode(new) == 0, "and there is no other");
	is_int(deliver(&c, "example.com/cec", "20.Qd", true), 0,
	    "a copy with the same bytes is found");
	store_batch_init(&b, &st);
	b.synced = sb.st_dev;
	is_int(store_deliver(&b, &c, &slot, &err), 2,
	    "unless it is in doubt");
	is_int(b.n, 0, "who is covered by another's sync does not sync");
	unlink(cur);
	c.linkable = true;
	is_int(deliver(&c, "example.com/cec", "20.Qd", false), 1, "linked");
	is_int(store_deliver(&b, &c, &slot, &err), 2,
	    "the content itself, in doubt, is replaced");
	fstat(c.fd, &sb);
	ok(inode(new) != 0 && inode(new) != sb.st_ino, "by a copy");
	store_sync(&b, &err);
	free(cur);
	close(c.fd);
	close(other.fd);
	close(empty.fd);
	close(c.dir);
	close(other.dir);
	close(empty.dir);
}

static void
test_batch(void)
{
	struct store_content c = content("m3", "to many\n", true);
	struct store_batch b;
	char home[64], rel[128];
	int i, good = 0;

	store_content_check(&c, &err);
	store_batch_init(&b, &st);
	for (i = 0; i < 50; i++) {
		struct store_slot slot = { home, "19.Qc", false, false };

		snprintf(home, sizeof(home), "example.com/u%d", i);
		good += store_deliver(&b, &c, &slot, &err) == 1;
	}
	is_int(good, 50, "fifty mailboxes");
	ok(b.many && b.n <= BATCH_DIRS, "the batch holds few directories");
	is_int(store_sync(&b, &err), 0, "one sync for all");
	is_int(b.n, 0, "then it is empty");
	for (i = good = 0; i < 50; i++) {
		snprintf(rel, sizeof(rel), "example.com/u%d/Maildir/new/"
		    "19.Qc,S=8,W=8", i);
		good += inode(rel) != 0;
	}
	is_int(good, 50, "all are there");
	close(c.dir);
	close(c.fd);
}

static void
test_escape(void)
{
	struct store_content c = content("m4", "x\n", false);

	mkdir(in(root, "evil.example"), 0700);
	mkdir(in(root, "evil.example/link"), 0700);
	ok(symlink(spool, in(root, "evil.example/link/Maildir")) == 0,
	    "a Maildir that is a symbolic link");
	is_int(deliver(&c, "evil.example/link", "20.Qd", false), -1,
	    "is not followed");
	is_int(err.kind, ERR_TEMP, "nor bounced");
	ok(symlink(spool, in(root, "evil.example/self")) == 0, "a home");
	is_int(deliver(&c, "evil.example/self", "20.Qd", false), -1,
	    "neither");
	is_int(deliver(&c, "../x", "20.Qd", false), -1, "nor is ..");
	ok(access(in(spool, "Maildir"), F_OK) < 0, "nothing was made");
	close(c.fd);
}

static void
test_root(void)
{
	struct store other;
	char *moved = xasprintf("%s.moved", root);

	is_int(store_open(&other, in(root, "not-there"), &err), -1,
	    "a missing root is an error");
	is_int(err.kind, ERR_TEMP, "of the temporary kind");
	ok(access(in(root, "not-there"), F_OK) < 0, "and is not made");
	store_close(&other);

	rename(root, moved);
	is_int(store_refresh(&st, &err), -1, "a root that vanished is told");
	mkdir(root, 0700);
	is_int(store_refresh(&st, &err), 0, "another one is taken");
	ok(inode("example.com") == 0, "it is the new one");
	rmdir(root);
	rename(moved, root);
	is_int(store_refresh(&st, &err), 0, "and the old one again");
	free(moved);
}

int
main(void)
{
	snprintf(root, sizeof(root), "%s/mail", tap_dir());
	snprintf(spool, sizeof(spool), "%s/spool", tap_dir());
	mkdir(root, 0700);
	mkdir(spool, 0700);
	is_int(store_open(&st, root, &err), 0, "a store");
	test_link();
	test_copy();
	test_damaged();
	test_batch();
	test_escape();
	test_root();
	store_close(&st);
	return tap_done();
}
