/*
 * names.c - the rows of an address in the tables of aliases.  A table of
 * patterns is asked for the whole address alone, and never for an owner: a
 * pattern that takes all names would make one of each.
 */
#include "router.h"

/* in one table: 1 and p is the alias, 0, -1 */
static int
get_row(struct query *q, struct map_live *t, const char *key, bool whole,
    struct place *p, struct err *err)
{
	int r;

	str_reset(&q->value);
	r = whole ? table_get(t, key, &q->value, err) :
	    table_get_part(t, key, &q->value, err);
	if (r <= 0)
		return r;
	p->class = CLASS_ALIAS;
	p->targets = arena_slice(q->a, slice_str(&q->value));
	p->table = t;
	p->row = key;
	trace_step("alias", "%s: %s", key, p->targets);
	return 1;
}

static int
find_row(struct query *q, const char *key, bool whole, struct place *p,
    struct err *err)
{
	size_t i;
	int r = get_row(q, &aliases, key, whole, p, err);

	for (i = 0; i < conf.further_aliases.n && r == 0; i++)
		r = get_row(q, &further_aliases[i], key, whole, p, err);
	return r;
}

/* reports about what a list has sent go to its owner */
static int
find_owner(struct query *q, const char *local, bool bare, struct place *p,
    struct err *err)
{
	struct smtp_address owner = { .domain = q->addr.domain };
	struct slice name = slice_of(local);
	const char *keys[2];
	struct str text = STR_INIT;
	size_t i;
	int r = 0;

	if (slice_starts(name, "owner-") ||
	    slice_ends(name, "-request"))
		return 0;
	keys[0] = arena_printf(q->a, "owner-%s%s", local, q->k.at_domain);
	keys[1] = arena_printf(q->a, "owner-%s", local);
	for (i = 0; i < 1 + (size_t)bare && r == 0; i++)
		r = table_get_part(p->table, keys[i], &text, err);
	if (r > 0) {
		owner.local = slice_of(keys[1]);
		str_reset(&text);
		smtp_address_print(&owner, &text);
		p->owner = arena_slice(q->a, slice_str(&text));
		trace_step("owner", "%s", p->owner);
	}
	str_free(&text);
	return MIN(r, 0);
}

int
names_find(struct query *q, bool bare, struct place *p, struct err *err)
{
	size_t i, at = 0;
	int r = 0;

	/* an @ in a local part must not look like a full address */
	bare = bare && strchr(q->k.local[0], '@') == NULL;
	for (i = 0; i < q->k.n && r == 0; i++)
		r = find_row(q, q->k.key[at = i], i == 0, p, err);
	for (i = 0; bare && i < q->k.n && r == 0; i++)
		r = find_row(q, q->k.local[at = i], false, p, err);
	if (r <= 0)
		return r;
	p->ext = q->k.ext[at];
	p->extends = "aliases";
	return find_owner(q, q->k.local[at], bare, p, err) < 0 ? -1 : 1;
}

int
names_catch_all(struct query *q, struct place *p, struct err *err)
{
	int r = find_row(q, q->k.at_domain, false, p, err);

	if (r != 0 || q->row.catch_all[0] == '\0')
		return r;
	p->class = CLASS_ALIAS;
	p->targets = q->row.catch_all;
	trace_step("catch-all", "domains: %s: %s", p->domain, p->targets);
	return 1;
}
