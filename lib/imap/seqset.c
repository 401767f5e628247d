/*
 * seqset.c - a resolved set is sorted, and between two ranges a number is
 * missing; so one binary search answers all.
 */
#include "imap/seqset.h"

static void
append(struct imap_seqset *s, struct arena *a, uint32_t lo, uint32_t hi)
{
	struct imap_range *v;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap ? s->cap * 2 : 4;
		v = arena_alloc(a, cap * sizeof(*v));
		if (s->n > 0)
			memcpy(v, s->v, s->n * sizeof(*v));
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = (struct imap_range){ lo, hi };
}

/* nz-number or * */
static int
parse_number(struct slice s, uint32_t *r)
{
	uint64_t v;

	if (slice_eqz(s, "*")) {
		*r = IMAP_STAR;
		return 1;
	}
	if (s.n == 0 || s.p[0] == '0' || !slice_u64(s, UINT32_MAX, &v))
		return 0;
	*r = (uint32_t)v;
	return 1;
}

const char *
imap_seqset_parse(struct slice s, size_t max, struct arena *a,
    struct imap_seqset *r)
{
	struct slice part, lo;
	uint32_t from, to;

	*r = (struct imap_seqset){ 0 };
	if (s.n == 0)
		return "an empty set";
	if (slice_eqz(s, "$")) {
		r->saved = true;
		return NULL;
	}
	while (slice_cut(&s, ',', &part)) {
		slice_cut(&part, ':', &lo);
		if (!parse_number(lo, &from))
			return "a number of the set is none";
		to = from;
		if (part.p != NULL && !parse_number(part, &to))
			return "a range of the set is none";
		if (r->n >= max)
			return "too many ranges in the set";
		append(r, a, from, to);
		r->star |= from == IMAP_STAR || to == IMAP_STAR;
	}
	return NULL;
}

static int
by_lo(const void *x, const void *y)
{
	const struct imap_range *a = x, *b = y;

	return (a->lo > b->lo) - (a->lo < b->lo);
}

static void
resolve(struct imap_seqset *s, uint32_t last)
{
	struct imap_range *v = s->v, r;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		uint32_t lo = v[i].lo == IMAP_STAR ? last : v[i].lo;
		uint32_t hi = v[i].hi == IMAP_STAR ? last : v[i].hi;

		r = (struct imap_range){ MIN(lo, hi), MAX(lo, hi) };
		r.hi = MIN(r.hi, last);
		if (r.lo <= r.hi)
			v[n++] = r;
	}
	s->n = n;
	s->star = false;
	for (i = 1; i < n && v[i - 1].lo <= v[i].lo; i++)
		;
	if (i < n)
		qsort(v, n, sizeof(*v), by_lo);
	for (i = 0, n = 0; i < s->n; i++) {
		/* lo >= 1, so lo - 1 does not wrap */
		if (n > 0 && v[i].lo - 1 <= v[n - 1].hi)
			v[n - 1].hi = MAX(v[n - 1].hi, v[i].hi);
		else
			v[n++] = v[i];
	}
	s->n = n;
}

void
imap_seqset_resolve(struct imap_seqset *s, uint32_t last)
{
	if (last == 0) {
		s->n = 0;
		s->star = false;
	} else {
		resolve(s, last);
	}
}

void
imap_seqset_normalise(struct imap_seqset *s)
{
	resolve(s, UINT32_MAX);
}

bool
imap_seqset_fits(const struct imap_seqset *s, uint32_t last)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (MAX(s->v[i].lo, s->v[i].hi) > last)
			return false;
	return true;
}

/* index of the first range that ends at or behind n, or s->n */
static size_t
find(const struct imap_seqset *s, uint32_t n)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->v[mid].hi < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
imap_seqset_contains(const struct imap_seqset *s, uint32_t n)
{
	size_t i = find(s, n);

	return i < s->n && s->v[i].lo <= n;
}

uint64_t
imap_seqset_count(const struct imap_seqset *s)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		sum += (uint64_t)s->v[i].hi - s->v[i].lo + 1;
	return sum;
}

void
imap_seqset_add(struct imap_seqset *s, struct arena *a, uint32_t n)
{
	imap_seqset_add_range(s, a, n, n);
}

void
imap_seqset_add_range(struct imap_seqset *s, struct arena *a, uint32_t lo,
    uint32_t hi)
{
	struct imap_range *last = s->n > 0 ? &s->v[s->n - 1] : NULL;

	if (last != NULL && last->hi != UINT32_MAX && lo == last->hi + 1)
		last->hi = hi;
	else
		append(s, a, lo, hi);
}

static void
put_number(struct str *out, uint32_t n)
{
	if (n == IMAP_STAR)
		str_addc(out, '*');
	else
		str_addf(out, "%u", n);
}

static void
put_range(struct str *out, uint32_t lo, uint32_t hi)
{
	put_number(out, lo);
	if (lo != hi) {
		str_addc(out, ':');
		put_number(out, hi);
	}
}

void
imap_seqset_print(const struct imap_seqset *s, struct str *out)
{
	size_t i;

	if (s->saved && s->n == 0)
		str_addc(out, '$');
	for (i = 0; i < s->n; i++) {
		if (i > 0)
			str_addc(out, ',');
		put_range(out, s->v[i].lo, s->v[i].hi);
	}
}

static void
setw_flush(struct imap_setw *w)
{
	if (w->written)
		str_addc(w->out, ',');
	put_range(w->out, w->lo, w->hi);
	w->written = true;
}

void
imap_setw_add(struct imap_setw *w, uint32_t n)
{
	imap_setw_add_range(w, n, n);
}

void
imap_setw_add_range(struct imap_setw *w, uint32_t lo, uint32_t hi)
{
	if (w->some && w->hi != UINT32_MAX && lo == w->hi + 1) {
		w->hi = hi;
		return;
	}
	if (w->some)
		setw_flush(w);
	w->lo = lo;
	w->hi = hi;
	w->some = true;
}

void
imap_setw_end(struct imap_setw *w)
{
	if (w->some)
		setw_flush(w);
	w->some = false;
}

void
imap_seqiter_seq(struct imap_seqiter *it, const struct imap_seqset *s,
    uint32_t count)
{
	*it = (struct imap_seqiter){ .set = s, .count = count };
}

void
imap_seqiter_uid(struct imap_seqiter *it, const struct imap_seqset *s,
    const uint32_t *first, size_t stride, uint32_t count)
{
	*it = (struct imap_seqiter){ .set = s, .count = count,
		.uids = (const char *)first, .stride = stride };
	if (count == 0)		/* first may be NULL then */
		it->i = s->n;
}

/* position of the first message whose UID is at least uid */
static uint32_t
position(const struct imap_seqiter *it, uint32_t uid)
{
	uint32_t lo = it->from, hi = it->count, mid, u;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		memcpy(&u, it->uids + (size_t)mid * it->stride, sizeof(u));
		if (u < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
imap_seqiter_next(struct imap_seqiter *it, uint32_t *first_r,
    uint32_t *last_r)
{
	struct imap_range r;
	uint32_t from, end;

	while (it->i < it->set->n && it->from < it->count) {
		r = it->set->v[it->i++];
		if (it->uids == NULL) {
			from = r.lo - 1;
			end = MIN(r.hi, it->count);
		} else {
			from = position(it, r.lo);
			it->from = from;
			end = r.hi == UINT32_MAX ? it->count :
			    position(it, r.hi + 1);
		}
		if (from >= end)
			continue;
		it->from = end;
		*first_r = from;
		*last_r = end - 1;
		return true;
	}
	return false;
}
