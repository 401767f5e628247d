/*
 * deliver.c - requests of recipients to delivery agents.
 */
#include "qmgr.h"

#include <event2/event.h>

enum { LOSSES_MAX = 3, BYTES_MAX = 56 << 10 /* of recipients, of 64 K */ };

/* a request and its recipients; strings of the lists are theirs */
struct delivery {
	struct request request;
	struct msg *msg;
	struct dest *dest;
	enum sched_class class;
	size_t n;
	struct rcpt **rcpt;
	struct agent_result *result;	/* status -1: none came */
	struct arena arena;		/* strings of the results */
	bool unsynced;			/* the agent was told not to sync */
	bool trouble;
};

static size_t under_way;
static struct event *soon_ev, *wake_ev;
static bool soon;

size_t
deliver_under_way(void)
{
	return under_way;
}

static void
on_more(struct request *q, const void *record)
{
	const struct agent_result *r = record;
	struct delivery *d = (struct delivery *)q;
	struct agent_result *to;

	if (r->alive)
		return;
	if (r->i < 0 || (size_t)r->i >= d->n) {
		log_event(LOG_ERROR, "bad-answer", KS("q", d->msg->q),
		    KS("transport", d->dest->transport->name),
		    KS("reason", "a result for no recipient"), KEND);
		return;
	}
	to = &d->result[r->i];
	*to = *r;
	to->dsn = arena_strdup(&d->arena, r->dsn);
	to->text = arena_strdup(&d->arena, r->text);
	to->peer = arena_strdup(&d->arena, r->peer);
	d->trouble = d->trouble || r->dest_trouble;
}

static void
end(struct delivery *d, enum sched_end how, const struct agent_result *trouble)
{
	under_way--;
	if (sched_done(d->dest, d->class, how, d->request.place))
		dest_trouble(d->dest, trouble->dsn, trouble->text);
	arena_free(&d->arena);
	free(d->result);
	free(d->rcpt);
	free(d);
	deliver_soon();
}

static struct rcpt *
take(struct delivery *d, size_t i)
{
	struct rcpt *r = d->rcpt[i];

	r->place = AT_NOTHING;
	r->msg->out--;
	return r;
}

static void
apply(struct rcpt *r, const struct agent_result *from)
{
	struct agent_result a = *from;

	if (a.status == AGENT_DEFERRED || a.status == AGENT_FAILED)
		rules_apply(r->dest, r->msg->q, &a);
	if (a.status < 0 || a.status == AGENT_DELIVERED)
		result_delivered(r);
	else if (a.status == AGENT_MOVED)
		result_moved(r, a.partly);
	else if (a.status == AGENT_DEFERRED)
		result_deferred(r, a.dsn, a.text, a.peer);
	else
		result_failed(r, a.dsn, a.text, a.peer);
}

/* Is it delivered only when we have synced?  What is in the journal only is
 * synced soon anyhow, but for what can not wait (epoch.c). */
static bool
waits(const struct delivery *d, const struct agent_result *a)
{
	return (a->status < 0 || a->status == AGENT_DELIVERED) &&
	    (d->unsynced || d->msg->row == ROW_JOURNAL);
}

static void
outcome(struct delivery *d, size_t i)
{
	if (d->result[i].status == AGENT_DELIVERED)
		result_told(d->rcpt[i], &d->result[i]);
	if (waits(d, &d->result[i]))
		epoch_delivered(d->rcpt[i]);
	else
		apply(take(d, i), &d->result[i]);
}

static void
on_ok(struct request *q)
{
	struct delivery *d = (struct delivery *)q;
	const struct agent_result *trouble = NULL;
	size_t i;

	dest_site(d->dest, q->site);	/* first: a rule may want it */
	for (i = 0; i < d->n; i++) {
		if (trouble == NULL && d->result[i].dest_trouble)
			trouble = &d->result[i];
		outcome(d, i);
	}
	end(d, trouble == NULL ? SCHED_GOOD : SCHED_TROUBLE, trouble);
}

/* The agent could not even try: that is our own trouble, never a bounce.  What
 * it had said by then of others counts. */
static void
on_failed(struct request *q, const struct err *why)
{
	struct delivery *d = (struct delivery *)q;
	size_t i;

	log_event(LOG_WARN, "agent-error", KS("q", d->msg->q),
	    KS("transport", d->dest->transport->name), KERR(why), KEND);
	for (i = 0; i < d->n; i++)
		if (d->result[i].status >= 0)
			outcome(d, i);
		else
			result_deferred(take(d, i), why->dsn[0] == '4' ?
			    why->dsn : "4.3.0", why->text, "");
	end(d, SCHED_NOTHING, NULL);
}

