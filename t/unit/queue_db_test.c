/* queue_db_test.c - queue.db: rows, transactions, questions by index */
#include "base/clock.h"
#include "queue/content.h"
#include "queue/db.h"
#include "test/tap.h"

#include <fcntl.h>
#include <sqlite3.h>

static struct queue_db *db;
static struct err err = ERR_INIT;
static char *path;

static void
must(int rc)
{
	if (rc < 0)
		die("%s", err.text);
}

static void
reopen(void)
{
	qdb_close(db);
	must(qdb_open(path, 2048, 0, &db, &err));
}

static struct queue_rcpt
make_rcpt(int64_t n, const char *addr, int64_t dest, int64_t due)
{
	return (struct queue_rcpt){ .n = n, .addr = addr, .orig = addr,
	    .orcpt = "", .notify = "", .mailbox = "", .transport = "",
	    .nexthop = "", .dest = dest, .due = due, .dsn = "4.0.0",
	    .text = "later", .peer = "" };
}

static void
add_message(int64_t id, const char *sender)
{
	struct queue_message m = { .id = id, .sender = sender, .ret = "",
		.envid = "", .session = "s1", .reason = "", .verp = "",
		.size = 10, .created = 5, .expires = 6, .utf8 = true };

	must(qdb_message_add(db, &m, &err));
}

static void
test_fresh(void)
{
	struct str rec = STR_INIT;
	int64_t id = -1;

	must(qdb_begin(db, &err));
	is_int(qdb_fresh_add(db, 7, SLICE_LIT("a\0b"), &err), 1, "added");
	is_int(qdb_fresh_add(db, 7, SLICE_LIT("zz"), &err), 0, "once");
	is_int(qdb_fresh_add(db, 9, SLICE_LIT("c"), &err), 1, "another");
	is_int(qdb_commit(db, &err), 0, "committed");
	must(qdb_begin(db, &err));
	is_int(qdb_fresh_del(db, 9, &err), 1, "deleted");
	qdb_rollback(db);
	reopen();
	is_int(qdb_fresh_next(db, &id, &rec, &err), 1, "the first");
	is_int(id, 7, "its id");
	ok(rec.len == 3 && memcmp(rec.s, "a\0b", 3) == 0, "its record");
	is_int(qdb_fresh_next(db, &id, &rec, &err), 1,
	    "the second: a deletion was rolled back");
	is_int(qdb_fresh_next(db, &id, &rec, &err), 0, "the end");
	must(qdb_begin(db, &err));
	is_int(qdb_fresh_del(db, 7, &err), 1, "deleted");
	is_int(qdb_fresh_del(db, 7, &err), 0, "was deleted");
	is_int(qdb_fresh_del(db, 9, &err), 1, "deleted");
	must(qdb_commit(db, &err));
	str_free(&rec);
}

static int
collect(void *ctx, int64_t msg, const struct queue_rcpt *r, struct err *e)
{
	(void)e;
	str_addf(ctx, "%lld.%lld:%s ", (long long)msg, (long long)r->n,
	    r->nexthop);
	return 0;
}

