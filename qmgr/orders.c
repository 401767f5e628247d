/*
 * orders.c - flush, hold, release, delete, schedule, priority: at most
 * ORDER_MESSAGES messages a call, all in one transaction, answered when it is
 * durable.  What is in an agent's hands stays there until its result is known.
 */
#include "qmgr.h"

enum { ORDER_MESSAGES = 500 };
enum order_kind { FLUSH, HOLD, RELEASE, DELETE, SCHEDULE, PRIORITY };

struct target {
	int64_t id;
	size_t rcpts;		/* as counted */
	bool left;		/* it is not there any more */
};
struct order {
	struct op op;
	enum order_kind kind;
	const char *reason;	/* of a hold; static */
	int64_t value;		/* the time, or the priority */
	bool answer;
	struct hub_ticket ticket;
	struct qmgr_count count;
	char next[QID_SIZE];
	int64_t now;
	struct target *of;
	size_t n;
	size_t waiting;		/* deletions that wait for results */
};

static const int64_t far = INT64_MAX / 2;

static int
apply_hold(int64_t id, const char *reason, struct err *err)
{
	struct msg *m = msg_find(id);
	int rc = m == NULL ? 0 : change_file(m, true, reason, err);

	if (rc != 0)
		return MIN(rc, 0);
	rc = qdb_message_hold(qmgr.db, id, reason, err);
	if (rc >= 0 && *reason)
		rc = qdb_report_later(qmgr.db, id, far, err);
	return MIN(rc, 0);
}

/* It is delivered, and only waits for a sync: nothing of it can change, and
 * who orders something for it is told that it has left. */
static bool
too_late(int64_t id)
{
	const struct msg *m = msg_find(id);

	return m != NULL && m->spent;
}

/* schedule and priority: it has rows by then */
static int
apply_change(const struct order *o, int64_t id, struct err *err)
{
	struct msg *m = msg_find(id);

	if (m != NULL && change_file(m, false, "", err) < 0)
		return -1;
	return o->kind == SCHEDULE ? change_schedule(id, o->value, err) :
	    change_priority(id, o->value, err);
}

/* by the same transaction: its last result came in it */
static int
has_left(const struct msg *m, int64_t id, struct err *err)
{
	int rc;

	if (m != NULL && msg_row_now(m) != ROW_FILED)
		return m->listed && m->ended;
	rc = qdb_message_has(qmgr.db, id, err);
	return rc < 0 ? -1 : rc == 0;
}

/* 1: it has left before, and that was said */
static int
apply_delete(const struct order *o, int64_t id, struct err *err)
{
	struct msg *m = msg_find(id);
	int rc;

	/* it may come back */
	if (*o->reason && qdb_imported_del(qmgr.db, id, err) != 0)
		return -1;
	if (m != NULL && (m->out > 0 || m->stuck))
		return 0;	/* when its results are known, or written */
	rc = has_left(m, id, err);
	if (rc != 0)
		return rc;
	if (epoch_left(id, m != NULL ? m->gen : 0, err) != 0)
		return -1;
	if (m != NULL && msg_row_now(m) == ROW_FRESH)
		return MIN(qdb_fresh_del(qmgr.db, id, err), 0);
	return qdb_message_del(qmgr.db, id, err);
}

static int
apply_one(const struct order *o, struct target *t, struct err *err)
{
	int rc;

	switch (o->kind) {
	case FLUSH:
		return qdb_message_flush(qmgr.db, t->id, o->now, err);
	case HOLD:
		return apply_hold(t->id, o->reason, err);
	case RELEASE:
		return qdb_message_release(qmgr.db, t->id, o->now, err);
	case DELETE:
		rc = apply_delete(o, t->id, err);
		t->left = rc == 1;
		return MIN(rc, 0);
	case SCHEDULE:
	case PRIORITY:
		break;
	}
	return apply_change(o, t->id, err);
}

static int
apply(struct op *op, struct err *err)
{
	struct order *o = (struct order *)op;
	size_t i;

	for (i = 0; i < o->n; i++) {
		o->of[i].left = too_late(o->of[i].id);
		if (!o->of[i].left && apply_one(o, &o->of[i], err) < 0)
			return -1;
	}
	return 0;
}

static void
drop(struct rcpt *r)
{
	rcpt_free(r);
}

