/*
 * dnsbl.c - lists of addresses in the DNS.
 */
#include "serve/dnsbl.h"

#include <arpa/inet.h>

static int
bad_word(const char *word, const char *why, struct err *err)
{
	return err_perm(err, "5.3.5", "%s: %s, expected something like "
	    "[NAME:]list.example.org=127.0.0.[2;4..11]*3", word, why);
}

static bool
domain_ok(struct slice s)
{
	struct slice rest = s, label;
	size_t i;

	if (s.n == 0 || s.n > 180)
		return false;
	while (slice_cut(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63)
			return false;
		for (i = 0; i < label.n; i++)
			if (!ascii_isalnum((unsigned char)label.p[i]) &&
			    label.p[i] != '-' && label.p[i] != '_')
				return false;
	}
	return true;
}

/* NUMBER or LOW..HIGH */
static bool
add_range(struct slice s, uint64_t bits[4])
{
	uint64_t low, high;
	size_t i;

	for (i = 0; i + 1 < s.n && !(s.p[i] == '.' && s.p[i + 1] == '.'); i++)
		;
	if (i + 1 >= s.n)
		i = s.n;
	if (!slice_u64(slice_sub(s, 0, i), 255, &low))
		return false;
	high = low;
	if (i < s.n && (!slice_u64(slice_sub(s, i + 2, s.n), 255, &high) ||
	    high < low))
		return false;
	for (; low <= high; low++)
		bits[low / 64] |= (uint64_t)1 << low % 64;
	return true;
}

/* one octet off the front of *rest, with the dot behind it unless last */
static bool
take_octet(struct slice *rest, bool last, uint64_t bits[4])
{
	struct slice part, ranges;
	size_t n;

	if (rest->n > 0 && rest->p[0] == '[') {
		n = slice_find(*rest, ']');
		if (n == rest->n)
			return false;
		ranges = slice_sub(*rest, 1, n - 1);
		*rest = slice_sub(*rest, n + 1, rest->n);
		while (slice_cut(&ranges, ';', &part))
			if (!add_range(part, bits))
				return false;
	} else {
		n = last ? rest->n : slice_find(*rest, '.');
		if (slice_find(slice_sub(*rest, 0, n), '.') < n ||
		    !add_range(slice_sub(*rest, 0, n), bits))
			return false;
		*rest = slice_sub(*rest, n, rest->n);
	}
	if (last)
		return rest->n == 0;
	if (rest->n == 0 || rest->p[0] != '.')
		return false;
	*rest = slice_sub(*rest, 1, rest->n);
	return true;
}

static bool
parse_filter(struct slice s, struct dnsbl_list *l)
{
	int i;

	for (i = 0; i < 4; i++)
		if (!take_octet(&s, i == 3, l->octet[i]))
			return false;
	/* what is no address of 127.0.0.0/8 never comes */
	return l->octet[0][127 / 64] >> 127 % 64 & 1;
}

static bool
parse_weight(struct slice s, int *weight)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t n;

	if (!slice_u64(slice_sub(s, minus, s.n), DNSBL_WEIGHT_MAX, &n) ||
	    n == 0)
		return false;
	*weight = minus ? -(int)n : (int)n;
	return true;
}

static size_t
find_zone(struct dnsbl *d, struct slice domain, struct arena *a)
{
	char *z = arena_slice(a, domain), *p;
	size_t i;

	for (p = z; *p != '\0'; p++)
		*p = (char)ascii_lower((unsigned char)*p);
	for (i = 0; i < d->zones; i++)
		if (strcmp(d->zone[i], z) == 0)
			return i;
	d->zone[d->zones] = z;
	return d->zones++;
}

static int
parse_word(const char *word, struct dnsbl *d, struct arena *a,
    struct err *err)
{
	struct dnsbl_list *l = &d->list[d->lists];
	struct slice s = slice_of(word), domain, filter, name = SLICE_NULL;
	size_t star = slice_rfind(s, '*'), at;

	l->weight = 1;
	if (star < s.n && !parse_weight(slice_sub(s, star + 1, s.n),
	    &l->weight))
		return bad_word(word, "bad weight", err);
	s = slice_sub(s, 0, star);
	at = slice_find(s, '=');
	domain = slice_sub(s, 0, at);
	filter = at < s.n ? slice_sub(s, at + 1, s.n) : SLICE_NULL;
	at = slice_find(domain, ':');
	if (at < domain.n) {
		name = slice_sub(domain, 0, at);
		domain = slice_sub(domain, at + 1, domain.n);
		if (!domain_ok(name))
			return bad_word(word, "bad name", err);
	}
	if (!domain_ok(domain))
		return bad_word(word, "bad domain", err);
	l->filtered = filter.p != NULL;
	if (l->filtered && !parse_filter(filter, l))
		return bad_word(word, "bad filter", err);
	l->zone = find_zone(d, domain, a);
	l->name = name.p != NULL ? arena_slice(a, name) : d->zone[l->zone];
	d->lists++;
	return 0;
}