static void
test_filed(void)
{
	struct queue_dest d = { .transport = "smtp", .nexthop = "b.example",
		.next = 100, .dsn = "", .text = "", .site = "",
		.window = 5 }, g;
	struct queue_message m;
	struct queue_rcpt r;
	struct arena a = { 0 };
	struct str got = STR_INIT;
	int64_t due = 0;

	must(qdb_begin(db, &err));
	must(qdb_dest_add(db, &d, &err));
	ok(d.id > 0, "a destination has a row");
	add_message(11, "Ann@A.example");
	add_message(12, "");
	r = make_rcpt(1, "Joe@B.example", d.id, 100);
	must(qdb_rcpt_add(db, 11, &r, &err));
	r = make_rcpt(2, "jim@b.example", d.id, 90);
	must(qdb_rcpt_add(db, 11, &r, &err));
	r = make_rcpt(1, "joe@b.example", d.id, 120);
	must(qdb_rcpt_add(db, 12, &r, &err));
	must(qdb_commit(db, &err));
	reopen();

	is_int(qdb_message_has(db, 11, &err), 1, "is there");
	is_int(qdb_message_has(db, 13, &err), 0, "is not");
	is_int(qdb_message_get(db, 11, -1, 100, &a, &m, &err), 1, "read");
	is_str(m.sender, "Ann@A.example", "sender");
	ok(m.utf8 && !m.hold && m.n == 2, "flags and recipients");
	is_str(m.rcpt[1].addr, "jim@b.example", "recipient");
	is_str(m.rcpt[1].nexthop, "b.example", "next hop");
	is_int(qdb_rcpt_due(db, d.id, 110, 10, collect, &got, &err), 0, "due");
	is_str(got.s, "11.2:b.example 11.1:b.example ", "by time");
	is_int(qdb_rcpt_next(db, d.id, 110, &due, &err), 1, "then");
	is_int(due, 120, "the next one");
	is_int(qdb_dest_get(db, "smtp", "b.example", &g, &err), 1, "dest");
	ok(g.id == d.id && g.next == 100 && g.window == 5, "as it was");
	is_int(qdb_dest_get(db, "local", "b.example", &g, &err), 0,
	    "another transport is another destination");

	must(qdb_begin(db, &err));
	is_int(qdb_message_hold(db, 11, "why", &err), 1, "held");
	is_int(qdb_message_hold(db, 11, "", &err), 0, "was held");
	str_reset(&got);
	must(qdb_rcpt_due(db, d.id, 110, 10, collect, &got, &err));
	is_int(got.len, 0, "what is held is not due");
	is_int(qdb_message_flush(db, 11, 50, &err), 0, "not even by flush");
	is_int(qdb_message_release(db, 11, 50, &err), 1, "released");
	must(qdb_rcpt_due(db, d.id, 50, 10, collect, &got, &err));
	is_str(got.s, "11.1:b.example 11.2:b.example ", "due now");
	must(qdb_dest_get(db, "smtp", "b.example", &g, &err));
	is_int(g.next, 50, "and the destination knows");
	is_int(qdb_message_flush(db, 12, 60, &err), 1, "flushed");

	r = make_rcpt(2, "", 0, 77);
	r.state = RCPT_FAILED;
	r.attempts = 4;
	must(qdb_rcpt_set(db, 11, &r, &err));
	is_int(qdb_report_due(db, 80, &due, 1, &err), 1, "a report is due");
	is_int(due, 11, "about that message");
	is_int(qdb_report_due(db, 70, &due, 1, &err), 0, "but not earlier");
	must(qdb_message_get(db, 11, RCPT_FAILED, 100, &a, &m, &err));
	ok(m.n == 1 && m.rcpt[0].n == 2 && m.rcpt[0].attempts == 4,
	    "only about the one that failed");
	is_int(qdb_message_expired(db, 5, &due, 1, &err), 0, "none expired");
	is_int(qdb_message_expired(db, 6, &due, 1, &err), 1, "expired");
	is_int(due, 12, "but not the one that was released");
	must(qdb_message_expires(db, 12, INT64_MAX, &err));
	is_int(qdb_message_expired(db, 6, &due, 1, &err), 0, "looked after");
	must(qdb_rcpt_del(db, 11, 2, &err));
	is_int(qdb_message_done(db, 11, &err), 0, "one recipient is left");
	is_int(qdb_dest_del(db, d.id, &err), 0, "the destination is kept");
	must(qdb_rcpt_del(db, 11, 1, &err));
	is_int(qdb_message_done(db, 11, &err), 1, "none is left");
	must(qdb_message_del(db, 12, &err));
	is_int(qdb_dest_del(db, d.id, &err), 1, "the destination is not");
	must(qdb_commit(db, &err));
	arena_free(&a);
	str_free(&got);
}

