/*
 * db_rcpt.c - recipients and destinations of filed messages.
 */
#include "queue/db_impl.h"

void
qdb_rcpt_row(sqlite3_stmt *st, int col, struct queue_rcpt *r)
{
	*r = (struct queue_rcpt){ .n = sqlite3_column_int64(st, col + 1) };
	r->addr = qdb_text(st, col + 2);
	r->orig = qdb_text(st, col + 3);
	r->orcpt = qdb_text(st, col + 4);
	r->notify = qdb_text(st, col + 5);
	r->mailbox = qdb_text(st, col + 6);
	r->quota = (uint64_t)sqlite3_column_int64(st, col + 7);
	r->dest = sqlite3_column_int64(st, col + 8);
	r->state = (int)sqlite3_column_int64(st, col + 9);
	r->due = sqlite3_column_int64(st, col + 10);
	r->attempts = sqlite3_column_int64(st, col + 11);
	r->dsn = qdb_text(st, col + 12);
	r->text = qdb_text(st, col + 13);
	r->peer = qdb_text(st, col + 14);
	r->transport = qdb_text(st, col + 15);
	r->nexthop = qdb_text(st, col + 16);
}

int
qdb_rcpt_add(struct queue_db *db, int64_t msg, const struct queue_rcpt *r,
    struct err *err)
{
	struct str domain = STR_INIT;
	int rc;

	address_domain(&domain, r->addr);
	rc = qdb_run(db, Q_RCPT_ADD, err, "iizzzzzziiiiizzz", msg, r->n,
	    r->addr, domain.s, r->orig, r->orcpt, r->notify, r->mailbox,
	    (int64_t)r->quota, r->dest, (int64_t)r->state, r->due, r->attempts,
	    r->dsn, r->text, r->peer);
	str_free(&domain);
	if (rc < 0)
		return -1;
	if (db->rcpts >= 0)
		db->rcpts++;
	return 0;
}

int
qdb_rcpt_del(struct queue_db *db, int64_t msg, int64_t n, struct err *err)
{
	int rc = qdb_run(db, Q_RCPT_DEL, err, "ii", msg, n);

	if (rc > 0 && db->rcpts >= 0)
		db->rcpts -= rc;
	return rc < 0 ? -1 : 0;
}

int
qdb_rcpt_set(struct queue_db *db, int64_t msg, const struct queue_rcpt *r,
    struct err *err)
{
	return qdb_run(db, Q_RCPT_SET, err, "iiiiizzzi", msg, r->n,
	    (int64_t)r->state, r->due, r->attempts, r->dsn, r->text,
	    r->peer, (int64_t)r->quota) < 0 ? -1 : 0;
}

int
qdb_rcpt_due(struct queue_db *db, int64_t dest, int64_t now, int max,
    qdb_rcpt_fn *fn, void *ctx, struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_RCPT_DUE, err, "iii", dest, now,
	    (int64_t)max);
	struct queue_rcpt r;
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = qdb_step(db, st, err)) == 1) {
		qdb_rcpt_row(st, 0, &r);
		if (fn(ctx, sqlite3_column_int64(st, 0), &r, err) != 0) {
			rc = -1;
			break;
		}
	}
	sqlite3_reset(st);
	return rc;
}

int
qdb_rcpt_next(struct queue_db *db, int64_t dest, int64_t after,
    int64_t *due_r, struct err *err)
{
	return qdb_number(db, Q_RCPT_NEXT, due_r, err, "ii", dest, after);
}

int
qdb_report_due(struct queue_db *db, int64_t now, int64_t *ids, int max,
    struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_REPORT_DUE, err, "ii", now,
	    (int64_t)max);
	int64_t id;
	int rc, i, n = 0;

	if (st == NULL)
		return -1;
	while ((rc = qdb_step(db, st, err)) == 1) {
		id = sqlite3_column_int64(st, 0);
		for (i = 0; i < n && ids[i] != id; i++)
			;
		if (i == n)
			ids[n++] = id;
	}
	sqlite3_reset(st);
	return rc < 0 ? -1 : n;
}

