/*
 * queue_db_fuzz.c - a queue.db with any damage (dbfile.h), read as qmgr reads
 * it: at a start, when mail is due, for the admin; and written to.  Whatever it
 * holds, what is read is whole, and no walk goes on for ever.
 */
#include "dbfile.h"
#include "home.h"
#include "queue/db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { MESSAGES = 12, DESTS = 3, RCPTS = 3, NOW = 1000000, CACHE = 2000,
	MOST = 5000 /* steps of a walk */ };

static struct dbfile file;
static char *path;

/* --- the good one --------------------------------------------------------- */

static void
make_dests(struct queue_db *db, struct err *err)
{
	static const char *const hops[DESTS] = { "a.example", "b.example", "" };
	struct queue_dest d = { .transport = "smtp", .dsn = "4.4.1",
		.text = "connection refused", .site = "a" };
	struct queue_curb curb = { .name = "smtp:a.example", .reason = "slow",
		.paused = true, .messages = 5, .seconds = 60 };
	size_t i;

	for (i = 0; i < DESTS; i++) {
		d.nexthop = hops[i];
		d.next = NOW - 5 + (int64_t)i;
		d.suspended_until = i == 1 ? NOW + 60 : 0;
		if (qdb_dest_add(db, &d, err) < 0)
			die("%s", err->text);
	}
	qdb_curb_put(db, &curb, err);
}

static void
make_message(struct queue_db *db, int64_t id, struct err *err)
{
	struct queue_rcpt r[RCPTS] = { { 0 } };
	struct queue_message m = { .id = id, .sender = "s@t.example",
		.ret = "HDRS", .envid = "e", .session = "s1", .verp = "+=",
		.reason = id % 4 == 0 ? "held" : "", .hold = id % 4 == 0,
		.created = 5, .expires = NOW + id - 6, .n = RCPTS,
		.rcpt = r };
	struct str rec = STR_INIT;
	size_t i;

	for (i = 0; i < RCPTS; i++)
		r[i] = (struct queue_rcpt){ .n = (int64_t)i + 1,
			.addr = "a@a.example", .orig = "b@a.example",
			.orcpt = "rfc822;b@a.example", .notify = "FAILURE",
			.mailbox = "m", .transport = "smtp",
			.nexthop = "a.example", .flow = (int64_t)i * 7,
			.dest = 1 + (id + (int64_t)i) % DESTS, .dsn = "4.0.0",
			.state = (int)((size_t)id + i) % 4, .text = "t",
			.due = NOW - 3 + (int64_t)i, .peer = "mx" };
	if (id % 3 == 0) {
		queue_message_encode(&rec, &m);
		qdb_fresh_add(db, id, slice_str(&rec), err);
		str_free(&rec);
		return;
	}
	if (qdb_message_add(db, &m, err) < 0)
		die("%s", err->text);
	for (i = 0; i < RCPTS; i++)
		if (qdb_rcpt_add(db, id, &r[i], err) < 0)
			die("%s", err->text);
}

int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	struct queue_db *db;
	struct err err;
	int64_t id;

	home_begin();
	path = xasprintf("%s/queue.db", home);
	if (qdb_open(path, CACHE, 0, &db, &err) < 0 || qdb_begin(db, &err) < 0)
		die("%s", err.text);
	make_dests(db, &err);
	for (id = 1; id <= MESSAGES; id++)
		make_message(db, id, &err);
	qdb_refuse(db, 40, NOW, &err);
	qdb_refuse(db, 41, NOW + 5, &err);
	qdb_gone_add(db, 50, 2, &err);
	qdb_imported_add(db, 60, NOW, 0, &err);
	qdb_journal_set(db, 1, 2, &err);
	if (qdb_commit(db, &err) < 0)
		die("%s", err.text);
	qdb_close(db);
	dbfile_take(&file, path);
	return 0;
}

/* --- reading -------------------------------------------------------------- */

