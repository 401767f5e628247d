/*
 * quota.c - the quota that a mailbox has now.  Its row says what it was when
 * the message came; where that is some time ago router is asked once more, so
 * that a quota that was raised helps mail that waits already.  The place stays
 * as it is: only an answer that names the same mailbox counts.
 *
 * router is never needed: where it does not answer within seconds, the stored
 * quota is taken, and nothing is asked for a while.
 */
#include "qmgr.h"

enum { REQUESTS = 64, WAIT_MS = 3000, PAUSE_MS = 60000, AGE_US = 60 * 1000000 };

struct quota_request {
	struct request request;
	struct rcpt **rcpt;	/* the caller's */
	size_t n;
	void (*done)(void *ctx);
	void *ctx;
};

static int64_t quiet_until;	/* mono_ms */

static void
finish(struct quota_request *a)
{
	void (*done)(void *ctx) = a->done;
	void *ctx = a->ctx;

	free(a);
	done(ctx);
}

static void
on_place(struct request *q, const void *record)
{
	struct quota_request *a = (struct quota_request *)q;
	const struct router_route_more *m = record;
	struct queue_rcpt *r;

	if (m->n < 0 || (size_t)m->n >= a->n || m->failed)
		return;
	r = &a->rcpt[m->n]->q;
	if (strcmp(m->transport, r->transport) == 0 &&
	    strcmp(m->mailbox, r->mailbox) == 0)
		r->quota = m->quota;
}

static void
on_ok(struct request *q)
{
	finish((struct quota_request *)q);
}

static void
no_answer(const char *reason)
{
	if (mono_ms() < quiet_until)
		return;
	quiet_until = mono_ms() + PAUSE_MS;
	log_event(LOG_WARN, "quota-unknown", KS("reason", reason), KEND);
}

static void
on_failed(struct request *q, const struct err *why)
{
	no_answer(why->text);
	finish((struct quota_request *)q);
}

static void
on_lost(struct request *q, bool head UNUSED)
{
	no_answer("router did not answer");
	finish((struct quota_request *)q);
}

/* all are of one message and one transport */
static bool
wanted(const struct rcpt *r)
{
	const struct queue_message *m = &r->msg->m;

	return strcmp(r->q.transport, "local") == 0 &&
	    mono_ms() >= quiet_until &&
	    (r->q.attempts > 0 || wall_us() - m->created >= AGE_US);
}

bool
quota_ask(struct rcpt **v, size_t n, void (*done)(void *ctx), void *ctx)
{
	static struct arena arena;
	struct router_route_in in = { 0 };
	struct quota_request *a;
	struct transport *t;
	struct err err = ERR_INIT;
	size_t i;
	int rc;

	if (!wanted(v[0]) || (t = transport_get("router")) == NULL)
		return false;
	t->timeout_ms = WAIT_MS;
	t->agents_max = 1;
	t->agent_requests = REQUESTS;
	a = xcalloc(1, sizeof(*a));
	*a = (struct quota_request){ .request = { .more = on_place,
		.ok = on_ok, .failed = on_failed, .lost = on_lost },
		.rcpt = v, .n = n, .done = done, .ctx = ctx };
	for (i = 0; i < n; i++)
		strlist_add(&in.addr, &arena, v[i]->q.addr);
	rc = agent_send(t, NULL, &router_route, &in, -1, &a->request, &err);
	arena_reset(&arena);
	if (rc == 1)
		return true;
	if (rc < 0)
		no_answer(err.text);
	free(a);
	return false;
}