static int
take(void *ctx, const struct queue_dest *d)
{
	str_addf(ctx, "%s ", d->nexthop);
	return strcmp(d->nexthop, "d3") != 0;
}

static void
test_dests(void)
{
	struct qdb_cursor c = { 0, 0 };
	struct queue_dest d = { .transport = "smtp", .dsn = "", .text = "",
		.site = "" };
	struct str got = STR_INIT;
	char name[16];
	int i;

	must(qdb_begin(db, &err));
	for (i = 1; i <= 6; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		d.nexthop = name;
		d.next = i == 6 ? INT64_MAX : 10 + i / 2;
		must(qdb_dest_add(db, &d, &err));
	}
	must(qdb_dest_soon(db, d.id, 40, &err));
	must(qdb_commit(db, &err));
	is_int(qdb_dest_due(db, 30, &c, 3, 100, take, &got, &err), 1, "some");
	is_str(got.s, "d1 d2 d3 d4 ", "three taken, one not wanted");
	str_reset(&got);
	is_int(qdb_dest_due(db, 30, &c, 3, 100, take, &got, &err), 0,
	    "the rest");
	is_str(got.s, "d5 ", "goes on where it was");
	str_reset(&got);
	is_int(qdb_dest_due(db, 50, &c, 9, 2, take, &got, &err), 1, "again");
	is_str(got.s, "d1 d2 ", "from the start, looking at two only");
	c = (struct qdb_cursor){ 12, INT64_MAX };
	str_reset(&got);
	must(qdb_dest_due(db, 50, &c, 9, 9, take, &got, &err));
	is_str(got.s, "d6 ", "one that came to have work");
	str_free(&got);
}

static const struct {
	const char *name, *from, *to, *dest;
	int state;
	const char *want;
} questions[] = {
	{ "all", "", "", "", 0, "0 1 2 3 4 5 6 7 8 9" },
	{ "recipient", "", "R3@T.Example", "", 0, "3" },
	{ "recipient's domain", "", "@T.example", "", 0,
	    "0 1 2 3 4 5 6 7 8 9" },
	{ "sender", "S4@F.example", "", "", 0, "4" },
	{ "null sender", "<>", "", "", 0, "9" },
	{ "sender's domain", "F.example", "", "", 0, "0 1 2 3 4 5 6 7 8" },
	{ "destination", "", "", "smtp:odd", 0, "1 3 5 7 9" },
	{ "next hop", "", "", "even", 0, "0 2 4 6 8" },
	{ "held", "", "", "", QSTATE_HOLD, "2" },
	{ "scheduled", "", "", "", QSTATE_SCHEDULED, "5" },
};

static void
fill(void)
{
	struct queue_dest d[2] = {
		{ .transport = "smtp", .nexthop = "even", .dsn = "",
		    .text = "", .site = "" },
		{ .transport = "smtp", .nexthop = "odd", .dsn = "",
		    .text = "", .site = "" },
	};
	struct queue_message m = { .ret = "", .envid = "", .session = "",
		.reason = "", .verp = "" };
	struct queue_rcpt r;
	char from[32], to[32];
	int i;

	must(qdb_begin(db, &err));
	must(qdb_dest_add(db, &d[0], &err));
	must(qdb_dest_add(db, &d[1], &err));
	for (i = 0; i < 10; i++) {
		snprintf(from, sizeof(from), "s%d@f.example", i);
		snprintf(to, sizeof(to), "r%d@t.example", i);
		m.id = 1000 + i;
		m.sender = i == 9 ? "" : from;
		m.release_at = i == 5 ? 500 : 0;
		must(qdb_message_add(db, &m, &err));
		r = make_rcpt(1, to, d[i & 1].id, 0);
		must(qdb_rcpt_add(db, m.id, &r, &err));
	}
	must(qdb_message_hold(db, 1002, "", &err));
	must(qdb_commit(db, &err));
}

