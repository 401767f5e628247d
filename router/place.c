/*
 * place.c - one address, one place.  The order of the questions is the order
 * in router(8): the first that is answered wins.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "map/users.h"
#include "router.h"
#include "batv.h"
#include "srs.h"

enum { NAMES_OF_DOMAIN = 4 /* alias_of of alias_of */, MOVED_MAX = 200 };

int
place_record(const char *key, struct arena *a, struct user_record *u,
    struct err *err)
{
	struct str value = STR_INIT;
	int r = table_get(&mailboxes, key, &value, err);

	if (r == 0)
		r = table_get_further(further_mailboxes,
		    &conf.further_mailboxes, key, &value, err);
	if (r > 0 && user_parse(slice_str(&value), u, a, err) < 0)
		r = our_trouble(err);
	str_free(&value);
	return r;
}

bool
place_is_alias(const struct place *p)
{
	return p->class == CLASS_ALIAS ||
	    (p->targets[0] != '\0' && !p->keep);
}

/* with a copy or without: what of it is an address is said by its compiler */
static void
set_forward(struct query *q, size_t at, const struct user_record *u,
    struct place *p)
{
	p->targets = u->forward;
	p->keep = u->keep;
	p->ext = q->k.ext[at];
	p->extends = "forward";
	trace_step("forward", "to %s%s", p->targets,
	    p->keep ? ", and kept" : "");
}

/* a mailbox by its key: 1, 0, -1 */
static int
find_mailbox(struct query *q, size_t at, struct place *p, struct err *err)
{
	struct str mailbox = STR_INIT;
	const char *key = q->k.key[at];
	struct user_record u;
	int r = place_record(key, q->a, &u, err);

	if (r <= 0)
		return r;
	if (u.disabled)
		return q->role ? 0 : err_perm(err, "5.2.1",
		    "mailbox disabled");
	if (user_mailbox(slice_of(key), &u, &mailbox, err) < 0) {
		str_free(&mailbox);
		return our_trouble(err);
	}
	p->class = CLASS_VIRTUAL;
	trace_step("mailbox", "%s: %s", key, mailbox.s);
	p->mailbox = arena_slice(q->a, slice_str(&mailbox));
	p->quota = u.quota > 0 ? u.quota : q->row.quota > 0 ? q->row.quota :
	    common.default_quota;
	if (u.transport[0] != '\0') {
		p->relay = u.transport;
		p->relay_by = "mailboxes";
		trace_step(p->relay_by, "transport=%s", p->relay);
	}
	if (u.forward[0] != '\0' && !q->plain)
		set_forward(q, at, &u, p);
	str_free(&mailbox);
	return 1;
}

static int
find_login(struct query *q, const char *login, struct place *p,
    struct err *err)
{
	struct system_user u;
	int r;

	if (login[0] == '-' || strpbrk(login, ":/@") != NULL)
		return 0;
	r = system_user_find(login, &u, q->a, err);
	if (r < 0)
		return our_trouble(err);
	if (r == 0)
		return 0;
	p->class = CLASS_SYSTEM;
	trace_step("account", "%s, uid %u", login, (unsigned)u.uid);
	p->mailbox = login;
	return 1;
}

static int
find_account(struct query *q, int kind, struct place *p, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < q->k.n && r == 0; i++)
		r = kind == DOMAIN_VIRTUAL ? find_mailbox(q, i, p, err) :
		    find_login(q, q->k.local[i], p, err);
	return r;
}

/* a sender that we made of another: 1, 0 it is none, -1 */
static int
find_srs(struct query *q, struct place *p, struct err *err)
{
	const char *domain = domain_srs();
	int r;

	if (domain[0] == '\0' || !srs_is(q->addr.local) ||
	    !slice_ieqz(q->addr.domain, domain))
		return 0;
	r = srs_reverse(q->addr.local, wall_s() / 86400,
	    conf.srs_max_age / 86400000, q->a, &p->targets, err);
	if (r <= 0)
		return r;
	p->class = CLASS_ALIAS;
	trace_step("srs", "sender %s", p->targets);
	return 1;
}

