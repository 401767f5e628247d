/*
 * explain.c - the way of an address, step by step: first what a client is
 * told at RCPT, then where the mail goes.
 */
#include "router.h"

enum { STEPS_MAX = 500 };

struct steps {
	struct call *c;
	const struct router_route_more *place;	/* that is told now, or NULL */
	int n;
	bool failed;
	struct err *err;
};

static void
on_step(void *ctx, const char *what, const char *text)
{
	struct router_explain_more m = { .what = what, .text = text,
		.transport = "", .nexthop = "" };
	struct steps *s = ctx;

	if (s->failed || s->n > STEPS_MAX)
		return;
	if (s->place != NULL && !s->place->failed) {
		m.transport = s->place->transport;
		m.nexthop = s->place->nexthop;
	}
	if (s->n++ == STEPS_MAX)
		m = (struct router_explain_more){ "note",
		    "further steps are left out", "", "" };
	s->failed = call_more(s->c, &m, s->err) < 0;
}

/* a step that is told however many there were before */
static void
result(struct steps *s, const char *text)
{
	struct router_explain_more m = { .what = "result", .text = text,
		.transport = "", .nexthop = "" };

	if (!s->failed)
		s->failed = call_more(s->c, &m, s->err) < 0;
}

static void
tell_place(const struct router_route_more *m)
{
	if (m->failed)
		trace_step(m->temporary ? "waits" : "fails", "%s: %s %s",
		    m->addr, m->dsn, m->text);
	else if (m->mailbox[0] != '\0' && strcmp(m->transport, "smtp") != 0)
		trace_step("deliver", "%s by %s to %s%s%s", m->addr,
		    m->transport, m->mailbox,
		    strcmp(m->nexthop, "") != 0 ? ", next hop " : "",
		    m->nexthop);
	else
		trace_step("deliver", "%s by %s, next hop %s", m->addr,
		    m->transport, m->nexthop);
}

/* 1 all of it can be delivered, 0 not, or not now */
static int
tell_places(const struct router_explain_in *in, struct steps *s,
    struct err *err)
{
	const struct expand_how how = { .sender = in->sender,
		.limit = conf.alias_targets };
	struct places r = { 0 };
	size_t i, good = 0;
	int rc = expand(in->addr, &how, s->c->arena, &r, err);

	trace_depth(0);
	for (i = 0; i < r.n; i++) {
		s->place = &r.v[i];
		tell_place(&r.v[i]);
		good += !r.v[i].failed;
	}
	s->place = NULL;
	rc = rc < 0 ? -1 : good == r.n;
	free(r.v);
	return rc;
}

int
do_explain(struct call *c, const void *vin, void *out UNUSED,
    struct err *err)
{
	const struct router_explain_in *in = vin;
	struct router_resolve_in ask = { .addr = in->addr,
		.relay = in->relay };
	struct router_resolve_out answer;
	struct steps s = { .c = c, .err = err };
	struct err why = ERR_INIT;
	int rc, ways;

	rc = resolve(&ask, &answer, c->arena, &why);
	trace_begin(on_step, &s);
	ways = tell_places(in, &s, rc < 0 ? err : &why);
	trace_begin(NULL, NULL);
	if (rc < 0)
		result(&s, arena_printf(c->arena, "%s: %s %s",
		    why.kind == ERR_TEMP ? "deferred" : "refused", why.dsn,
		    why.text));
	else if (ways < 0)
		result(&s, arena_printf(c->arena, "deferred: %s %s", why.dsn,
		    why.text));
	else
		result(&s, ways > 0 ? "accepted" :
		    "accepted, but not all of it can be delivered");
	return s.failed ? -1 : 0;
}
