/*
 * db_message.c - fresh messages, filed messages.
 */
#include "queue/db_impl.h"

enum { F_UTF8 = 1, F_BODY8 = 2, F_INTERNAL = 4, F_REQUIRETLS = 8,
	F_TLS_OPTIONAL = 32 };

int
qdb_fresh_add(struct queue_db *db, int64_t id, struct slice rec,
    struct err *err)
{
	return qdb_run(db, Q_FRESH_ADD, err, "ib", id, rec.p, rec.n);
}

int
qdb_fresh_del(struct queue_db *db, int64_t id, struct err *err)
{
	return qdb_run(db, Q_FRESH_DEL, err, "i", id);
}

int
qdb_fresh_next(struct queue_db *db, int64_t *id, struct str *rec,
    struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_FRESH_NEXT, err, "i", *id);
	int64_t before = *id;
	int rc;

	if (st == NULL)
		return -1;
	rc = qdb_step(db, st, err);
	if (rc == 1) {
		*id = sqlite3_column_int64(st, 0);
		str_add(rec, sqlite3_column_blob(st, 1),
		    (size_t)sqlite3_column_bytes(st, 1));
	}
	sqlite3_reset(st);
	return rc == 1 && *id <= before ? qdb_disorder(db, "fresh", err) : rc;
}

int
qdb_fresh_has(struct queue_db *db, int64_t id, struct err *err)
{
	int64_t one;

	return qdb_number(db, Q_FRESH_HAS, &one, err, "i", id);
}

int
qdb_journal_get(struct queue_db *db, int64_t *gen_r, int64_t *doubt_r,
    struct err *err)
{
	*gen_r = *doubt_r = 0;
	return qdb_number(db, Q_JOURNAL_DONE, gen_r, err, "") < 0 ||
	    qdb_number(db, Q_JOURNAL_DOUBT, doubt_r, err, "") < 0 ? -1 : 0;
}

int
qdb_journal_set(struct queue_db *db, int64_t gen, int64_t doubt,
    struct err *err)
{
	return qdb_run(db, Q_JOURNAL_SET, err, "ii", gen, doubt) < 0 ||
	    qdb_run(db, Q_GONE_DEL, err, "i", gen) < 0 ? -1 : 0;
}

int
qdb_gone_add(struct queue_db *db, int64_t id, int64_t gen, struct err *err)
{
	return qdb_run(db, Q_GONE_ADD, err, "ii", id, gen) < 0 ? -1 : 0;
}

int
qdb_gone_has(struct queue_db *db, int64_t id, struct err *err)
{
	int64_t one;

	return qdb_number(db, Q_GONE_HAS, &one, err, "i", id);
}

static void
count(int64_t *counter, int64_t by)
{
	if (*counter >= 0)
		*counter += by;
}

int
qdb_message_has(struct queue_db *db, int64_t id, struct err *err)
{
	int64_t one;

	return qdb_number(db, Q_MSG_HAS, &one, err, "i", id);
}

int
qdb_message_last(struct queue_db *db, int64_t *id_r, struct err *err)
{
	*id_r = 0;
	return MIN(qdb_number(db, Q_MSG_LAST, id_r, err, ""), 0);
}

int
qdb_message_add(struct queue_db *db, const struct queue_message *m,
    struct err *err)
{
	struct str sdomain = STR_INIT;
	int64_t flags = (m->utf8 ? F_UTF8 : 0) | (m->body8 ? F_BODY8 : 0) |
	    (m->internal ? F_INTERNAL : 0) |
	    (m->requiretls ? F_REQUIRETLS : 0) |
	    (m->tls_optional ? F_TLS_OPTIONAL : 0);
	int rc;

	address_domain(&sdomain, m->sender);
	rc = qdb_run(db, Q_MSG_ADD, err, "izzzzziiiiiiiiizz", m->id, m->sender,
	    sdomain.s, m->ret, m->envid, m->session, flags, (int64_t)m->size,
	    (int64_t)m->wsize, m->created, m->expires, m->release_at,
	    m->priority, (int64_t)m->hold, (int64_t)m->delay_warned,
	    m->reason, m->verp);
	str_free(&sdomain);
	if (rc < 0)
		return -1;
	count(&db->messages, 1);
	return 0;
}

int
qdb_message_del(struct queue_db *db, int64_t id, struct err *err)
{
	int n = qdb_run(db, Q_RCPT_DEL_ALL, err, "i", id);

	if (n < 0)
		return -1;
	count(&db->rcpts, -n);
	n = qdb_run(db, Q_MSG_DEL, err, "i", id);
	if (n < 0)
		return -1;
	count(&db->messages, -n);
	return 0;
}

int
qdb_message_done(struct queue_db *db, int64_t id, struct err *err)
{
	int n = qdb_run(db, Q_MSG_DONE, err, "i", id);

	if (n > 0)
		count(&db->messages, -n);
	return n;
}

static const char *
keep(sqlite3_stmt *st, int col, struct arena *a)
{
	const char *z = qdb_text(st, col);

	return *z ? arena_strdup(a, z) : "";
}

