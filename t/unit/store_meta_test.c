/* store_meta_test.c - the message cache, on messages of a mailbox that is
 * only an array */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "store/meta.h"
#include "test/tap.h"

#define ROWS 1200

static struct mailbox_msg msgs[ROWS];
static struct mailbox mb = { .msg = msgs, .n = ROWS, .uidvalidity = 5,
	.id = "box1" };
static struct err err;
static struct meta_row row;
static struct meta *m;
static int dir, reads;
static const char *text;	/* what every message is; NULL: one of UID */

/* the file of message i */
int
mailbox_read(struct mailbox *box, size_t i, struct err *e)
{
	char buf[400];
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR, 0600);

	if (box->msg[i].flags & MSG_GONE) {
		close(fd);
		return err_perm(e, "5.2.0", "gone");
	}
	snprintf(buf, sizeof(buf), "Subject: Re: number %u\nFrom: a@b\n"
	    "X-Other: x\n\ntext %u\n", box->msg[i].uid, box->msg[i].uid);
	if (fd < 0 || full_write(fd, text ? text : buf,
	    strlen(text ? text : buf)) < 0)
		die("message: %s", strerror(errno));
	reads++;
	return fd;
}

static const char *
z(struct slice s)
{
	static char buf[4][1000];
	static int i;

	i = (i + 1) % 4;
	return slice_copy(buf[i], sizeof(buf[i]), s);
}

static const char *
subject_of(size_t i)
{
	return meta_get(m, &mb, i, &row, &err) < 0 ? err.dsn :
	    z(row.subject);
}

static void
again(void)
{
	meta_free(m);
	m = meta_new(dir);
	reads = 0;
}

static void
test_row(void)
{
	text = "Received: by x\n"
	    "Date: Sun, 22 Nov 2026 10:00:00 +0100\n"
	    "From: \"Ann X\" <ann@example.com>\n"
	    "To: =?utf-8?q?J=C3=BCrgen?= <j@example.org>, b@c\n"
	    "cc: Carol@example.net\n"
	    "SUBJECT: Re: [fwd: Stra\xc3\x9f" "e]\n"
	    "Message-ID: <1@example.com>\n"
	    "References: <a@b>\n\t<\"x y\"@b>\n"
	    "X-Priority: 3\n"
	    "\n"
	    "Hello there\n";
	is_int(meta_get(m, &mb, 0, &row, &err), 0, "made");
	is_str(z(row.fields), "Date: Sun, 22 Nov 2026 10:00:00 +0100\r\n"
	    "From: \"Ann X\" <ann@example.com>\r\n"
	    "To: =?utf-8?q?J=C3=BCrgen?= <j@example.org>, b@c\r\n"
	    "cc: Carol@example.net\r\n"
	    "SUBJECT: Re: [fwd: Stra\xc3\x9f" "e]\r\n"
	    "Message-ID: <1@example.com>\r\n"
	    "References: <a@b>\r\n\t<\"x y\"@b>\r\n"
	    "X-Priority: 3\r\n", "usual fields, as they are");
	ok(slice_starts(row.envelope, "(\"Sun, 22 Nov 2026 10:00:00 +0100\""),
	    "an envelope");
	is_str(z(row.body), "(\"text\" \"plain\" (\"charset\" \"us-ascii\")"
	    " NIL NIL \"7bit\" 13 1)", "a body");
	ok(slice_starts(row.structure, "(\"text\" \"plain\"") &&
	    row.structure.n > row.body.n, "and its structure");
	ok(row.preview.p == NULL, "no preview, as long as nobody asked");
	is_str(z(row.subject), "STRA\xc3\x9f" "E", "the base subject, folded");
	ok(row.is_reply, "is an answer");
	is_str(z(row.from), "ANN", "mailbox of From");
	is_str(z(row.to), "J", "of To");
	is_str(z(row.cc), "CAROL", "of Cc");
	is_str(z(row.display_from), "ANN X", "name in From");
	is_str(z(row.display_to), "JU\xcc\x88RGEN", "name in To");
	is_str(z(row.message_id), "1@example.com", "its id");
	is_str(z(row.refs), "a@b \"xy\"@b", "ids before it");
	is_int(row.sent, 1795338000, "its date");
	is_int(meta_get(m, &mb, 0, &row, &err), 1, "known before it is "
	    "written");
	again();
	is_int(meta_get(m, &mb, 0, &row, &err), 1, "and afterwards");
	is_str(z(row.refs), "a@b \"xy\"@b", "the last part");
	is_str(z(row.display_to), "JU\xcc\x88RGEN", "one between");
	is_int(row.sent, 1795338000, "the date");
	ok(row.is_reply, "the flag");
	ok(row.preview.p == NULL, "still none");
	meta_want_preview(m);
	is_int(meta_get(m, &mb, 0, &row, &err), 0, "made again for that");
	is_str(z(row.preview), "Hello there", "a preview");
	is_str(z(row.refs), "a@b \"xy\"@b", "and all else");
	again();
	meta_want_preview(m);
	is_int(meta_get(m, &mb, 0, &row, &err), 1, "kept with it");
	is_str(z(row.preview), "Hello there", "which is the same");
	again();
	is_int(meta_get(m, &mb, 0, &row, &err), 1, "and good for who needs "
	    "none");
	text = "In-Reply-To: <c@d> <e@f>\n\n";
	is_int(meta_get(m, &mb, 1, &row, &err), 0, "another");
	is_str(z(row.refs), "c@d", "In-Reply-To without References");
	ok(row.sent == INT64_MIN, "no date");
	text = NULL;
}

