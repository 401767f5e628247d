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
	bool all;		/* nothing of it fails */
	struct err *err, *why;
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
tell_place(const struct router_route_more *m, bool copy)
{
	const char *what = copy ? "copy" : "deliver";
	bool mailbox = m->mailbox[0] != '\0' &&
	    strcmp(m->transport, "smtp") != 0;
	bool hop = !mailbox || m->nexthop[0] != '\0';

	if (m->failed)
		trace_step(m->temporary ? "waits" : "fails", "%s: %s %s",
		    m->addr, m->dsn, m->text);
	else
		trace_step(what, "%s by %s%s%s%s%s%s%s", m->addr,
		    m->transport, mailbox ? " to " : "",
		    mailbox ? m->mailbox : "", hop ? ", next hop " : "",
		    hop ? m->nexthop : "",
		    m->sender[0] != '\0' ? ", sender " : "", m->sender);
}

/* those of one address; copy: nobody named it */
static int
tell_places(const char *addr, const struct expand_how *how,
    const char *sender, bool copy, struct steps *s)
{
	struct places r = { 0 };
	struct err *err = s->why;
	int rc = expand(addr, how, s->c->arena, &r, err);
	size_t i;

	trace_depth(0);
	for (i = 0; i < r.n; i++) {
		if (r.v[i].sender[0] == '\0')
			r.v[i].sender = sender;
		s->place = &r.v[i];
		tell_place(&r.v[i], copy);
		s->all &= !r.v[i].failed;
	}
	s->place = NULL;
	free(r.v);
	return MIN(rc, 0);
}

/* 1 all of it can be delivered, 0 not, or not now, -1 */
static int
tell_all(const struct router_explain_in *in, struct steps *s)
{
	struct expand_how how = { .limit = conf.alias_targets };
	const char *addr = in->addr, *sender;
	const struct strlist rcpts = { &addr, 1, 1 };
	struct copies copies = { 0 };
	size_t i;

	s->all = true;
	if (canonical(REWRITE_ENVELOPE_SENDER, in->sender, s->c->arena,
	    &how.sender, s->why) < 0)
		return -1;
	sender = how.sender != in->sender ? how.sender : "";
	if (tell_places(addr, &how, sender, false, s) < 0 ||
	    copies_find(in->sender, &rcpts, s->c->arena, &copies,
	    s->why) < 0)
		return -1;
	for (i = 0; i < copies.n; i++)
		if (tell_places(copies.v[i].addr, &how, sender, true, s) < 0)
			return -1;
	return s->all;
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
	struct err why = ERR_INIT, ignored = ERR_INIT;
	int rc, ways;

	rc = resolve(&ask, &answer, c->arena, &why);
	trace_begin(on_step, &s);
	s.why = rc < 0 ? &ignored : &why;
	ways = tell_all(in, &s);
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
