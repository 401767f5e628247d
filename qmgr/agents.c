/*
 * agents.c - connections to delivery agents and to bounce.  Requests of one
 * connection are answered in order; when it closes, what was under way on it
 * is given back.
 *
 * An agent of an exclusive transport has requests of one destination only, and
 * is bound to that while it says that it keeps the connection there.  An idle
 * one takes another destination when it is bound to none, or to one for which
 * nothing waits, the oldest such binding first; a binding to a live one is
 * broken when no other agent can be had.
 */
#include "qmgr.h"

enum { LOST_WAIT_MS = 1000 };

struct agent {
	LIST_ENTRY(agent) link;
	struct transport *transport;
	struct hub_agent *hub;
	STAILQ_HEAD(, request) requests;
	int64_t n;
	bool answered;		/* something, ever */
	int64_t idle_since;	/* mono_ms */
	char *nexthop;		/* exclusive: of its requests, or bound to */
	bool kept;		/* idle: it is bound */
	int64_t served;		/* requests of that destination in a row */
};

/* An idle agent goes on with its destination so often before others may have
 * it although more waits there. */
enum { SERVE_TURN = 20 };

static struct arena arena;

static void
on_result(struct agent *a, struct request *q, struct ipc_msg *m)
{
	union {
		struct agent_result agent;
		struct router_route_more router;
	} r;
	struct err err;

	q->sent_ms = mono_ms();		/* whoever says something is at work */
	if (q->more == NULL)
		return;
	if (ipc_decode(m, q->def->more, &r, &arena, &err) != 0)
		log_event(LOG_ERROR, "bad-answer",
		    KS("transport", a->transport->name), KERR(&err), KEND);
	else
		q->more(q, &r);
	arena_reset(&arena);
}

static void
read_ok(struct agent *a, struct request *q, struct ipc_msg *m)
{
	struct agent_deliver_out out;
	struct err err;

	if (ipc_decode(m, q->def->out, &out, &arena, &err) != 0) {
		log_event(LOG_ERROR, "bad-answer",
		    KS("transport", a->transport->name), KERR(&err), KEND);
		return;
	}
	q->keep = out.keep;
	q->site = out.site;
}

static void
end_request(struct agent *a, struct request *q, const struct err *why)
{
	STAILQ_REMOVE_HEAD(&a->requests, next);
	a->n--;
	q->place = !a->transport->exclusive || a->n == 0;
	a->kept = q->keep;
	a->answered = true;
	a->idle_since = mono_ms();
	a->transport->failures = 0;
	if (!STAILQ_EMPTY(&a->requests))
		STAILQ_FIRST(&a->requests)->sent_ms = a->idle_since;
	if (why != NULL)
		q->failed(q, why);
	else
		q->ok(q);
}

/* the peer's own error, as a record of the reply `err` */
static void
read_error(const struct ipc_msg *m, struct err *why)
{
	const char *p = NULL;
	bool perm = false;

	*why = (struct err)ERR_INIT;
	while ((p = ipc_next_pair(m, p)) != NULL) {
		if (strncmp(p, "dsn=", 4) == 0)
			snprintf(why->dsn, sizeof(why->dsn), "%s", p + 4);
		else if (strncmp(p, "text=", 5) == 0)
			snprintf(why->text, sizeof(why->text), "%s", p + 5);
		else if (strcmp(p, "kind=perm") == 0)
			perm = true;
	}
	why->kind = perm ? ERR_PERM : ERR_TEMP;
}

static void lost(struct agent *a, const struct err *why);

static void
on_msg(struct hub_agent *hub, void *ctx, struct ipc_msg *m)
{
	struct agent *a = ctx;
	struct request *q = STAILQ_FIRST(&a->requests);
	struct err why;

	if (q == NULL) {
		err_temp(&why, "4.3.0", "an answer that nobody asked for");
		hub_agent_close(hub);
		lost(a, &why);
	} else if (strcmp(m->verb, "more") == 0) {
		on_result(a, q, m);
	} else if (strcmp(m->verb, "ok") == 0) {
		if (q->def == &agent_deliver)
			read_ok(a, q, m);
		end_request(a, q, NULL);
		arena_reset(&arena);
	} else {
		read_error(m, &why);
		end_request(a, q, &why);
	}
}

