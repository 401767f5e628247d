/*
 * expand.c - every final place of an address.  The set of what an alias
 * leads to is the same however its members name each other: each name is
 * followed once, so a loop ends and nobody gets two copies.  A mailbox that is
 * forwarded and comes to itself again keeps the mail: there is nobody else.
 */
#include "base/clock.h"
#include "map/alias.h"
#include "router.h"

/* names that were met and, with a newline in them, other ways: open
 * addressing, a power of two, at most half full */
struct seen {
	const char **v;
	size_t n, size;
};

struct expansion {
	struct arena *a;
	struct places *r;
	const struct expand_how *how;
	const char *owner;	/* of the list that is followed; "" none */
	struct seen seen;
	int64_t left;		/* names that may still be looked at */
	bool too_many;
};

static uint32_t seed;

static size_t
slot_of(const struct seen *s, const char *key)
{
	uint64_t h = 14695981039346656037ULL ^ seed;
	const char *p;
	size_t i;

	for (p = key; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ULL;
	h ^= h >> 29;
	for (i = h & (s->size - 1); s->v[i] != NULL; i = (i + 1) &
	    (s->size - 1))
		if (strcmp(s->v[i], key) == 0)
			break;
	return i;
}

static void
seen_grow(struct seen *s, struct arena *a)
{
	struct seen old = *s;
	size_t i;

	s->size = old.size ? old.size * 2 : 16;
	s->v = arena_alloc(a, s->size * sizeof(*s->v));
	for (i = 0; i < old.size; i++)
		if (old.v[i] != NULL)
			s->v[slot_of(s, old.v[i])] = old.v[i];
}

/* true the first time */
static bool
seen_add(struct seen *s, struct arena *a, const char *key)
{
	size_t i;

	if (2 * (s->n + 1) > s->size)
		seen_grow(s, a);
	i = slot_of(s, key);
	if (s->v[i] != NULL)
		return false;
	s->v[i] = key;
	s->n++;
	return true;
}

static struct router_route_more *
add(struct expansion *x, const char *addr, bool aliased)
{
	struct places *r = x->r;
	struct router_route_more *m;

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4;
		r->v = xrealloc(r->v, r->cap * sizeof(*r->v));
	}
	m = &r->v[r->n++];
	*m = (struct router_route_more){ .addr = addr, .transport = "",
	    .nexthop = "", .mailbox = "", .aliased = aliased, .dsn = "",
	    .sender = x->owner, .owned = x->owner[0] != '\0', .text = "" };
	return m;
}

static void
add_failed(struct expansion *x, const char *addr, bool aliased,
    const struct err *err)
{
	struct router_route_more *m = add(x, addr, aliased);

	m->failed = true;
	m->temporary = err->kind == ERR_TEMP;
	m->dsn = arena_strdup(x->a, err->dsn);
	m->text = arena_strdup(x->a, err->text);
}

/* what an admin must mend in an alias: mail waits for it */
static void
add_bad_alias(struct expansion *x, const char *addr, const char *why)
{
	struct err err = ERR_INIT;

	err_temp(&err, "4.3.5", "alias %s: %s", addr, why);
	add_failed(x, addr, true, &err);
}

/* reports stay nobody's: a null sender has no owner */
static bool
is_owned(const struct expansion *x)
{
	return x->how->sender == NULL || x->how->sender[0] != '\0';
}

static void
add_place(struct expansion *x, const struct place *p, bool aliased)
{
	const char *sender = x->owner[0] != '\0' ? x->owner :
	    x->how->sender;
	struct router_route_more *m;
	struct err err = ERR_INIT;
	struct way w;

	if (way_find(p, sender, x->a, &w, &err) < 0) {
		add_failed(x, p->addr, aliased, &err);
		return;
	}
	m = add(x, p->addr, aliased);
	m->mailbox = p->mailbox;
	m->quota = p->quota;
	m->transport = w.transport;
	m->nexthop = w.nexthop;
}

static void
add_target(struct expansion *x, const struct place *p,
    const struct alias_target *t)
{
	struct router_route_more *m, made = { 0 };
	struct err err = ERR_INIT;

	if (!seen_add(&x->seen, x->a, arena_printf(x->a, "%s\n%d%s", p->key,
	    t->kind, t->text)))
		return;
	if (target_place(p, t, x->a, &made, &err) < 0) {
		add_bad_alias(x, p->addr, err.text);
		return;
	}
	m = add(x, p->addr, true);
	m->transport = made.transport;
	m->nexthop = made.nexthop;
	m->mailbox = made.mailbox;
}

/* An extension goes with the mail, where the target has none and knows what
 * it means: in a domain of ours. */
static int
extend(struct expansion *x, const struct place *p, const char **addr,
    struct err *err)
{
	struct smtp_address t, copy;
	struct place_keys k;
	struct str text = STR_INIT;
	struct err ignored = ERR_INIT;
	int kind;

	if (p->ext.n == 0 || !propagates(p->extends) ||
	    smtp_address_parse(slice_of(*addr), SMTP_ADDR_BARE, x->a, &t,
	    &ignored) < 0)
		return 0;
	place_keys(&t, x->a, &k);
	copy = t;
	kind = k.n > 1 ? DOMAIN_REMOTE : domain_kind(&copy, x->a, err);
	if (kind < 0)
		return err->kind == ERR_TEMP ? -1 : 0;
	if (!domain_is_ours(kind) || t.local.n + p->ext.n > SMTP_LOCAL_MAX)
		return 0;
	t.local = slice_of(arena_printf(x->a, "%.*s%.*s", (int)t.local.n,
	    t.local.p, (int)p->ext.n, p->ext.p));
	smtp_address_print(&t, &text);
	*addr = arena_slice(x->a, slice_str(&text));
	str_free(&text);
	return 0;
}