static void
doom(struct rcpt *r)
{
	r->gone = true;
	rcpt_dirty(r);
}

static void
held(struct msg *m, const char *reason)
{
	msg_set_row(m, ROW_FILED);
	m->m.hold = true;
	m->m.reason = reason;
	sched_remove(m, drop);
	msg_release(m);
}

static void
deleted(struct order *o, int64_t id)
{
	struct msg *m = msg_find(id);

	if (m != NULL && (m->out > 0 || m->stuck)) {
		if (m->doomed)
			return;
		m->doomed = true;
		m->deleter = o;
		o->waiting++;
		sched_remove(m, doom);
		afloat_doom(m);
		return;
	}
	if (m != NULL) {
		sched_remove(m, drop);
		msg_release(m);
	}
	message_gone(id, qid_time_us(id), "", *o->reason ? o->reason :
	    "deleted");
}

static const struct err *
not_there(int64_t id, struct err *err)
{
	char q[QID_SIZE];

	qid_print(id, q);
	err_perm(err, "5.5.4", "%s is not in the queue", q);
	return err;
}

static void
finish(struct order *o, const struct err *err)
{
	o->count.next = o->next;
	if (o->answer && err != NULL)
		hub_err(o->ticket, err);
	else if (o->answer)
		hub_ok(o->ticket, &o->count);
	free(o->of);
	free(o);
}

/* who lists messages counts them; who names one to have it is refused */
static const struct err *
has_gone(struct order *o, const struct target *t, struct err *err)
{
	if (o->kind == HOLD && *o->reason)
		return not_there(t->id, err);
	if (!*o->reason) {
		o->count.messages--;
		o->count.rcpts -= (int64_t)t->rcpts;
	}
	return NULL;
}

static void
done(struct op *op, const struct err *err)
{
	struct order *o = (struct order *)op;
	const struct target *t;
	struct err late;
	struct msg *m;
	size_t i, n = err == NULL ? o->n : 0;

	for (i = 0; i < n; i++) {
		t = &o->of[i];
		if (t->left) {
			err = has_gone(o, t, &late);
			continue;
		}
		m = msg_find(t->id);
		if (o->kind == DELETE)
			deleted(o, t->id);
		else if (o->kind == HOLD && m != NULL)
			held(m, o->reason);
		else if (o->kind == RELEASE && m != NULL)
			m->m.hold = m->holding = false;
		else if (o->kind == SCHEDULE)
			change_scheduled(m, o->value);
		else if (o->kind == PRIORITY)
			change_prioritized(m, o->value);
	}
	if (err == NULL && (o->kind == FLUSH || o->kind == RELEASE))
		dests_refresh();
	if (o->waiting == 0)
		finish(o, err);
}

void
admin_deleted(void *deleter, size_t rcpts UNUSED)
{
	struct order *o = deleter;

	if (--o->waiting == 0)
		finish(o, NULL);
}

/* is there anything to do? */
static bool
concerns(enum order_kind kind, const struct walk *w, int64_t value)
{
	const struct queue_message *m = &w->m;

	if (kind == SCHEDULE)
		return m->hold || m->release_at != value;
	if (kind == PRIORITY)
		return m->priority != value;
	if (kind == HOLD)
		return !m->hold;
	if (kind == RELEASE)
		return m->hold || m->release_at > w->now;
	return kind == DELETE || !m->hold;
}

static struct order *
new_order(enum order_kind kind, const char *reason, size_t most)
{
	struct order *o = xcalloc(1, sizeof(*o));

	o->op.apply = apply;
	o->op.done = done;
	o->kind = kind;
	o->reason = reason;
	o->now = wall_s();
	o->of = xcalloc(most, sizeof(*o->of));
	return o;
}

static int
answer_later(struct order *o, struct call *c)
{
	o->answer = true;
	o->ticket = hub_hold(c);
	commit_op(&o->op);
	return CALL_LATER;
}

