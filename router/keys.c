/*
 * keys.c - by which names an address is looked up.  Where several characters
 * are delimiters, or one stands several times, every cut is tried, the longest
 * name first: of first-last+lists that is first-last before first.
 */
#include "conf/common.h"
#include "router.h"

static const char *
folded(struct arena *a, const char *z)
{
	char *p = arena_strdup(a, z);
	size_t i;

	for (i = 0; p[i] != '\0'; i++)
		p[i] = (char)ascii_lower((unsigned char)p[i]);
	return p;
}

static void
add_key(struct place_keys *k, const struct smtp_address *addr, size_t n,
    struct arena *a)
{
	const char *local = k->local[0];

	k->local[k->n] = n == addr->local.n ? local :
	    arena_slice(a, (struct slice){ local, n });
	k->key[k->n] = n == addr->local.n ? k->key[0] :
	    arena_printf(a, "%s%s", k->local[k->n], k->at_domain);
	k->ext[k->n] = slice_sub(addr->local, n, addr->local.n);
	k->n++;
}

static bool
cuts(const struct smtp_address *addr, size_t i)
{
	return addr->local.p[i] != '\0' &&
	    strchr(common.recipient_delimiter, addr->local.p[i]) != NULL;
}

void
place_keys(const struct smtp_address *addr, struct arena *a,
    struct place_keys *k)
{
	size_t first, i, n = addr->local.n;
	const char *d;

	k->n = 0;
	k->local[0] = folded(a, arena_slice(a, addr->local));
	d = addr->domain.n == 0 ? "" :
	    folded(a, arena_slice(a, addr->domain));
	k->key[0] = addr->domain.n == 0 ? k->local[0] :
	    arena_printf(a, "%s@%s", k->local[0], d);
	k->at_domain = addr->domain.n == 0 ? "" : k->key[0] + n;
	add_key(k, addr, n, a);
	/* not the first character: that would leave no name */
	for (first = 1; first < n && !cuts(addr, first); first++)
		;
	for (i = n; i-- > first + 1;)
		if (cuts(addr, i) && k->n < PLACE_KEYS - 1)
			add_key(k, addr, i, a);
	if (first < n)
		add_key(k, addr, first, a);
}

bool
propagates(const char *what)
{
	return strlist_ihas(&conf.propagate_extensions, slice_of(what));
}