static void
answer(const struct queue_filter *f, struct str *got)
{
	struct arena a = { 0 };
	struct queue_message m;
	struct qdb_list *l;

	must(qdb_list_open(db, f, &l, &err));
	while (qdb_list_id(l) != INT64_MAX) {
		must(qdb_list_take(l, 1, &a, &m, &err));
		str_addf(got, "%s%lld", got->len ? " " : "",
		    (long long)m.id - 1000);
	}
	qdb_list_close(l);
	arena_free(&a);
}

/* no question reads a whole table or sorts */
static void
check_plan(sqlite3 *raw, const struct queue_filter *f, const char *name)
{
	static const int64_t dests[] = { 1, 2 };
	struct str sql = STR_INIT, plan = STR_INIT;
	const char *step;
	sqlite3_stmt *st;

	str_adds(&sql, "EXPLAIN QUERY PLAN ");
	qdb_list_sql(f, dests, *f->transport ? 1 : 2, &sql);
	if (sqlite3_prepare_v2(raw, sql.s, -1, &st, NULL) != SQLITE_OK)
		die("%s: %s", sql.s, sqlite3_errmsg(raw));
	while (sqlite3_step(st) == SQLITE_ROW) {
		step = (const char *)sqlite3_column_text(st, 3);
		if (strcmp(step, "SCAN c") != 0)	/* what comes in */
			str_addf(&plan, "%s; ", step);
	}
	sqlite3_finalize(st);
	ok(strstr(plan.s, "SCAN") == NULL, "%s: searches: %s", name, plan.s);
	ok(strstr(plan.s, "TEMP B-TREE") == NULL, "%s: does not sort: %s",
	    name, plan.s);
	str_free(&sql);
	str_free(&plan);
}

static void
test_questions(void)
{
	struct qmgr_filter in = { .q = "", .after = "" };
	struct queue_filter f;
	struct arena a = { 0 };
	struct str got = STR_INIT;
	sqlite3 *raw;
	size_t i, pass;

	fill();
	for (pass = 0; pass < 2; pass++) {
		if (pass == 1) {
			qdb_close(db);
			db = NULL;
			if (sqlite3_open(path, &raw) != SQLITE_OK)
				die("sqlite3_open");
		}
		for (i = 0; i < ARRAY_LEN(questions); i++) {
			in.from = questions[i].from;
			in.to = questions[i].to;
			in.dest = questions[i].dest;
			in.state = questions[i].state;
			must(queue_filter_read(&in, 5000000000, &a, &f, &err));
			str_reset(&got);
			if (pass == 1) {
				check_plan(raw, &f, questions[i].name);
				continue;
			}
			answer(&f, &got);
			is_str(got.s, questions[i].want, "question: %s",
			    questions[i].name);
		}
	}
	sqlite3_close(raw);
	reopen();
	arena_free(&a);
	str_free(&got);
}

