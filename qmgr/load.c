/*
 * load.c - from the database into memory: fresh messages at start, then
 * what is due, by destination in turn.
 *
 * Backlog fills at most half of memory's places and a bounded part of each
 * destination, so neither old mail nor one destination keeps others out.  Where
 * more is due in a destination than its senders may have there, they take
 * turns: some of each, by flow, from where the last load ended.
 */
#include "qmgr.h"

enum { CHUNK = 500, EACH = 8, FLOWS_LOOK = 1000, NEW_DESTS = 50,
	LOOK = 500, EXPIRE = 100, EXPIRE_RCPTS = 1000 };

struct msg *
msg_from_record(char *rec, size_t len, enum msg_row row, struct err *err)
{
	struct queue_message m;
	struct dest *d;
	struct msg *new;
	int64_t now = wall_s();
	size_t i;

	if (queue_message_decode(rec, len, &m, err) != 0) {
		free(rec);
		return NULL;
	}
	new = msg_new(&m, row);
	new->blob = rec;
	new->blob_len = len;
	for (i = m.n; i > 0; i--) {
		d = dest_get(m.rcpt[i - 1].transport, m.rcpt[i - 1].nexthop,
		    err);
		if (d == NULL)
			break;
		m.rcpt[i - 1].due = now;
		rcpt_new(new, &m.rcpt[i - 1], d, FRESH);
	}
	free(m.rcpt);
	if (i == 0)
		return new;
	msg_forget(new);
	return NULL;
}

bool
record_reads(int64_t id, struct slice rec, struct err *err)
{
	struct queue_message m;
	bool good = queue_message_decode(rec.p, rec.n, &m, err) == 0;
	char q[QID_SIZE];

	if (good && m.id != id) {
		err_temp(err, "4.3.0", "the record is another message's");
		good = false;
	}
	free(m.rcpt);
	qid_print(id, q);
	if (!good)
		log_event(LOG_ERROR, "record-bad", KS("q", q), KERR(err), KEND);
	return good;
}

/* What does not read stays where it is: a later version, or an admin, may know
 * what to do with it. */
int
load_fresh(struct err *err)
{
	struct str rec = STR_INIT;
	struct rcpt *r;
	struct msg *m;
	int64_t id = -1;
	size_t len;
	int rc;

	if (qdb_message_last(qmgr.db, &qmgr.last_id, err) != 0)
		return -1;
	while ((rc = qdb_fresh_next(qmgr.db, &id, &rec, err)) == 1) {
		if (!record_reads(id, slice_str(&rec), err)) {
			recent_add(id);
			str_reset(&rec);
			continue;
		}
		len = rec.len;
		m = msg_from_record(str_steal(&rec), len, ROW_FRESH, err);
		if (m == NULL)
			return -1;
		m->again = true;
		qmgr.last_id = MAX(qmgr.last_id, id);
		LIST_FOREACH(r, &m->rcpts, of_msg)
			sched_add(r, rcpt_class(r));
		msg_release(m);
	}
	str_free(&rec);
	return rc;
}

static struct msg *
load_message(int64_t id, struct err *err)
{
	struct queue_message m;
	struct arena a = { 0 };
	struct msg *new;

	if (qdb_message_get(qmgr.db, id, -1, 0, &a, &m, err) != 1) {
		arena_free(&a);
		return NULL;
	}
	new = msg_new(&m, ROW_FILED);
	new->arena = a;
	new->again = id <= qmgr.last_id ||
	    qid_time_us(id) < qmgr.started_us;
	return new;
}

static struct rcpt *
load_rcpt(struct msg *m, const struct queue_rcpt *q, struct dest *d)
{
	const char **z[7];
	struct queue_rcpt c = *q;
	size_t i;

	z[0] = &c.addr;
	z[1] = &c.orig;
	z[2] = &c.orcpt;
	z[3] = &c.notify;
	z[4] = &c.mailbox;
	z[5] = &c.dsn;
	z[6] = &c.text;
	for (i = 0; i < ARRAY_LEN(z); i++)
		*z[i] = msg_string(m, *z[i], SIZE_MAX);
	c.peer = msg_string(m, c.peer, SIZE_MAX);
	return rcpt_new(m, &c, d, BACKLOG);
}

struct loading {
	struct dest *dest;
	size_t seen, loaded;
	size_t max;		/* of them; 0 no limit */
	bool skipped;		/* some of a sender who has his share here */
};

/* in memory, of one sender and destination */
static size_t
share_of_sender(void)
{
	return MAX(1, (size_t)qmgr.conf.destination_backlog / 4);
}

