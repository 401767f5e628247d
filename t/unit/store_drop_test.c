/* store_drop_test.c - a mailbox for POP3: order, sizes, UIDLs, update */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/drop.h"
#include "test/tap.h"

static const char *home;
static int md;
static struct err err;

static void
put(const char *name, const char *text)
{
	int fd = openat(md, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("%s: %s", name, strerror(errno));
	close(fd);
}

static bool
there(const char *name)
{
	return faccessat(md, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
move(const char *from, const char *to)
{
	if (renameat(md, from, md, to) < 0)
		die("%s: %s", from, strerror(errno));
}

static void
load(struct drop *d)
{
	if (drop_open(d, home, &err) < 0 || drop_lock(d, 0, &err) != 1 ||
	    drop_scan(d, 100, &err) < 0)
		die("drop: %s", err.text);
}

static const char *
uidl(const struct drop *d, size_t i)
{
	static char text[80];
	struct str s = STR_INIT;

	drop_uidl(d, i, &s);
	slice_copy(text, sizeof(text), slice_str(&s));
	str_free(&s);
	return text;
}

static void
test_scan(void)
{
	struct drop d;
	uint64_t n, octets;

	put("cur/20.b,S=5,W=7:2,S", "a\nb\n\n");
	put("new/9.a,S=4", "a\nb\n");
	put("new/30.foreign", "x\r\ny\rz");
	put("new/31.empty", "");
	put("tmp/32.half", "never");
	if (symlinkat("../tmp/32.half", md, "new/33.link") < 0)
		die("symlink: %s", strerror(errno));
	mkdirat(md, "new/34.dir", 0700);
	load(&d);
	is_int(d.n, 4, "files of new/ and cur/, no links, no directories");
	is_str(d.msg[0].name, "9.a,S=4", "in order of arrival");
	is_str(d.msg[1].name, "20.b,S=5,W=7:2,S", "by number, not by text");
	is_int(d.msg[0].octets, 6, "W= is missing: counted");
	is_int(d.msg[1].octets, 7, "W= is there: believed");
	is_int(d.msg[2].octets, 9, "every line end is two octets");
	is_int(d.msg[2].size, 6, "and the size that of the file");
	is_int(d.msg[3].octets, 0, "an empty file is empty");
	drop_stat(&d, &n, &octets);
	ok(n == 4 && octets == 22, "in all");
	is_str(uidl(&d, 1), "20.b", "UIDL is the unique part");
	drop_close(&d);
}

static void
test_lock(void)
{
	struct drop a, b;

	load(&a);
	is_int(drop_last_login(&a), 0, "nobody logged in yet");
	is_int(drop_set_login(&a, 12345, &err), 0, "a login is noted");
	is_int(drop_last_login(&a), 12345, "and read");
	drop_open(&b, home, &err);
	is_int(drop_lock(&b, 150, &err), 0, "a second session waits in vain");
	drop_unlock(&a);
	is_int(drop_lock(&b, 0, &err), 1, "until the first is done");
	drop_close(&a);
	drop_open(&a, home, &err);
	is_int(drop_lock(&a, 0, &err), 0, "whose end does not take it away");
	drop_close(&a);
	is_int(drop_last_login(&b), 12345, "the note is still there");
	drop_close(&b);
}

static void
test_moved(void)
{
	struct drop d;
	int fd;

	load(&d);
	move("new/9.a,S=4", "cur/9.a,S=4,U=1:2,S");
	fd = drop_read(&d, 0, &err);
	ok(fd >= 0, "a message that was moved is found");
	close_fd(fd);
	unlinkat(md, "new/31.empty", 0);
	is_int(drop_read(&d, 3, &err), -1, "one that was removed is not");
	is_int(err.kind, ERR_PERM, "for good");
	fd = drop_read(&d, 2, &err);
	ok(fd >= 0, "the others are still there");
	close_fd(fd);
	drop_close(&d);
	load(&d);
	is_str(uidl(&d, 0), "9.a", "the UIDL is the same after the move");
	drop_close(&d);
}

static void
test_dup(void)
{
	struct drop d;
	char first[80], second[80];

	put("new/40.d,S=2", "1\n");
	put("cur/40.d,S=4:2,S", "1\n2\n");
	load(&d);
	is_int(d.n, 5, "two files of one unique part");
	is_str(d.msg[3].name, "40.d,S=4:2,S", "that in cur/ keeps it");
	snprintf(first, sizeof(first), "%s", uidl(&d, 3));
	snprintf(second, sizeof(second), "%s", uidl(&d, 4));
	ok(strcmp(first, second) != 0, "the UIDLs differ");
	d.msg[3].deleted = true;
	is_int(drop_update(&d, 0, &(struct drop_done){ 0 }, &err), 0,
	    "the first is deleted");
	drop_close(&d);
	load(&d);
	is_str(uidl(&d, 3), second, "the second keeps its own UIDL");
	d.msg[3].deleted = true;
	drop_update(&d, 0, &(struct drop_done){ 0 }, &err);
	drop_close(&d);

	put("new/41.e,S=2", "1\n");
	if (linkat(md, "new/41.e,S=2", md, "cur/41.e,S=2:2,", 0) < 0)
		die("link: %s", strerror(errno));
	load(&d);
	is_int(d.n, 4, "one inode that is being moved is one message");
	drop_close(&d);
	unlinkat(md, "new/41.e,S=2", 0);
	unlinkat(md, "cur/41.e,S=2:2,", 0);
}

static void
test_update(void)
{
	struct drop d;
	struct drop_done done;

	put("maildirsize", "100S\n15 3\n");
	load(&d);
	d.msg[0].deleted = true;
	d.msg[2].seen = true;
	move("cur/9.a,S=4,U=1:2,S", "cur/9.a,S=4,U=1:2,FS");
	is_int(drop_update(&d, DROP_SAVE_SEEN | DROP_MARK_SEEN, &done, &err),
	    0, "an update");
	is_int(done.deleted, 1, "one removed");
	is_int(done.seen, 1, "one seen");
	ok(!there("cur/9.a,S=4,U=1:2,FS"), "though it was renamed");
	ok(there("cur/30.foreign:2,S"), "what was read is in cur/, seen");
	ok(there("cur/20.b,S=5,W=7:2,S"), "the rest stays");
	drop_close(&d);

	is_int(md >= 0 && there("maildirsize"), 1, "maildirsize is kept");
	load(&d);
	is_str(uidl(&d, 1), "30.foreign", "and the UIDL stays too");
	d.msg[0].deleted = true;
	unlinkat(md, "cur/20.b,S=5,W=7:2,S", 0);
	is_int(drop_update(&d, 0, &done, &err), 0,
	    "deleting what is gone is no error");
	drop_close(&d);
}

static void
test_fail(void)
{
	struct drop d;
	struct drop_done done;

	put("new/50.x,S=1", "x");
	put("new/51.y,S=1", "y");
	load(&d);
	d.msg[1].deleted = d.msg[2].deleted = true;
	/* a directory in its place can not be unlinked, even by root */
	unlinkat(md, "new/50.x,S=1", 0);
	mkdirat(md, "new/50.x,S=1", 0700);
	is_int(drop_update(&d, 0, &done, &err), -1, "a failure is told");
	ok(done.deleted == 1 && done.failed == 1, "and the rest is done");
	ok(!there("new/51.y,S=1"), "the other one is gone");
	drop_close(&d);

	put("new/52.a", "");
	put("new/53.b", "");
	if (drop_open(&d, home, &err) == 0)
		drop_scan(&d, 1, &err);
	ok(d.n == 1 && d.more, "at most max messages are read");
	drop_close(&d);
	is_int(drop_open(&d, "/nonexistent", &err), -1, "no home, no drop");
	drop_close(&d);
}

int
main(void)
{
	static const char *const dirs[] = { "Maildir", "Maildir/tmp",
		"Maildir/new", "Maildir/cur", "Maildir/.state" };
	int dir;
	size_t i;

	home = tap_dir();
	dir = open(home, O_PATH | O_DIRECTORY);
	for (i = 0; i < ARRAY_LEN(dirs); i++)
		mkdirat(dir, dirs[i], 0700);
	md = openat(dir, "Maildir", O_PATH | O_DIRECTORY);
	close(dir);
	test_scan();
	test_lock();
	test_moved();
	test_dup();
	test_update();
	test_fail();
	close(md);
	return tap_done();
}
