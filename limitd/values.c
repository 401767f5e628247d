/*
 * values.c - a set of hashes, sorted, each once.
 */
#include "limitd.h"

/* where it is, or would be put */
static size_t
place(const struct values *s, uint64_t hash)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->v[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_at(const struct values *s, size_t i, uint64_t hash)
{
	return i < s->n && s->v[i].hash == hash;
}

static bool
is_twice(const uint64_t *hash, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (hash[j] == hash[i])
			return true;
	return false;
}

size_t
values_new(const struct values *s, const uint64_t *hash, size_t n,
    int64_t since)
{
	size_t i, at, fresh = 0;

	for (i = 0; i < n; i++) {
		at = place(s, hash[i]);
		if (is_at(s, at, hash[i]) && s->v[at].time >= since)
			continue;
		fresh += !is_twice(hash, i);
	}
	return fresh;
}

int64_t
values_time(const struct values *s, uint64_t hash)
{
	size_t at = place(s, hash);

	return is_at(s, at, hash) ? s->v[at].time : 0;
}

static void
drop_oldest(struct values *s)
{
	size_t i, oldest = 0;

	for (i = 1; i < s->n; i++)
		if (s->v[i].time < s->v[oldest].time)
			oldest = i;
	s->n--;
	memmove(s->v + oldest, s->v + oldest + 1,
	    (s->n - oldest) * sizeof(*s->v));
}

static void
add(struct values *s, uint64_t hash, int64_t now, size_t max)
{
	size_t at = place(s, hash);

	if (is_at(s, at, hash)) {
		s->v[at].time = now;
		return;
	}
	if (s->n >= max) {
		drop_oldest(s);
		at = place(s, hash);
	}
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap + s->cap / 2 : 4;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	memmove(s->v + at + 1, s->v + at, (s->n - at) * sizeof(*s->v));
	s->v[at] = (struct value){ hash, now };
	s->n++;
}

void
values_add(struct values *s, const uint64_t *hash, size_t n, int64_t now,
    size_t max)
{
	size_t i;

	for (i = 0; i < n; i++)
		add(s, hash[i], now, max);
}

void
values_free(struct values *s)
{
	free(s->v);
	*s = (struct values){ 0 };
}
