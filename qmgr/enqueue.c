/*
 * enqueue.c - taking a message in.  It goes to the journal; where the window
 * is full or one of its destinations is suspended, it is filed soon after that.
 * What the record in the journal can not say (a hold, a time, a failure at
 * routing) is filed at once instead.
 */
#include "qmgr.h"

enum { BYTES_MAX = 32 << 20, FEW = 20 };

/* recipients that came ahead of the enqueue on a connection */
struct gather {
	struct arena arena;
	struct queue_rcpt *v;
	size_t n, cap, bytes;
	struct err bad;
};

struct enqueue_op {
	struct op op;
	struct hub_ticket ticket;
	int64_t id;
};

void *
enqueue_open(const struct ipc_cred *peer UNUSED)
{
	return xcalloc(1, sizeof(struct gather));
}

static void
reset(struct gather *g)
{
	arena_reset(&g->arena);
	g->n = g->bytes = 0;
	g->bad.kind = ERR_NONE;
}

void
enqueue_close(void *conn)
{
	struct gather *g = conn;

	arena_free(&g->arena);
	free(g->v);
	free(g);
}

static int
check_lists(const struct qmgr_rcpts *r, struct err *err)
{
	const struct strlist *l[] = { &r->orig, &r->orcpt, &r->notify,
	    &r->transport, &r->nexthop, &r->mailbox, &r->quota, &r->dsn,
	    &r->text };
	size_t i;

	if (r->number.n != r->attempts.n ||
	    (r->number.n > 0 && r->number.n != r->addr.n))
		return err_perm(err, "5.5.4", "lists of recipients differ in "
		    "length");
	for (i = 0; i < ARRAY_LEN(l); i++)
		if (l[i]->n != r->addr.n)
			return err_perm(err, "5.5.4", "lists of recipients "
			    "differ in length");
	return 0;
}

static int
one(const struct qmgr_rcpts *in, size_t i, struct queue_rcpt *r,
    struct err *err)
{
	bool failed = in->dsn.v[i][0] != '\0';

	*r = (struct queue_rcpt){ .addr = in->addr.v[i],
		.orig = in->orig.v[i], .orcpt = in->orcpt.v[i],
		.notify = in->notify.v[i], .mailbox = in->mailbox.v[i],
		.transport = in->transport.v[i], .nexthop = in->nexthop.v[i],
		.dsn = in->dsn.v[i], .text = in->text.v[i], .peer = "" };
	if (failed && r->transport[0] == '\0')
		r->transport = "none";
	r->transport = places_instead(r->transport);
	if (r->addr[0] == '\0' || !transport_name_ok(r->transport))
		return err_perm(err, "5.5.4", "a recipient without address "
		    "or transport");
	if (in->quota.v[i][0] && !slice_u64(slice_of(in->quota.v[i]),
	    UINT64_MAX, &r->quota))
		return err_perm(err, "5.5.4", "bad quota %.40s",
		    in->quota.v[i]);
	return 0;
}

/* of an import; numbers ascend */
static int
numbers(struct gather *g, const struct qmgr_rcpts *in, size_t i,
    struct err *err)
{
	struct queue_rcpt *r = &g->v[g->n];
	uint64_t n = g->n + 1, attempts = 0;
	int64_t last = g->n > 0 ? r[-1].n : 0;

	if (in->number.n > 0 &&
	    (!slice_u64(slice_of(in->number.v[i]), INT32_MAX, &n) ||
	    !slice_u64(slice_of(in->attempts.v[i]), INT32_MAX, &attempts) ||
	    (int64_t)n <= last))
		return err_perm(err, "5.5.4", "bad number of a recipient");
	r->n = (int64_t)n;
	r->attempts = (int64_t)attempts;
	g->n++;
	return 0;
}

static const char *
keep(struct gather *g, const char *z)
{
	g->bytes += strlen(z);
	return arena_strdup(&g->arena, z);
}

