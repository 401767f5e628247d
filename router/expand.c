/*
 * expand.c - every final place of an address.  The set of what an alias
 * leads to is the same however its members name each other: each name is
 * followed once, so a loop ends and nobody gets two copies.
 */
#include "base/clock.h"
#include "map/alias.h"
#include "router.h"

/* names that were met: open addressing, a power of two, at most half full */
struct seen {
	const char **v;
	size_t n, size;
};

struct expansion {
	struct arena *a;
	struct places *r;
	const char *sender;
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
	    .text = "" };
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

static void
add_place(struct expansion *x, const struct place *p, bool aliased)
{
	struct router_route_more *m;
	struct err err = ERR_INIT;
	struct way w;

	if (!seen_add(&x->seen, x->a, p->key))
		return;
	if (way_find(p, x->sender, x->a, &w, &err) < 0) {
		add_failed(x, p->addr, aliased, &err);
		return;
	}
	m = add(x, p->addr, aliased);
	m->mailbox = p->mailbox;
	m->quota = p->quota;
	m->transport = w.transport;
	m->nexthop = w.nexthop;
}

static int follow(struct expansion *x, const char *addr, int depth,
    struct err *err);

static int
follow_targets(struct expansion *x, const struct place *p, int depth,
    struct err *err)
{
	struct slice rest = slice_of(p->targets), target;

	if (depth >= conf.alias_depth) {
		add_bad_alias(x, p->addr, "aliases within aliases too deep");
		return 0;
	}
	while (!x->too_many && alias_next(&rest, &target)) {
		if (alias_foreign(target)) {
			add_bad_alias(x, p->addr, "commands, files and "
			    "lists are not possible here");
			continue;
		}
		if (follow(x, arena_slice(x->a, target), depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

/* Depth is bounded by alias_depth, the whole by alias_targets. */
static int
follow(struct expansion *x, const char *addr, int depth, struct err *err)
{
	struct place p;

	if (x->left-- <= 0) {
		x->too_many = true;
		return 0;
	}
	trace_depth(depth);
	if (place_find(addr, x->a, &p, err) < 0) {
		if (err->kind == ERR_TEMP)
			return -1;
		add_failed(x, p.addr, depth > 0, err);
		return 0;
	}
	if (p.class != CLASS_ALIAS)
		add_place(x, &p, depth > 0);
	else if (seen_add(&x->seen, x->a, p.key))
		return follow_targets(x, &p, depth, err);
	return 0;
}

int
expand(const char *addr, const char *sender, struct arena *a, int64_t limit,
    struct places *r, struct err *err)
{
	struct expansion x = { .a = a, .r = r, .sender = sender,
		.left = limit };

	if (seed == 0)
		random_bytes(&seed, sizeof(seed));
	r->n = 0;
	if (follow(&x, addr, 0, err) < 0)
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
