/*
 * mx.c - MX records: null ones (RFC 7505), our own, and the order.
 */
#include "smtp/idna.h"
#include "target_part.h"

static int
loops(const char *domain, const char *host, struct err *err)
{
	return err_perm(err, "5.4.6", "mail for %.200s loops back to us: its "
	    "best host is %.200s", domain, host);
}

/* "10 host" */
static bool
parse(const char *rr, struct arena *a, struct host *r)
{
	struct slice rest = slice_of(rr), word;
	struct str name = STR_INIT;
	struct err ignored;
	uint64_t pref;
	bool good;

	if (!slice_word(&rest, &word) || !slice_u64(word, 65535, &pref) ||
	    !slice_word(&rest, &word))
		return false;
	*r = (struct host){ .name = ".", .pref = (int)pref };
	if (slice_eqz(word, "."))
		return true;
	good = idna_ascii(word, &name, &ignored) == 0;
	if (good)
		r->name = arena_slice(a, slice_str(&name));
	str_free(&name);
	return good;
}

/* a host that is there twice counts once, with its better preference */
static void
add(struct host *v, size_t *n, const struct host *h)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (strcmp(v[i].name, h->name) == 0) {
			v[i].pref = MIN(v[i].pref, h->pref);
			return;
		}
	v[(*n)++] = *h;
}

static size_t
drop_from(const struct host *h, size_t i)
{
	size_t k = i;

	while (k > 0 && h[k - 1].pref == h[i].pref)
		k--;
	return k;
}

int
mx_hosts(const struct dns_question *q, struct arena *a, struct host **v_r,
    size_t *n_r, struct err *err)
{
	struct host h, *v = arena_alloc(a, (q->a.n + 1) * sizeof(*v));
	size_t i, n = 0;
	bool null = false;

	for (i = 0; i < q->a.n; i++) {
		if (!parse(q->a.rr[i], a, &h))
			continue;
		if (strcmp(h.name, ".") == 0) {
			null = true;
			continue;
		}
		h.canon = h.name;
		h.secure = q->a.secure;
		add(v, &n, &h);
	}
	if (n == 0 && null)
		return err_perm(err, "5.1.10", "%.200s takes no mail (null "
		    "MX)", q->name);
	if (n == 0)
		return err_temp(err, "4.4.3", "the MX records of %.200s name "
		    "no host", q->name);
	hosts_sort(v, n);
	*v_r = v;
	*n_r = n;
	return 0;
}

static bool
own_host(const struct host *h)
{
	size_t i;

	if (self_name(h->name))
		return true;
	for (i = 0; i < h->n4; i++)
		if (self_address(h->v4[i]))
			return true;
	for (i = 0; i < h->n6; i++)
		if (self_address(h->v6[i]))
			return true;
	return false;
}

int
mx_drop_self(const char *domain, struct host *h, size_t *n, struct err *err)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (own_host(&h[i])) {
			*n = drop_from(h, i);
			return *n > 0 ? 0 : loops(domain, h[i].name, err);
		}
	return 0;
}
