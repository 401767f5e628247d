/*
 * copies.c - who gets a copy of a message without being named.  Copies are
 * not asked for copies of their own, so there is no loop.
 */
#include "map/alias.h"
#include "router.h"

static void
add(struct copies *r, struct arena *a, const char *addr, int64_t n)
{
	struct copy *old = r->v;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->v[i].addr, addr) == 0)
			return;
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4;
		r->v = arena_alloc(a, r->cap * sizeof(*r->v));
		if (r->n > 0)
			memcpy(r->v, old, r->n * sizeof(*old));
	}
	r->v[r->n++] = (struct copy){ addr, n };
}

static int
add_row(const char *name, const char *key, struct slice value,
    struct arena *a, int64_t n, struct copies *r, struct err *err)
{
	struct slice target;

	if (key[0] != '\0')
		trace_step(name, "row %s: %.*s", key, (int)value.n, value.p);
	else
		trace_step(name, "%.*s", (int)value.n, value.p);
	if (alias_check(value, true, err) < 0)
		return err_prefix(err, "%s: row %s", name, key);
	while (alias_next(&value, &target))
		add(r, a, arena_slice(a, target), n);
	return 0;
}

/* by an address with and without extensions, and @domain */
static int
add_by(struct map_live *t, const char *name, const char *addr,
    struct arena *a, int64_t n, struct copies *r, struct err *err)
{
	struct smtp_address x;
	struct place_keys k;
	struct str value = STR_INIT;
	struct err ignored = ERR_INIT;
	const char *key;
	size_t at = 0;
	int rc;

	if (t->spec[0] == '\0' || smtp_address_parse(slice_of(addr),
	    SMTP_ADDR_BARE, a, &x, &ignored) < 0)
		return 0;
	if (x.domain.n == 0)
		x.domain = slice_of(domain_default());
	place_keys(&x, a, &k);
	rc = table_get_keys(t, &k, &at, &value, err);
	key = k.key[at];
	if (rc == 0)
		rc = table_get_part(t, key = k.at_domain, &value, err);
	if (rc > 0)
		rc = add_row(name, key, slice_str(&value), a, n, r, err);
	str_free(&value);
	return MIN(rc, 0);
}

int
copies_find(const char *sender, const struct strlist *rcpts,
    struct arena *a, struct copies *r, struct err *err)
{
	size_t i;

	if (rcpts->n == 0)
		return 0;
	if (conf.always_bcc[0] != '\0' && add_row("always_bcc", "",
	    slice_of(conf.always_bcc), a, 0, r, err) < 0)
		return -1;
	if (sender[0] != '\0' && add_by(&sender_bcc, "sender_bcc", sender, a,
	    0, r, err) < 0)
		return -1;
	for (i = 0; i < rcpts->n; i++)
		if (add_by(&recipient_bcc, "recipient_bcc", rcpts->v[i], a,
		    (int64_t)i, r, err) < 0)
			return -1;
	return 0;
}
