/*
 * fates.c - bounce, expire, reroute: what the admin wants for single
 * recipients.  Rows first: a message that is in memory only is filed by the
 * same transaction.  Then what waits of it leaves memory, and what its rows say
 * comes again.  What is in an agent's hands is left alone.
 */
#include "qmgr.h"

enum { MESSAGES = 200, RCPTS = 2000, TEXT_MAX = 400 };
enum fate_kind { BOUNCE, EXPIRE, REROUTE };

struct one {
	int64_t id, n;
	bool null_sender, notify_never, hold, fresh;
	bool changed, report, ended;
	char *addr, *dest, *last;
};

struct fate {
	struct op op;
	enum fate_kind kind;
	char *text;
	/* of a reroute; addr "": as it is */
	char *transport, *nexthop, *addr, *mailbox;
	int64_t filed;		/* the message that was given rows last */
	struct hub_ticket ticket;
	struct qmgr_count count;
	char next[QID_SIZE];
	struct one *v;
	size_t n, cap;
};

static bool
in_hands(const struct one *o)
{
	const struct rcpt *r = rcpt_find(o->id, o->n);

	return r != NULL && (r->place == AT_REQUEST || r->place == AT_SYNC);
}

/* what the sender is told */
static char *
reason(const struct fate *f, const struct one *o)
{
	const char *text = f->text;

	if (*text == '\0')
		text = f->kind == BOUNCE ? "refused by the administrator" :
		    "delivery time ended by the administrator";
	return *o->last ? xasprintf("%s; last: %.400s", text, o->last) :
	    xstrdup(text);
}

static int
apply_end(const struct fate *f, struct one *o, struct err *err)
{
	struct queue_rcpt r = { .n = o->n, .state = RCPT_FAILED,
		.due = wall_s(), .attempts = 1, .peer = "",
		.dsn = f->kind == BOUNCE ? "5.7.0" : "5.4.7" };
	char *text;
	int rc;

	o->report = !o->notify_never &&
	    (!o->null_sender || qmgr.conf.double_bounce);
	if (!o->report)
		return qdb_rcpt_del(qmgr.db, o->id, o->n, err);
	text = reason(f, o);
	r.text = text;
	rc = qdb_rcpt_set(qmgr.db, o->id, &r, err);
	free(text);
	return rc;
}

static int
apply_move(const struct fate *f, const struct one *o, struct err *err)
{
	struct dest *to = dest_get(f->transport, f->nexthop, err);
	struct queue_rcpt r = { .n = o->n, .due = wall_s(),
		.state = o->hold ? RCPT_HELD : RCPT_WAITING,
		.addr = *f->addr ? f->addr : o->addr,
		.mailbox = f->mailbox };

	if (to == NULL || dest_need_row(to, err) != 0)
		return -1;
	r.dest = to->row;
	if (qdb_rcpt_move(qmgr.db, o->id, &r, err) != 0)
		return -1;
	return o->hold ? 0 : dest_filed(to, r.due, false, err);
}

static int
apply_one(struct fate *f, struct one *o, struct err *err)
{
	struct msg *m = msg_find(o->id);

	o->changed = false;
	if (in_hands(o))
		return 0;
	if (m != NULL && f->filed != o->id &&
	    change_file(m, m->m.hold, m->m.reason, err) < 0)
		return -1;
	f->filed = o->id;
	o->changed = true;
	return f->kind == REROUTE ? apply_move(f, o, err) :
	    apply_end(f, o, err);
}

/* those that nobody is told of may have been the last */
static int
apply_done(struct one *o, struct err *err)
{
	const struct msg *m = msg_find(o->id);
	int rc = qdb_message_done(qmgr.db, o->id, err);

	o->ended = rc == 1;
	if (rc == 1)
		rc = epoch_left(o->id, m != NULL ? m->gen : 0, err);
	return MIN(rc, 0);
}

/* A list does not show NOTIFY; both are in the order of numbers. */
static int
read_notify(struct one *o, const struct one *end, struct err *err)
{
	struct queue_message m;
	struct arena a = { 0 };
	int64_t id = o->id;
	size_t i = 0;
	int rc = qdb_message_get(qmgr.db, id, -1,
	    (size_t)qmgr.conf.message_recipients, &a, &m, err);

	for (; rc == 1 && o < end && o->id == id; o++) {
		while (i < m.n && m.rcpt[i].n < o->n)
			i++;
		if (i < m.n && m.rcpt[i].n == o->n)
			o->notify_never = !notify_wants(m.rcpt[i].notify,
			    "failure", true);
	}
	arena_free(&a);
	return MIN(rc, 0);
}

static int
apply(struct op *op, struct err *err)
{
	struct fate *f = (struct fate *)op;
	struct one *o;

	for (o = f->v; f->kind != REROUTE && o < f->v + f->n; o++)
		if (!o->fresh && (o == f->v || o->id != o[-1].id) &&
		    read_notify(o, f->v + f->n, err) != 0)
			return -1;
	for (o = f->v; o < f->v + f->n; o++)
		if (apply_one(f, o, err) != 0)
			return -1;
	if (f->kind == REROUTE)
		return 0;
	for (o = f->v; o < f->v + f->n; o++)
		if (o->changed && !o->report && apply_done(o, err) != 0)
			return -1;
	return 0;
}