/* a next hop by two ways, a message with many recipients, a hop unknown */
static void
test_list(void)
{
	struct queue_dest d = { .transport = "lmtp", .nexthop = "even",
		.dsn = "", .text = "", .site = "" };
	struct qmgr_filter in = { .from = "", .to = "", .dest = "even",
		.q = "", .after = "" };
	struct queue_filter f;
	struct queue_message m;
	struct queue_rcpt r;
	struct qdb_list *l;
	struct arena a = { 0 };
	struct str got = STR_INIT;
	int i;

	must(qdb_begin(db, &err));
	must(qdb_dest_add(db, &d, &err));
	for (i = 2; i < 12; i++) {
		r = make_rcpt(i, "x@t.example", d.id, 0);
		must(qdb_rcpt_add(db, i < 4 ? 1003 : 1004, &r, &err));
	}
	must(queue_filter_read(&in, 5000000000, &a, &f, &err));
	answer(&f, &got);
	is_str(got.s, "0 2 3 4 6 8", "two ways, merged, each once");
	f.transport = "lm*";
	str_reset(&got);
	answer(&f, &got);
	is_str(got.s, "0 2 3 4 6 8", "a pattern is the caller's");
	f.transport = "lmtp";
	f.after = 1003;
	must(qdb_list_open(db, &f, &l, &err));
	is_int(qdb_list_id(l), 1004, "after an id");
	must(qdb_list_take(l, 100, &a, &m, &err));
	is_int((int64_t)m.n, 9, "all recipients of a message");
	is_str(m.rcpt[8].addr, "x@t.example", "the last one");
	is_str(m.rcpt[8].transport, "lmtp", "its transport");
	is_int(qdb_list_id(l), INT64_MAX, "the end");
	qdb_list_close(l);
	f.transport = "";
	must(qdb_list_open(db, &f, &l, &err));
	must(qdb_list_take(l, 3, &a, &m, &err));
	is_int((int64_t)m.n, 3, "no more than wanted");
	is_int(qdb_list_id(l), 1006, "the others are passed over");
	qdb_list_close(l);
	f.nexthop = "nowhere";
	must(qdb_list_open(db, &f, &l, &err));
	is_int(qdb_list_id(l), INT64_MAX, "an unknown next hop");
	qdb_list_close(l);
	qdb_rollback(db);
	arena_free(&a);
	str_free(&got);
}

static void
test_stats(void)
{
	struct qdb_stats s;

	must(qdb_stats(db, 400, &s, &err));
	ok(s.messages == 10 && s.rcpts == 10 && s.held == 1 &&
	    s.scheduled == 1 && s.oldest == 1000, "counted");
	must(qdb_begin(db, &err));
	must(qdb_message_del(db, 1001, &err));
	qdb_rollback(db);
	must(qdb_stats(db, 600, &s, &err));
	is_int(s.messages, 10, "not what was rolled back");
	is_int(s.scheduled, 0, "nothing is scheduled any more");
	must(qdb_begin(db, &err));
	must(qdb_message_del(db, 1001, &err));
	must(qdb_commit(db, &err));
	must(qdb_stats(db, 600, &s, &err));
	ok(s.messages == 9 && s.rcpts == 9, "what was committed");
}

static void
test_refuse(void)
{
	int64_t id = -1, until = 0;

	must(qdb_begin(db, &err));
	must(qdb_refuse(db, 5, 100, &err));
	must(qdb_refuse(db, 6, 200, &err));
	must(qdb_refused_expire(db, 150, &err));
	must(qdb_commit(db, &err));
	is_int(qdb_refused_next(db, &id, &until, &err), 1, "one is left");
	ok(id == 6 && until == 200, "the younger");
	is_int(qdb_refused_next(db, &id, &until, &err), 0, "no more");
}

static void
test_journal(void)
{
	int64_t gen = -1, doubt = -1;

	must(qdb_journal_get(db, &gen, &doubt, &err));
	is_int(gen, 0, "no generation of the journal is done with");
	is_int(doubt, 0, "and nothing is in doubt");
	must(qdb_begin(db, &err));
	must(qdb_gone_add(db, 7, 3, &err));
	must(qdb_gone_add(db, 8, 4, &err));
	must(qdb_journal_set(db, 3, 77, &err));
	must(qdb_commit(db, &err));
	must(qdb_journal_get(db, &gen, &doubt, &err));
	is_int(gen, 3, "three are");
	is_int(doubt, 77, "and what was delivered of ids up to 77 is");
	is_int(qdb_gone_has(db, 7, &err), 0, "what has gone is forgotten");
	is_int(qdb_gone_has(db, 8, &err), 1, "unless it is in a later one");
}