static void
lost(struct agent *a, const struct err *why)
{
	struct transport *t = a->transport;
	struct request *q;
	bool head = true;

	LIST_REMOVE(a, link);
	t->nagents--;
	if (a->n > 0) {
		log_event(LOG_WARN, "agent-lost", KS("transport", t->name),
		    KI("requests", a->n), KERR(why), KEND);
		if (!a->answered)
			t->open_not_before = mono_ms() + LOST_WAIT_MS;
	}
	while ((q = STAILQ_FIRST(&a->requests)) != NULL) {
		STAILQ_REMOVE_HEAD(&a->requests, next);
		q->place = !t->exclusive || STAILQ_EMPTY(&a->requests);
		q->lost(q, head);
		head = false;
	}
	free(a->nexthop);
	free(a);
	commit_results();	/* a round, which sends again */
}

static void
on_gone(struct hub_agent *hub UNUSED, void *ctx, const struct err *why)
{
	lost(ctx, why);
}

/* NULL: err; why->dsn "again" where it is only too early */
static struct agent *
open_agent(struct transport *t, struct err *err)
{
	struct agent *a = xcalloc(1, sizeof(*a));

	STAILQ_INIT(&a->requests);
	a->transport = t;
	a->idle_since = mono_ms();
	a->hub = hub_agent_open(socket_path(t->name), on_msg, on_gone, a,
	    err);
	if (a->hub == NULL) {
		free(a);
		return NULL;
	}
	LIST_INSERT_HEAD(&t->agents, a, link);
	t->nagents++;
	return a;
}

static bool
may_open(const struct transport *t)
{
	return t->nagents < t->agents_max && mono_ms() >= t->open_not_before;
}

/* 1, 0 not now, -1 nobody is there at all */
static int
open_one(struct transport *t, struct agent **a_r, struct err *err)
{
	bool alone = LIST_EMPTY(&t->agents);

	if (!may_open(t))
		return 0;
	*a_r = open_agent(t, err);
	if (*a_r != NULL)
		return 1;
	if (alone)
		return -1;
	/* its backlog is full: not too often */
	t->open_not_before = mono_ms() + LOST_WAIT_MS;
	return 0;
}

/* the one with the least to do; another is opened while all are busy */
static int
choose_any(struct transport *t, struct agent **a_r, struct err *err)
{
	struct agent *a, *best = NULL;
	int rc;

	LIST_FOREACH(a, &t->agents, link)
		if (best == NULL || a->n < best->n)
			best = a;
	if (best == NULL || best->n > 0) {
		rc = open_one(t, &a, err);
		if (rc < 0)
			return -1;
		if (rc == 1)
			best = a;
	}
	if (best == NULL || best->n >= t->agent_requests)
		return 0;
	*a_r = best;
	return 1;
}

static bool
is_of(const struct agent *a, const struct dest *d)
{
	return a->nexthop != NULL && strcmp(a->nexthop, d->nexthop) == 0 &&
	    (a->n > 0 || a->kept);
}

static bool
is_live(const struct agent *a)
{
	const struct dest *d = dest_find(a->transport->name, a->nexthop);

	return d != NULL && d->suspended_until == 0 &&
	    d->queued[FRESH] + d->queued[BACKLOG] > 0;
}

/* how little does an idle agent lose by another destination?  0 it is at
 * work */
static int
ease(const struct agent *a)
{
	if (a->n > 0)
		return 0;
	if (!a->kept)
		return 4;
	if (!is_live(a))
		return 3;
	return a->served >= SERVE_TURN ? 2 : 1;
}

/* with a place of its own: an agent that has nothing to do */
static int
choose_idle(struct transport *t, const struct dest *d, struct agent **a_r,
    struct err *err)
{
	struct agent *a, *best = NULL;
	int how = 0, e, rc;

	LIST_FOREACH(a, &t->agents, link) {
		if (a->n == 0 && is_of(a, d)) {
			*a_r = a;
			return 1;
		}
		e = ease(a);
		if (e > how || (e > 0 && e == how &&
		    a->idle_since < best->idle_since)) {
			how = e;
			best = a;
		}
	}
	if (how < 3) {
		rc = open_one(t, a_r, err);
		if (rc != 0)
			return rc;
	}
	*a_r = best;
	return best != NULL;
}

