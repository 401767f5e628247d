/*
 * order.c - who is tried first: RFC 5321 section 5.1.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "target_part.h"

static int
by_pref(const void *a, const void *b)
{
	const struct host *x = a, *y = b;

	return x->pref < y->pref ? -1 : x->pref > y->pref;
}

static void
shuffle_hosts(struct host *h, size_t n)
{
	struct host swap;
	size_t i, j;

	for (i = n; i > 1; i--) {
		j = random_below((uint32_t)i);
		swap = h[i - 1];
		h[i - 1] = h[j];
		h[j] = swap;
	}
}

static void
shuffle_addrs(const char **v, size_t n)
{
	const char *swap;
	size_t i, j;

	for (i = n; i > 1; i--) {
		j = random_below((uint32_t)i);
		swap = v[i - 1];
		v[i - 1] = v[j];
		v[j] = swap;
	}
}

/* how many from the first on have its preference */
static size_t
group_size(const struct host *h, size_t n)
{
	size_t i;

	for (i = 0; i < n && h[i].pref == h[0].pref; i++)
		;
	return i;
}

void
hosts_sort(struct host *h, size_t n)
{
	size_t i, size;

	qsort(h, n, sizeof(*h), by_pref);
	for (i = 0; i < n; i += size) {
		size = group_size(h + i, n - i);
		shuffle_hosts(h + i, size);
	}
	for (i = 0; i < n; i++) {
		shuffle_addrs(h[i].v4, h[i].n4);
		shuffle_addrs(h[i].v6, h[i].n6);
	}
}

/* One family of one group, each host's first address, then each one's
 * second: `at` is the place in this order. */
struct turn {
	const struct host *h;
	size_t n, host, depth, left;
	bool v6;
};

static struct turn
turn_new(const struct host *h, size_t n, bool v6)
{
	struct turn t = { .h = h, .n = n, .v6 = v6 };
	size_t i;

	for (i = 0; i < n; i++)
		t.left += v6 ? h[i].n6 : h[i].n4;
	return t;
}

static struct target
turn_next(struct turn *t)
{
	const struct host *h;
	const char *addr = NULL;

	do {
		if (t->host == t->n) {
			t->host = 0;
			t->depth++;
		}
		h = &t->h[t->host++];
		if (t->depth < (t->v6 ? h->n6 : h->n4))
			addr = t->v6 ? h->v6[t->depth] : h->v4[t->depth];
	} while (addr == NULL);
	t->left--;
	return (struct target){ .host = h->name, .canon = h->canon,
		.addr = addr, .pref = h->pref, .secure = h->secure };
}

size_t
hosts_order(const struct host *h, size_t n, bool v6_first, struct target *v,
    size_t max)
{
	struct turn turn[2], *t;
	size_t i, size, k = 0;
	bool second;

	for (i = 0; i < n; i += size) {
		size = group_size(h + i, n - i);
		turn[0] = turn_new(h + i, size, v6_first);
		turn[1] = turn_new(h + i, size, !v6_first);
		second = false;
		while (turn[0].left + turn[1].left > 0) {
			t = &turn[second];
			second = !second;
			if (t->left == 0)
				continue;
			if (k == max)
				return k;
			v[k++] = turn_next(t);
		}
	}
	return k;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Too many names: the first ones and a hash of all. */
static void
shorten(struct str *s)
{
	static const unsigned char key[HASH_KEY];
	uint64_t sum = hash_sip(key, s->s, s->len);
	size_t end = SITE_MAX - 17;

	while (end > 0 && s->s[end] != ',')
		end--;
	str_trunc(s, end);
	str_addf(s, "%s%016llx", end > 0 ? "," : "",
	    (unsigned long long)sum);
}

const char *
hosts_site(const struct host *h, size_t n, struct arena *a)
{
	size_t i, size = group_size(h, n);
	const char **names = arena_alloc(a, (size + 1) * sizeof(*names));
	struct str s = STR_INIT;
	const char *site;

	for (i = 0; i < size; i++)
		names[i] = h[i].name;
	qsort(names, size, sizeof(*names), by_name);
	for (i = 0; i < size; i++)
		str_addf(&s, "%s%s", i > 0 ? "," : "", names[i]);
	if (s.len > SITE_MAX)
		shorten(&s);
	site = arena_slice(a, slice_str(&s));
	str_free(&s);
	return site;
}