/* a database of the version before the journal */
static void
test_upgrade(void)
{
	char *old = xasprintf("%s/old.db", tap_dir());
	struct queue_db *one = NULL;
	struct str rec = STR_INIT;
	sqlite3 *raw;
	int64_t id = -1, doubt = -1;

	must(qdb_open(old, 2048, 0, &one, &err));
	must(qdb_begin(one, &err));
	must(qdb_fresh_add(one, 5, SLICE_LIT("rec"), &err));
	must(qdb_commit(one, &err));
	qdb_close(one);
	if (sqlite3_open(old, &raw) != SQLITE_OK ||
	    sqlite3_exec(raw, "DROP TABLE journal; DROP TABLE gone;"
	    "DROP TABLE curb; DROP TABLE imported;"
	    "DROP INDEX rcpt_flow; DROP INDEX dest_site;"
	    "ALTER TABLE rcpt DROP COLUMN flow;"
	    "ALTER TABLE dest DROP COLUMN site;"
	    "ALTER TABLE message DROP COLUMN verp;"
	    "PRAGMA user_version = 1", NULL, NULL, NULL))
		die("old.db");
	sqlite3_close(raw);
	is_int(qdb_open(old, 2048, 0, &one, &err), 0,
	    "a database of version 1 is opened");
	is_int(qdb_fresh_next(one, &id, &rec, &err), 1, "its rows are there");
	is_int(qdb_journal_get(one, &id, &doubt, &err), 0,
	    "and what it had not");
	ok(id == 0 && doubt == 0, "is as in a new one");
	qdb_close(one);
	if (sqlite3_open(old, &raw) != SQLITE_OK ||
	    sqlite3_exec(raw, "PRAGMA user_version = 4", NULL, NULL, NULL))
		die("old.db");
	sqlite3_close(raw);
	is_int(qdb_open(old, 2048, 0, &one, &err), -1,
	    "a later version is refused: %s", err.text);
	str_free(&rec);
	free(old);
}

static void
overwrite(const char *file, off_t at, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || pwrite(fd, text, strlen(text), at) < 0)
		die("%s: %s", file, strerror(errno));
	close_fd(fd);
}