static struct agent *
choose_ahead(struct transport *t, const struct dest *d)
{
	struct agent *a, *best = NULL;

	LIST_FOREACH(a, &t->agents, link)
		if (a->n > 0 && a->n < t->agent_requests && is_of(a, d) &&
		    (best == NULL || a->n < best->n))
			best = a;
	return best;
}

static int
choose(struct transport *t, const struct dest *d, bool place,
    struct agent **a_r, struct err *err)
{
	if (d == NULL || !t->exclusive)
		return choose_any(t, a_r, err);
	if (place)
		return choose_idle(t, d, a_r, err);
	*a_r = choose_ahead(t, d);
	return *a_r != NULL;
}

/* an idle one; or, where they work for many, one with room */
bool
agent_free(const struct transport *t)
{
	const struct agent *a;
	int64_t most = t->exclusive ? 1 : t->agent_requests;

	if (may_open(t))
		return true;
	LIST_FOREACH(a, &t->agents, link)
		if (a->n < most)
			return true;
	return false;
}

void
agents_bound(struct transport *t, bool ahead, void (*fn)(struct dest *d))
{
	struct agent *a, *next;
	struct dest *d;

	for (a = LIST_FIRST(&t->agents); a != NULL; a = next) {
		next = LIST_NEXT(a, link);
		if (a->nexthop == NULL || (ahead ? a->n == 0 ||
		    a->n >= t->agent_requests : a->n > 0 || !a->kept ||
		    a->served >= SERVE_TURN))
			continue;
		d = dest_find(t->name, a->nexthop);
		if (d != NULL)
			fn(d);
	}
}

size_t
agents_of(const struct dest *d)
{
	const struct agent *a;
	size_t n = 0;

	LIST_FOREACH(a, &d->transport->agents, link)
		n += is_of(a, d);
	return n;
}

static void
bind_to(struct agent *a, const struct dest *d)
{
	if (!is_of(a, d)) {
		free(a->nexthop);
		a->nexthop = xstrdup(d->nexthop);
		a->served = 0;
	}
	a->served++;
}

int
agent_send(struct transport *t, const struct dest *d,
    const struct verb_def *v, const void *rec, int fd, struct request *q,
    struct err *err)
{
	struct agent *a;
	int rc = choose(t, d, q->place, &a, err);

	if (rc != 1)
		return rc;
	q->def = v;
	q->keep = false;
	q->site = "";
	if (d != NULL && t->exclusive)
		bind_to(a, d);
	/* on_gone gives it back where the peer has just died */
	STAILQ_INSERT_TAIL(&a->requests, q, next);
	a->n++;
	q->sent_ms = mono_ms();
	if (hub_agent_send(a->hub, v, rec, fd, err) == 0 ||
	    err->kind != ERR_PERM)
		return 1;
	STAILQ_REMOVE(&a->requests, q, request, next);
	a->n--;
	return -1;
}

static bool
overdue(const struct agent *a, int64_t now)
{
	const struct request *q = STAILQ_FIRST(&a->requests);

	int64_t most = a->transport->timeout_ms;

	if (most == 0)
		most = a->transport->exclusive ? qmgr.conf.relay_timeout :
		    qmgr.conf.agent_timeout;
	return q != NULL && now - q->sent_ms > most;
}

/* those that hang, or have had nothing to do for a minute */
static void
look_at(struct transport *t, int64_t now)
{
	struct agent *a, *next;
	struct err why;

	for (a = LIST_FIRST(&t->agents); a != NULL; a = next) {
		next = LIST_NEXT(a, link);
		if (!overdue(a, now) &&
		    (a->n > 0 || now - a->idle_since < 60000))
			continue;
		err_temp(&why, "4.3.0", "no answer within the time allowed");
		hub_agent_close(a->hub);
		lost(a, &why);
	}
}

void
agents_tick(void)
{
	int64_t now = mono_ms();
	struct transport *t;

	for (t = transports; t != NULL; t = t->next)
		look_at(t, now);
}