int
dnsbl_parse(const struct strlist *words, struct arena *a, struct dnsbl *d,
    struct err *err)
{
	size_t i;

	*d = (struct dnsbl){ 0 };
	if (words->n > DNSBL_MAX)
		return err_perm(err, "5.3.5", "%zu lists, at most %d",
		    words->n, DNSBL_MAX);
	d->list = arena_alloc(a, (words->n + 1) * sizeof(*d->list));
	d->zone = arena_alloc(a, (words->n + 1) * sizeof(*d->zone));
	for (i = 0; i < words->n; i++)
		if (parse_word(words->v[i], d, a, err) < 0)
			return -1;
	return 0;
}

/* "4.3.2.1.ZONE"; the nibbles of IPv6 (RFC 5782 section 2.4) */
bool
dnsbl_name(const char *zone, const char *addr, struct str *out)
{
	unsigned char b[16];
	int i;

	if (strncasecmp(addr, "::ffff:", 7) == 0 && strchr(addr, '.') != NULL)
		addr += 7;
	if (inet_pton(AF_INET, addr, b) == 1) {
		str_addf(out, "%u.%u.%u.%u.%s", b[3], b[2], b[1], b[0], zone);
		return true;
	}
	if (inet_pton(AF_INET6, addr, b) != 1)
		return false;
	for (i = 15; i >= 0; i--)
		str_addf(out, "%x.%x.", b[i] & 15u, (unsigned)b[i] >> 4);
	str_adds(out, zone);
	return true;
}

void
dnsbl_domain_name(const char *zone, const char *domain, struct str *out)
{
	struct slice s = slice_of(domain);

	if (slice_ends(s, "."))
		s.n--;
	str_addsl(out, s);
	str_addc(out, '.');
	str_adds(out, zone);
}

static bool
matches(const struct dnsbl_list *l, const unsigned char ip[4])
{
	int i;

	if (ip[0] != 127)
		return false;
	if (!l->filtered)
		return (ip[1] | ip[2]) != 0 || ip[3] != 1 ?
		    ip[1] != 255 || ip[2] != 255 : false;
	for (i = 0; i < 4; i++)
		if (!(l->octet[i][ip[i] / 64] >> ip[i] % 64 & 1))
			return false;
	return true;
}

static bool
any_matches(const struct dnsbl_list *l, const struct dns_answer *a)
{
	unsigned char ip[4];
	size_t i;

	for (i = 0; i < a->n; i++)
		if (inet_pton(AF_INET, a->rr[i], ip) == 1 && matches(l, ip))
			return true;
	return false;
}

void
dnsbl_take(const struct dnsbl *d, size_t zone, const struct dns_answer *a,
    struct dnsbl_result *r)
{
	uint64_t bit;
	size_t i;

	if (a->status != DNS_OK && a->status != DNS_NODATA &&
	    a->status != DNS_NXDOMAIN)
		r->silent |= (uint64_t)1 << zone;
	if (a->status != DNS_OK)
		return;
	for (i = 0; i < d->lists; i++) {
		bit = (uint64_t)1 << i;
		if (d->list[i].zone != zone || r->hits & bit ||
		    !any_matches(&d->list[i], a))
			continue;
		r->hits |= bit;
		r->score += d->list[i].weight;
	}
}

void
dnsbl_names(const struct dnsbl *d, uint64_t hits, bool bad, const char *sep,
    struct str *out)
{
	const char *last = NULL;
	size_t i;

	for (i = 0; i < d->lists; i++) {
		if (!(hits >> i & 1) || (bad && d->list[i].weight < 0) ||
		    (last != NULL && strcmp(last, d->list[i].name) == 0))
			continue;
		if (last != NULL)
			str_adds(out, sep);
		last = d->list[i].name;
		str_adds(out, last);
	}
}

int
dnsbl_ask(const struct dnsbl *d, const char *what, bool domain,
    int timeout_ms, const char *session, struct dnsbl_result *r,
    struct err *err)
{
	struct dns_question q[DNS_QUESTIONS] = { 0 };
	struct arena a = { 0 };
	struct str name = STR_INIT;
	size_t i;
	int rc = 0;

	*r = (struct dnsbl_result){ 0 };
	for (i = 0; i < d->zones; i++) {
		str_reset(&name);
		if (domain)
			dnsbl_domain_name(d->zone[i], what, &name);
		else if (!dnsbl_name(d->zone[i], what, &name))
			break;
		q[i].name = arena_strdup(&a, name.s);
		q[i].type = DNS_A;
	}
	if (i > 0 && i == d->zones)
		rc = dns_ask(q, i, timeout_ms, session, &a, err);
	for (i = 0; rc == 0 && q[0].name != NULL && i < d->zones; i++)
		dnsbl_take(d, i, &q[i].a, r);
	str_free(&name);
	arena_free(&a);
	return rc;
}