/* the third row of a table's only page is there twice, no fourth one */
static void
double_third(const char *file, const char *table)
{
	sqlite3_stmt *st;
	sqlite3 *raw;
	char cell[2];
	off_t page;
	int fd = open(file, O_RDWR);

	if (sqlite3_open(file, &raw) != SQLITE_OK ||
	    sqlite3_prepare_v2(raw, "SELECT rootpage FROM sqlite_schema"
	    " WHERE name = ?", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_bind_text(st, 1, table, -1, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		die("%s", file);
	page = 4096 * (off_t)(sqlite3_column_int(st, 0) - 1);
	sqlite3_finalize(st);
	sqlite3_close(raw);
	if (fd < 0 || pread(fd, cell, 2, page + 8 + 4) != 2 ||
	    pwrite(fd, cell, 2, page + 8 + 6) != 2)
		die("%s: %s", file, strerror(errno));
	close_fd(fd);
}

/* no walk over a damaged tree goes on for ever */
static void
test_walk_damaged(void)
{
	struct queue_db *was = db;
	char *file = xasprintf("%s/walk.db", tap_dir());
	struct str rec = STR_INIT;
	int64_t id, until;
	int rc, n;

	must(qdb_open(file, 2048, 0, &db, &err));
	must(qdb_begin(db, &err));
	for (id = 1; id <= 5; id++) {
		must(qdb_fresh_add(db, id, SLICE_LIT("x"), &err));
		must(qdb_refuse(db, id, 5, &err));
	}
	must(qdb_commit(db, &err));
	qdb_close(db);
	double_third(file, "fresh");
	double_third(file, "refused");
	must(qdb_open(file, 2048, 0, &db, &err));
	id = -1;
	for (n = 0; n < 50 && (rc = qdb_fresh_next(db, &id, &rec,
	    &err)) == 1; n++)
		continue;
	is_int(rc, -1, "a message comes again: %s", err.text);
	ok(qdb_corrupt(db), "which is damage");
	id = -1;
	for (n = 0; n < 50 && (rc = qdb_refused_next(db, &id, &until,
	    &err)) == 1; n++)
		continue;
	is_int(rc, -1, "an id that was refused comes again: %s", err.text);
	qdb_close(db);
	str_free(&rec);
	free(file);
	db = was;
}

static void
test_list_damaged(void)
{
	struct queue_db *was = db;
	struct queue_filter f = { .id = -1, .from.s = "", .to.s = "",
		.transport = "", .nexthop = "", .after = -1,
		.before = INT64_MAX };
	char *file = xasprintf("%s/damaged.db", tap_dir());
	struct queue_message m;
	struct queue_rcpt r;
	struct arena a = { 0 };
	struct qdb_list *l;
	int64_t id;
	int n, rc = 0;

	must(qdb_open(file, 2048, 0, &db, &err));
	must(qdb_begin(db, &err));
	for (id = 1; id <= 5; id++) {
		add_message(id, "a@b");
		for (n = 1; n <= 2; n++) {
			r = make_rcpt(n, "c@d", 0, 5);
			must(qdb_rcpt_add(db, id, &r, &err));
		}
	}
	must(qdb_commit(db, &err));
	qdb_close(db);
	double_third(file, "message");
	must(qdb_open(file, 2048, 0, &db, &err));
	must(qdb_list_open(db, &f, &l, &err));
	for (n = 0; n < 50 && rc == 0 && qdb_list_id(l) != INT64_MAX; n++)
		rc = qdb_list_take(l, 1, &a, &m, &err);
	is_int(rc, -1, "a message that comes again is damage: %s", err.text);
	qdb_list_close(l);
	qdb_close(db);
	arena_free(&a);
	free(file);
	db = was;
}

static void
test_open(void)
{
	struct queue_db *other = NULL;
	char *junk = xasprintf("%s/junk.db", tap_dir());
	char *foreign = xasprintf("%s/foreign.db", tap_dir());
	sqlite3 *raw;

	is_int(qdb_open(path, 2048, 0, &other, &err), -1,
	    "nobody else opens it: %s", err.text);
	overwrite(junk, 0, "this is no database, and it is long enough "
	    "to be looked at: .....................................");
	is_int(qdb_open(junk, 2048, 0, &other, &err), -1, "no database");
	is_int(err.kind, ERR_TEMP, "temporary: our own trouble");
	if (sqlite3_open(foreign, &raw) != SQLITE_OK ||
	    sqlite3_exec(raw, "CREATE TABLE x (y)", NULL, NULL, NULL))
		die("foreign.db");
	sqlite3_close(raw);
	is_int(qdb_open(foreign, 2048, 0, &other, &err), -1,
	    "another program's database: %s", err.text);
	qdb_close(db);
	overwrite(path, 4096, "damage damage damage damage damage damage");
	if (qdb_open(path, 2048, 0, &db, &err) == 0) {
		must(qdb_begin(db, &err));
		is_int(qdb_fresh_add(db, 1, SLICE_LIT("x"), &err), -1,
		    "a damaged page is noticed");
		ok(qdb_corrupt(db), "and known as damage: %s", err.text);
		qdb_rollback(db);
		qdb_close(db);
	}
	db = NULL;
	free(junk);
	free(foreign);
}

int
main(void)
{
	path = xasprintf("%s/queue.db", tap_dir());
	reopen();
	test_fresh();
	test_filed();
	test_dests();
	test_questions();
	test_list();
	test_stats();
	test_refuse();
	test_journal();
	test_upgrade();
	must(qdb_checkpoint(db, 1, &err));
	test_list_damaged();
	test_walk_damaged();
	test_open();
	free(path);
	return tap_done();
}
