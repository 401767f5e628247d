/*
 * route.c - every place of the recipients of a message, and one of them sealed
 * for cleanup while its client waits at RCPT.
 *
 * What is sealed is what cleanup would hear were it to ask now.  So only where
 * that is the place that resolve has found, with nothing beside it, and whoever
 * adds to do_route asks himself whether it is so still.
 */
#include "base/clock.h"
#include "proto/seal.h"
#include "router.h"

/* An answer of one place is held back: it may go with the ok. */
struct answer {
	struct call *c;
	bool single;
	size_t n;
	struct router_route_more first;
};

static int
tell(struct answer *t, const struct router_route_more *m, struct err *err)
{
	if (t->n++ == 0 && t->single) {
		t->first = *m;
		return 0;
	}
	if (t->n == 2 && t->single && call_more(t->c, &t->first, err) < 0)
		return -1;
	return call_more(t->c, m, err);
}

/* the places of one address, each with what holds for all of them */
static int
tell_places(struct answer *t, const struct router_route_more *like,
    struct places *r, struct err *err)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		r->v[i].n = like->n;
		r->v[i].bcc = like->bcc;
		if (r->v[i].sender[0] == '\0')
			r->v[i].sender = like->sender;
		if (tell(t, &r->v[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
route_one(struct answer *t, const char *addr, const struct expand_how *how,
    const struct router_route_more *like, struct err *err)
{
	struct places r = { 0 };
	int rc = expand(addr, how, t->c->arena, &r, err);

	if (rc >= 0)
		rc = tell_places(t, like, &r, err);
	free(r.v);
	return rc;
}

static int
route_copies(struct answer *t, const struct router_route_in *in,
    const struct expand_how *how, const struct router_route_more *like,
    struct err *err)
{
	struct router_route_more copy = *like;
	struct copies r = { 0 };
	size_t i;

	if (copies_find(in->sender, &in->addr, t->c->arena, &r, err) < 0)
		return -1;
	copy.bcc = true;
	for (i = 0; i < r.n; i++) {
		copy.n = r.v[i].n;
		if (route_one(t, r.v[i].addr, how, &copy, err) < 0)
			return -1;
	}
	return 0;
}

int
do_route(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct router_route_in *in = vin;
	struct router_route_more *out = vout, like = { .sender = "" };
	struct expand_how how = { .limit = conf.alias_targets };
	struct answer t = { .c = c, .single = in->single };

	if (canonical(REWRITE_ENVELOPE_SENDER, in->sender, c->arena,
	    &how.sender, err) < 0)
		return -1;
	if (how.sender != in->sender)
		like.sender = how.sender;
	for (; (size_t)like.n < in->addr.n; like.n++)
		if (route_one(&t, in->addr.v[like.n], &how, &like, err) < 0)
			return -1;
	if (!in->internal && route_copies(&t, in, &how, &like, err) < 0)
		return -1;
	if (t.single && t.n == 1) {
		*out = t.first;
		out->single = true;
	}
	return 0;
}

/* has it no other form? */
static bool
is_as_named(int kind, const char *addr, struct arena *a)
{
	struct err ignored = ERR_INIT;
	const char *form;

	return canonical(kind, addr, a, &form, &ignored) == 0 && form == addr;
}

/* Does mail of this sender to this place have no copies, and neither of them
 * another form?  in->addr had none; cleanup will name it as rcpt. */
static bool
is_alone(const struct router_resolve_in *in, const char *rcpt,
    struct arena *a)
{
	struct strlist l = { &rcpt, 1, 1 };
	struct copies copies = { 0 };
	struct err ignored = ERR_INIT;

	return is_as_named(REWRITE_ENVELOPE_SENDER, in->sender, a) &&
	    (strcmp(rcpt, in->addr) == 0 ||
	    is_as_named(REWRITE_ENVELOPE_RECIPIENT, rcpt, a)) &&
	    copies_find(in->sender, &l, a, &copies, &ignored) == 0 &&
	    copies.n == 0;
}

const char *
route_sealed(const struct router_resolve_in *in, const char *rcpt,
    const struct place *p, const struct way *w, struct arena *a)
{
	struct router_route_more r = { .addr = p->addr,
		.mailbox = p->mailbox, .quota = p->quota };
	struct str text = STR_INIT;
	struct err ignored = ERR_INIT;
	struct way own = *w;
	const char *z;

	if (conf.seal_time == 0 || !seal_ready() || p->targets[0] != '\0' ||
	    !is_alone(in, rcpt, a))
		return "";
	/* resolve did not know the sender */
	if (conf.sender_relayhost[0] != '\0' &&
	    way_find(p, in->sender, a, &own, &ignored) < 0)
		return "";
	r.transport = own.transport;
	r.nexthop = own.nexthop;
	seal_route(&r, rcpt, in->sender, mono_ms() + conf.seal_time, &text);
	z = arena_slice(a, slice_str(&text));
	str_free(&text);
	return z;
}
