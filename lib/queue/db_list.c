/*
 * db_list.c - filed messages that may match a filter: the narrowest index
 * drives, ids come in order, and nothing is ever sorted.  One statement
 * yields whole messages, so that a long queue costs no search from the root
 * for each of them.
 */
#include "queue/db_impl.h"

enum { DESTS_MAX = 8 };		/* transports of a next hop */

struct qdb_list {
	struct queue_db *db;
	sqlite3_stmt *st;	/* on the first row of id */
	struct str key;
	int64_t id;		/* INT64_MAX: the end */
};

/* columns of a list; the rest of an envelope stays behind */
enum { L_ID, L_SENDER, L_SESSION, L_SIZE, L_CREATED, L_RELEASE, L_PRIORITY,
	L_HOLD, L_REASON, L_N, L_ADDR, L_ORIG, L_STATE, L_DUE, L_ATTEMPTS,
	L_DSN, L_TEXT, L_DEST, L_TRANSPORT, L_NEXTHOP };
#define LIST_COLUMNS \
	"m.id, m.sender, m.session, m.size, m.created, m.release_at," \
	" m.priority, m.hold, m.reason, r.n, r.addr, r.orig, r.state, r.due," \
	" r.attempts, r.dsn, r.text, r.dest, d.transport, d.nexthop"

