/*
 * way.c - by which agent, and to which next hop.  The table `transport` wins
 * over `sender_relayhost`, that over `relayhost`, and the last two hold only
 * for what leaves this machine.
 *
 * A row that can not be read is for the admin to mend: mail waits.
 */
#include "router.h"

enum { NEXTHOP_MAX = 500, TRANSPORT_MAX = 32, SUBDOMAINS = 32 };

static bool
port_ok(struct slice s)
{
	uint64_t n;

	return slice_u64(s, 65535, &n) && n > 0;
}

/* host or host:port, where the host is in brackets or a name */
static bool
host_ok(struct slice s)
{
	unsigned char ip[16];
	struct slice host, inner;
	size_t end;

	if (s.n > 0 && s.p[0] == '[') {
		end = slice_find(s, ']');
		if (end == s.n)
			return false;
		host = slice_sub(s, 0, end + 1);
		s = slice_sub(s, end + 1, s.n);
		inner = slice_sub(host, 1, end - 1);
		if (!smtp_literal_parse(host, ip) &&
		    slice_find(inner, ':') == inner.n &&
		    !smtp_domain_valid(inner, NULL))
			return false;
		return s.n == 0 || (s.p[0] == ':' &&
		    port_ok(slice_sub(s, 1, s.n)));
	}
	end = slice_find(s, ':');
	return smtp_domain_valid(slice_sub(s, 0, end), NULL) &&
	    (end == s.n || port_ok(slice_sub(s, end + 1, s.n)));
}

bool
way_nexthop_ok(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	if (s.n == 0 || s.n > NEXTHOP_MAX)
		return false;
	return slice_starts(s, "unix:") ? s.n > 5 : host_ok(s);
}

static bool
name_ok(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!ascii_isalnum((unsigned char)s.p[i]) && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
	return s.n <= TRANSPORT_MAX;
}

static int
bad_row(const struct way *w, const char *why, struct err *err)
{
	return err_temp(err, "4.3.5", "%s: row %s: %s", w->table, w->row,
	    why);
}

/* error:[code] text and retry:[code] text, as in other systems */
static int
refuse(struct slice text, bool later, struct err *err)
{
	struct slice rest = text, word;
	const char *dsn = later ? "4.3.0" : "5.1.2";
	char code[12];

	if (slice_word(&rest, &word) && word.n < sizeof(code) &&
	    word.n >= 5 && word.p[0] == (later ? '4' : '5') &&
	    word.p[1] == '.') {
		dsn = slice_copy(code, sizeof(code), word);
		text = slice_trim(rest);
	}
	if (text.n == 0)
		text = SLICE_LIT("address is not deliverable");
	if (later)
		return err_temp(err, dsn, "%.*s", (int)MIN(text.n, 400),
		    text.p);
	return err_perm(err, dsn, "%.*s", (int)MIN(text.n, 400), text.p);
}

/* "transport:nexthop", of which either may be missing */
static int
apply(const struct place *p, struct slice v, struct arena *a, struct way *w,
    struct err *err)
{
	size_t colon;
	struct slice name, hop;

	v = slice_trim(v);
	colon = slice_find(v, ':');
	if (colon == v.n)
		return bad_row(w, "expected transport:nexthop", err);
	name = slice_trim(slice_sub(v, 0, colon));
	hop = slice_trim(slice_sub(v, colon + 1, v.n));
	if (slice_ieqz(name, "error") || slice_ieqz(name, "retry"))
		return refuse(hop, slice_ieqz(name, "retry"), err);
	if (!name_ok(name))
		return bad_row(w, "not the name of a transport", err);
	if (hop.n > 0 && !way_nexthop_ok(hop))
		return bad_row(w, "not a next hop", err);
	/* names that such tables have elsewhere; `lmtp' is our own server */
	if (slice_ieqz(name, "relay"))
		name = SLICE_LIT("smtp");
	else if (slice_ieqz(name, "lmtp"))
		name = SLICE_LIT("lmtp-client");
	if (name.n > 0) {
		w->transport = arena_slice(a, name);
		w->nexthop = way_domain(p, a);
	}
	if (hop.n > 0)
		w->nexthop = arena_slice(a, hop);
	/* `:' alone: all as it would be without the table */
	return name.n > 0 || hop.n > 0;
}

enum { WHOLE, PART };		/* see table_get_part */

static int
look_up(struct map_live *t, int part, const char *key, struct way *w,
    struct str *value, struct err *err)
{
	const char *name = t == &transport ? "transport" :
	    "sender_relayhost";
	int r = part ? table_get_part(t, key, value, err) :
	    table_get(t, key, value, err);

	if (r > 0) {
		w->table = name;
		w->row = key;
		trace_step(name, "row %s: %s", key, value->s);
	}
	return r;
}

/* the row of an address: itself, without extensions, domain, .parents, and *
 * for what leaves this machine */
static int
find_row(const struct place *p, struct way *w, struct str *value,
    struct err *err)
{
	const char *dot = p->domain;
	size_t k;
	int r = 0, i;

