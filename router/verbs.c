/*
 * verbs.c - the questions.
 */
#include "base/clock.h"
#include "batv.h"
#include "map/record.h"
#include "router.h"
#include "srs.h"

/* so many names of an alias are looked at while a client waits at RCPT */
enum { RCPT_TARGETS = 100 };

/*
 * What the sender can be told at RCPT is not left for a report later: an
 * alias that ends nowhere, or one that an admin must mend, which would hold
 * up the whole message at its end.
 */
static int
check_alias(const struct place *p, struct arena *a, struct err *err)
{
	const struct expand_how how = { .limit = RCPT_TARGETS };
	struct places r = { 0 };
	size_t i, failed = 0;
	int rc = expand(p->addr, &how, a, &r, err);

	for (i = 0; i < r.n && rc == 0; i++) {
		failed += r.v[i].failed;
		if (r.v[i].failed && r.v[i].temporary)
			rc = err_temp(err, "4.3.5", "%s", r.v[i].text);
	}
	if (rc == 0 && failed == r.n && p->fallback)
		rc = err_temp(err, "4.3.0", "%s leads to no mailbox", p->addr);
	else if (rc == 0 && failed == r.n)
		rc = err_perm(err, "5.1.1", "no such user");
	free(r.v);
	return MIN(rc, 0);
}

static int
check_quota(const struct place *p, const struct way *w, int64_t *percent_r,
    struct err *err)
{
	/* another host's mailbox is not ours to measure */
	if (strcmp(w->transport, "local") != 0 || p->quota == 0)
		return 0;
	if (percent_r != NULL) {
		*percent_r = quota_percent(p->mailbox, p->quota);
		return 0;
	}
	if (conf.over_quota == OVER_ACCEPT ||
	    !quota_full(p->mailbox, p->quota))
		return 0;
	if (conf.over_quota == OVER_DEFER)
		return err_temp(err, "4.2.2", "mailbox full");
	return err_perm(err, "5.2.2", "mailbox full");
}

/* what is addr to a report?  An enum batv, or -1 */
static int
batv_state(const char *addr, struct arena *a, struct err *err)
{
	struct smtp_address s;
	struct err ignored = ERR_INIT;
	int kind;

	if (!conf.batv || smtp_address_parse(slice_of(addr), SMTP_ADDR_BARE,
	    a, &s, &ignored) != 1)
		return BATV_NONE;
	kind = domain_kind(&s, a, err);
	if (kind < 0)
		return err->kind == ERR_PERM ? BATV_NONE : -1;
	/* what SRS made is signed in its own way */
	if (!domain_signs(s.domain, kind) || (domain_srs()[0] != '\0' &&
	    slice_ieqz(s.domain, domain_srs()) && srs_is(s.local)))
		return BATV_NONE;
	return batv_check(&s, wall_s() / 86400, conf.batv_time / 86400000,
	    err);
}

static int
check_tag(const struct router_resolve_in *in, struct arena *a,
    struct err *err)
{
	int state = in->report ? batv_state(in->addr, a, err) : BATV_NONE;

	if (state == BATV_INVALID)
		return err_perm(err, "5.1.1", "address signature is not "
		    "valid");
	return MIN(state, 0);
}

static int
do_batv(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct router_batv_in *in = vin;
	struct router_batv_out *out = vout;

	out->state = batv_state(in->addr, c->arena, err);
	return MIN(out->state, 0);
}

int
resolve(const struct router_resolve_in *in, struct router_resolve_out *out,
    struct arena *a, struct err *err)
{
	struct place p;
	struct way w;
	const char *to;
	bool alias;

	if (check_tag(in, a, err) < 0 ||
	    canonical(REWRITE_ENVELOPE_RECIPIENT, in->addr, a, &to,
	    err) < 0 || place_find(to, false, a, &p, err) < 0)
		return -1;
	alias = place_is_alias(&p);
	if (p.class == CLASS_RELAY && !p.open && !in->relay)
		return err_perm(err, "5.7.1", "relaying denied");
	if (alias ? check_alias(&p, a, err) < 0 :
	    way_find(&p, NULL, a, &w, err) < 0)
		return -1;
	out->used_percent = 0;
	if (!alias && p.class == CLASS_VIRTUAL && check_quota(&p, &w,
	    in->want_quota ? &out->used_percent : NULL, err) < 0)
		return -1;
	out->class = p.class;
	/* what the client named is what it is told about later */
	out->addr = to == in->addr ? p.named : in->addr;
	out->seal = in->seal && !alias && to == in->addr ?
	    route_sealed(in, out->addr, &p, &w, a) : "";
	return 0;
}

static int
do_resolve(struct call *c, const void *in, void *out, struct err *err)
{
	return resolve(in, out, c->arena, err);
}

