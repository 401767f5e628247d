/*
 * canonical.c - the form of addresses that others see: the canonical tables,
 * each asked once, and then masquerade.  What is no address stays as it is.
 */
#include "map/alias.h"
#include "router.h"

static const char *const class_name[] = {
	[REWRITE_HEADER_SENDER] = "header_sender",
	[REWRITE_HEADER_RECIPIENT] = "header_recipient",
	[REWRITE_ENVELOPE_SENDER] = "envelope_sender",
	[REWRITE_ENVELOPE_RECIPIENT] = "envelope_recipient",
};

static bool
is_sender(int kind)
{
	return kind == REWRITE_HEADER_SENDER ||
	    kind == REWRITE_ENVELOPE_SENDER;
}

static bool
has_class(const struct strlist *l, int kind)
{
	return strlist_ihas(l, slice_of(class_name[kind]));
}

static int
check_list(const char *name, const struct strlist *l, struct err *err)
{
	size_t i, k;

	for (i = 0; i < l->n; i++) {
		for (k = 0; k < ARRAY_LEN(class_name); k++)
			if (strcasecmp(l->v[i], class_name[k]) == 0)
				break;
		if (k == ARRAY_LEN(class_name))
			return err_perm(err, "5.3.5", "%s: expected some of "
			    "%s, found \"%s\"", name, REWRITE_KINDS, l->v[i]);
	}
	return 0;
}

int
canonical_check(struct err *err)
{
	if (check_list("canonical_classes", &conf.canonical_classes,
	    err) < 0)
		return -1;
	return check_list("masquerade_classes", &conf.masquerade_classes,
	    err);
}

bool
canonical_idle(int kind)
{
	const char *own = is_sender(kind) ? conf.canonical_sender :
	    conf.canonical_recipient;

	return ((own[0] == '\0' && conf.canonical[0] == '\0') ||
	    !has_class(&conf.canonical_classes, kind)) &&
	    (conf.masquerade_domains.n == 0 ||
	    !has_class(&conf.masquerade_classes, kind));
}

/* an address under way */
struct form {
	struct smtp_address addr;
	struct arena *a;
	struct str value;
	bool changed;
};

static int
bad_row(const char *name, const char *key, const char *value,
    struct err *err)
{
	return err_temp(err, "4.3.5", "%s: row %s: \"%.100s\" is no address",
	    name, key, value);
}

/* the value of a row: an address, which may lack its domain, or @domain.  The
 * extension that was not part of the key goes with it. */
static int
take_row(struct form *f, const char *name, const char *key,
    struct slice ext, struct err *err)
{
	struct slice v = slice_trim(slice_str(&f->value));
	struct smtp_address to;
	struct err why = ERR_INIT;
	bool utf8;

	if (v.n > 1 && v.p[0] == '@' &&
	    smtp_domain_valid(slice_sub(v, 1, v.n), &utf8)) {
		f->addr.domain = slice_of(arena_slice(f->a,
		    slice_sub(v, 1, v.n)));
		f->addr.literal = false;
		return 1;
	}
	if (smtp_address_parse(v, SMTP_ADDR_BARE, f->a, &to, &why) < 0)
		return bad_row(name, key, f->value.s, err);
	if (to.domain.n == 0)
		to.domain = slice_of(domain_default());
	if (ext.n > 0 && propagates("canonical"))
		to.local = slice_of(arena_printf(f->a, "%.*s%.*s",
		    (int)to.local.n, to.local.p, (int)ext.n, ext.p));
	f->addr = to;
	return 1;
}

static int
look_up(struct form *f, struct map_live *t, const char *name,
    const char *key, struct slice ext, struct err *err)
{
	int r;

	str_reset(&f->value);
	r = table_get_part(t, key, &f->value, err);
	if (r <= 0)
		return r;
	trace_step(name, "row %s: %s", key, f->value.s);
	return take_row(f, name, key, ext, err);
}

/* is it one of ours, whose bare name counts too? */
static int
is_ours(const struct form *f, struct err *err)
{
	struct smtp_address copy = f->addr;
	int kind = domain_kind(&copy, f->a, err);

	return kind < 0 ? -1 : kind != DOMAIN_REMOTE && kind != DOMAIN_RELAY;
}

/* by the address with and without its extensions, the same without domain
 * where it is ours, @domain */
static int
by_table(struct form *f, struct map_live *t, const char *name,
    struct err *err)
{
	struct place_keys k;
	struct slice none = SLICE_NULL;
	size_t i;
	int r, ours;

