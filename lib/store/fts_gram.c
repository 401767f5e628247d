/*
 * fts_gram.c - the trigrams of a text, each once, as words for the index.
 * FTS5's own tokenizer gives all of them, and the index looks each up: for a
 * message of 50 KB that is twice the work.
 *
 * A trigram of ASCII is a number, one of other characters a hash: two that
 * fall together only make more candidates.  The word is five bytes over 0x7f,
 * among which the number's bits are spread, since the hash of FTS5's table
 * takes little from the first bytes of a word.
 */
#include "store/fts_part.h"

enum { TABLE_MIN = 1024, HASHED = 1u << 28 };

struct set {
	uint32_t *v;		/* code + 1; 0: free */
	size_t size, n;
};

static size_t
slot_of(const struct set *s, uint32_t code)
{
	size_t i = (code * 0x9e3779b1u) & (s->size - 1);

	while (s->v[i] != 0 && s->v[i] != code + 1)
		i = (i + 1) & (s->size - 1);
	return i;
}

static void
grow(struct set *s)
{
	struct set big = { .size = s->size ? s->size * 2 : TABLE_MIN,
		.n = s->n };
	size_t i;

	big.v = xcalloc(big.size, sizeof(*big.v));
	for (i = 0; i < s->size; i++)
		if (s->v[i] != 0)
			big.v[slot_of(&big, s->v[i] - 1)] = s->v[i];
	free(s->v);
	*s = big;
}

/* is it new? */
static bool
add(struct set *s, uint32_t code)
{
	size_t i;

	if (s->n * 2 >= s->size)
		grow(s);
	i = slot_of(s, code);
	if (s->v[i] != 0)
		return false;
	s->v[i] = code + 1;
	s->n++;
	return true;
}

/* the character at *i, which goes on behind it: ASCII as it is, others as a
 * number over it */
static uint32_t
next_char(struct slice s, size_t *i)
{
	unsigned char c = (unsigned char)s.p[(*i)++];
	int more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	uint32_t v = c;

	for (; more > 0 && *i < s.n &&
	    ((unsigned char)s.p[*i] & 0xc0) == 0x80; more--)
		v = v << 8 | (unsigned char)s.p[(*i)++];
	return v;
}

static uint32_t
code_of(const uint32_t c[3])
{
	uint64_t h;

	if ((c[0] | c[1] | c[2]) < 0x80)
		return c[0] << 14 | c[1] << 7 | c[2];
	h = c[0] * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 31 ^ c[1]) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 29 ^ c[2]) * 0x94d049bb133111ebu;
	return HASHED | (uint32_t)(h >> 36);
}

static void
put(struct str *out, uint32_t code, const char *before, const char *behind)
{
	uint64_t word = code * 0x5851f42d4c957f2du;
	int bits;

	str_adds(out, before);
	for (bits = 28; bits >= 0; bits -= 7)
		str_addc(out, (char)(0x80 | (word >> bits & 0x7f)));
	str_adds(out, behind);
}

void
fts_grams(struct slice text, struct str *out)
{
	struct set set = { 0 };
	uint32_t c[3] = { 0 }, code;
	size_t i = 0, n;

	for (n = 0; i < text.n; n++) {
		c[0] = c[1];
		c[1] = c[2];
		c[2] = next_char(text, &i);
		if (n < 2)
			continue;
		code = code_of(c);
		if (add(&set, code))
			put(out, code, "", " ");
	}
	free(set.v);
}

int
fts_query(struct slice term, struct str *out)
{
	uint32_t c[3] = { 0 };
	size_t i, n, chars = 0, step;

	for (i = 0; i < term.n; chars++)
		(void)next_char(term, &i);
	if (chars < 3 || !utf8_valid(term))
		return 0;
	step = (chars - 3) / FTS_GRAMS_MAX + 1;
	for (i = n = 0; i < term.n; n++) {
		c[0] = c[1];
		c[1] = c[2];
		c[2] = next_char(term, &i);
		if (n >= 2 && (n - 2) % step == 0)
			put(out, code_of(c), n == 2 ? "\"" : " AND \"", "\"");
	}
	return 1;
}