static void
log_one(const struct fate *f, const struct one *o)
{
	char q[QID_SIZE], *text;

	qid_print(o->id, q);
	if (f->kind == REROUTE) {
		log_event(LOG_INFO, "rerouted", KS("q", q), KS("to", o->addr),
		    KS("from", o->dest), KS("transport", f->transport),
		    KS("dest", f->nexthop), KEND);
		return;
	}
	text = reason(f, o);
	log_event(LOG_INFO, "failed", KS("q", q), KS("to", o->addr),
	    KS("dest", o->dest), KS("dsn", f->kind == BOUNCE ? "5.7.0" :
	    "5.4.7"), KS("reason", text), KEND);
	free(text);
}

static void
done_one(struct fate *f, struct one *o)
{
	struct msg *m = msg_find(o->id);

	if (!o->changed)
		return;
	f->count.rcpts++;
	if (o == f->v || o->id != o[-1].id || !o[-1].changed)
		f->count.messages++;
	log_one(f, o);
	qmgr.bounced += f->kind != REROUTE;
	if (m != NULL)
		change_unload(m);
	if (o->ended)
		message_gone(o->id, qid_time_us(o->id), "", NULL);
	else if (o->report)
		report_want(o->id);
}

static void
done(struct op *op, const struct err *err)
{
	struct fate *f = (struct fate *)op;
	struct one *o;

	for (o = f->v; o < f->v + f->n; o++) {
		if (err == NULL)
			done_one(f, o);
		free(o->addr);
		free(o->dest);
		free(o->last);
	}
	f->count.next = f->next;
	if (err != NULL)
		hub_err(f->ticket, err);
	else
		hub_ok(f->ticket, &f->count);
	deliver_soon();
	free(f->v);
	free(f->text);
	free(f->transport);
	free(f->nexthop);
	free(f->addr);
	free(f->mailbox);
	free(f);
}

/* the null sender, and who does not want to know, get no report */
static void
add(struct fate *f, const struct walk *w, const struct queue_rcpt *r)
{
	struct one *o;

	/* one that is in memory comes whole, however many it goes to */
	if (f->n == f->cap) {
		f->cap *= 2;
		f->v = xrealloc(f->v, f->cap * sizeof(*f->v));
	}
	o = &f->v[f->n++];
	*o = (struct one){ .id = w->m.id, .n = r->n,
		.null_sender = *w->m.sender == '\0', .hold = w->m.hold,
		.fresh = w->m.expires != 0,
		.notify_never = !notify_wants(r->notify, "failure", true),
		.addr = xstrdup(r->addr),
		.dest = xasprintf("%s:%s", r->transport, r->nexthop),
		.last = *r->text ? xasprintf("%s %s", r->dsn, r->text) :
		    xstrdup("") };
}

static int
collect(struct fate *f, struct walk *w, struct err *err)
{
	size_t i;
	int rc;

	while ((rc = walk_next(w, err)) == 1) {
		for (i = 0; i < w->m.n; i++)
			if (w->m.rcpt[i].state == RCPT_WAITING ||
			    w->m.rcpt[i].state == RCPT_HELD)
				add(f, w, &w->m.rcpt[i]);
		arena_reset(&w->arena);
		if (f->n >= RCPTS - WALK_RCPTS)
			return 2;
	}
	return rc;
}

static int
begin(struct call *c, const struct qmgr_filter *in, struct fate *f,
    struct err *err)
{
	struct walk w = { 0 };
	int rc = 0;

	f->op.apply = apply;
	f->op.done = done;
	f->cap = WALK_RCPTS;
	f->v = xcalloc(f->cap, sizeof(*f->v));
	/* who goes there already is not moved again: a call takes so many,
	 * and the next one takes others */
	if (f->kind == REROUTE && *f->addr == '\0' && *f->mailbox == '\0') {
		w.but = dest_get(f->transport, f->nexthop, err);
		rc = w.but == NULL ? -1 : 0;
	}
	if (rc == 0)
		rc = walk_open(&w, in, MESSAGES, c->arena, err);
	if (rc == 0) {
		rc = collect(f, &w, err);
		if (rc == 2)
			qid_print(w.last, f->next);
		walk_close(&w);
	}
	f->ticket = hub_hold(c);
	if (rc < 0)
		done(&f->op, err);
	else
		commit_op(&f->op);
	return CALL_LATER;
}

static struct fate *
new_fate(enum fate_kind kind, const char *text)
{
	struct fate *f = xcalloc(1, sizeof(*f));

	f->kind = kind;
	f->text = slice_dup(slice_sub(slice_of(text), 0, TEXT_MAX));
	return f;
}

int
admin_bounce(struct call *c, const void *in_, void *out UNUSED,
    struct err *err)
{
	const struct qmgr_fate_in *in = in_;

	return begin(c, &in->f, new_fate(BOUNCE, in->text), err);
}

int
admin_expire(struct call *c, const void *in_, void *out UNUSED,
    struct err *err)
{
	const struct qmgr_fate_in *in = in_;

	return begin(c, &in->f, new_fate(EXPIRE, in->text), err);
}

int
admin_reroute(struct call *c, const void *in_, void *out UNUSED,
    struct err *err)
{
	const struct qmgr_reroute_in *in = in_;
	struct fate *f;

	if (!transport_name_ok(in->transport))
		return err_perm(err, "5.5.4", "no transport: %.40s",
		    in->transport);
	f = new_fate(REROUTE, "");
	f->transport = xstrdup(in->transport);
	f->nexthop = xstrdup(in->nexthop);
	f->addr = xstrdup(in->addr);
	f->mailbox = xstrdup(in->mailbox);
	return begin(c, &in->f, f, err);
}