	for (k = 0; k < p->keys.n && r == 0; k++)
		r = look_up(&transport, k > 0 ? PART : WHOLE,
		    p->keys.key[k], w, value, err);
	/* who is not here goes where the domain's others are, whatever holds
	 * for the mailboxes of it */
	if (r != 0 || p->relay[0] != '\0')
		return r;
	r = look_up(&transport, PART, p->domain, w, value, err);
	for (i = 0; r == 0 && i < SUBDOMAINS && p->domain[0] != '[' &&
	    (dot = strchr(dot + (i > 0), '.')) != NULL; i++)
		r = look_up(&transport, PART, dot, w, value, err);
	if (r == 0 && p->class == CLASS_RELAY)
		r = look_up(&transport, PART, "*", w, value, err);
	return r;
}

static int
by_table(const struct place *p, struct arena *a, struct way *w,
    struct err *err)
{
	struct str value = STR_INIT;
	int r;

	if (conf.transport[0] == '\0')
		return 0;
	r = find_row(p, w, &value, err);
	if (r > 0)
		r = apply(p, slice_str(&value), a, w, err);
	str_free(&value);
	return r;
}

/* the keys of a sender: its address, without extension, @domain; <> */
static int
sender_row(const char *sender, struct arena *a, struct way *w,
    struct str *value, struct err *err)
{
	struct smtp_address x;
	struct place_keys k;
	struct err ignored = ERR_INIT;
	size_t i;
	int r = 0;

	if (sender[0] == '\0')
		return look_up(&sender_relayhost, WHOLE, "<>", w, value,
		    err);
	if (smtp_address_parse(slice_of(sender), SMTP_ADDR_BARE, a, &x,
	    &ignored) < 0)
		return 0;
	place_keys(&x, a, &k);
	for (i = 0; i < k.n && r == 0; i++)
		r = look_up(&sender_relayhost, i > 0 ? PART : WHOLE,
		    k.key[i], w, value, err);
	if (r == 0)
		r = look_up(&sender_relayhost, PART, k.at_domain, w, value,
		    err);
	return r;
}

static int
by_sender(const char *sender, struct arena *a, struct way *w,
    struct err *err)
{
	struct str value = STR_INIT;
	struct slice v;
	int r;

	if (conf.sender_relayhost[0] == '\0' || sender == NULL)
		return 0;
	r = sender_row(sender, a, w, &value, err);
	v = slice_trim(slice_str(&value));
	if (r > 0 && slice_ieqz(v, "dunno"))
		r = 0;
	else if (r > 0 && !way_nexthop_ok(v))
		r = bad_row(w, "not a next hop", err);
	else if (r > 0)
		w->nexthop = arena_slice(a, v);
	str_free(&value);
	return r;
}

const char *
way_domain(const struct place *p, struct arena *a)
{
	/* the next hop [IPv6:2001:db8::1] is written [2001:db8::1] */
	if (slice_istarts(slice_of(p->domain), "[ipv6:"))
		return arena_printf(a, "[%s", p->domain + 6);
	return p->domain;
}

/* a next hop, or transport:nexthop */
static int
by_place(const struct place *p, struct arena *a, struct way *w,
    struct err *err)
{
	struct slice v = slice_trim(slice_of(p->relay));

	w->table = p->relay_by;
	w->row = p->domain;
	if (!way_nexthop_ok(v))
		return apply(p, v, a, w, err);
	w->transport = "smtp";
	w->nexthop = arena_slice(a, v);
	return 1;
}

int
way_check(const char *name, const char *value, bool alone, struct err *err)
{
	const struct place p = { .domain = "" };
	struct slice v = slice_trim(slice_of(value));
	struct arena a = { 0 };
	struct way w = { .table = name, .row = value };
	struct err why = ERR_INIT;
	int r = alone && way_nexthop_ok(v) ? 1 : apply(&p, v, &a, &w, &why);

	arena_free(&a);
	/* a refusal is a way, too */
	if (r >= 0 || strcmp(why.dsn, "4.3.5") != 0)
		return 0;
	return err_perm(err, "5.3.5", "%s: expected %stransport:nexthop, "
	    "found \"%s\"", name, alone ? "a next hop or " : "", value);
}

static int
relay_way(const char *sender, struct arena *a, struct way *w,
    struct err *err)
{
	int r = by_sender(sender, a, w, err);

	if (r != 0)
		return r;
	w->table = w->row = "";
	if (conf.relayhost[0] == '\0')
		return 0;
	w->table = "relayhost";
	trace_step(w->table, "%s", conf.relayhost);
	w->nexthop = conf.relayhost;
	return 1;
}

int
way_find(const struct place *p, const char *sender, struct arena *a,
    struct way *w, struct err *err)
{
	int r;

	*w = (struct way){ .nexthop = way_domain(p, a), .table = "",
		.row = "", .transport = p->class == CLASS_VIRTUAL ? "local" :
		    p->class == CLASS_SYSTEM ? "system" : "smtp" };
	r = by_table(p, a, w, err);
	if (r == 0 && p->relay[0] != '\0')
		r = by_place(p, a, w, err);
	if (r == 0 && p->class == CLASS_RELAY)
		r = relay_way(sender, a, w, err);
	return r < 0 ? -1 : 1;
}