static void
check_rcpt(const struct queue_rcpt *r)
{
	const char *const z[] = { r->addr, r->orig, r->orcpt, r->notify,
		r->mailbox, r->transport, r->nexthop, r->dsn, r->text,
		r->peer };
	size_t i, sum = 0;

	for (i = 0; i < ARRAY_LEN(z); i++)
		sum += strlen(z[i]);
	assert(sum < DBFILE_MAX);
}

static void
check_message(const struct queue_message *m)
{
	const char *const z[] = { m->sender, m->ret, m->envid, m->session,
		m->reason, m->verp };
	size_t i, sum = 0;

	for (i = 0; i < ARRAY_LEN(z); i++)
		sum += strlen(z[i]);
	assert(sum < DBFILE_MAX);
	for (i = 0; i < m->n; i++)
		check_rcpt(&m->rcpt[i]);
}

static void
start(struct queue_db *db, struct err *err)
{
	struct queue_message m;
	struct str rec = STR_INIT;
	int64_t id = -1, was = -1, until, gen, doubt;
	int steps;

	qdb_journal_get(db, &gen, &doubt, err);
	qdb_message_last(db, &id, err);
	id = -1;
	for (steps = 0; qdb_fresh_next(db, &id, &rec, err) == 1; steps++) {
		assert(id > was && steps < MOST);
		was = id;
		if (queue_message_decode(rec.s, rec.len, &m, err) == 0)
			check_message(&m);
		free(m.rcpt);
		str_reset(&rec);
	}
	str_free(&rec);
	id = was = -1;
	for (steps = 0; qdb_refused_next(db, &id, &until, err) == 1; steps++) {
		assert(id > was && steps < MOST);
		was = id;
	}
	qdb_gone_has(db, 50, err);
	qdb_imported_has(db, 60, err);
}

static void
on_curb(void *ctx UNUSED, const struct queue_curb *c)
{
	assert(strlen(c->name) + strlen(c->reason) < DBFILE_MAX);
}

static int
on_dest(void *ctx, const struct queue_dest *d)
{
	assert(strlen(d->transport) + strlen(d->nexthop) + strlen(d->dsn) +
	    strlen(d->text) + strlen(d->site) < DBFILE_MAX);
	return ++*(int *)ctx < MOST;
}

static int
on_rcpt(void *ctx, int64_t msg UNUSED, const struct queue_rcpt *r,
    struct err *err UNUSED)
{
	check_rcpt(r);
	return ++*(int *)ctx == MOST;
}

static void
due(struct queue_db *db, int64_t dest, struct err *err)
{
	int64_t flow = -1, was = -1, n;
	int seen = 0, steps;

	qdb_rcpt_crowd(db, dest, NOW, 5, &n, err);
	assert(n <= 5);
	qdb_rcpt_due(db, dest, NOW, 10, on_rcpt, &seen, err);
	assert(seen <= 10);
	for (steps = 0; qdb_flow_next(db, dest, &flow, err) == 1; steps++) {
		assert(flow > was && steps < MOST);
		was = flow;
		qdb_rcpt_flow(db, dest, flow, NOW, 2, on_rcpt, &seen, err);
	}
	qdb_rcpt_next(db, dest, NOW, &n, err);
	qdb_dest_waiting(db, dest, 7, &n, err);
	assert(n <= 7);
}

static void
schedule(struct queue_db *db, struct err *err)
{
	struct qdb_cursor at = { 0, 0 };
	struct queue_dest d;
	int64_t dest;
	int steps = 0, seen = 0;

	qdb_curb_all(db, on_curb, NULL, err);
	qdb_dest_list(db, 0, on_dest, &seen, err);
	while (qdb_dest_due(db, NOW, &at, 1, 1, on_dest, &seen, err) == 1)
		assert(++steps < MOST);
	if (qdb_dest_get(db, "smtp", "a.example", &d, err) == 1)
		on_dest(&seen, &d);
	for (dest = 0; dest <= DESTS + 1; dest++)
		due(db, dest, err);
}