static int
on_row(void *ctx, int64_t id, const struct queue_rcpt *q, struct err *err)
{
	struct loading *l = ctx;
	struct msg *m = msg_find(id);
	struct rcpt *r;

	l->seen++;
	if (rcpt_find(id, q->n) != NULL || (m != NULL && m->doomed))
		return 0;
	if (m == NULL)
		m = load_message(id, err);
	if (m == NULL)
		return err->kind == ERR_NONE ? 0 : -1;
	if (sched_waiting(l->dest, m) >= share_of_sender()) {
		msg_release(m);
		l->skipped = true;
		return l->max > 0;
	}
	r = load_rcpt(m, q, l->dest);
	sched_add(r, rcpt_class(r));
	return ++l->loaded == l->max;
}

/* One round: at most `each` of every flow.  1: some had more, 0, -1. */
static int
load_round(struct dest *d, int64_t now, size_t each, size_t max,
    size_t *loaded, struct err *err)
{
	int64_t flow = d->flow_at, start = flow;
	bool wrapped = false;
	int rc = 0, look, more = 0;

	for (look = 0; look < FLOWS_LOOK && *loaded < max; look++) {
		struct loading l = { .dest = d,
		    .max = MIN(each, max - *loaded) };

		rc = qdb_flow_next(qmgr.db, d->row, &flow, err);
		if (rc == 0 && !wrapped) {
			wrapped = true;
			flow = -1;
			continue;
		}
		if (rc <= 0 || (wrapped && flow > start))
			break;
		err->kind = ERR_NONE;
		if (qdb_rcpt_flow(qmgr.db, d->row, flow, now,
		    (int)(d->rcpts + l.max), on_row, &l, err) != 0)
			return -1;
		d->flow_at = flow;
		*loaded += l.loaded;
		more = more || l.loaded == l.max;
	}
	return rc < 0 ? -1 : more;
}

static int
load_fairly(struct dest *d, int64_t now, size_t max, struct err *err)
{
	size_t loaded = 0, each = EACH;
	int rc;

	do
		rc = load_round(d, now, each, max, &loaded, err);
	while (rc == 1 && loaded < max && (each *= 4) <= CHUNK);
	return rc < 0 ? -1 : (int)loaded;
}

/* at most max recipients of one destination; how many, or -1 */
static int
load_dest(struct dest *d, int64_t now, size_t max, struct err *err)
{
	struct loading l = { .dest = d };
	size_t limit = d->rcpts + max;
	int64_t due = 0, n;
	int rc;

	if (d->row == 0)
		return 0;
	err->kind = ERR_NONE;
	if (qdb_rcpt_crowd(qmgr.db, d->row, now, (int64_t)limit + 1, &n,
	    err) != 0)
		return -1;
	if ((size_t)n > MIN(limit, d->rcpts + share_of_sender()))
		return load_fairly(d, now, max, err);
	if (qdb_rcpt_due(qmgr.db, d->row, now, (int)limit, on_row, &l,
	    err) != 0)
		return -1;
	if (l.seen < limit && !l.skipped) {
		rc = qdb_rcpt_next(qmgr.db, d->row, now, &due, err);
		if (rc < 0)
			return -1;
		d->mem_next = rc == 1 ? due : INT64_MAX;
	}
	return (int)l.loaded;
}

static size_t
places(void)
{
	size_t limit = (size_t)qmgr.conf.active_limit;
	size_t used = qmgr.rcpts[FRESH] + qmgr.rcpts[BACKLOG];
	size_t most = limit - limit / 5;	/* the rest is for new mail */

	if (used >= most || qmgr.rcpts[BACKLOG] >= limit / 2)
		return 0;
	return MIN(MIN(most - used, limit / 2 - qmgr.rcpts[BACKLOG]), CHUNK);
}

static bool
may_load(const struct dest *d, int64_t now)
{
	return d->row != 0 && d->mem_next <= now && d->suspended_until == 0 &&
	    d->transport->suspended_until == 0 &&
	    d->rcpts < (size_t)qmgr.conf.destination_backlog;
}

/* those in memory; one that got its part goes to the end of the row */
static int
load_known(int64_t now, size_t *room, struct err *err)
{
	struct dest *d, *next, *end = TAILQ_LAST(&dests, dest_list);
	int n;

	for (d = TAILQ_FIRST(&dests); d != NULL && *room > 0; d = next) {
		next = d == end ? NULL : TAILQ_NEXT(d, all);
		if (!may_load(d, now))
			continue;
		n = load_dest(d, now, MIN(*room,
		    (size_t)qmgr.conf.destination_backlog - d->rcpts), err);
		if (n < 0)
			return -1;
		*room -= MIN(*room, (size_t)n);
		TAILQ_REMOVE(&dests, d, all);
		TAILQ_INSERT_TAIL(&dests, d, all);
	}
	return 0;
}

