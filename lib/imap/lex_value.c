/*
 * lex_value.c - numbers, dates, sets and flags.
 */
#include "imap/lex_part.h"
#include "imap/write.h"

enum { KEYWORDS_MAX = 1000 };

static struct slice
digits(const struct imap_lex *l)
{
	struct slice s = slice_sub(l->line, l->pos, l->line.n);
	size_t n = 0;

	while (n < s.n && ascii_isdigit((unsigned char)s.p[n]))
		n++;
	return slice_sub(s, 0, n);
}

static bool
number(struct imap_lex *l, uint64_t min, uint64_t max, const char *what,
    uint64_t *r)
{
	struct slice s;

	if (!imap_lex_ok(l))
		return false;
	s = digits(l);
	if (!slice_u64(s, max, r) || *r < min)
		return imap_lex_expected(l, what);
	l->pos += s.n;
	return true;
}

bool
imap_lex_number(struct imap_lex *l, uint32_t *r)
{
	uint64_t v = 0;
	bool good = number(l, 0, UINT32_MAX, "a number", &v);

	*r = (uint32_t)v;
	return good;
}

bool
imap_lex_nz_number(struct imap_lex *l, uint32_t *r)
{
	uint64_t v = 0;
	bool good = number(l, 1, UINT32_MAX, "a number over 0", &v);

	*r = (uint32_t)v;
	return good;
}

bool
imap_lex_number64(struct imap_lex *l, uint64_t *r)
{
	*r = 0;
	return number(l, 0, INT64_MAX, "a number", r);
}

static bool
partial_number(struct imap_lex *l, int64_t *r)
{
	bool minus = imap_lex_try(l, '-');
	uint32_t n;

	if (!imap_lex_nz_number(l, &n))
		return false;
	*r = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

bool
imap_lex_partial(struct imap_lex *l, struct imap_partial *r)
{
	int64_t a, b;

	if (!partial_number(l, &a) || !imap_lex_char(l, ':') ||
	    !partial_number(l, &b))
		return false;
	if ((a < 0) != (b < 0))
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "both ends of a partial range have the same sign");
	if (llabs(a) <= llabs(b))
		*r = (struct imap_partial){ a, b };
	else
		*r = (struct imap_partial){ b, a };
	return true;
}

void
imap_partial_range(const struct imap_partial *p, size_t n, size_t *from,
    size_t *to)
{
	uint64_t lo, hi;

	if (p->lo > 0) {
		lo = (uint64_t)p->lo - 1;
		hi = (uint64_t)p->hi;
	} else {
		lo = (uint64_t)-p->hi > n ? 0 : n - (uint64_t)-p->hi;
		hi = (uint64_t)-p->lo > n ? 0 : n - (uint64_t)-p->lo + 1;
	}
	*to = (size_t)MIN(hi, (uint64_t)n);
	*from = (size_t)MIN(lo, (uint64_t)n);
}

bool
imap_lex_date(struct imap_lex *l, int32_t *day_r)
{
	size_t at = l->pos;
	struct slice s;
	bool good;

	if (imap_lex_peek(l) == '"')
		good = imap_lex_quoted(l, &s);
	else
		good = lex_take(l, LEX_ATOM, &s);
	if (good && imap_parse_date(s, day_r))
		return true;
	l->pos = at;
	return imap_lex_expected(l, "a date like 1-Feb-1994");
}

bool
imap_lex_date_time(struct imap_lex *l, int64_t *unix_r, int *zone_r)
{
	size_t at = l->pos;
	struct slice s;

	if (!imap_lex_quoted(l, &s))
		return false;
	if (imap_parse_date_time(s, unix_r, zone_r))
		return true;
	l->pos = at;
	return imap_lex_expected(l, "\" 1-Feb-1994 21:52:25 -0800\"");
}

bool
imap_lex_seqset(struct imap_lex *l, struct imap_seqset *r)
{
	const char *why;
	struct slice s;

	*r = (struct imap_seqset){ 0 };
	if (!lex_take(l, LEX_SET, &s))
		return imap_lex_expected(l, "a set of numbers");
	why = imap_seqset_parse(s, l->limits.count, l->arena, r);
	if (why != NULL)
		return imap_lex_fail(l, IMAP_LEX_BAD, "", "%s", why);
	return imap_lex_count(l, (unsigned)r->n);
}

/* ---- flags -------------------------------------------------------------- */

static const char *const names[IMAP_FLAG_BITS] = { "\\Answered", "\\Flagged",
	"\\Deleted", "\\Seen", "\\Draft", "\\Recent" };

unsigned
imap_flag_bit(struct slice name)
{
	unsigned i;

	for (i = 0; i < IMAP_FLAG_BITS; i++)
		if (slice_ieqz(name, names[i]))
			return 1u << i;
	return 0;
}

const char *
imap_flag_name(unsigned bit)
{
	unsigned i;

	for (i = 0; i < IMAP_FLAG_BITS; i++)
		if (bit == 1u << i)
			return names[i];
	return NULL;
}

static bool
add_keyword(struct imap_lex *l, struct imap_flags *r, struct slice k)
{
	struct slice *v;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (slice_ieq(r->keyword[i], k))
			return true;
	if (r->n >= KEYWORDS_MAX)
		return imap_lex_fail(l, IMAP_LEX_NO, "LIMIT",
		    "too many keywords in one command");
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 8;
		v = arena_alloc(l->arena, r->cap * sizeof(*v));
		if (r->n > 0)
			memcpy(v, r->keyword, r->n * sizeof(*v));
		r->keyword = v;
	}
	r->keyword[r->n++] = k;
	return true;
}

bool
imap_lex_flag(struct imap_lex *l, struct imap_flags *r)
{
	bool system = imap_lex_try(l, '\\');
	struct slice s;
	unsigned i;

	if (!lex_take(l, LEX_ATOM, &s))
		return imap_lex_expected(l, "a flag");
	if (!system)
		return add_keyword(l, r, s);
	for (i = 0; i < IMAP_FLAG_BITS; i++)
		if (slice_ieqz(s, names[i] + 1)) {
			r->system |= 1u << i;
			return true;
		}
	return imap_lex_fail(l, IMAP_LEX_BAD, "",
	    "there is no system flag \\%.40s", s.p);
}

bool
imap_lex_flag_list(struct imap_lex *l, struct imap_flags *r)
{
	*r = (struct imap_flags){ 0 };
	for (imap_lex_open(l); imap_lex_next(l); )
		imap_lex_flag(l, r);
	return imap_lex_ok(l);
}

bool
imap_lex_store_flags(struct imap_lex *l, struct imap_flags *r)
{
	*r = (struct imap_flags){ 0 };
	if (imap_lex_peek(l) == '(')
		return imap_lex_flag_list(l, r);
	do {
		if (!imap_lex_count(l, 1) || !imap_lex_flag(l, r))
			return false;
	} while (imap_lex_try_sp(l));
	return true;
}