/* who is somewhere else now: 0, or -1 and err says where */
static int
check_moved(struct query *q, struct err *err)
{
	char to[MOVED_MAX + 1];
	size_t at, i;
	int r;

	str_reset(&q->value);
	r = table_get_keys(&relocated, &q->k, &at, &q->value, err);
	if (r == 0 && !q->role)
		r = table_get_part(&relocated, q->k.at_domain, &q->value, err);
	if (r <= 0)
		return r;
	slice_copy(to, sizeof(to), slice_trim(slice_str(&q->value)));
	for (i = 0; to[i] != '\0'; i++)
		if (!ascii_isprint((unsigned char)to[i]))
			to[i] = '?';
	return err_perm(err, "5.1.6", "user has moved to %s", to);
}

/* is it in the list of a domain that others have?  1, 0, -1; *named_r: by
 * itself and not only by its domain */
static int
find_recipient(struct query *q, bool *named_r, struct err *err)
{
	size_t at = 0;
	const char *key;
	int r;

	str_reset(&q->value);
	r = table_get_keys(&relay_recipients, &q->k, &at, &q->value, err);
	key = q->k.key[at];
	*named_r = r > 0;
	if (r == 0)
		r = table_get_part(&relay_recipients, key = q->k.at_domain,
		    &q->value, err);
	if (r > 0)
		trace_step("recipient", "relay_recipients: row %s", key);
	return r;
}

static void
set_relay(struct place *p, const char *by, const char *where)
{
	p->class = CLASS_RELAY;
	p->open = true;
	p->relay = where;
	p->relay_by = by;
	trace_step(by, "not here: to %s", where);
}

/* nobody here: at the other half of a domain, or caught */
static int
find_unknown(struct query *q, struct place *p, struct err *err)
{
	bool named;
	int r = 0;

	/* user%host, host!user: nobody of ours, so meant to pass through */
	if (strpbrk(q->k.local[0], "%!@") != NULL)
		return err_perm(err, "5.7.1", "relaying denied");
	if (q->row.relay[0] != '\0') {
		r = conf.relay_recipients[0] == '\0' ? 1 :
		    find_recipient(q, &named, err);
		if (r > 0)
			set_relay(p, "hybrid", q->row.relay);
	}
	if (r == 0 && !q->plain)
		r = names_catch_all(q, p, err);
	if (r == 0 && q->role)
		r = postmaster_find(q, p, err);
	if (r == 0 && conf.fallback_transport[0] != '\0') {
		set_relay(p, "fallback_transport", conf.fallback_transport);
		r = 1;
	}
	return r != 0 ? r : err_perm(err, "5.1.1", "no such user");
}

static int
find_local(struct query *q, int kind, struct place *p, struct err *err)
{
	int r = q->plain ? 0 : find_srs(q, p, err);

	if (r == 0 && check_moved(q, err) < 0)
		return -1;
	if (r == 0 && kind != DOMAIN_ALIAS)
		r = find_account(q, kind, p, err);
	if (r == 0 && !q->plain)
		r = names_find(q, true, p, err);
	return r != 0 ? r : find_unknown(q, p, err);
}

/* a domain that we relay for: anybody may send to it */
static int
find_relay(struct query *q, struct place *p, struct err *err)
{
	bool through = strpbrk(q->k.local[0], "%!@") != NULL, named;
	int r;

	if (q->row.relay[0] != '\0')
		set_relay(p, "domains", q->row.relay);
	p->open = !through;
	if (conf.relay_recipients[0] == '\0')
		return 1;
	r = find_recipient(q, &named, err);
	if (r <= 0)
		return r < 0 ? -1 : err_perm(err, "5.1.1", "no such user");
	/* listed as it is, not only by its domain */
	p->open = !through || named;
	return 1;
}