static void
list(struct queue_db *db, const char *to, int64_t id, struct err *err)
{
	struct queue_filter f = { .id = id, .to = { .s = to }, .from = {
		.s = "" }, .transport = "", .nexthop = "", .after = -1,
		.before = INT64_MAX };
	struct queue_message m;
	struct arena a = { 0 };
	struct qdb_list *l;
	int64_t was = INT64_MIN;
	int steps = 0;

	f.to.kind = *to ? PAT_ADDR : PAT_ANY;
	if (qdb_list_open(db, &f, &l, err) < 0)
		return;
	while (qdb_list_id(l) != INT64_MAX &&
	    qdb_list_take(l, 2, &a, &m, err) == 0) {
		assert(m.id > was && ++steps < MOST && m.n <= 2);
		was = m.id;
		check_message(&m);
	}
	qdb_list_close(l);
	arena_free(&a);
}

static void
ask(struct queue_db *db, struct err *err)
{
	struct qdb_stats stats;
	struct queue_message m;
	struct arena a = { 0 };
	int64_t ids[8], id;

	for (id = 0; id <= MESSAGES; id++)
		if (qdb_message_get(db, id, -1, 2, &a, &m, err) == 1) {
			assert(m.n <= 2);
			check_message(&m);
		}
	assert(qdb_message_expired(db, NOW, ids, ARRAY_LEN(ids), err) <=
	    (int)ARRAY_LEN(ids));
	assert(qdb_report_due(db, NOW, ids, ARRAY_LEN(ids), err) <=
	    (int)ARRAY_LEN(ids));
	list(db, "", -1, err);
	list(db, "a@a.example", -1, err);
	list(db, "", 2, err);
	qdb_stats(db, NOW, &stats, err);
	arena_free(&a);
}

/* --- writing -------------------------------------------------------------- */

static int
change(struct queue_db *db, struct err *err)
{
	struct queue_rcpt r = { .n = 1, .addr = "c@d", .orig = "", .orcpt = "",
		.notify = "", .mailbox = "", .transport = "smtp",
		.nexthop = "a.example", .dest = 1, .due = NOW + 9,
		.dsn = "4.1.1", .text = "later", .peer = "" };
	int64_t id;

	for (id = 1; id <= 6; id++)
		if (qdb_rcpt_set(db, id, &r, err) < 0 ||
		    qdb_rcpt_del(db, id, 2, err) < 0 ||
		    qdb_message_done(db, id, err) < 0)
			return -1;
	return qdb_message_hold(db, 7, "why", err) < 0 ||
	    qdb_message_release(db, 8, NOW, err) < 0 ||
	    qdb_message_flush(db, 5, NOW, err) < 0 ||
	    qdb_message_schedule(db, 10, NOW + 5, NOW + 9, err) < 0 ||
	    qdb_rcpt_move(db, 11, &r, err) < 0 ||
	    qdb_message_del(db, 11, err) < 0 ||
	    qdb_fresh_del(db, 3, err) < 0 || qdb_dest_del(db, 2, err) < 0 ||
	    qdb_dest_soon(db, 1, NOW - 9, err) < 0 ||
	    qdb_journal_set(db, 3, 4, err) < 0 ||
	    qdb_refused_expire(db, NOW, err) < 0 ||
	    qdb_report_later(db, 2, NOW + 1, err) < 0 ? -1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct queue_db *db;
	struct err err = ERR_INIT;
	bool opened;

	dbfile_put(&file, data, n);
	opened = qdb_open(path, CACHE, 0, &db, &err) == 0;
	assert(opened || n > 0);
	if (!opened)
		return 0;
	start(db, &err);
	schedule(db, &err);
	ask(db, &err);
	if (qdb_begin(db, &err) == 0) {
		if (change(db, &err) < 0 || qdb_commit(db, &err) < 0)
			qdb_rollback(db);
		else
			qdb_checkpoint(db, 1, &err);
	}
	assert(n > 0 || err.kind == ERR_NONE);
	ask(db, &err);
	qdb_close(db);
	return 0;
}