	if (t->spec[0] == '\0')
		return 0;
	if (f->addr.domain.n == 0)
		f->addr.domain = slice_of(domain_default());
	place_keys(&f->addr, f->a, &k);
	str_reset(&f->value);
	r = table_get(t, k.key[0], &f->value, err);
	if (r > 0)
		trace_step(name, "row %s: %s", k.key[0], f->value.s);
	if (r != 0)
		return r < 0 ? -1 : take_row(f, name, k.key[0], none, err);
	for (i = 1; i < k.n && r == 0; i++)
		r = look_up(f, t, name, k.key[i], k.ext[i], err);
	ours = r == 0 ? is_ours(f, err) : 0;
	if (ours < 0)
		return -1;
	/* an @ in a local part must not look like a full address */
	if (strchr(k.local[0], '@') != NULL)
		ours = 0;
	for (i = 0; i < k.n && r == 0 && ours; i++)
		r = look_up(f, t, name, k.local[i], k.ext[i], err);
	if (r == 0)
		r = look_up(f, t, name, k.at_domain, none, err);
	return r;
}

static bool
is_excepted(const struct form *f)
{
	struct place_keys k;
	size_t i;

	place_keys(&f->addr, f->a, &k);
	for (i = 0; i < k.n; i++)
		if (strlist_ihas(&conf.masquerade_exceptions,
		    slice_of(k.local[i])))
			return true;
	return false;
}

/* the domain or one below it */
static bool
within(struct slice d, const char *domain)
{
	size_t n = strlen(domain);

	return slice_ieqz(d, domain) || (d.n > n + 1 &&
	    d.p[d.n - n - 1] == '.' &&
	    slice_ieqz(slice_sub(d, d.n - n, n), domain));
}

/* the first of the list that holds it decides; !domain leaves it alone */
static int
masquerade(struct form *f)
{
	size_t i;
	const char *m;

	if (f->addr.literal || is_excepted(f))
		return 0;
	for (i = 0; i < conf.masquerade_domains.n; i++) {
		m = conf.masquerade_domains.v[i];
		if (!within(f->addr.domain, m[0] == '!' ? m + 1 : m))
			continue;
		if (m[0] == '!' || slice_ieqz(f->addr.domain, m))
			return 0;
		trace_step("masquerade", "%.*s: %s", (int)f->addr.domain.n,
		    f->addr.domain.p, m);
		f->addr.domain = slice_of(m);
		return 1;
	}
	return 0;
}

static int
rewrite(struct form *f, int kind, struct err *err)
{
	int r;

	if (has_class(&conf.canonical_classes, kind)) {
		r = is_sender(kind) ? by_table(f, &canonical_sender,
		    "canonical_sender", err) : by_table(f,
		    &canonical_recipient, "canonical_recipient", err);
		if (r < 0)
			return -1;
		f->changed |= r > 0;
		r = by_table(f, &canonical_both, "canonical", err);
		if (r < 0)
			return -1;
		f->changed |= r > 0;
	}
	if (has_class(&conf.masquerade_classes, kind))
		f->changed |= masquerade(f) > 0;
	return 0;
}

int
canonical(int kind, const char *addr, struct arena *a, const char **r_,
    struct err *err)
{
	struct form f = { .a = a, .value = STR_INIT };
	struct err ignored = ERR_INIT;
	int r;

	*r_ = addr;
	if (addr[0] == '\0' || canonical_idle(kind) ||
	    smtp_address_parse(slice_of(addr), SMTP_ADDR_BARE, a, &f.addr,
	    &ignored) < 0)
		return 0;
	r = rewrite(&f, kind, err);
	if (r == 0 && f.changed) {
		str_reset(&f.value);
		smtp_address_print(&f.addr, &f.value);
		if (f.value.len <= SMTP_PATH_MAX)
			*r_ = arena_slice(a, slice_str(&f.value));
	}
	str_free(&f.value);
	return r;
}

int
do_rewrite(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct router_rewrite_in *in = vin;
	struct router_rewrite_out *out = vout;
	const char *to;
	size_t i;

	if (in->addr.n > REWRITE_MAX)
		return err_perm(err, "5.5.0", "too many addresses");
	out->idle = canonical_idle(in->kind);
	for (i = 0; i < in->addr.n; i++) {
		if (canonical(in->kind, in->addr.v[i], c->arena, &to,
		    err) < 0)
			return -1;
		strlist_add(&out->addr, c->arena, to);
	}
	return 0;
}
