/*
 * release.c - parameters that say when and how soon: FUTURERELEASE (RFC 4865)
 * and MT-PRIORITY (RFC 6710).
 */
#include "smtp/command.h"

#include <time.h>

int
smtp_holdfor_parse(struct slice v, int64_t *seconds_r, struct err *err)
{
	uint64_t n;

	if (v.n > 9 || !slice_u64(v, 999999999, &n) || n == 0)
		return err_perm(err, "5.5.4", "HOLDFOR takes 1 to 999999999 "
		    "seconds");
	*seconds_r = (int64_t)n;
	return 1;
}

/* n digits off the front, then the character `end` (0: none): 1 or 0 */
static int
digits(struct slice *s, size_t n, char end, int lo, int hi, int *r)
{
	uint64_t v;

	if (s->n < n + (end != '\0') ||
	    !slice_u64(slice_sub(*s, 0, n), UINT32_MAX, &v) ||
	    v < (uint64_t)lo || v > (uint64_t)hi ||
	    (end != '\0' && ascii_upper((unsigned char)s->p[n]) != end))
		return 0;
	*r = (int)v;
	*s = slice_sub(*s, n + (end != '\0'), s->n);
	return 1;
}

/* ".123": 1 there is none, or it was read; *more: it is not zero */
static int
fraction(struct slice *s, bool *more)
{
	size_t i = 1;

	*more = false;
	if (s->n == 0 || s->p[0] != '.')
		return 1;
	for (; i < s->n && ascii_isdigit((unsigned char)s->p[i]); i++)
		*more |= s->p[i] != '0';
	*s = slice_sub(*s, i, s->n);
	return i > 1;
}

/* Z or +hh:mm: 1 with seconds east of UTC */
static int
zone(struct slice *s, int *east)
{
	int sign, h, m;

	*east = 0;
	if (s->n == 1 && ascii_upper((unsigned char)s->p[0]) == 'Z')
		return 1;
	if (s->n != 6 || (s->p[0] != '+' && s->p[0] != '-'))
		return 0;
	sign = s->p[0] == '-' ? -1 : 1;
	*s = slice_sub(*s, 1, s->n);
	if (!digits(s, 2, ':', 0, 23, &h) || !digits(s, 2, '\0', 0, 59, &m))
		return 0;
	*east = sign * (h * 3600 + m * 60);
	return 1;
}

int
smtp_holduntil_parse(struct slice v, int64_t *unix_r, struct err *err)
{
	struct tm tm = { 0 }, back;
	bool more;
	int east;
	time_t t;

	if (!digits(&v, 4, '-', 1970, 9999, &tm.tm_year) ||
	    !digits(&v, 2, '-', 1, 12, &tm.tm_mon) ||
	    !digits(&v, 2, 'T', 1, 31, &tm.tm_mday) ||
	    !digits(&v, 2, ':', 0, 23, &tm.tm_hour) ||
	    !digits(&v, 2, ':', 0, 59, &tm.tm_min) ||
	    !digits(&v, 2, '\0', 0, 60, &tm.tm_sec) ||
	    !fraction(&v, &more) || !zone(&v, &east))
		goto bad;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	back = tm;
	t = timegm(&back);
	/* the 31st of February would be another day */
	if (back.tm_mday != tm.tm_mday && tm.tm_sec < 60)
		goto bad;
	*unix_r = (int64_t)t - east + more;
	return 1;
bad:
	return err_perm(err, "5.5.4", "HOLDUNTIL takes a time like "
	    "2026-11-24T08:00:00Z");
}

int
smtp_priority_parse(struct slice v, int64_t *r, struct err *err)
{
	struct slice n = v;
	bool minus = v.n > 0 && v.p[0] == '-';
	uint64_t u;

	if (minus)
		n = slice_sub(v, 1, v.n);
	/* RFC 6710 section 8: one digit, no -0 */
	if (n.n != 1 || !slice_u64(n, 9, &u) || (minus && u == 0))
		return err_perm(err, "5.5.4", "MT-PRIORITY takes -9 to 9");
	*r = minus ? -(int64_t)u : (int64_t)u;
	return 1;
}
