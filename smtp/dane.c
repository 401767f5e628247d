/*
 * dane.c - TLSA records of a server: RFC 7672.  An answer that fails is not
 * "none": who could make it fail would turn DANE off.
 */
#include "policy_part.h"
#include "serve/dns.h"
#include "target_part.h"

/* RFC 7672 sections 3.1.1 to 3.1.3: DANE-TA(2) or DANE-EE(3), certificate or
 * key, whole or as SHA-256 or SHA-512 */
static bool
usable(const char *rr)
{
	static const size_t digest[] = { 0, 64, 128 };	/* hex */
	struct slice rest = slice_of(rr), word;
	uint64_t v[3];
	size_t i;

	for (i = 0; i < 3; i++)
		if (!slice_word(&rest, &word) || !slice_u64(word, 255, &v[i]))
			return false;
	if (!slice_word(&rest, &word) || (v[0] != 2 && v[0] != 3) ||
	    v[1] > 1 || v[2] >= ARRAY_LEN(digest))
		return false;
	for (i = 0; i < word.n; i++)
		if (hex_digit(word.p[i]) < 0)
			return false;
	return v[2] == 0 ? word.n % 2 == 0 : word.n == digest[v[2]];
}

static void
take(const struct dns_answer *rr, const char *base, struct arena *a,
    struct dane *d)
{
	size_t i;

	d->base = base;
	for (i = 0; i < rr->n; i++) {
		strlist_add(&d->all, a, rr->rr[i]);
		if (usable(rr->rr[i]))
			strlist_add(&d->usable, a, rr->rr[i]);
	}
}

int
dane_find(const struct target *t, const char *session, struct arena *a,
    struct dane *d, bool *bogus_r, struct err *err)
{
	const char *base[2] = { t->canon, t->host };
	struct dns_question q[2];
	size_t i, n = strcmp(t->canon, t->host) == 0 ? 1 : 2;

	*d = (struct dane){ .base = NULL };
	*bogus_r = false;
	if (!t->secure || is_address(t->host))
		return 0;
	for (i = 0; i < n; i++)
		q[i] = (struct dns_question){ .type = DNS_TLSA,
			.name = arena_printf(a, "_%d._tcp.%s", t->port,
			    base[i]) };
	if (dns_ask(q, n, (int)target_conf->dns_timeout, session, a, err) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (q[i].a.status == DNS_NODATA ||
		    q[i].a.status == DNS_NXDOMAIN)
			continue;
		if (q[i].a.status != DNS_OK) {
			*bogus_r = q[i].a.status == DNS_BOGUS;
			return dns_err(&q[i], err);
		}
		if (!q[i].a.secure || q[i].a.n == 0)
			continue;
		take(&q[i].a, base[i], a, d);
		return 1;
	}
	return 0;
}
