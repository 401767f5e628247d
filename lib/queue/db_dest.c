/*
 * db_dest.c - destinations of filed recipients; curbs: limits that were set
 * while qmgr ran; and what came from other queues.
 */
#include "queue/db_impl.h"

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
	size_t at, site;
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
		str_addc(&db->dest_text, '\0');
		site = db->dest_text.len;
		str_adds(&db->dest_text, qdb_text(st, 7));
		d->dsn = db->dest_text.s;
		d->text = db->dest_text.s + at;
		d->site = db->dest_text.s + site;
	}
	sqlite3_reset(st);
	return rc;
}

int
qdb_dest_add(struct queue_db *db, struct queue_dest *d, struct err *err)
{
	if (qdb_run(db, Q_DEST_ADD, err, "zziiiizzz", d->transport, d->nexthop,
	    d->next, d->suspended_until, d->window, d->failures, d->dsn,
	    d->text, d->site) < 0)
		return -1;
	d->id = sqlite3_last_insert_rowid(db->db);
	return 0;
}

int
qdb_dest_set(struct queue_db *db, const struct queue_dest *d, struct err *err)
{
	return qdb_run(db, Q_DEST_SET, err, "iiiiizzz", d->id, d->next,
	    d->suspended_until, d->window, d->failures, d->dsn,
	    d->text, d->site) < 0 ? -1 : 0;
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

static void
dest_row(sqlite3_stmt *st, struct queue_dest *d)
{
	d->id = sqlite3_column_int64(st, 0);
	d->transport = qdb_text(st, 1);
	d->nexthop = qdb_text(st, 2);
	d->next = next_of(st, 3);
	d->suspended_until = sqlite3_column_int64(st, 4);
	d->window = sqlite3_column_int64(st, 5);
	d->failures = sqlite3_column_int64(st, 6);
	d->dsn = qdb_text(st, 7);
	d->text = qdb_text(st, 8);
	d->site = qdb_text(st, 9);
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
		dest_row(st, &d);
		c->id = d.id;
		c->next = d.next;
		if (fn(ctx, &d))
			max--;
	}
	sqlite3_reset(st);
	if (rc == 0)
		*c = (struct qdb_cursor){ 0, 0 };
	return rc;
}

int
qdb_dest_list(struct queue_db *db, int64_t after, qdb_dest_fn *fn, void *ctx,
    struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_DEST_LIST, err, "i", after);
	struct queue_dest d;
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = qdb_step(db, st, err)) == 1) {
		dest_row(st, &d);
		if (fn(ctx, &d) == 0)
			break;
	}
	sqlite3_reset(st);
	return rc;
}

int
qdb_dest_waiting(struct queue_db *db, int64_t dest, int64_t most,
    int64_t *n_r, struct err *err)
{
	*n_r = 0;
	return MIN(qdb_number(db, Q_DEST_WAITING, n_r, err, "ii", dest, most),
	    0);
}

int
qdb_dest_resume(struct queue_db *db, const struct queue_dest *which,
    int64_t now, int64_t since, struct err *err)
{
	return qdb_run(db, Q_DEST_RESUME, err, "zzzii", which->transport,
	    which->nexthop, which->site, now, since) < 0 ? -1 : 0;
}

/* --- curbs --- */

int
qdb_curb_put(struct queue_db *db, const struct queue_curb *c, struct err *err)
{
	return qdb_run(db, Q_CURB_PUT, err, "ziiiiiiz", c->name,
	    (int64_t)c->paused, c->concurrency, c->messages, c->seconds,
	    c->since, c->until, c->reason) < 0 ? -1 : 0;
}

int
qdb_curb_del(struct queue_db *db, const char *name, struct err *err)
{
	return qdb_run(db, Q_CURB_DEL, err, "z", name);
}

int
qdb_curb_all(struct queue_db *db, qdb_curb_fn *fn, void *ctx, struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_CURB_ALL, err, "");
	struct queue_curb c;
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = qdb_step(db, st, err)) == 1) {
		c.name = qdb_text(st, 0);
		c.paused = sqlite3_column_int64(st, 1) != 0;
		c.concurrency = sqlite3_column_int64(st, 2);
		c.messages = sqlite3_column_int64(st, 3);
		c.seconds = sqlite3_column_int64(st, 4);
		c.since = sqlite3_column_int64(st, 5);
		c.until = sqlite3_column_int64(st, 6);
		c.reason = qdb_text(st, 7);
		fn(ctx, &c);
	}
	sqlite3_reset(st);
	return rc;
}

int
qdb_imported_add(struct queue_db *db, int64_t id, int64_t at, int64_t old,
    struct err *err)
{
	return qdb_run(db, Q_IMPORTED_EXPIRE, err, "i", old) < 0 ||
	    qdb_run(db, Q_IMPORTED_ADD, err, "ii", id, at) < 0 ? -1 : 0;
}

int
qdb_imported_has(struct queue_db *db, int64_t id, struct err *err)
{
	int64_t one;

	return qdb_number(db, Q_IMPORTED_HAS, &one, err, "i", id);
}

int
qdb_imported_del(struct queue_db *db, int64_t id, struct err *err)
{
	return MIN(qdb_run(db, Q_IMPORTED_DEL, err, "i", id), 0);
}