/* where a text of targets comes from */
struct list {
	const struct place *p;
	struct slice rest;
	bool file;		/* an included one: addresses alone */
	int depth;
};

static int follow(struct expansion *x, const char *addr, bool plain,
    int depth, struct err *err);
static int follow_list(struct expansion *x, struct list l, struct err *err);

static int
follow_file(struct expansion *x, const struct list *l, const char *path,
    struct err *err)
{
	struct list in = { .p = l->p, .file = true, .depth = l->depth + 1 };
	struct err why = ERR_INIT;

	if (!seen_add(&x->seen, x->a, arena_printf(x->a, "\n:%s", path)))
		return 0;
	trace_depth(l->depth + 1);
	trace_step("include", "%s", path);
	if (include_get(path, &in.rest, &why) < 0) {
		add_bad_alias(x, l->p->addr, why.text);
		return 0;
	}
	/* another file may take its place */
	in.rest.p = arena_slice(x->a, in.rest);
	return follow_list(x, in, err);
}

static int
follow_target(struct expansion *x, const struct list *l,
    struct slice target, struct err *err)
{
	struct alias_target t;
	struct err why = ERR_INIT;
	const char *addr;

	if (alias_parse(target, x->a, &t, &why) < 0) {
		add_bad_alias(x, l->p->addr, why.text);
		return 0;
	}
	if (t.kind == ALIAS_INCLUDE)
		return follow_file(x, l, t.text, err);
	if (t.kind > ALIAS_PLAIN && l->file) {
		add_bad_alias(x, l->p->addr, "commands and files are not "
		    "taken from lists");
		return 0;
	}
	if (t.kind > ALIAS_PLAIN) {
		add_target(x, l->p, &t);
		return 0;
	}
	addr = t.text;
	if (extend(x, l->p, &addr, err) < 0)
		return -1;
	return follow(x, addr, t.kind == ALIAS_PLAIN, l->depth + 1, err);
}

static int
follow_list(struct expansion *x, struct list l, struct err *err)
{
	struct slice target;

	if (l.depth >= conf.alias_depth) {
		add_bad_alias(x, l.p->addr, "aliases within aliases too "
		    "deep");
		return 0;
	}
	while (!x->too_many && alias_next(&l.rest, &target))
		if (follow_target(x, &l, target, err) < 0)
			return -1;
	return 0;
}

static int
follow_targets(struct expansion *x, const struct place *p, int depth,
    struct err *err)
{
	struct list l = { .p = p, .rest = slice_of(p->targets),
		.depth = depth };
	const char *outer = x->owner;
	int r;

	if (p->owner[0] != '\0' && is_owned(x))
		x->owner = p->owner;
	r = follow_list(x, l, err);
	x->owner = outer;
	return r;
}

/* a mailbox, and to whom it is forwarded */
static int
follow_mailbox(struct expansion *x, const struct place *p, bool plain,
    int depth, struct err *err)
{
	bool forwarded = p->targets[0] != '\0' && !plain;
	const char *on_the_way = forwarded ? arena_printf(x->a, "\n>%s",
	    p->key) : "";

	if (forwarded && seen_add(&x->seen, x->a, on_the_way)) {
		if ((p->keep || x->how->keep) &&
		    seen_add(&x->seen, x->a, p->key))
			add_place(x, p, depth > 0);
		return follow_targets(x, p, depth, err);
	}
	if (seen_add(&x->seen, x->a, p->key))
		add_place(x, p, depth > 0);
	return 0;
}

/* Depth is bounded by alias_depth, the whole by alias_targets. */
static int
follow(struct expansion *x, const char *addr, bool plain, int depth,
    struct err *err)
{
	struct place p;

	if (x->left-- <= 0) {
		x->too_many = true;
		return 0;
	}
	trace_depth(depth);
	if (place_find(addr, plain, x->a, &p, err) < 0) {
		if (err->kind == ERR_TEMP)
			return -1;
		add_failed(x, p.addr, depth > 0, err);
		return 0;
	}
	if (p.class != CLASS_ALIAS)
		return follow_mailbox(x, &p, plain, depth, err);
	if (seen_add(&x->seen, x->a, p.key))
		return follow_targets(x, &p, depth, err);
	return 0;
}

int
expand(const char *addr, const struct expand_how *how, struct arena *a,
    struct places *r, struct err *err)
{
	struct expansion x = { .a = a, .r = r, .how = how, .owner = "",
		.left = how->limit };
	const char *to;

	if (seed == 0)
		random_bytes(&seed, sizeof(seed));
	r->n = 0;
	trace_depth(0);
	if (canonical(REWRITE_ENVELOPE_RECIPIENT, addr, a, &to, err) < 0 ||
	    follow(&x, to, false, 0, err) < 0)
		return -1;
	if (x.too_many) {
		r->n = 0;
		add_bad_alias(&x, addr, "too many addresses");
		return 1;
	}
	if (r->n == 0)
		add_bad_alias(&x, addr, "leads nowhere");
	return 0;
}