static int
order(struct call *c, const struct qmgr_filter *in, enum order_kind kind,
    int64_t value, struct err *err)
{
	struct order *o;
	struct walk w = { 0 };
	int rc;

	if (walk_open(&w, in, ORDER_MESSAGES, c->arena, err) != 0)
		return -1;
	o = new_order(kind, "", ORDER_MESSAGES);
	o->value = value;
	while ((rc = walk_next(&w, err)) == 1) {
		if (concerns(kind, &w, value) && !too_late(w.m.id)) {
			o->count.messages++;
			o->count.rcpts += (int64_t)w.m.n;
			o->of[o->n++] = (struct target){ .id = w.m.id,
			    .rcpts = w.m.n };
		}
		arena_reset(&w.arena);
	}
	if (rc == 2)
		qid_print(w.last, o->next);
	walk_close(&w);
	if (rc < 0) {
		free(o->of);
		free(o);
		return -1;
	}
	return answer_later(o, c);
}

/* an order about one message that is in the queue: 1 it was on hold, 0, -1 */
static int
find_one(const char *q, int64_t *id_r, bool *taken_r, struct err *err)
{
	struct queue_message row;
	struct arena a = { 0 };
	const struct msg *m;
	bool hold;
	int rc;

	if (!qid_parse(q, id_r))
		return err_perm(err, "5.5.4", "no queue id: %.40s", q);
	m = msg_find(*id_r);
	*taken_r = false;
	if (too_late(*id_r)) {
		not_there(*id_r, err);
		return -1;
	}
	if (m != NULL && m->row != ROW_NONE && m->row != ROW_FILED)
		return m->m.hold;
	rc = qdb_message_get(qmgr.db, *id_r, -1, 0, &a, &row, err);
	hold = rc == 1 && row.hold;
	*taken_r = hold && strncmp(row.reason, QMGR_TAKEN,
	    strlen(QMGR_TAKEN)) == 0;
	arena_free(&a);
	if (rc == 0)
		not_there(*id_r, err);
	return rc <= 0 ? -1 : hold;
}

static int
one(struct call *c, enum order_kind kind, int64_t id, const char *reason)
{
	struct order *o = new_order(kind, reason, 1);

	o->of[o->n++].id = id;
	o->count.messages = 1;
	return answer_later(o, c);
}

int
admin_take(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct qmgr_id *in = in_;
	struct qmgr_count *out = out_;
	bool taken;
	int64_t id;
	int rc = find_one(in->q, &id, &taken, err);

	if (rc < 0)
		return -1;
	if (!taken)
		return one(c, HOLD, id, rc == 1 ? QMGR_TAKEN_HELD :
		    QMGR_TAKEN);
	*out = (struct qmgr_count){ .messages = 1, .next = "" };
	return 0;
}

int
admin_transferred(struct call *c, const void *in_, void *out UNUSED,
    struct err *err)
{
	const struct qmgr_id *in = in_;
	bool taken;
	int64_t id;

	if (find_one(in->q, &id, &taken, err) < 0)
		return -1;
	if (!taken)
		return err_perm(err, "5.5.4", "%s was not taken", in->q);
	return one(c, DELETE, id, "transferred");
}

int
admin_flush(struct call *c, const void *in, void *out UNUSED, struct err *err)
{
	return order(c, in, FLUSH, 0, err);
}

int
admin_hold(struct call *c, const void *in, void *out UNUSED, struct err *err)
{
	return order(c, in, HOLD, 0, err);
}

int
admin_release(struct call *c, const void *in, void *out UNUSED,
    struct err *err)
{
	return order(c, in, RELEASE, 0, err);
}

int
admin_delete(struct call *c, const void *in, void *out UNUSED,
    struct err *err)
{
	return order(c, in, DELETE, 0, err);
}

int
admin_schedule(struct call *c, const void *in, void *out UNUSED,
    struct err *err)
{
	const struct qmgr_schedule_in *s = in;

	if (s->at <= wall_s())
		return err_perm(err, "5.5.4", "at: that time has passed");
	return order(c, &s->f, SCHEDULE, s->at, err);
}

int
admin_priority(struct call *c, const void *in, void *out UNUSED,
    struct err *err)
{
	const struct qmgr_priority_in *p = in;

	return order(c, &p->f, PRIORITY, p->priority, err);
}

void
hold_message(int64_t id, const char *reason)
{
	struct msg *m = msg_find(id);
	struct order *o;
	char q[QID_SIZE];

	if (m != NULL && m->holding)
		return;
	if (m != NULL)
		m->holding = true;
	qid_print(id, q);
	log_event(LOG_ERROR, "held", KS("q", q), KS("reason", reason), KEND);
	o = new_order(HOLD, reason, 1);
	o->of[o->n++].id = id;
	commit_op(&o->op);
}