static int
gather(struct gather *g, const struct qmgr_rcpts *in, struct err *err)
{
	struct queue_rcpt *r;
	size_t i;

	if (check_lists(in, err) != 0)
		return -1;
	if (g->n + in->addr.n > (size_t)qmgr.conf.message_recipients ||
	    g->bytes > BYTES_MAX)
		return err_perm(err, "5.5.3", "too many recipients");
	for (i = 0; i < in->addr.n; i++) {
		if (g->n == g->cap) {
			g->cap = g->cap ? 2 * g->cap : 16;
			g->v = xrealloc(g->v, g->cap * sizeof(*g->v));
		}
		r = &g->v[g->n];
		if (one(in, i, r, err) != 0)
			return -1;
		r->addr = keep(g, r->addr);
		r->orig = keep(g, r->orig);
		r->orcpt = keep(g, r->orcpt);
		r->notify = keep(g, r->notify);
		r->mailbox = keep(g, r->mailbox);
		r->transport = keep(g, r->transport);
		r->nexthop = keep(g, r->nexthop);
		r->dsn = keep(g, r->dsn);
		r->text = keep(g, r->text);
		if (numbers(g, in, i, err) != 0)
			return -1;
	}
	return 0;
}

/* never answered: what is wrong is said at the enqueue */
int
enqueue_rcpt(struct call *c, const void *in, void *out UNUSED, struct err *err)
{
	struct gather *g = c->conn;

	if (g->bad.kind == ERR_NONE && gather(g, in, &g->bad) != 0)
		*err = g->bad;
	return 0;
}

static void
done(struct op *op, const struct err *err)
{
	struct enqueue_op *e = (struct enqueue_op *)op;
	struct msg *m = msg_find(e->id);

	if (err == NULL) {
		hub_ok(e->ticket, NULL);
	} else {
		hub_err(e->ticket, err);
		if (m != NULL && m->row == ROW_NONE && !m->taken)
			msg_forget(m);
	}
	free(e);
}

static int
apply_import(struct op *op, struct err *err)
{
	return transfer_note(((struct enqueue_op *)op)->id, err);
}

static int
wait_for(struct call *c, int64_t id, bool import)
{
	struct enqueue_op *e = xcalloc(1, sizeof(*e));
	const struct msg *m = msg_find(id);

	e->op.done = done;
	e->op.first = true;
	if (import)
		e->op.apply = apply_import;
	e->ticket = hub_hold(c);
	e->id = id;
	if (import || (m != NULL && m->row == ROW_NONE && !m->taken))
		commit_op(&e->op);
	else
		intake_op(&e->op, id);
	return CALL_LATER;
}

/* not now: to be filed with its time */
static void
file_later(struct rcpt *r, int state, int64_t due)
{
	r->q.state = state;
	r->q.due = due;
	rcpt_dirty(r);
}

/* The last fifth of memory is for senders who have little there. */
static bool
is_full(const struct msg *m)
{
	size_t limit = (size_t)qmgr.conf.active_limit;

	if (sender_count(m) > FEW)
		limit -= limit / 5;
	return qmgr.rcpts[FRESH] + qmgr.rcpts[BACKLOG] > limit;
}

/* Neither a destination nor a sender has all of memory. */
static bool
crowded(const struct rcpt *r)
{
	const struct dest *d = r->dest;
	size_t half = (size_t)qmgr.conf.active_limit / 2;

	return d->queued[FRESH] + d->queued[BACKLOG] >= half ||
	    sched_waiting(d, r->msg) >= (size_t)qmgr.conf.sender_active ||
	    sender_count(r->msg) >= half + r->msg->n;
}

static void
place(struct msg *m, struct rcpt *r, const struct queue_rcpt *in, bool full)
{
	int64_t now = wall_s();
	struct dest *d = r->dest;

	if (in->dsn[0] == '2')
		result_expanded(r, in->dsn, in->text);
	else if (in->dsn[0] == '4')
		result_deferred(r, in->dsn, in->text, "");
	else if (in->dsn[0] != '\0')
		result_failed(r, in->dsn, in->text, "");
	else if (m->m.hold)
		file_later(r, RCPT_HELD, now);
	else if (m->m.release_at > now)
		file_later(r, RCPT_WAITING, m->m.release_at);
	else if (d->transport->suspended_until != 0 &&
	    d->suspended_until == 0) {
		dest_suspend(d, d->transport->suspended_until,
		    d->transport->dsn, d->transport->text);
		dest_put_back(d, r);
	} else if (d->suspended_until != 0)
		dest_put_back(d, r);
	else if (full || qmgr.draining || crowded(r))
		result_put_back(r, "", "");
}

/* would a replay of its record be as good? */
static bool
for_journal(const struct queue_message *m, bool unsynced)
{
	size_t i;

	if (m->hold || m->release_at > 0 ||
	    (unsynced && m->size > JOURNAL_CONTENT_MAX))
		return false;
	for (i = 0; i < m->n; i++)
		if (m->rcpt[i].dsn[0] != '\0')
			return false;
	return true;
}