static void
test_order(void)
{
	size_t i, good = 0;
	char want[40];
	int file = 0;

	again();
	for (i = 2; i < ROWS; i += 1 + (i % 7 == 0)) {
		meta_get(m, &mb, i, &row, &err);
		snprintf(want, sizeof(want), "NUMBER %u", msgs[i].uid);
		good += slice_eqz(row.subject, want);
	}
	is_int(reads, good, "each is read once");
	again();
	for (i = 2; i < ROWS; i++) {
		file += meta_get(m, &mb, i, &row, &err);
		snprintf(want, sizeof(want), "NUMBER %u", msgs[i].uid);
		if (!slice_eqz(row.subject, want))
			break;
	}
	is_int(i, ROWS, "all are right");
	is_int(file, good, "found between others that are not there");
	is_int(file + reads, ROWS - 2, "which are made");
	again();
	for (i = ROWS - 1; i > 2; i -= 3)
		file -= meta_get(m, &mb, i, &row, &err);
	is_int(reads, 0, "downwards");
	for (i = 0, good = 0; i < 500; i++) {
		size_t at = 2 + i * 7919 % (ROWS - 2);

		snprintf(want, sizeof(want), "NUMBER %u", msgs[at].uid);
		good += strcmp(subject_of(at), want) == 0;
	}
	is_int(good, 500, "any order");
	is_int(reads, 0, "from the file");
}

static void
test_changes(void)
{
	struct mailbox other = mb;
	struct meta_pair pairs[] = { { 0, 77 }, { 0, 78 }, { 999999, 79 } };
	struct mailbox_msg copy[3] = { { .uid = 77 }, { .uid = 78 },
		{ .uid = 79 } };
	uint32_t gone[2];

	other.msg = copy;
	other.n = 3;
	slice_copy(other.id, sizeof(other.id), slice_of("box2"));
	pairs[0].from = msgs[5].uid;
	pairs[1].from = msgs[6].uid;
	meta_copied(m, &mb, &other, pairs, 3);
	is_int(meta_get(m, &other, 1, &row, &err), 1, "copied");
	is_str(z(row.subject), "NUMBER 10", "is that of the original");
	is_int(meta_get(m, &other, 2, &row, &err), 0, "no row, no copy");
	gone[0] = msgs[5].uid;
	gone[1] = msgs[7].uid;
	meta_expunged(m, &mb, gone, 2);
	is_int(meta_get(m, &mb, 5, &row, &err), 0, "expunged");
	is_int(meta_get(m, &mb, 6, &row, &err), 1, "that one was not");
	is_int(meta_get(m, &other, 0, &row, &err), 1, "nor its copy");
	meta_forget(m, "box2");
	is_int(meta_get(m, &other, 0, &row, &err), 0, "forgotten");
	is_int(meta_get(m, &mb, 6, &row, &err), 1, "of one mailbox only");
	mb.uidvalidity++;
	is_int(meta_get(m, &mb, 6, &row, &err), 0, "another UIDVALIDITY");
	mb.uidvalidity--;
	msgs[9].flags = MSG_GONE;
	uint32_t uid = msgs[9].uid;
	meta_expunged(m, &mb, &uid, 1);
	is_str(subject_of(9), "5.2.0", "a message that is gone");
	msgs[9].flags = 0;
}

static void
test_big(void)
{
	struct str s = STR_INIT;
	int i;

	str_adds(&s, "Subject: big\nTo: ");
	for (i = 0; i < 6000; i++)
		str_addf(&s, "user%d@example.com,\n ", i);
	str_adds(&s, "x@y\n\nbody\n");
	text = s.s;
	again();
	mb.uidvalidity = 9;
	is_int(meta_get(m, &mb, 0, &row, &err), 0, "a long header");
	ok(row.fields.n > 65536, "is given whole");
	is_int(meta_get(m, &mb, 0, &row, &err), 0, "but not kept");
	str_reset(&s);
	str_adds(&s, "Subject: large\n\n");
	while (s.len < 400000)
		str_adds(&s, "a line of text\n");
	text = s.s;
	is_int(meta_get(m, &mb, 1, &row, &err), 0, "a large message");
	is_str(z(row.subject), "LARGE", "is read");
	is_int(meta_get(m, &mb, 1, &row, &err), 1, "and kept");
	mb.uidvalidity = 5;
	text = NULL;
	str_free(&s);
}

