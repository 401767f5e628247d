/*
 * place.c - one address, one place.  The order of the questions is the order
 * in router(8): the first that is answered wins.
 */
#include "base/clock.h"
#include "conf/common.h"
#include "map/users.h"
#include "router.h"
#include "srs.h"

/* an address of ours on its way to its place */
struct query {
	struct smtp_address addr;
	struct arena *a;
	const char *local, *user;	/* folded; user without +extension */
	const char *key, *user_key;	/* the same with the domain */
	bool extended;
	bool role;			/* postmaster or abuse */
	struct str value;
};

/* the postmaster where nobody is: the first mailbox that gets mail */
static struct {
	uint64_t opened;	/* of the mailboxes that it was looked for in */
	char *addr;		/* NULL: none */
} first;

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

/* a mailbox by its key: 1, 0, -1 */
static int
find_mailbox(struct query *q, const char *key, struct place *p,
    struct err *err)
{
	struct str mailbox = STR_INIT;
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
	p->quota = u.quota > 0 ? u.quota : common.default_quota;
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
find_alias(struct query *q, const char *key, struct place *p,
    struct err *err)
{
	int r = 0;

	str_reset(&q->value);
	if (conf.aliases[0] != '\0')
		r = table_get(&aliases, key, &q->value, err);
	if (r == 0)
		r = table_get_further(further_aliases, &conf.further_aliases,
		    key, &q->value, err);
	if (r <= 0)
		return r;
	p->class = CLASS_ALIAS;
	p->targets = arena_slice(q->a, slice_str(&q->value));
	trace_step("alias", "%s: %s", key, p->targets);
	return 1;
}

static int
find_account(struct query *q, int kind, struct place *p, struct err *err)
{
	int r;

	if (kind == DOMAIN_VIRTUAL) {
		r = find_mailbox(q, q->key, p, err);
		if (r == 0 && q->extended)
			r = find_mailbox(q, q->user_key, p, err);
	} else {
		r = find_login(q, q->local, p, err);
		if (r == 0 && q->extended)
			r = find_login(q, q->user, p, err);
	}
	return r;
}

/* the names of an address in the table of aliases */
static int
find_aliases(struct query *q, struct place *p, struct err *err)
{
	const char *keys[4];
	size_t n = 0, i;
	int r = 0;

	keys[n++] = q->key;
	if (q->extended)
		keys[n++] = q->user_key;
	/* an @ in a local part must not look like a full address */
	if (strchr(q->local, '@') == NULL) {
		keys[n++] = q->local;
		if (q->extended)
			keys[n++] = q->user;
	}
	for (i = 0; i < n && r == 0; i++)
		r = find_alias(q, keys[i], p, err);
	return r;
}

void
place_forget(void)
{
	free(first.addr);
	first.addr = NULL;
	first.opened = 0;
}

static int
try_first(void *ctx, struct slice key, struct slice value)
{
	struct slice def = slice_of(domain_default());
	struct arena *a = ctx;
	struct user_record u;
	struct err err = ERR_INIT;
	size_t at = slice_rfind(key, '@');
	bool preferred = at < key.n && slice_ieq(def,
	    slice_sub(key, at + 1, key.n));

	arena_reset(a);
	if (!user_key_valid(key) || (first.addr != NULL && !preferred) ||
	    user_parse(value, &u, a, &err) < 0 || u.disabled)
		return 0;
	free(first.addr);
	first.addr = slice_dup(key);
	return preferred;
}

/* the address of the first mailbox, of the default domain where it has one */
static int
first_mailbox(const char **addr, struct err *err)
{
	struct arena a = { 0 };
	int r = 0;

	if (map_live_refresh(&mailboxes, err) < 0)
		return our_trouble(err);
	if (first.opened != mailboxes.opened && map_can_list(mailboxes.map)) {
		free(first.addr);
		first.addr = NULL;
		r = map_each(mailboxes.map, try_first, &a, err);
		arena_free(&a);
		if (r < 0)
			return our_trouble(err);
		first.opened = mailboxes.opened;
	}
	*addr = first.addr;
	return first.addr != NULL;
}

/* RFC 5321 section 4.5.1, RFC 2142: somebody reads these in every domain */
static int
find_role(struct query *q, struct place *p, struct err *err)
{
	struct smtp_address key = { 0 };
	struct str text = STR_INIT;
	const char *addr = common.postmaster;
	struct slice s;
	int r;

	if (addr[0] == '\0') {
		r = first_mailbox(&addr, err);
		if (r < 0)
			return -1;
		if (r == 0)
			return err_temp(err, "4.3.0", "no mailbox for %s",
			    q->user);
		/* a key is not quoted */
		s = slice_of(addr);
		key.local = slice_sub(s, 0, slice_rfind(s, '@'));
		key.domain = slice_sub(s, key.local.n + 1, s.n);
		smtp_address_print(&key, &text);
		addr = arena_slice(q->a, slice_str(&text));
		str_free(&text);
	}
	p->class = CLASS_ALIAS;
	p->targets = addr;
	trace_step("role", "%s is nobody's: to %s", q->user, addr);
	p->fallback = true;
	return 1;
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

static int
find_local(struct query *q, int kind, struct place *p, struct err *err)
{
	int r = find_srs(q, p, err);

	if (r != 0)
		return r;
	r = find_account(q, kind, p, err);
	if (r == 0)
		r = find_aliases(q, p, err);
	if (r != 0)
		return r;
	/* user%host, host!user: nobody of ours, so meant to pass through */
	if (strpbrk(q->local, "%!@") != NULL)
		return err_perm(err, "5.7.1", "relaying denied");
	r = find_alias(q, arena_printf(q->a, "@%s", p->domain), p, err);
	if (r == 0 && q->role)
		r = find_role(q, p, err);
	return r != 0 ? r : err_perm(err, "5.1.1", "no such user");
}

/* a domain that we relay for: anybody may send to it */
static int
find_relay(struct query *q, struct place *p, struct err *err)
{
	const char *const keys[] = { q->key, q->extended ? q->user_key : "",
	    arena_printf(q->a, "@%s", p->domain) };
	bool through = strpbrk(q->local, "%!@") != NULL;
	size_t i;
	int r = 0;

	p->open = !through;
	if (conf.relay_recipients[0] == '\0')
		return 1;
	for (i = 0; i < ARRAY_LEN(keys) && r == 0; i++) {
		str_reset(&q->value);
		if (keys[i][0] != '\0')
			r = table_get(&relay_recipients, keys[i], &q->value,
			    err);
	}
	if (r < 0)
		return -1;
	if (r == 0)
		return err_perm(err, "5.1.1", "no such user");
	trace_step("recipient", "relay_recipients: row %s", keys[i - 1]);
	/* listed as it is, not only by its domain */
	p->open = !through || i < ARRAY_LEN(keys);
	return 1;
}

static void
make_keys(struct query *q)
{
	struct smtp_address user = q->addr, *addr = &q->addr;
	struct smtp_address bare = { .local = addr->local };
	struct slice ext;

	q->extended = smtp_local_split(addr->local,
	    common.recipient_delimiter, &user.local, &ext);
	str_reset(&q->value);
	smtp_address_key(addr, &q->value);
	q->key = arena_slice(q->a, slice_str(&q->value));
	str_reset(&q->value);
	smtp_address_key(&user, &q->value);
	q->user_key = arena_slice(q->a, slice_str(&q->value));
	str_reset(&q->value);
	smtp_address_key(&bare, &q->value);
	q->local = arena_slice(q->a, slice_str(&q->value));
	str_trunc(&q->value, user.local.n);
	q->user = arena_slice(q->a, slice_str(&q->value));
	q->role = strcmp(q->user, "postmaster") == 0 ||
	    strcmp(q->user, "abuse") == 0;
}

static int
find(struct query *q, struct place *p, struct err *err)
{
	int kind = domain_kind(&q->addr, q->a, err);

	if (kind < 0)
		return -1;
	make_keys(q);
	p->key = q->key;
	p->user_key = q->user_key;
	p->domain = arena_slice(q->a, q->addr.domain);
	str_reset(&q->value);
	smtp_address_print(&q->addr, &q->value);
	p->addr = arena_slice(q->a, slice_str(&q->value));
	trace_step("address", "%s", p->addr);
	trace_step("domain", "%s: %s", p->domain, domain_kind_name(kind));
	if (kind == DOMAIN_VIRTUAL || kind == DOMAIN_SYSTEM)
		return find_local(q, kind, p, err);
	p->class = CLASS_RELAY;
	return kind == DOMAIN_RELAY ? find_relay(q, p, err) : 1;
}

void
place_keys(const struct smtp_address *addr, struct arena *a,
    struct place_keys *k)
{
	struct query q = { .a = a, .addr = *addr, .value = STR_INIT };

	make_keys(&q);
	*k = (struct place_keys){ q.key, q.user_key, q.extended };
	str_free(&q.value);
}

int
place_find(const char *addr, struct arena *a, struct place *p,
    struct err *err)
{
	struct query q = { .a = a, .value = STR_INIT };
	int r;

	*p = (struct place){ .addr = addr, .key = addr, .user_key = addr,
	    .domain = "", .mailbox = "", .targets = "" };
	if (smtp_address_parse(slice_of(addr), SMTP_ADDR_BARE, a, &q.addr,
	    err) < 0)
		return -1;
	r = find(&q, p, err);
	str_free(&q.value);
	return r;
}
