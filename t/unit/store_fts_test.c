/* store_fts_test.c - the full-text index: whatever a reading of all messages
 * finds is among its candidates */
#include <fcntl.h>
#include <sqlite3.h>

#include "mime/text.h"
#include "store/fts.h"
#include "test/tap.h"

#define DOCS 600

static struct mailbox_msg msgs[DOCS];
static struct mailbox mb = { .msg = msgs, .n = DOCS, .uidvalidity = 5,
	.id = "box1" };
static struct str doc[DOCS];
static struct err err;
static struct fts *f;
static int dir, reads;
static uint64_t seed = 42;

int
mailbox_read(struct mailbox *box UNUSED, size_t i, struct err *e UNUSED)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR, 0600);

	if (fd < 0 || full_write(fd, doc[i].s, doc[i].len) < 0)
		die("message: %s", strerror(errno));
	reads++;
	return fd;
}

static unsigned
rnd(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const char *const words[] = {
	"alpha", "beta", "Stra\xc3\x9f" "e", "\xc3\x84rger", "caf\xc3\xa9",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x83\xa1\xe3\x83\xbc"
	"\xe3\x83\xab", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
	"\xf0\x9f\x93\xa7\xf0\x9f\x98\x80\xf0\x9f\x8e\x89", "\"quoted\"",
	"a.b@c.d", "100%", "AND", "NOT*", "it's", "x", "yz", "\xef\xac\x81sh",
	"Z\xcc\x81\xcc\xa7", "new\nline", "tab\there", "((", "invoice-2026",
	"\xe1\xba\x9e", "i\xcc\x87stanbul", "\xce\xa3\xce\xaf\xcf\x83",
};

static void
add_words(struct str *s, int n)
{
	while (n-- > 0)
		str_addf(s, "%s%s", words[rnd(ARRAY_LEN(words))],
		    rnd(4) ? " " : "");
}

static void
add_line(struct str *s, const char *name)
{
	size_t at;

	str_addf(s, "%s: ", name);
	at = s->len;
	add_words(s, (int)rnd(6));
	for (; at < s->len; at++)
		if (s->s[at] == '\n')
			s->s[at] = ' ';
	str_addc(s, '\n');
}

static void
make_doc(struct str *s)
{
	struct str text = STR_INIT;

	add_line(s, "Subject");
	add_line(s, "X-Thing");
	add_words(&text, (int)rnd(40));
	switch (rnd(4)) {
	case 0:
		str_adds(s, "Content-Type: text/plain; charset=utf-8\n"
		    "Content-Transfer-Encoding: base64\n\n");
		base64_encode(s, text.s, text.len);
		str_addc(s, '\n');
		break;
	case 1:
		str_adds(s, "Content-Type: text/html; charset=utf-8\n\n"
		    "<p>al<b>ph</b>a&amp;</p>");
		str_addsl(s, slice_str(&text));
		break;
	case 2:
		str_adds(s, "Content-Type: multipart/mixed; boundary=b\n\n"
		    "--b\nContent-Type: text/plain; charset=utf-8\n\n");
		str_addsl(s, slice_str(&text));
		str_adds(s, "\n--b\nContent-Type: message/rfc822\n\n");
		add_line(s, "Subject");
		str_adds(s, "\ninner text\n--b\n"
		    "Content-Disposition: attachment; filename=invoice.pdf\n"
		    "Content-Type: application/pdf\n\nhidden\n--b--\n");
		break;
	default:
		str_adds(s, "\n");
		str_addsl(s, slice_str(&text));
		if (rnd(3) == 0)
			str_add(s, "nul\0nul", 7);
	}
	str_free(&text);
}

static int
feed(void *ctx, struct slice field UNUSED, struct slice text, bool last)
{
	return mime_match_feed(ctx, text, last);
}

/* what a search that reads the message says */
static bool
holds(size_t i, unsigned where, struct slice needle)
{
	static struct arena a;
	struct mime_match m;
	bool r;

	arena_reset(&a);
	mime_match_init(&m, needle);
	r = mime_text(slice_str(&doc[i]), mime_parse(slice_str(&doc[i]),
	    NULL, &a), (where & FTS_HEADER ? MIME_TEXT_HEADER : 0) |
	    (where & FTS_BODY ? MIME_TEXT_BODY : 0), feed, &m);
	mime_match_free(&m);
	arena_free(&a);
	return r;
}

static int
ask(unsigned where, struct slice needle, uint32_t **v, size_t *n)
{
	struct str folded = STR_INIT;
	struct slice term;
	int r;

	mime_fold(needle, &folded);
	term = slice_str(&folded);
	r = fts_candidates(f, &mb, where, &term, 1, v, n, &err);
	str_free(&folded);
	return r;
}

/* how many messages hold it that are no candidates */
static int
missed(unsigned where, struct slice needle, size_t *extra, size_t *hits)
{
	uint32_t *v;
	size_t n = 0, i, j = 0;
	int bad = 0;

	if (ask(where, needle, &v, &n) != 1)
		return 0;
	for (i = 0; i < mb.n; i++) {
		bool in, is = !(msgs[i].flags & MSG_GONE) &&
		    holds(i, where, needle);

		in = j < n && v[j] == msgs[i].uid;
		j += in;
		bad += is && !in;
		*extra += in && !is;
		*hits += is;
	}
	bad += j != n;		/* not ascending, or not of the mailbox */
	free(v);
	return bad;
}

static void
test_random(const char *name, int rounds)
{
	size_t extra = 0, hits = 0;
	struct str s = STR_INIT;
	int bad = 0, i;

	for (i = 0; i < rounds; i++) {
		struct slice part;
		size_t from, n;

		str_reset(&s);
		add_words(&s, 1 + (int)rnd(3));
		part = slice_str(&s);
		from = rnd((unsigned)part.n);
		n = 1 + rnd(12);
		while (from > 0 && ((unsigned char)part.p[from] & 0xc0) == 0x80)
			from--;
		while (from + n < part.n &&
		    ((unsigned char)part.p[from + n] & 0xc0) == 0x80)
			n++;
		part = slice_sub(part, from, n);
		bad += missed(1 + rnd(3), part, &extra, &hits);
	}
	is_int(bad, 0, "%s: nothing is missed", name);
	ok(hits > (size_t)rounds, "%s: there was something to find", name);
	tap_diag("%zu hits, %zu candidates more", hits, extra);
	str_free(&s);
}

static size_t
count(unsigned where, const char *needle)
{
	uint32_t *v;
	size_t n = 0;

	if (ask(where, slice_of(needle), &v, &n) != 1)
		return 9999;
	free(v);
	return n;
}

static void
test_grow(void)
{
	size_t i;

	is_int(count(3, "alpha"), 9999, "nothing is in it: it can not tell");
	mb.n = 200;
	is_int(fts_update(f, &mb, 60000, &err), 0, "messages are taken in");
	is_int(reads, 200, "each is read once");
	is_int(fts_update(f, &mb, 60000, &err), 0, "all is there");
	is_int(reads, 200, "none is read again");
	test_random("200 messages", 150);
	mb.n = DOCS;
	test_random("and 400 that are not in it", 30);
	for (i = 0; fts_update(f, &mb, 0, &err) == 1 && i < 5; i++)
		continue;
	is_int(i, 5, "no time is no time");
	is_int(fts_update(f, &mb, 60000, &err), 0, "the others");
	is_int(reads, DOCS, "once each");
	fts_shrink(f);
	test_random("all", 200);
	fts_free(f);
	f = fts_new(dir);
	test_random("opened again", 50);
}

static void
test_special(void)
{
	struct slice two[2] = { SLICE_LIT("ALPHA"), SLICE_LIT("BETA") };
	uint32_t *v;
	size_t n = 0, i, want = 0, got = 0;

	is_int(count(3, "al"), 9999, "two letters");
	is_int(count(3, "\xe6\x97\xa5\xe6\x9c\xac"), 9999,
	    "two characters of CJK");
	ok(count(3, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e") < DOCS,
	    "three of them");
	is_int(count(3, "is nowhere at all"), 0, "what is nowhere");
	is_int(fts_candidates(f, &mb, 3, two, 2, &v, &n, &err), 1, "two terms");
	for (i = 0; i < DOCS; i++) {
		bool is = holds(i, 3, two[0]) && holds(i, 3, two[1]);
		size_t j;

		want += is;
		for (j = 0; j < n && is; j++)
			got += v[j] == msgs[i].uid;
	}
	is_int(got, want, "in header and body together");
	ok(n < DOCS, "not all of them");
	free(v);
}

static void
test_expunge(void)
{
	uint32_t uid[50];
	size_t i, before = mb.n, extra = 0, hits = 0;

	for (i = 0; i < 50; i++) {
		msgs[i * 3].flags |= MSG_GONE;
		uid[i] = msgs[i * 3].uid;
	}
	fts_expunged(f, &mb, uid, 50);
	is_int(missed(3, SLICE_LIT("alpha"), &extra, &hits), 0,
	    "what is gone is no candidate");
	for (i = 0; i < 50; i++)
		msgs[i * 3].flags &= (uint16_t)~MSG_GONE;
	mb.uidvalidity++;
	is_int(count(3, "alpha"), 9999, "another UIDVALIDITY, nothing known");
	mb.uidvalidity--;
	fts_forget(f, "box1");
	is_int(count(3, "alpha"), 9999, "forgotten");
	mb.n = 20;
	fts_update(f, &mb, 60000, &err);
	test_random("anew", 20);
	mb.n = before;
}

static void
test_note(void)
{
	struct fts *g = fts_new(dir);
	struct str big = STR_INIT;

	fts_note(f, &mb, msgs[30].uid, SLICE_LIT("NOTED HEADER"),
	    SLICE_LIT("NOTED BODY"));
	is_int(count(3, "is nowhere"), DOCS - 20, "what waits is a candidate");
	fts_shrink(f);
	is_int(count(3, "is nowhere"), DOCS - 21, "written");
	is_int(count(FTS_HEADER, "ed header") - count(3, "is nowhere"), 1,
	    "in the header");
	is_int(count(FTS_BODY, "ed header") - count(3, "is nowhere"), 0,
	    "not in the body");
	while (big.len < 5 << 20)
		str_adds(&big, "LONG TEXT ");
	fts_note(f, &mb, msgs[31].uid, SLICE_LIT("X"), slice_str(&big));
	fts_shrink(f);
	is_int(count(3, "is nowhere"), DOCS - 21, "too long: a candidate");
	reads = 0;
	fts_update(f, &mb, 60000, &err);
	is_int(reads, DOCS - 22, "but not read again");
	is_int(count(3, "is nowhere"), 1, "it alone");
	fts_update(g, &mb, 60000, &err);
	is_int(reads, DOCS - 22, "another session sees what was done");
	fts_free(g);
	str_free(&big);
}

static sqlite3 *
open_db(void)
{
	char path[300];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/fts.db", tap_dir());
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die("%s", path);
	return db;
}

static void
test_renew(void)
{
	sqlite3 *db = open_db();

	sqlite3_exec(db, "UPDATE dead SET n = 30000", NULL, NULL, NULL);
	sqlite3_close(db);
	reads = 0;
	is_int(fts_update(f, &mb, 60000, &err), 0, "mostly garbage");
	is_int(reads, DOCS, "is indexed anew");
	test_random("renewed", 30);
	reads = 0;
	fts_update(f, &mb, 60000, &err);
	is_int(reads, 0, "once");
}

/* The table of mailboxes is empty, what SQLite finds them by is not. */
static void
test_forget_damaged(void)
{
	sqlite3 *db = open_db();
	sqlite3_stmt *st;
	char path[300];
	int fd, page;

	fts_shrink(f);
	if (sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema"
	    " WHERE name = 'box'", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		die("no table");
	page = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	snprintf(path, sizeof(path), "%s/fts.db", tap_dir());
	fd = open(path, O_WRONLY);
	if (pwrite(fd, "\0\0", 2, (page - 1) * 16384 + 3) != 2)
		die("write");
	close(fd);
	fts_forget(f, "box1");
	is_int(count(3, "alpha"), 9999, "what can not be dropped is damage");
	reads = 0;
	is_int(fts_update(f, &mb, 60000, &err), 0, "which is mended");
	is_int(reads, DOCS, "by taking all in anew");
	test_random("after damage", 10);
}

static void
test_trouble(void)
{
	sqlite3 *db = open_db();
	int fd;

	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	mb.uidvalidity = 77;
	is_int(fts_update(f, &mb, 60000, &err), -1, "another one writes");
	is_int(count(3, "alpha"), 9999, "then it can not tell");
	mb.uidvalidity = 5;
	test_random("what is there holds", 10);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	fts_free(f);
	fd = openat(dir, "fts.db", O_WRONLY);
	if (lseek(fd, 5000, SEEK_SET) < 0 ||
	    full_write(fd, "garbage garbage", 15) < 0)
		die("write");
	close(fd);
	f = fts_new(dir);
	test_random("a damaged file", 10);
	fts_free(f);
	fd = openat(dir, "fts.db", O_WRONLY | O_TRUNC);
	if (full_write(fd, "this is no database", 19) < 0)
		die("write");
	close(fd);
	f = fts_new(dir);
	is_int(count(3, "alpha"), 9999, "no database");
	is_int(fts_update(f, &mb, 60000, &err), 0, "is made anew");
	test_random("made anew", 10);
	fts_free(f);
	f = fts_new(-1);
	is_int(count(3, "alpha"), 9999, "no directory");
	is_int(fts_update(f, &mb, 10, &err), -1, "no index");
	fts_note(f, &mb, 1, SLICE_LIT("A"), SLICE_LIT("B"));
	fts_expunged(f, &mb, &msgs[0].uid, 1);
	fts_forget(f, "box1");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < DOCS; i++) {
		msgs[i].uid = (uint32_t)(i * 7 + 8000);
		doc[i] = (struct str)STR_INIT;
		make_doc(&doc[i]);
	}
	dir = open(tap_dir(), O_PATH | O_DIRECTORY);
	f = fts_new(dir);
	test_grow();
	test_special();
	test_expunge();
	test_note();
	test_renew();
	test_forget_damaged();
	test_trouble();
	fts_free(f);
	for (i = 0; i < DOCS; i++)
		str_free(&doc[i]);
	close(dir);
	return tap_done();
}
