/*
 * agents.c - connections to delivery agents and to bounce.  Requests of one
 * connection are answered in order; when it closes, what was under way on it
 * is given back.
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
};

static struct arena arena;

static void
on_result(struct agent *a, struct request *q, struct ipc_msg *m)
{
	union {
		struct agent_result agent;
		struct router_route_more router;
	} r;
	struct err err;

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
end_request(struct agent *a, struct request *q, const struct err *why)
{
	STAILQ_REMOVE_HEAD(&a->requests, next);
	a->n--;
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
		end_request(a, q, NULL);
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
		q->lost(q, head);
		head = false;
	}
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

/* the one with the least to do; another is opened while all are busy */
static int
choose(struct transport *t, struct agent **a_r, struct err *err)
{
	struct agent *a, *best = NULL;

	LIST_FOREACH(a, &t->agents, link)
		if (best == NULL || a->n < best->n)
			best = a;
	if ((best == NULL || best->n > 0) && t->nagents < t->agents_max &&
	    mono_ms() >= t->open_not_before) {
		a = open_agent(t, err);
		if (a == NULL && best == NULL)
			return -1;
		if (a == NULL)	/* its backlog is full: not too often */
			t->open_not_before = mono_ms() + LOST_WAIT_MS;
		else
			best = a;
	}
	if (best == NULL || best->n >= t->agent_requests)
		return 0;
	*a_r = best;
	return 1;
}

bool
agent_free(const struct transport *t)
{
	const struct agent *a;

	if (t->nagents < t->agents_max && mono_ms() >= t->open_not_before)
		return true;
	LIST_FOREACH(a, &t->agents, link)
		if (a->n < t->agent_requests)
			return true;
	return false;
}

int
agent_send(struct transport *t, const struct verb_def *v, const void *rec,
    int fd, struct request *q, struct err *err)
{
	struct agent *a;
	int rc = choose(t, &a, err);

	if (rc != 1)
		return rc;
	q->def = v;
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
		most = qmgr.conf.agent_timeout;
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