static void
message_row(sqlite3_stmt *st, struct arena *a, struct queue_message *m)
{
	int64_t flags = sqlite3_column_int64(st, 5);

	*m = (struct queue_message){ .id = sqlite3_column_int64(st, 0) };
	m->sender = keep(st, 1, a);
	m->ret = keep(st, 2, a);
	m->envid = keep(st, 3, a);
	m->session = keep(st, 4, a);
	m->utf8 = flags & F_UTF8;
	m->body8 = flags & F_BODY8;
	m->internal = flags & F_INTERNAL;
	m->requiretls = flags & F_REQUIRETLS;
	m->tls_optional = flags & F_TLS_OPTIONAL;
	m->size = (uint64_t)sqlite3_column_int64(st, 6);
	m->wsize = (uint64_t)sqlite3_column_int64(st, 7);
	m->created = sqlite3_column_int64(st, 8);
	m->expires = sqlite3_column_int64(st, 9);
	m->release_at = sqlite3_column_int64(st, 10);
	m->priority = sqlite3_column_int64(st, 11);
	m->hold = sqlite3_column_int64(st, 12) != 0;
	m->delay_warned = sqlite3_column_int64(st, 13) != 0;
	m->reason = keep(st, 14, a);
	m->verp = keep(st, 15, a);
}

static void
keep_rcpt(struct queue_rcpt *r, struct arena *a)
{
	const char **z[] = { &r->addr, &r->orig, &r->orcpt, &r->notify,
	    &r->mailbox, &r->transport, &r->nexthop, &r->dsn, &r->text,
	    &r->peer };
	size_t i;

	for (i = 0; i < ARRAY_LEN(z); i++)
		*z[i] = **z[i] ? arena_strdup(a, *z[i]) : "";
}

static int
get_rcpts(struct queue_db *db, int state, size_t max, struct arena *a,
    struct queue_message *m, struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_RCPT_GET, err, "iii", m->id,
	    (int64_t)state, (int64_t)max);
	struct queue_rcpt *old, r;
	size_t cap = 0;
	int rc;

	if (st == NULL)
		return -1;
	while ((rc = qdb_step(db, st, err)) == 1) {
		if (m->n == cap) {
			old = m->rcpt;
			cap = cap ? 2 * cap : 4;
			m->rcpt = arena_alloc(a, cap * sizeof(*m->rcpt));
			if (m->n > 0)
				memcpy(m->rcpt, old, m->n * sizeof(*old));
		}
		qdb_rcpt_row(st, 0, &r);
		keep_rcpt(&r, a);
		m->rcpt[m->n++] = r;
	}
	sqlite3_reset(st);
	return rc;
}

int
qdb_message_get(struct queue_db *db, int64_t id, int state, size_t max,
    struct arena *a, struct queue_message *m, struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_MSG_GET, err, "i", id);
	int rc;

	if (st == NULL)
		return -1;
	rc = qdb_step(db, st, err);
	if (rc == 1)
		message_row(st, a, m);
	sqlite3_reset(st);
	if (rc == 1 && max > 0 && get_rcpts(db, state, max, a, m, err) != 0)
		return -1;
	return rc;
}

int
qdb_message_expired(struct queue_db *db, int64_t now, int64_t *ids, int max,
    struct err *err)
{
	return qdb_ids(db, qdb_query(db, Q_MSG_EXPIRED, err, "ii", now,
	    (int64_t)max), ids, err);
}

int
qdb_message_expires(struct queue_db *db, int64_t id, int64_t expires,
    struct err *err)
{
	return qdb_run(db, Q_MSG_EXPIRES, err, "ii", id, expires) < 0 ? -1 : 0;
}

int
qdb_message_warned(struct queue_db *db, int64_t id, struct err *err)
{
	return qdb_run(db, Q_MSG_WARNED, err, "i", id) < 0 ? -1 : 0;
}

int
qdb_message_hold(struct queue_db *db, int64_t id, const char *reason,
    struct err *err)
{
	int n = qdb_run(db, Q_MSG_HOLD, err, "iz", id, reason);

	if (n > 0 && qdb_run(db, Q_RCPT_HOLD, err, "i", id) < 0)
		return -1;
	return n;
}

/* its destinations look at once */
static int
wake_dests(struct queue_db *db, int64_t id, int64_t now, struct err *err)
{
	return qdb_run(db, Q_DEST_OF_MSG, err, "ii", id, now);
}

int
qdb_message_release(struct queue_db *db, int64_t id, int64_t now,
    struct err *err)
{
	int n = qdb_run(db, Q_MSG_RELEASE, err, "ii", id, now);

	if (n > 0 && (qdb_run(db, Q_RCPT_RELEASE, err, "ii", id, now) < 0 ||
	    wake_dests(db, id, now, err) < 0))
		return -1;
	return n;
}

int
qdb_message_schedule(struct queue_db *db, int64_t id, int64_t at,
    int64_t expires, struct err *err)
{
	int n = qdb_run(db, Q_MSG_SCHEDULE, err, "iii", id, at, expires);

	if (n > 0 && qdb_run(db, Q_RCPT_SCHEDULE, err, "ii", id, at) < 0)
		return -1;
	return n;
}

int
qdb_message_priority(struct queue_db *db, int64_t id, int64_t priority,
    struct err *err)
{
	return qdb_run(db, Q_MSG_PRIORITY, err, "ii", id, priority);
}

int
qdb_message_flush(struct queue_db *db, int64_t id, int64_t now,
    struct err *err)
{
	int64_t one;
	int n = qdb_number(db, Q_MSG_FREE, &one, err, "i", id);

	if (n <= 0)
		return n;
	if (qdb_run(db, Q_RCPT_FLUSH, err, "ii", id, now) < 0 ||
	    wake_dests(db, id, now, err) < 0)
		return -1;
	return 1;
}