struct names {
	struct arena arena;
	struct strlist transport, nexthop;
};

static int
on_dest(void *ctx, const struct queue_dest *d)
{
	struct names *n = ctx;

	if (dest_find(d->transport, d->nexthop) != NULL)
		return 0;
	strlist_add(&n->transport, &n->arena,
	    arena_strdup(&n->arena, d->transport));
	strlist_add(&n->nexthop, &n->arena,
	    arena_strdup(&n->arena, d->nexthop));
	return 1;
}

/* those whose rows say that they have work: 1 there are more, 0, -1 */
static int
load_new(int64_t now, size_t *room, struct err *err)
{
	static struct qdb_cursor cursor;
	struct names names = { 0 };
	struct dest *d;
	size_t i;
	int n = 0, rc;

	rc = qdb_dest_due(qmgr.db, now, &cursor, NEW_DESTS, LOOK, on_dest,
	    &names, err);
	for (i = 0; rc >= 0 && i < names.transport.n; i++) {
		d = dest_get(names.transport.v[i], names.nexthop.v[i], err);
		n = d == NULL ? -1 : 0;
		if (d == NULL)
			break;
		if (d->transport->suspended_until > now)
			dest_suspend(d, d->transport->suspended_until,
			    d->transport->dsn, d->transport->text);
		else if (*room > 0 && may_load(d, now))
			n = load_dest(d, now, MIN(*room,
			    (size_t)qmgr.conf.destination_backlog), err);
		if (n < 0)
			break;
		*room -= MIN(*room, (size_t)n);
	}
	arena_free(&names.arena);
	return n < 0 ? -1 : rc;
}

bool
load_due(int64_t now)
{
	struct err err = ERR_INIT;
	size_t room = places(), before = room;
	int rc;

	if (room == 0)
		return false;
	rc = load_known(now, &room, &err);
	if (rc == 0 && room > 0)
		rc = load_new(now, &room, &err);
	if (rc < 0)
		log_event(LOG_ERROR, "load", KERR(&err), KEND);
	return rc >= 0 && (rc == 1 || room < before);
}

struct expire_op {
	struct op op;
	int64_t id;
};

static int
expire_apply(struct op *op, struct err *err)
{
	return qdb_message_expires(qmgr.db, ((struct expire_op *)op)->id,
	    INT64_MAX, err);
}

static void
expire_done(struct op *op, const struct err *err UNUSED)
{
	free(op);
}

/* all that still waits of it has failed */
static int
expire_message(int64_t id, struct err *err)
{
	struct queue_message m;
	struct arena a = { 0 };
	struct expire_op *op;
	struct dest *d;
	struct rcpt *r;
	struct msg *msg;
	size_t i;
	int rc;

	rc = qdb_message_get(qmgr.db, id, RCPT_WAITING, EXPIRE_RCPTS, &a, &m,
	    err);
	msg = rc == 1 ? load_message(id, err) : NULL;
	for (i = 0; msg != NULL && i < m.n; i++) {
		d = dest_get(m.rcpt[i].transport, m.rcpt[i].nexthop, err);
		if (d == NULL)
			break;
		r = load_rcpt(msg, &m.rcpt[i], d);
		if (*m.rcpt[i].text)
			result_put_back(r, "", "");
		else
			dest_put_back(d, r);
	}
	if (msg != NULL)
		msg_release(msg);
	if (msg != NULL && i == m.n && m.n < EXPIRE_RCPTS) {
		op = xcalloc(1, sizeof(*op));
		op->op.apply = expire_apply;
		op->op.done = expire_done;
		op->id = id;
		commit_op(&op->op);
	}
	arena_free(&a);
	return rc;
}

void
expire_due(int64_t now)
{
	struct err err = ERR_INIT;
	int64_t ids[EXPIRE];
	int i, n = qdb_message_expired(qmgr.db, now, ids, EXPIRE, &err);

	for (i = 0; i < n; i++)
		if (msg_find(ids[i]) == NULL &&
		    expire_message(ids[i], &err) < 0)
			n = -1;
	if (n < 0)
		log_event(LOG_ERROR, "load", KERR(&err), KEND);
}