/* From another queue: filed as it was there, and due. */
static void
place_import(struct msg *m, struct rcpt *r, const struct queue_rcpt *in)
{
	r->q.attempts = in->attempts;
	r->q.dsn = msg_string(m, in->dsn, 16);
	r->q.text = msg_string(m, in->text, 1000);
	file_later(r, m->m.hold ? RCPT_HELD : RCPT_WAITING,
	    MAX(wall_s(), m->m.release_at));
}

static int
take(struct queue_message *qm, const struct qmgr_enqueue_in *in, int *fd,
    struct err *err)
{
	struct str rec = STR_INIT;
	struct rcpt *r, *next;
	struct msg *m;
	size_t len, i = 0;
	bool full;

	qm->expires = in->import && in->expires > 0 ? in->expires :
	    message_expires(qm);
	queue_message_encode(&rec, qm);
	len = rec.len;
	m = msg_from_record(str_steal(&rec), len, ROW_NONE, err);
	if (m == NULL)
		return -1;
	if (in->floating && afloat_take(m, fd, err) != 0) {
		msg_forget(m);
		return -1;
	}
	m->m.hold = qm->hold;
	m->m.release_at = qm->release_at;
	full = is_full(m);
	m->m.delay_warned = in->warned;
	m->m.reason = msg_string(m, in->reason, 400);
	/* recipients are in the order of the record */
	for (r = LIST_FIRST(&m->rcpts); r != NULL; r = next, i++) {
		next = LIST_NEXT(r, of_msg);
		if (in->import)
			place_import(m, r, &qm->rcpt[i]);
		else
			place(m, r, &qm->rcpt[i], full);
	}
	m->unsynced = in->unsynced || in->floating;
	if (!in->import && for_journal(qm, m->unsynced)) {
		intake_add(m);
	} else {
		m->gen = -1;
		msg_dirty(m);
	}
	return 0;
}

static int
read_message(const struct qmgr_enqueue_in *in, const struct gather *g,
    struct queue_message *m, struct err *err)
{
	*m = (struct queue_message){ .sender = in->sender, .ret = in->ret,
		.envid = in->envid, .session = in->session, .reason = "",
		.size = in->size, .wsize = in->wsize, .created = in->created,
		.release_at = in->release_at, .priority = in->priority,
		.utf8 = in->utf8, .body8 = in->body8,
		.internal = in->internal, .hold = in->hold != 0,
		.requiretls = in->requiretls,
		.tls_optional = in->tls_optional, .verp = in->verp,
		.n = g->n, .rcpt = g->v };
	if (!qid_parse(in->q, &m->id))
		return err_perm(err, "5.5.4", "no queue id: %.40s", in->q);
	if (g->bad.kind != ERR_NONE) {
		*err = g->bad;
		return -1;
	}
	if (g->n == 0)
		return err_perm(err, "5.5.4", "no recipients");
	if (m->priority < -9 || m->priority > 9)
		return err_perm(err, "5.5.4", "priority out of range");
	if (m->created <= 0)
		m->created = qid_time_us(m->id);
	return 0;
}

/* 1: it is or was in the queue */
static int
known(int64_t id, bool import, struct err *err)
{
	const struct msg *m = msg_find(id);

	if (m != NULL)
		return 1;
	if (settle_refused(id))
		return err_temp(err, "4.3.0", "this message was given up");
	return import ? transfer_known(id, err) : settle_known(id, err);
}

int
enqueue(struct call *c, const void *in_, void *out UNUSED, struct err *err)
{
	const struct qmgr_enqueue_in *in = in_;
	struct gather *g = c->conn;
	struct queue_message m;
	int rc;

	if (g->bad.kind == ERR_NONE)
		gather(g, &in->r, &g->bad);
	rc = read_message(in, g, &m, err);
	if (rc == 0)
		rc = known(m.id, in->import, err);
	if (rc == 0)
		rc = take(&m, in, &c->fd, err);
	else if (rc == 1 && in->first)	/* two were made at one time */
		rc = err_temp(err, "4.3.0", "queue id %.40s is in use",
		    in->q);
	else if (rc == 1)
		rc = 0;		/* the same once more: as it was */
	reset(g);
	return rc != 0 ? -1 : wait_for(c, m.id, in->import);
}
