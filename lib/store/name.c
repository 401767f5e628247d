/*
 * name.c - names of messages.  Whatever bytes a name holds, parsing it is
 * bounded by its length, and what is not understood is left alone.
 */
#include "store/name.h"

enum { UIDL_MAX = 70 };

/* The digits at *p, which goes behind them; of up to 18 nothing has to be
 * watched.  false: there are none, or they are over INT64_MAX. */
static bool
digits(const char **p, const char *end, uint64_t *r)
{
	const char *from = *p, *q = from;
	uint64_t v = 0;
	unsigned d;

	for (; q < end && (d = (unsigned char)*q - (unsigned)'0') <= 9; q++)
		v = v * 10 + d;
	*p = q;
	*r = v;
	return q - from <= 18 ? q > from : slice_u64((struct slice){ from,
	    (size_t)(q - from) }, INT64_MAX, r);
}

/* S=, W= or U= and a number, up to end */
static void
parse_field(const char *p, const char *end, struct mail_name *n)
{
	char what = p[0];
	uint64_t v;

	if (p[1] != '=')
		return;
	p += 2;
	if (!digits(&p, end, &v) || p != end)
		return;
	switch (what) {
	case 'S':
		n->has_size = true;
		n->size = v;
		break;
	case 'W':
		n->has_wsize = true;
		n->wsize = v;
		break;
	case 'U':
		n->uid = v <= UINT32_MAX ? v : 0;
		break;
	}
}

/* the next , or : */
static const char *
part_end(const char *p, const char *end)
{
	while (p < end && *p != ',' && *p != ':')
		p++;
	return p;
}

void
mail_name_parse(struct slice name, struct mail_name *n)
{
	const char *p = name.p, *end = name.p + name.n, *f;
	uint64_t v;

	memset(n, 0, sizeof(*n));
	if (digits(&p, end, &v))
		n->time = (int64_t)v;
	p = part_end(p, end);
	n->unique = (struct slice){ name.p, (size_t)(p - name.p) };
	while (p < end && *p == ',') {
		f = p + 1;
		p = part_end(f, end);
		if (p - f >= 3)
			parse_field(f, p, n);
	}
	n->base = (struct slice){ name.p, (size_t)(p - name.p) };
	n->flags = SLICE_LIT("");
	if (end - p >= 3 && memcmp(p, ":2,", 3) == 0)
		n->flags = (struct slice){ p + 3, (size_t)(end - p) - 3 };
}

/* as Maildir writes host names: \057 for /, \072 for :; and , for us */
static void
add_host(struct str *out, const char *host)
{
	size_t left = 64;

	for (; *host != '\0' && left > 0; host++, left--) {
		if ((unsigned char)*host <= 0x20 || *host == 0x7f ||
		    strchr("/:,\\", *host) != NULL)
			str_addf(out, "\\%03o", (unsigned char)*host);
		else
			str_addc(out, *host);
	}
}

void
mail_name_unique(struct str *out, int64_t created_us, const char *q,
    const char *n, const char *hostname)
{
	str_addf(out, "%lld.Q%sR%s.", (long long)(created_us / 1000000), q, n);
	add_host(out, hostname);
}

void
mail_name_fresh(struct str *out, int64_t now_us, long pid, unsigned seq,
    const char *hostname)
{
	str_addf(out, "%lld.M%06dP%ldQ%u.", (long long)(now_us / 1000000),
	    (int)(now_us % 1000000), pid, seq);
	add_host(out, hostname);
}

void
mail_name_new(struct str *out, const char *unique, uint64_t size,
    uint64_t wsize)
{
	str_addf(out, "%s,S=%llu,W=%llu", unique, (unsigned long long)size,
	    (unsigned long long)wsize);
}

void
mail_name_flag(struct str *out, const struct mail_name *n, char flag)
{
	size_t i = 0;

	str_addsl(out, n->base);
	str_adds(out, ":2,");
	if (flag == 0 || slice_find(n->flags, flag) < n->flags.n) {
		str_addsl(out, n->flags);
		return;
	}
	while (i < n->flags.n && n->flags.p[i] < flag)
		i++;
	str_addsl(out, slice_sub(n->flags, 0, i));
	str_addc(out, flag);
	str_addsl(out, slice_sub(n->flags, i, n->flags.n));
}

/* FNV-1a, 128 bits: no secret, only the same for ever */
static void
hash(struct str *out, struct slice s, uint64_t salt)
{
	const unsigned __int128 prime =
	    ((unsigned __int128)1 << 88) + 0x13b;
	unsigned __int128 h = ((unsigned __int128)0x6c62272e07bb0142ULL << 64) |
	    0x62b821756295c58dULL;
	unsigned char b[16];
	size_t i;

	for (i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * prime;
	for (i = 0; salt != 0 && i < 8; i++)
		h = (h ^ (unsigned char)(salt >> (8 * i))) * prime;
	for (i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)(h >> (8 * (sizeof(b) - 1 - i)));
	hex_encode(out, b, sizeof(b));
}

void
mail_name_uidl(struct str *out, struct slice unique, uint64_t salt)
{
	size_t i = 0;

	while (i < unique.n && unique.p[i] > 0x20 && unique.p[i] < 0x7f)
		i++;
	if (salt == 0 && i == unique.n && i > 0 && i <= UIDL_MAX)
		str_addsl(out, unique);
	else
		hash(out, unique, salt);
}

void
mail_name_hash(struct str *out, struct slice unique)
{
	hash(out, unique, 0);
}