/* of one recipient */
static void
lost(struct delivery *d, size_t i, bool poison)
{
	const struct msg *m = d->msg;

	if (d->result[i].status >= 0)
		outcome(d, i);
	else if (poison)
		result_deferred(take(d, i), "4.3.0",
		    "the delivery agent died at it", "");
	else if (m->doomed || m->m.hold || qmgr.draining)
		result_put_back(take(d, i), "", "");
	else
		sched_again(take(d, i));
}

/* What it had said by then counts.  For the others it is no attempt, for nobody
 * knows what was done: one that can looks first, with the others a message may
 * come twice.  One that agents die of is put off like any other. */
static void
on_lost(struct request *q, bool head)
{
	struct delivery *d = (struct delivery *)q;
	struct msg *m = d->msg;
	bool poison;
	size_t i;

	m->again = true;
	if (head)
		m->losses++;
	poison = m->losses >= LOSSES_MAX;
	if (poison)
		m->losses = 0;
	for (i = 0; i < d->n; i++) {
		qmgr.unsure += d->result[i].status < 0;
		lost(d, i, poison);
	}
	end(d, SCHED_NOTHING, NULL);
}

static struct delivery *
new_delivery(const struct pick *p)
{
	struct delivery *d = xcalloc(1, sizeof(*d));
	struct rcpt *r;

	d->request.more = on_more;
	d->request.ok = on_ok;
	d->request.failed = on_failed;
	d->request.lost = on_lost;
	d->msg = p->msg;
	d->dest = p->dest;
	d->class = p->class;
	d->request.place = p->place;
	d->rcpt = xcalloc(p->n, sizeof(*d->rcpt));
	d->result = xcalloc(p->n, sizeof(*d->result));
	STAILQ_FOREACH(r, &p->rcpts, next) {
		d->rcpt[d->n] = r;
		d->result[d->n++].status = -1;
	}
	/* only local leaves that to us */
	d->unsynced = sync_mail_dev() != 0 &&
	    strcmp(d->dest->transport->name, "local") == 0;
	under_way++;
	return d;
}

static void
add_rcpt(struct agent_deliver_in *in, struct arena *a,
    const struct queue_rcpt *r)
{
	strlist_add(&in->n, a, arena_printf(a, "%lld", (long long)r->n));
	strlist_add(&in->addr, a, r->addr);
	strlist_add(&in->orig, a, r->orig);
	strlist_add(&in->mailbox, a, r->mailbox);
	strlist_add(&in->quota, a, arena_printf(a, "%llu",
	    (unsigned long long)r->quota));
	strlist_add(&in->orcpt, a, r->orcpt);
	strlist_add(&in->notify, a, r->notify);
}

static void
fill(struct agent_deliver_in *in, const struct delivery *d, struct arena *a)
{
	const struct queue_message *m = &d->msg->m;
	size_t i;

	*in = (struct agent_deliver_in){ .q = d->msg->q,
		.sender = m->sender, .ret = m->ret, .envid = m->envid,
		.nexthop = d->dest->nexthop, .session = m->session,
		.size = m->size, .wsize = m->wsize, .created = m->created,
		.again = d->msg->again, .doubt = d->msg->again &&
		    m->id <= qmgr.doubt,
		.synced_dev = d->unsynced ? sync_mail_dev() : 0,
		.utf8 = m->utf8, .body8 = m->body8,
		.requiretls = m->requiretls,
		.tls_optional = m->tls_optional, .verp = m->verp,
		.priority = m->priority };
	for (i = 0; i < d->n; i++)
		add_rcpt(in, a, &d->rcpt[i]->q);
}

/* give all back without an attempt */
static void
put_back(struct delivery *d, const char *dsn, const char *text)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		result_put_back(take(d, i), dsn, text);
	end(d, SCHED_NOTHING, NULL);
}

/* The content must be there: an envelope without it can not be. */
static int
open_content(struct delivery *d)
{
	struct err err = ERR_INIT;
	int64_t id = d->msg->m.id;
	int fd, rc;

	if (d->msg->floating)
		return d->msg->fd;
	fd = intake_content(d->msg);
	if (fd >= 0)
		return fd;
	if (restore_waits(id)) {
		err_temp(&err, "4.3.1", "the content is not restored yet");
		on_failed(&d->request, &err);
		return -1;
	}
	rc = content_open(common.spool_dir, d->msg->q, &fd, &err);
	if (rc == 1)
		return fd;
	if (rc < 0) {
		log_event(LOG_ERROR, "content", KS("q", d->msg->q), KERR(&err),
		    KEND);
		dest_suspend(d->dest, wall_s() +
		    MS(qmgr.conf.transport_retry), err.dsn, err.text);
		put_back(d, err.dsn, err.text);
		return -1;
	}
	put_back(d, "4.3.0", "content file is missing");
	hold_message(id, "content file is missing");
	return -1;
}