int
qdb_report_later(struct queue_db *db, int64_t msg, int64_t due,
    struct err *err)
{
	return qdb_run(db, Q_REPORT_LATER, err, "ii", msg, due) < 0 ? -1 : 0;
}

static int64_t
next_of(sqlite3_stmt *st, int col)
{
	return sqlite3_column_type(st, col) == SQLITE_NULL ? INT64_MAX :
	    sqlite3_column_int64(st, col);
}

int
qdb_dest_get(struct queue_db *db, const char *transport,
    const char *nexthop, struct queue_dest *d, struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_DEST_GET, err, "zz", transport,
	    nexthop);
	size_t at;
	int rc;

	if (st == NULL)
		return -1;
	rc = qdb_step(db, st, err);
	if (rc == 1) {
		*d = (struct queue_dest){ .id = sqlite3_column_int64(st, 0),
		    .transport = transport, .nexthop = nexthop };
		d->next = next_of(st, 1);
		d->suspended_until = sqlite3_column_int64(st, 2);
		d->window = sqlite3_column_int64(st, 3);
		d->failures = sqlite3_column_int64(st, 4);
		str_reset(&db->dest_text);
		str_adds(&db->dest_text, qdb_text(st, 5));
		str_addc(&db->dest_text, '\0');
		at = db->dest_text.len;
		str_adds(&db->dest_text, qdb_text(st, 6));
		d->dsn = db->dest_text.s;
		d->text = db->dest_text.s + at;
	}
	sqlite3_reset(st);
	return rc;
}

int
qdb_dest_add(struct queue_db *db, struct queue_dest *d, struct err *err)
{
	if (qdb_run(db, Q_DEST_ADD, err, "zziiiizz", d->transport, d->nexthop,
	    d->next, d->suspended_until, d->window, d->failures, d->dsn,
	    d->text) < 0)
		return -1;
	d->id = sqlite3_last_insert_rowid(db->db);
	return 0;
}

int
qdb_dest_set(struct queue_db *db, const struct queue_dest *d, struct err *err)
{
	return qdb_run(db, Q_DEST_SET, err, "iiiiizz", d->id, d->next,
	    d->suspended_until, d->window, d->failures, d->dsn,
	    d->text) < 0 ? -1 : 0;
}

int
qdb_dest_soon(struct queue_db *db, int64_t id, int64_t next, struct err *err)
{
	return qdb_run(db, Q_DEST_SOON, err, "ii", id, next) < 0 ? -1 : 0;
}

int
qdb_dest_del(struct queue_db *db, int64_t id, struct err *err)
{
	return qdb_run(db, Q_DEST_DEL, err, "i", id);
}

int
qdb_dest_due(struct queue_db *db, int64_t now, struct qdb_cursor *c,
    int max, int look, qdb_dest_fn *fn, void *ctx, struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_DEST_DUE, err, "iii", c->next,
	    c->id, now);
	struct queue_dest d;
	int rc = 0;

	if (st == NULL)
		return -1;
	while (max > 0 && look-- > 0 && (rc = qdb_step(db, st, err)) == 1) {
		d.id = c->id = sqlite3_column_int64(st, 0);
		d.transport = qdb_text(st, 1);
		d.nexthop = qdb_text(st, 2);
		d.next = c->next = sqlite3_column_int64(st, 3);
		d.suspended_until = sqlite3_column_int64(st, 4);
		d.window = sqlite3_column_int64(st, 5);
		d.failures = sqlite3_column_int64(st, 6);
		d.dsn = qdb_text(st, 7);
		d.text = qdb_text(st, 8);
		if (fn(ctx, &d))
			max--;
	}
	sqlite3_reset(st);
	if (rc == 0)
		*c = (struct qdb_cursor){ 0, 0 };
	return rc;
}