/* Was the recipient an address of ours, and the sender none? */
static int
is_forwarded(const struct smtp_address *sender, const char *orig,
    struct arena *a, struct err *err)
{
	struct smtp_address s = *sender, o;
	struct err ignored = ERR_INIT;
	struct place p;
	int kind;

	if (smtp_address_parse(slice_of(orig), SMTP_ADDR_BARE, a, &o,
	    &ignored) < 0)
		return 0;
	kind = domain_kind(&s, a, err);
	if (kind != DOMAIN_REMOTE)
		return kind < 0 ? -1 : 0;
	kind = domain_kind(&o, a, err);
	if (kind < 0 || !domain_is_ours(kind))
		return kind < 0 ? -1 : 0;
	/* the other half of the domain believes us */
	if (place_find(orig, false, a, &p, &ignored) < 0)
		return ignored.kind == ERR_TEMP ? (*err = ignored, -1) : 1;
	return p.class != CLASS_RELAY;
}

/* the sender as it leaves us: signed, where it is of ours.  0, -1 */
static int
sign_sender(const struct smtp_address *sender, struct arena *a,
    const char **out, struct err *err)
{
	struct smtp_address s = *sender;
	int kind = domain_kind(&s, a, err);

	if (kind < 0)
		return err->kind == ERR_PERM ? 0 : -1;
	if (!domain_signs(s.domain, kind))
		return 0;
	return MIN(batv_sign(sender, s.domain, wall_s() / 86400,
	    conf.batv_time / 86400000, a, out, err), 0);
}

static int
do_srs(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct router_srs_in *in = vin;
	struct router_srs_out *out = vout;
	const char *domain = domain_srs(), *srs = NULL, *sender,
	    *own = in->sender;
	struct smtp_address s;
	struct err ignored = ERR_INIT;
	size_t i;
	int r;

	if (in->sender[0] != '\0' && smtp_address_parse(slice_of(in->sender),
	    0, c->arena, &s, &ignored) == 1) {
		if (in->batv && sign_sender(&s, c->arena, &own, err) < 0)
			return -1;
		if (domain[0] != '\0' && srs_rewrite(&s, domain,
		    wall_s() / 86400, c->arena, &srs, err) < 0)
			return -1;
	}
	if (in->orig.n == 0)
		strlist_add(&out->sender, c->arena, own);
	for (i = 0; i < in->orig.n; i++) {
		sender = own;
		r = srs == NULL ? 0 : is_forwarded(&s, in->orig.v[i],
		    c->arena, err);
		if (r < 0)
			return -1;
		if (r > 0)
			sender = srs;
		strlist_add(&out->sender, c->arena, sender);
	}
	return 0;
}

/* of the account's record, where it has them */
static int
own_limits(const char *login, struct arena *a, struct router_owns_out *out,
    struct err *err)
{
	struct user_record u;
	int r = place_record(login, a, &u, err);

	if (r <= 0)
		return r;
	if (u.limit_hour > 0)
		out->limit_hour = u.limit_hour;
	if (u.limit_day > 0)
		out->limit_day = u.limit_day;
	if (u.limit_new > 0)
		out->limit_new = u.limit_new;
	return 0;
}

/* of all accounts of its domain together */
static int
domain_limits(const char *login, struct arena *a, struct router_owns_out *out,
    struct err *err)
{
	struct slice s = slice_of(login);
	size_t at = slice_rfind(s, '@');
	struct domain_record d;
	int r;

	if (at == s.n)
		return 0;
	s = slice_sub(s, at + 1, s.n);
	r = domains_get(s, a, &d, err);
	if (r == 1) {
		out->domain = arena_slice(a, s);
		out->domain_hour = d.limit_hour;
		out->domain_day = d.limit_day;
	}
	return r < 0 ? -1 : 0;
}

static int
do_owns(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct router_owns_in *in = vin;
	struct router_owns_out *out = vout;
	size_t i;
	int r = 1;

	for (i = 0; i < in->addr.n && r == 1; i++) {
		r = owns(in->login, in->addr.v[i], c->arena, err);
		if (r == 0)
			out->at = (int64_t)i;
	}
	out->owned = r == 1;
	if (r < 0 || own_limits(in->login, c->arena, out, err) < 0)
		return -1;
	return domain_limits(in->login, c->arena, out, err);
}

const struct verb router_serves[] = {
	{ &router_resolve, do_resolve, PEER_NET | PEER_QUEUE },
	{ &router_route, do_route, PEER_QUEUE },
	{ &router_owns, do_owns, PEER_NET | PEER_QUEUE },
	{ &router_srs, do_srs, PEER_QUEUE | PEER_OUT },
	{ &router_batv, do_batv, PEER_NET | PEER_QUEUE },
	{ &router_rewrite, do_rewrite, PEER_QUEUE },
	{ &router_explain, do_explain, PEER_QUEUE },
	{ NULL, NULL, 0 }
};