static void
add_range(struct str *out, const char *col)
{
	str_addf(out, " AND %s > ?1 AND %s < ?2", col, col);
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

/* no narrower question than the destination */
static bool
by_dest(const struct queue_filter *f)
{
	return plain(f->nexthop) && f->id < 0 && !exact(&f->to, PAT_ADDR) &&
	    !exact(&f->to, PAT_DOMAIN) && !exact(&f->from, PAT_ADDR) &&
	    f->from.kind != PAT_NULL && f->state != QSTATE_HOLD &&
	    f->state != QSTATE_SCHEDULED;
}

/* UNION merges what comes in order */
static void
dest_sql(const int64_t *dests, int n, struct str *out)
{
	int i;

	for (i = 0; i < n; i++) {
		str_addf(out, "%sSELECT%s msg AS id FROM rcpt INDEXED BY"
		    " rcpt_dest WHERE dest = %lld", i ? " UNION " : "",
		    n == 1 ? " DISTINCT" : "", (long long)dests[i]);
		add_range(out, "msg");
	}
}

static void
rcpt_sql(const char *where, struct str *out)
{
	str_addf(out, "SELECT DISTINCT msg AS id FROM rcpt INDEXED BY %s",
	    where);
	add_range(out, "msg");
}

static void
message_sql(const char *where, struct str *out)
{
	str_addf(out, "SELECT id FROM message %s", where);
	add_range(out, "id");
}

static void
candidates_sql(const struct queue_filter *f, const int64_t *dests, int n,
    struct str *out)
{
	if (f->id >= 0)
		message_sql("WHERE id = ?4", out);
	else if (exact(&f->to, PAT_ADDR))
		rcpt_sql("rcpt_addr WHERE addr = ?4 COLLATE NOCASE", out);
	else if (exact(&f->from, PAT_ADDR) || f->from.kind == PAT_NULL)
		message_sql("INDEXED BY message_sender"
		    " WHERE sender = ?4 COLLATE NOCASE", out);
	else if (f->state == QSTATE_HOLD)
		message_sql("INDEXED BY message_hold WHERE hold = 1", out);
	else if (f->state == QSTATE_SCHEDULED)
		message_sql("INDEXED BY message_scheduled"
		    " WHERE release_at > 0 AND hold = 0", out);
	else if (exact(&f->to, PAT_DOMAIN))
		rcpt_sql("rcpt_domain WHERE domain = ?4", out);
	else if (by_dest(f) && n > 0 && n <= DESTS_MAX)
		dest_sql(dests, n, out);
	else if (exact(&f->from, PAT_DOMAIN))
		message_sql("INDEXED BY message_sdomain WHERE sdomain = ?4",
		    out);
	else
		message_sql("WHERE 1", out);
}

/* The inner limit, none in fact, keeps SQLite from dropping the inner order. */
void
qdb_list_sql(const struct queue_filter *f, const int64_t *dests, int n,
    struct str *out)
{
	str_adds(out, "SELECT " LIST_COLUMNS " FROM (");
	candidates_sql(f, dests, n, out);
	str_adds(out, " ORDER BY id LIMIT ?3) c"
	    " CROSS JOIN message m ON m.id = c.id"
	    " CROSS JOIN rcpt r ON r.msg = c.id");
	if (f->not_dest != 0)
		str_addf(out, " AND r.dest IS NOT %lld",
		    (long long)f->not_dest);
	str_adds(out, " LEFT JOIN dest d ON d.id = r.dest");
}

/* the same order of questions as above */
static int
bind_key(sqlite3_stmt *st, const struct queue_filter *f, struct str *key)
{
	const char *k;

	if (sqlite3_bind_parameter_count(st) < 4)
		return SQLITE_OK;
	if (f->id >= 0)
		return sqlite3_bind_int64(st, 4, f->id);
	if (exact(&f->to, PAT_ADDR))
		k = f->to.s;
	else if (f->from.kind == PAT_NULL)
		k = "";
	else if (exact(&f->from, PAT_ADDR))
		k = f->from.s;
	else if (exact(&f->to, PAT_DOMAIN))
		k = f->to.s;
	else
		k = f->from.s;
	str_adds(key, k);
	str_lower(key);
	return sqlite3_bind_text(st, 4, key->s, (int)key->len, SQLITE_STATIC);
}

/* onto the next row: 0, or -1 */
static int
step(struct qdb_list *l, struct err *err)
{
	int64_t before = l->id;
	int rc = qdb_step(l->db, l->st, err);

	if (rc < 0)
		return -1;
	l->id = rc == 1 ? sqlite3_column_int64(l->st, L_ID) : INT64_MAX;
	if (l->id >= before)
		return 0;
	return qdb_disorder(l->db, "list", err);
}

static int
bind_list(struct qdb_list *l, const struct queue_filter *f, struct err *err)
{
	if (bind_key(l->st, f, &l->key) != SQLITE_OK ||
	    sqlite3_bind_int64(l->st, 1, f->after) != SQLITE_OK ||
	    sqlite3_bind_int64(l->st, 2, f->before) != SQLITE_OK ||
	    sqlite3_bind_int64(l->st, 3, -1) != SQLITE_OK)
		return qdb_fail(l->db, "list", err);
	return step(l, err);
}

/* destinations of the filter: how many, more than fit where that is so */
static int
find_dests(struct queue_db *db, const struct queue_filter *f, int64_t *ids,
    struct err *err)
{
	return qdb_ids(db, qdb_query(db, Q_DEST_IDS, err, "zzi", f->nexthop,
	    plain(f->transport) ? f->transport : "", (int64_t)DESTS_MAX + 1),
	    ids, err);
}

int
qdb_list_open(struct queue_db *db, const struct queue_filter *f,
    struct qdb_list **l_r, struct err *err)
{
	struct qdb_list *l;
	struct str sql = STR_INIT;
	int64_t dests[DESTS_MAX + 1];
	int n = 0, rc = 0;

	if (by_dest(f) && (n = find_dests(db, f, dests, err)) < 0)
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->db = db;
	l->key = (struct str)STR_INIT;
	l->id = by_dest(f) && n == 0 ? INT64_MAX : INT64_MIN;
	if (l->id != INT64_MAX) {
		qdb_list_sql(f, dests, n, &sql);
		rc = sqlite3_prepare_v2(db->db, sql.s, (int)sql.len, &l->st,
		    NULL) != SQLITE_OK ? qdb_fail(db, "list", err) :
		    bind_list(l, f, err);
		str_free(&sql);
	}
	if (rc != 0) {
		qdb_list_close(l);
		return -1;
	}
	*l_r = l;
	return 0;
}

void
qdb_list_close(struct qdb_list *l)
{
	if (l == NULL)
		return;
	sqlite3_finalize(l->st);
	str_free(&l->key);
	free(l);
}

int64_t
qdb_list_id(const struct qdb_list *l)
{
	return l->id;
}

static const char *
keep(sqlite3_stmt *st, int col, struct arena *a)
{
	const char *z = qdb_text(st, col);

	return *z ? arena_slice(a, (struct slice){ z,
	    (size_t)sqlite3_column_bytes(st, col) }) : "";
}

static void
message_columns(sqlite3_stmt *st, struct arena *a, struct queue_message *m)
{
	*m = (struct queue_message){ .id = sqlite3_column_int64(st, L_ID),
		.ret = "", .envid = "", .verp = "" };
	m->sender = keep(st, L_SENDER, a);
	m->session = keep(st, L_SESSION, a);
	m->size = (uint64_t)sqlite3_column_int64(st, L_SIZE);
	m->created = sqlite3_column_int64(st, L_CREATED);
	m->release_at = sqlite3_column_int64(st, L_RELEASE);
	m->priority = sqlite3_column_int64(st, L_PRIORITY);
	m->hold = sqlite3_column_int64(st, L_HOLD) != 0;
	m->reason = keep(st, L_REASON, a);
}

static void
rcpt_columns(sqlite3_stmt *st, struct arena *a, struct queue_rcpt *r)
{
	*r = (struct queue_rcpt){ .n = sqlite3_column_int64(st, L_N),
		.orcpt = "", .notify = "", .mailbox = "", .peer = "" };
	r->addr = keep(st, L_ADDR, a);
	r->orig = keep(st, L_ORIG, a);
	r->state = (int)sqlite3_column_int64(st, L_STATE);
	r->due = sqlite3_column_int64(st, L_DUE);
	r->attempts = sqlite3_column_int64(st, L_ATTEMPTS);
	r->dsn = keep(st, L_DSN, a);
	r->text = keep(st, L_TEXT, a);
	r->dest = sqlite3_column_int64(st, L_DEST);
	r->transport = keep(st, L_TRANSPORT, a);
	r->nexthop = keep(st, L_NEXTHOP, a);
}

/* past the recipients that nobody wants to see, by the index */
static int
skip(struct qdb_list *l, int64_t id, struct err *err)
{
	sqlite3_reset(l->st);
	if (sqlite3_bind_int64(l->st, 1, id) != SQLITE_OK)
		return qdb_fail(l->db, "list", err);
	if (step(l, err) != 0)
		return -1;
	return l->id != id ? 0 : qdb_disorder(l->db, "list", err);
}

int
qdb_list_take(struct qdb_list *l, size_t max, struct arena *a,
    struct queue_message *m, struct err *err)
{
	struct queue_rcpt *old;
	size_t cap = 0;

	message_columns(l->st, a, m);
	while (l->id == m->id) {
		if (m->n == max)
			return skip(l, m->id, err);
		if (m->n == cap) {
			old = m->rcpt;
			cap = cap ? 4 * cap : 1;
			m->rcpt = arena_alloc(a, cap * sizeof(*m->rcpt));
			if (m->n > 0)
				memcpy(m->rcpt, old, m->n * sizeof(*old));
		}
		rcpt_columns(l->st, a, &m->rcpt[m->n++]);
		if (step(l, err) != 0)
			return -1;
	}
	return 0;
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
	int64_t before = *id;
	int rc;

	if (st == NULL)
		return -1;
	rc = qdb_step(db, st, err);
	if (rc == 1) {
		*id = sqlite3_column_int64(st, 0);
		*until_r = sqlite3_column_int64(st, 1);
	}
	sqlite3_reset(st);
	return rc == 1 && *id <= before ? qdb_disorder(db, "refused", err) :
	    rc;
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
