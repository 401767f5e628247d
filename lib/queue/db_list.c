/*
 * db_list.c - which filed messages may match a filter: the narrowest index
 * drives, ids come in order, and nothing is sorted but where a next hop
 * has several transports.
 */
#include "queue/db_impl.h"

static void
add_range(struct str *out, const char *col, const char *order)
{
	str_addf(out, " AND %s > ?1 AND %s < ?2 ORDER BY %s LIMIT ?3", col,
	    col, order);
}

static bool
exact(const struct address_pattern *p, enum pattern_kind kind)
{
	return p->kind == kind && !p->wild;
}

static bool
plain(const char *z)
{
	return *z && strpbrk(z, "*?") == NULL;
}

void
qdb_candidates_sql(const struct queue_filter *f, struct str *out)
{
	static const char rcpt[] = "SELECT DISTINCT msg FROM rcpt INDEXED BY";
	static const char msg[] = "SELECT id FROM message";

	if (f->id >= 0) {
		str_addf(out, "%s WHERE id = ?4", msg);
		add_range(out, "id", "id");
	} else if (exact(&f->to, PAT_ADDR)) {
		str_addf(out, "%s rcpt_addr WHERE addr = ?4 COLLATE NOCASE",
		    rcpt);
		add_range(out, "msg", "msg");
	} else if (exact(&f->from, PAT_ADDR) || f->from.kind == PAT_NULL) {
		str_addf(out, "%s INDEXED BY message_sender"
		    " WHERE sender = ?4 COLLATE NOCASE", msg);
		add_range(out, "id", "id");
	} else if (f->state == QSTATE_HOLD) {
		str_addf(out, "%s INDEXED BY message_hold WHERE hold = 1", msg);
		add_range(out, "id", "id");
	} else if (f->state == QSTATE_SCHEDULED) {
		str_addf(out, "%s INDEXED BY message_scheduled"
		    " WHERE release_at > 0 AND hold = 0", msg);
		add_range(out, "id", "id");
	} else if (exact(&f->to, PAT_DOMAIN)) {
		str_addf(out, "%s rcpt_domain WHERE domain = ?4", rcpt);
		add_range(out, "msg", "msg");
	} else if (plain(f->nexthop) && plain(f->transport)) {
		str_addf(out, "%s rcpt_dest WHERE dest = (SELECT id FROM dest"
		    " WHERE nexthop = ?4 AND transport = ?5)", rcpt);
		add_range(out, "msg", "msg");
	} else if (plain(f->nexthop)) {
		str_addf(out, "%s rcpt_dest WHERE dest IN (SELECT id FROM dest"
		    " WHERE nexthop = ?4)", rcpt);
		add_range(out, "msg", "msg");
	} else if (exact(&f->from, PAT_DOMAIN)) {
		str_addf(out, "%s INDEXED BY message_sdomain"
		    " WHERE sdomain = ?4", msg);
		add_range(out, "id", "id");
	} else {
		str_addf(out, "%s WHERE 1", msg);
		add_range(out, "id", "id");
	}
}

/* the same order of questions as above */
static int
bind_key(sqlite3_stmt *st, const struct queue_filter *f, struct str *key)
{
	const char *k;

	if (f->id >= 0)
		return sqlite3_bind_int64(st, 4, f->id);
	if (exact(&f->to, PAT_ADDR))
		k = f->to.s;
	else if (f->from.kind == PAT_NULL)
		k = "";
	else if (exact(&f->from, PAT_ADDR))
		k = f->from.s;
	else if (f->state == QSTATE_HOLD || f->state == QSTATE_SCHEDULED)
		return SQLITE_OK;
	else if (exact(&f->to, PAT_DOMAIN))
		k = f->to.s;
	else if (plain(f->nexthop))
		k = f->nexthop;
	else if (exact(&f->from, PAT_DOMAIN))
		k = f->from.s;
	else
		return SQLITE_OK;
	str_adds(key, k);
	if (k != f->nexthop)
		str_lower(key);
	return sqlite3_bind_text(st, 4, key->s, (int)key->len, SQLITE_STATIC);
}

static int
collect(struct queue_db *db, sqlite3_stmt *st, int64_t *ids, struct err *err)
{
	int rc, n = 0;

	while ((rc = qdb_step(db, st, err)) == 1)
		ids[n++] = sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : n;
}

int
qdb_candidates(struct queue_db *db, const struct queue_filter *f,
    int64_t *ids, int max, struct err *err)
{
	struct str sql = STR_INIT, key = STR_INIT;
	sqlite3_stmt *st = NULL;
	int n;

	qdb_candidates_sql(f, &sql);
	if (sqlite3_prepare_v2(db->db, sql.s, (int)sql.len, &st, NULL) !=
	    SQLITE_OK || bind_key(st, f, &key) != SQLITE_OK)
		n = qdb_fail(db, "candidates", err);
	else {
		sqlite3_bind_int64(st, 1, f->after);
		sqlite3_bind_int64(st, 2, f->before);
		sqlite3_bind_int64(st, 3, max);
		if (sqlite3_bind_parameter_count(st) >= 5)
			sqlite3_bind_text(st, 5, f->transport, -1,
			    SQLITE_STATIC);
		n = collect(db, st, ids, err);
	}
	sqlite3_finalize(st);
	str_free(&sql);
	str_free(&key);
	return n;
}

int
qdb_refuse(struct queue_db *db, int64_t id, int64_t until, struct err *err)
{
	return qdb_run(db, Q_REFUSE, err, "ii", id, until) < 0 ? -1 : 0;
}

int
qdb_refused_next(struct queue_db *db, int64_t *id, int64_t *until_r,
    struct err *err)
{
	sqlite3_stmt *st = qdb_query(db, Q_REFUSED_NEXT, err, "i", *id);
	int rc;

	if (st == NULL)
		return -1;
	rc = qdb_step(db, st, err);
	if (rc == 1) {
		*id = sqlite3_column_int64(st, 0);
		*until_r = sqlite3_column_int64(st, 1);
	}
	sqlite3_reset(st);
	return rc;
}

int
qdb_refused_expire(struct queue_db *db, int64_t now, struct err *err)
{
	return qdb_run(db, Q_REFUSED_EXPIRE, err, "i", now) < 0 ? -1 : 0;
}

int
qdb_stats(struct queue_db *db, int64_t now, struct qdb_stats *s,
    struct err *err)
{
	*s = (struct qdb_stats){ 0 };
	if (db->messages < 0 && qdb_number(db, Q_COUNT_MSG, &db->messages,
	    err, "") < 0)
		return -1;
	if (db->rcpts < 0 && qdb_number(db, Q_COUNT_RCPT, &db->rcpts, err,
	    "") < 0)
		return -1;
	s->messages = db->messages;
	s->rcpts = db->rcpts;
	if (qdb_number(db, Q_COUNT_HELD, &s->held, err, "") < 0 ||
	    qdb_number(db, Q_COUNT_SCHEDULED, &s->scheduled, err, "i",
	    now) < 0 ||
	    qdb_number(db, Q_COUNT_DEST, &s->dests, err, "") < 0 ||
	    qdb_number(db, Q_COUNT_SUSPENDED, &s->suspended, err, "i",
	    now) < 0 || qdb_number(db, Q_OLDEST, &s->oldest, err, "") < 0)
		return -1;
	return 0;
}