void
transport_down(struct transport *t, const struct err *why)
{
	int64_t seconds, first = MS(qmgr.conf.transport_retry);
	uint16_t rnd;

	random_bytes(&rnd, sizeof(rnd));
	t->failures++;
	seconds = sched_backoff(first, first, MS(qmgr.conf.suspend_max),
	    t->failures, rnd);
	t->suspended_until = wall_s() + seconds;
	free(t->dsn);
	free(t->text);
	t->dsn = xstrdup("4.3.5");
	t->text = xstrdup("mail transport unavailable");
	log_event(LOG_WARN, "transport-down", KS("transport", t->name),
	    KI("seconds", seconds), KERR(why), KEND);
}

static void
send_delivery(struct delivery *d)
{
	static struct arena arena;
	struct transport *t = d->dest->transport;
	struct agent_deliver_in in;
	struct err err = ERR_INIT;
	bool floating = d->msg->floating;
	int fd = open_content(d), rc;
	size_t i;

	if (fd < 0)
		return;
	fill(&in, d, &arena);
	rc = agent_send(t, d->dest, &agent_deliver, &in, fd, &d->request,
	    &err);
	if (!floating)		/* it is the message's */
		close_fd(fd);
	arena_reset(&arena);
	if (rc == 1)
		return;
	if (rc < 0 && err.kind == ERR_PERM) {
		on_failed(&d->request, &err);
		return;
	}
	if (rc < 0) {
		transport_down(t, &err);
		put_back(d, t->dsn, t->text);
		return;
	}
	for (i = 0; i < d->n; i++)
		sched_again(take(d, i));
	end(d, SCHED_NOTHING, NULL);
}

/* quotas are known; the admin may have said something meanwhile */
static void
on_quota(void *ctx)
{
	struct delivery *d = ctx;

	if (d->msg->doomed || d->msg->m.hold || qmgr.draining)
		put_back(d, "", "");
	else
		send_delivery(d);
}

static void
deliver(const struct pick *p)
{
	struct delivery *d = new_delivery(p);

	if (!quota_ask(d->rcpt, d->n, on_quota, d))
		send_delivery(d);
}

/* an agent that is connected goes on there */
static void
go_on(struct dest *d)
{
	struct pick p;

	if (sched_pick_dest(d, false, AGENT_RCPTS, BYTES_MAX, &p))
		deliver(&p);
}

/* the next request is there when this one ends */
static void
go_ahead(struct dest *d)
{
	struct pick p;

	if (sched_pick_dest(d, true, AGENT_RCPTS, BYTES_MAX, &p))
		deliver(&p);
}

/* what a rate holds back goes when its time comes */
static void
arm(int64_t at_us)
{
	int64_t us = at_us - sched_now_us;
	struct timeval tv = { us / 1000000, us % 1000000 };

	if (event_add(wake_ev, &tv) < 0)
		die("event_add");
}

void
deliver_all(void)
{
	struct transport *t;
	struct pick p;
	int64_t next;

	if (qmgr.draining)
		return;
	sched_now_us = mono_ms() * 1000;
	sched_wake();
	for (t = transports; t != NULL; t = t->next) {
		if (t->exclusive)
			agents_bound(t, false, go_on);
		while (agent_free(t) && sched_pick(t, AGENT_RCPTS, BYTES_MAX,
		    &p))
			deliver(&p);
		if (t->exclusive)
			agents_bound(t, true, go_ahead);
	}
	next = sched_wake();
	if (next > 0)
		arm(next);
}

static void
on_soon(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	soon = false;
	deliver_all();
}

static void
on_wake(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	deliver_all();
}

void
deliver_soon(void)
{
	static const struct timeval zero;

	if (!soon && event_add(soon_ev, &zero) < 0)
		die("event_add");
	soon = true;
}

void
deliver_init(void)
{
	soon_ev = event_new(hub_base, -1, 0, on_soon, NULL);
	wake_ev = event_new(hub_base, -1, 0, on_wake, NULL);
	if (soon_ev == NULL || wake_ev == NULL)
		die("event_new");
}