/* how many rows are right */
static size_t
all_right(void)
{
	char want[40];
	size_t i;

	again();
	for (i = 0; i < ROWS; i++) {
		snprintf(want, sizeof(want), "NUMBER %u", msgs[i].uid);
		if (strcmp(subject_of(i), want) != 0)
			break;
	}
	return i;
}

static void
damage(const char *how, off_t at)
{
	char junk[4096];
	struct stat st;
	int fd;

	meta_shrink(m);
	fd = openat(dir, "cache.db", O_RDWR);
	memset(junk, 0x5a, sizeof(junk));
	if (fd < 0 || fstat(fd, &st) < 0)
		die("cache.db: %s", strerror(errno));
	for (; at < st.st_size; at += 16384)
		if (pwrite(fd, junk, sizeof(junk), at) < 0)
			die("damage");
	close(fd);
	is_int(all_right(), ROWS, "%s: all rows are right", how);
	/* those that were read before it was found out */
	all_right();
	is_int(all_right(), ROWS, "%s: again", how);
	is_int(reads, 0, "%s: and kept", how);
}

static void
test_damage(void)
{
	struct meta *other;
	int fd;

	mb.uidvalidity = 11;
	again();
	damage("the first page", 0);
	damage("each page's head", 16384);
	damage("each page's middle", 6000);
	damage("each page's end", 16384 - 4096);
	meta_free(m);
	fd = openat(dir, "cache.db", O_WRONLY | O_TRUNC);
	if (full_write(fd, "SQLite format 3", 15) < 0)
		die("write");
	close(fd);
	m = meta_new(dir);
	is_str(subject_of(0), "NUMBER 1", "cut off");
	again();
	subject_of(0);
	is_int(reads, 0, "and made anew");
	other = meta_new(dir);
	meta_get(other, &mb, 3, &row, &err);
	unlinkat(dir, "cache.db", 0);
	is_str(subject_of(3), "NUMBER 5", "deleted while it is open");
	meta_free(other);
	meta_free(m);
	m = meta_new(-1);
	reads = 0;
	is_str(subject_of(3), "NUMBER 5", "without a directory");
	subject_of(3);
	is_int(reads, 2, "each time it is made");
	meta_flush(m);
}

static void
test_busy(void)
{
	struct meta *other = meta_new(dir);
	sqlite3 *db;
	char path[300];

	meta_free(m);
	m = meta_new(dir);
	mb.uidvalidity = 12;
	subject_of(1);
	meta_flush(m);
	snprintf(path, sizeof(path), "%s/cache.db", tap_dir());
	sqlite3_open(path, &db);
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	is_str(subject_of(2), "NUMBER 4", "while another writes");
	meta_flush(m);
	is_int(meta_get(m, &mb, 2, &row, &err), 1, "it waits");
	is_int(meta_get(other, &mb, 2, &row, &err), 0, "unwritten");
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	meta_flush(m);
	is_int(meta_get(other, &mb, 1, &row, &err), 1, "one of before");
	meta_free(other);
	other = meta_new(dir);
	is_int(meta_get(other, &mb, 2, &row, &err), 1, "written in the end");
	meta_shrink(m);
	is_int(meta_get(m, &mb, 2, &row, &err), 1, "opened again");
	meta_free(other);
}

/* The table of mailboxes is empty, what SQLite finds them by is not. */
static void
test_forget_damaged(void)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	char path[300];
	int fd, page;

	meta_shrink(m);
	snprintf(path, sizeof(path), "%s/cache.db", tap_dir());
	sqlite3_open(path, &db);
	if (sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema"
	    " WHERE name = 'box'", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		die("no table");
	page = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	fd = open(path, O_WRONLY);
	if (pwrite(fd, "\0\0", 2, (page - 1) * 16384 + 3) != 2)
		die("write");
	close(fd);
	meta_forget(m, "box1");
	ok(faccessat(dir, "cache.db", F_OK, 0) < 0,
	    "what can not be dropped is damage");
	is_str(subject_of(2), "NUMBER 4", "made again");
	meta_flush(m);
	is_int(meta_get(m, &mb, 2, &row, &err), 1, "in another file");
}

static void
test_kept(void)
{
	ok(meta_kept(SLICE_LIT("SUBJECT")) && meta_kept(SLICE_LIT("x-uNIVERSA"
	    "lly-unique-identifier")) && meta_kept(SLICE_LIT("bcc")) &&
	    meta_kept(SLICE_LIT("Auto-Submitted")), "kept");
	ok(!meta_kept(SLICE_LIT("Received")) && !meta_kept(SLICE_LIT("")) &&
	    !meta_kept(SLICE_LIT("subjec")) &&
	    !meta_kept(SLICE_LIT("subject2")), "not kept");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		msgs[i].uid = (uint32_t)(i + 1 + i / 2 + (i > 600 ? 100 : 0));
	dir = open(tap_dir(), O_PATH | O_DIRECTORY);
	m = meta_new(dir);
	test_kept();
	test_row();
	test_order();
	test_changes();
	test_big();
	test_damage();
	test_busy();
	test_forget_damaged();
	meta_free(m);
	close(dir);
	return tap_done();
}
