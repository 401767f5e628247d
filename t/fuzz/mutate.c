/*
 * mutate.c - random changes of an input: octets, pieces moved, doubled or
 * taken out, pieces of other inputs, and what parsers stumble over.
 */
#include "driver.h"

enum { LONG_MAX_LEN = 60000, USUAL_MAX_LEN = 4096, CHANGES = 6 };

static const struct slice words[] = {
	SLICE_LIT("\r\n"), SLICE_LIT("\n"), SLICE_LIT("\r"), SLICE_LIT("\0"),
	SLICE_LIT("\r\n.\r\n"), SLICE_LIT("\n\n"), SLICE_LIT("\t"),
	SLICE_LIT("("), SLICE_LIT(")"), SLICE_LIT("\""), SLICE_LIT("\\"),
	SLICE_LIT("<"), SLICE_LIT(">"), SLICE_LIT("@"), SLICE_LIT("="),
	SLICE_LIT("&"), SLICE_LIT("%"), SLICE_LIT("*"), SLICE_LIT("{"),
	SLICE_LIT("}"), SLICE_LIT("["), SLICE_LIT("]"), SLICE_LIT(":"),
	SLICE_LIT(","), SLICE_LIT(";"), SLICE_LIT("--"), SLICE_LIT("/.."),
	SLICE_LIT("0"), SLICE_LIT("-1"), SLICE_LIT("4294967295"),
	SLICE_LIT("4294967296"), SLICE_LIT("9223372036854775807"),
	SLICE_LIT("18446744073709551616"), SLICE_LIT("\xff"),
	SLICE_LIT("\xc3\xa4"), SLICE_LIT("\xe2\x82\xac"),
	SLICE_LIT("\xf0\x9f\x90\x8e"), SLICE_LIT("\xc3"), SLICE_LIT("\xed\xa0"),
	SLICE_LIT("=?utf-8?q?=C3?="), SLICE_LIT("xn--"), SLICE_LIT("&-"),
};

/* xorshift64*, D. Knuth's constant of the multiplication */
uint32_t
prng_next(struct prng *r)
{
	uint64_t x = r->state ? r->state : 88172645463325252ULL;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	r->state = x;
	return (uint32_t)(x * 2685821657736338717ULL >> 32);
}

uint32_t
prng_below(struct prng *r, size_t n)
{
	return n > 0 ? (uint32_t)(prng_next(r) % n) : 0;
}

static void
insert(struct str *s, size_t at, struct slice what)
{
	struct str out = STR_INIT;

	str_add(&out, s->s, at);
	str_addsl(&out, what);
	str_add(&out, s->s + at, s->len - at);
	str_free(s);
	*s = out;
}

/* mostly short */
static size_t
some(struct prng *r, size_t max)
{
	size_t n = prng_below(r, 4) > 0 ? MIN(max, (size_t)16) : max;

	return n > 0 ? 1 + prng_below(r, n) : 0;
}

static struct slice
piece(struct prng *r, struct slice of)
{
	size_t at = prng_below(r, of.n);

	return slice_sub(of, at, some(r, of.n - at));
}

/* a copy, since what it is taken from moves */
static void
insert_own(struct prng *r, struct str *s, size_t times)
{
	struct slice p = piece(r, slice_str(s));
	struct str copy = STR_INIT;

	while (times-- > 0 && copy.len < USUAL_MAX_LEN)
		str_addsl(&copy, p);
	insert(s, prng_below(r, s->len + 1), slice_str(&copy));
	str_free(&copy);
}

static void
cut_out(struct prng *r, struct str *s)
{
	size_t at = prng_below(r, s->len), n = some(r, s->len - at);

	memmove(s->s + at, s->s + at + n, s->len - at - n);
	str_trunc(s, s->len - n);
}

static void
change_octet(struct prng *r, struct str *s)
{
	size_t at = prng_below(r, s->len);

	if (s->len == 0)
		return;
	if (prng_below(r, 2))
		s->s[at] = (char)(s->s[at] ^ 1 << prng_below(r, 8));
	else
		s->s[at] = (char)prng_next(r);
}

static void
change(struct prng *r, struct str *s, const struct slice *others, size_t n)
{
	size_t at = prng_below(r, s->len + 1);

	switch (prng_below(r, 9)) {
	case 0:
	case 1:
		change_octet(r, s);
		break;
	case 2:
		cut_out(r, s);
		break;
	case 3:
		insert_own(r, s, 1);
		break;
	case 4:
		insert_own(r, s, 1 + prng_below(r, 200));
		break;
	case 5:
		insert(s, at, piece(r, others[prng_below(r, n)]));
		break;
	case 6:
		str_trunc(s, prng_below(r, 8) ? s->len : at);
		break;
	default:
		insert(s, at, words[prng_below(r, ARRAY_LEN(words))]);
		break;
	}
}

void
mutate(struct prng *r, struct str *s, const struct slice *others, size_t n)
{
	size_t i, times = 1 + prng_below(r, CHANGES), max = USUAL_MAX_LEN;

	for (i = 0; i < times; i++)
		change(r, s, others, n);
	if (prng_below(r, 100) == 0)
		max = LONG_MAX_LEN;
	if (s->len > max)
		str_trunc(s, max);
}