static const char *
printed(struct query *q)
{
	str_reset(&q->value);
	smtp_address_print(&q->addr, &q->value);
	return arena_slice(q->a, slice_str(&q->value));
}

static void
take_user(struct query *q, struct place *p)
{
	const char *user;

	place_keys(&q->addr, q->a, &q->k);
	user = q->k.local[q->k.n - 1];
	q->role = strcmp(user, "postmaster") == 0 ||
	    strcmp(user, "abuse") == 0;
	p->key = q->k.key[0];
	p->keys = q->k;
	p->addr = printed(q);
}

/* where does its domain lead?  An enum domain_kind, or -1 */
static int
take_domain(struct query *q, struct place *p, struct err *err)
{
	int kind = domain_find(&q->addr, q->a, &q->row, err);

	if (kind < 0)
		return -1;
	p->domain = arena_slice(q->a, q->addr.domain);
	take_user(q, p);
	trace_step("address", "%s", p->addr);
	trace_step("domain", "%s: %s", p->domain, domain_kind_name(kind));
	if (domain_is_ours(kind) && q->row.disabled)
		return err_perm(err, "5.2.1", "the domain %s is disabled",
		    p->domain);
	return kind;
}

/* A signed sender of ours is who it was before.  Whether the signature is good
 * counts for reports alone, and was asked at RCPT (resolve). */
static void
drop_tag(struct query *q, int kind, struct place *p)
{
	struct slice plain;

	if (!domain_signs(q->addr.domain, kind) ||
	    !batv_is(q->addr.local, &plain))
		return;
	q->addr.local = plain;
	take_user(q, p);
	trace_step("batv", "sender %s", p->addr);
}

/* A domain that is another name, user by user, may have aliases of its own:
 * 1 p is one, 0 go on with the kind in *kind_r, -1. */
static int
follow_names(struct query *q, int *kind_r, struct place *p, struct err *err)
{
	const char *from;
	int i, r = 0;

	for (i = 0; domain_is_ours(*kind_r) && q->row.alias_of[0] != '\0';
	    i++) {
		r = q->plain ? 0 : names_find(q, false, p, err);
		if (r != 0)
			return r;
		from = p->domain;
		trace_step("domain", "%s is another name of %s", from,
		    q->row.alias_of);
		q->addr.domain = slice_of(q->row.alias_of);
		*kind_r = i == NAMES_OF_DOMAIN ? DOMAIN_REMOTE :
		    take_domain(q, p, err);
		if (*kind_r < 0)
			return -1;
		if (!domain_is_ours(*kind_r))
			return err_temp(err, "4.3.5", "domains: %s: alias_of: "
			    "leads to no domain of ours", from);
	}
	return 0;
}

static int
find(struct query *q, struct place *p, struct err *err)
{
	int kind = take_domain(q, p, err), r;

	if (kind < 0)
		return -1;
	p->named = p->addr;
	drop_tag(q, kind, p);
	r = follow_names(q, &kind, p, err);
	if (r != 0)
		return r;
	if (domain_is_ours(kind))
		return find_local(q, kind, p, err);
	p->class = CLASS_RELAY;
	return kind == DOMAIN_RELAY ? find_relay(q, p, err) : 1;
}

int
place_find(const char *addr, bool plain, struct arena *a, struct place *p,
    struct err *err)
{
	struct query q = { .a = a, .plain = plain, .value = STR_INIT };
	int r;

	*p = (struct place){ .addr = addr, .named = addr, .key = addr,
	    .domain = "", .mailbox = "", .targets = "", .owner = "",
	    .extends = "", .relay = "", .relay_by = "" };
	if (smtp_address_parse(slice_of(addr), SMTP_ADDR_BARE, a, &q.addr,
	    err) < 0)
		return -1;
	r = find(&q, p, err);
	str_free(&q.value);
	return r;
}
