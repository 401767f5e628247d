/*
 * db_rcpt.c - recipients of filed messages.
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
	rc = qdb_run(db, Q_RCPT_ADD, err, "iizzzzzziiiiizzzi", msg, r->n,
	    r->addr, domain.s, r->orig, r->orcpt, r->notify, r->mailbox,
	    (int64_t)r->quota, r->dest, (int64_t)r->state, r->due, r->attempts,
	    r->dsn, r->text, r->peer, r->flow);
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

static int
each_rcpt(struct queue_db *db, sqlite3_stmt *st, qdb_rcpt_fn *fn, void *ctx,
    struct err *err)
{
	struct queue_rcpt r;
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = qdb_step(db, st, err)) == 1) {
		qdb_rcpt_row(st, 0, &r);
		rc = fn(ctx, sqlite3_column_int64(st, 0), &r, err);
		if (rc != 0)
			break;
	}
	sqlite3_reset(st);
	return MIN(rc, 0);
}

int
qdb_rcpt_due(struct queue_db *db, int64_t dest, int64_t now, int max,
    qdb_rcpt_fn *fn, void *ctx, struct err *err)
{
	return each_rcpt(db, qdb_query(db, Q_RCPT_DUE, err, "iii", dest, now,
	    (int64_t)max), fn, ctx, err);
}

int
qdb_rcpt_flow(struct queue_db *db, int64_t dest, int64_t flow, int64_t now,
    int max, qdb_rcpt_fn *fn, void *ctx, struct err *err)
{
	return each_rcpt(db, qdb_query(db, Q_RCPT_FLOW, err, "iiii", dest,
	    flow, now, (int64_t)max), fn, ctx, err);
}

int
qdb_rcpt_crowd(struct queue_db *db, int64_t dest, int64_t now, int64_t most,
    int64_t *n_r, struct err *err)
{
	*n_r = 0;
	return MIN(qdb_number(db, Q_RCPT_CROWD, n_r, err, "iii", dest, now,
	    most), 0);
}

int
qdb_flow_next(struct queue_db *db, int64_t dest, int64_t *flow,
    struct err *err)
{
	int64_t before = *flow;
	int rc = qdb_number(db, Q_FLOW_NEXT, flow, err, "ii", dest, before);

	return rc == 1 && *flow <= before ? qdb_disorder(db, "flow", err) :
	    rc;
}

int
qdb_rcpt_move(struct queue_db *db, int64_t msg, const struct queue_rcpt *r,
    struct err *err)
{
	struct str domain = STR_INIT;
	int rc;

	address_domain(&domain, r->addr);
	rc = qdb_run(db, Q_RCPT_MOVE, err, "iiiziizz", msg, r->n, r->dest,
	    r->mailbox, (int64_t)r->state, r->due, r->addr, domain.s);
	str_free(&domain);
	return MIN(rc, 0);
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
	int i, k, n = 0, all = qdb_ids(db, qdb_query(db, Q_REPORT_DUE, err,
	    "ii", now, (int64_t)max), ids, err);

	for (k = 0; k < all; k++) {
		for (i = 0; i < n && ids[i] != ids[k]; i++)
			;
		if (i == n)
			ids[n++] = ids[k];
	}
	return all < 0 ? -1 : n;
}

int
qdb_report_later(struct queue_db *db, int64_t msg, int64_t due,
    struct err *err)
{
	return qdb_run(db, Q_REPORT_LATER, err, "ii", msg, due) < 0 ? -1 : 0;
}
