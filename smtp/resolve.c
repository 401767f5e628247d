/*
 * resolve.c - addresses of hosts.  All questions go to dnsd together.
 */
#include "map/live.h"
#include "target_part.h"

static bool
asks(int family, enum dns_type type)
{
	return family != (type == DNS_A ? FAMILY_IPV6 : FAMILY_IPV4);
}

/* a fact: there is no such name, or no such record */
static bool
is_fact(enum dns_status s)
{
	return s == DNS_OK || s == DNS_NODATA || s == DNS_NXDOMAIN;
}

static void
note_trouble(struct dns_question *trouble, const struct dns_question *q)
{
	if (q->a.status == DNS_OK)
		return;
	if (trouble->name == NULL || (is_fact(trouble->a.status) &&
	    !is_fact(q->a.status)))
		*trouble = *q;
}

static void
take(struct host *h, const struct dns_question *q, struct arena *a)
{
	const char **v;

	if (q->a.status != DNS_OK || q->a.n == 0)
		return;
	v = arena_alloc(a, q->a.n * sizeof(*v));
	memcpy(v, q->a.rr, q->a.n * sizeof(*v));
	if (q->type == DNS_A) {
		h->v4 = v;
		h->n4 = q->a.n;
	} else {
		h->v6 = v;
		h->n6 = q->a.n;
	}
	if (q->a.canon[0] != '\0')
		h->canon = q->a.canon;
	h->secure = h->secure && q->a.secure;
}

/*
 * A proven alias that leads to what is not proven: TLSA records may lie at
 * the alias itself (RFC 7672 section 2.2.2).  Where that can not be said, the
 * host is left out: else who cuts off the answer turns DANE off.
 */
static int
prove_aliases(struct host *h, const bool *named, size_t n,
    const char *session, struct arena *a, struct dns_question *trouble,
    struct err *err)
{
	struct dns_question q[HOSTS_MAX];
	size_t at[HOSTS_MAX], i, k = 0;

	for (i = 0; i < n; i++)
		if (named[i] && !h[i].secure && h[i].n4 + h[i].n6 > 0 &&
		    strcmp(h[i].canon, h[i].name) != 0) {
			q[k] = (struct dns_question){ .name = h[i].name,
				.type = DNS_CNAME };
			at[k++] = i;
		}
	if (k == 0)
		return 0;
	if (dns_ask(q, k, (int)target_conf->dns_timeout, session, a, err) < 0)
		return -1;
	for (i = 0; i < k; i++) {
		if (!is_fact(q[i].a.status)) {
			h[at[i]].n4 = h[at[i]].n6 = 0;
			note_trouble(trouble, &q[i]);
		}
		h[at[i]].secure = q[i].a.status == DNS_OK && q[i].a.secure;
		h[at[i]].canon = h[at[i]].name;
	}
	return 0;
}

int
resolve_hosts(struct host *h, size_t n, int family, const char *session,
    struct arena *a, struct dns_question *trouble, struct err *err)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };
	struct dns_question q[DNS_QUESTIONS];
	struct host *of[DNS_QUESTIONS];
	bool named[HOSTS_MAX];
	size_t i, t, k = 0;

	*trouble = (struct dns_question){ .name = NULL };
	for (i = 0; i < n; i++) {
		named[i] = h[i].secure;
		for (t = 0; t < ARRAY_LEN(types); t++)
			if (asks(family, types[t])) {
				q[k] = (struct dns_question){
					.name = h[i].name, .type = types[t] };
				of[k++] = &h[i];
			}
	}
	if (dns_ask(q, k, (int)target_conf->dns_timeout, session, a, err) < 0)
		return -1;
	for (i = 0; i < k; i++) {
		take(of[i], &q[i], a);
		note_trouble(trouble, &q[i]);
	}
	if (prove_aliases(h, named, n, session, a, trouble, err) < 0)
		return -1;
	for (i = 0; i < n; i++)
		if (!h[i].secure)
			h[i].canon = h[i].name;
	return 0;
}

static const struct field family_row[] = {
	{ "family", FIELD_ENUM, 0, 0, "any", 0, 0, FAMILIES,
	    "of addresses" },
	F_END
};

static int
wanted_family(const char *domain, struct arena *a, int *family_r,
    struct err *err)
{
	struct err why = ERR_INIT;
	const char *value;
	int rc;

	*family_r = target_conf->address_family;
	if (target_conf->families[0] == '\0')
		return 0;
	rc = table_domain(&family_table, domain, a, &value, err);
	if (rc <= 0)
		return rc;
	if (field_set(&family_row[0], family_r, slice_trim(slice_of(value)), a,
	    &why) == 0)
		return 0;
	return err_temp(err, "4.3.5", "%s: %s: %s", target_conf->families,
	    domain, why.text);
}

int
resolve_family(const char *domain, struct arena *a, int *family_r,
    struct err *err)
{
	if (wanted_family(domain, a, family_r, err) < 0)
		return -1;
	/* nobody has to say that there is no IPv6 here */
	if (*family_r == FAMILY_ANY && !self_has_ipv6())
		*family_r = FAMILY_IPV4;
	return 0;
}
