/*
 * match.c - the pattern as a machine with a state for each place in it; all
 * states are followed at once, 64 in a word, so no name and pattern need more
 * steps than the product of their lengths.  A state s means: what is before
 * place s is matched.
 */
#include "imap/match.h"

#include "imap/mutf7.h"

int
imap_pattern_join(struct slice reference, struct slice pattern, char sep,
    struct str *out)
{
	if (reference.n > IMAP_PATTERN_MAX || pattern.n > IMAP_PATTERN_MAX ||
	    reference.n + pattern.n > IMAP_PATTERN_MAX)
		return 0;
	/* RFC 3501 section 6.3.8: "~smith/Mail/" "/usr/doc/foo" */
	if (pattern.n == 0 || sep == '\0' || pattern.p[0] != sep)
		str_addsl(out, reference);
	str_addsl(out, pattern);
	return 1;
}

enum { WORDS = IMAP_PATTERN_MAX / 64 + 1 };

struct machine {
	size_t n, words;		/* places, and words in use */
	char sep;
	uint64_t cur[WORDS];		/* states that are on */
	uint64_t wild[WORDS];		/* places of * and % */
	uint64_t star[WORDS];		/* of * */
	uint64_t is[WORDS][256];	/* of each byte */
};

static bool
wildcard(char c)
{
	return c == '*' || c == '%';
}

/* Neighbouring wildcards become one, a * if there is one among them: so what
 * follows a wildcard is none. */
static void
compile(struct machine *m, struct slice pattern)
{
	bool was_wild = false;
	size_t i;

	for (i = 0; i < pattern.n; i++) {
		unsigned char c = (unsigned char)pattern.p[i];
		size_t at = was_wild && wildcard(pattern.p[i]) ? m->n - 1 :
		    m->n++;
		uint64_t bit = (uint64_t)1 << at % 64;

		was_wild = wildcard(pattern.p[i]);
		if (!was_wild)
			m->is[at / 64][c] |= bit;
		else
			m->wild[at / 64] |= bit;
		if (c == '*')
			m->star[at / 64] |= bit;
	}
}

static void
start(struct machine *m, struct slice pattern, char sep)
{
	m->words = pattern.n / 64 + 1;
	m->n = 0;
	m->sep = sep;
	memset(m->cur, 0, m->words * sizeof(m->cur[0]));
	memset(m->wild, 0, m->words * sizeof(m->wild[0]));
	memset(m->star, 0, m->words * sizeof(m->star[0]));
	memset(m->is, 0, m->words * sizeof(m->is[0]));
	compile(m, pattern);
	m->cur[0] = 1 | (m->wild[0] & 1) << 1;
}

/* false: no state is left */
static bool
feed(struct machine *m, char c, bool fold)
{
	const uint64_t *stays = m->sep != '\0' && c == m->sep ? m->star :
	    m->wild;
	unsigned char lo = (unsigned char)c, up = lo;
	uint64_t step, next, empty, carry = 0, carry_empty = 0, all = 0;
	size_t w;

	if (fold) {
		lo = (unsigned char)ascii_lower(lo);
		up = (unsigned char)ascii_upper(lo);
	}
	for (w = 0; w < m->words; w++) {
		step = m->cur[w] & (m->is[w][lo] | m->is[w][up]);
		next = step << 1 | carry | (m->cur[w] & stays[w]);
		carry = step >> 63;
		/* a wildcard matches the empty string */
		empty = next & m->wild[w];
		next |= empty << 1 | carry_empty;
		carry_empty = empty >> 63;
		m->cur[w] = next;
		all |= next;
	}
	return all != 0;
}

/* what the states say about the name that was fed */
static bool
accepts(const struct machine *m)
{
	return m->cur[m->n / 64] >> m->n % 64 & 1;
}

/* whether something behind a separator may match */
static bool
goes_on(struct machine *m)
{
	uint64_t all = 0;
	size_t w;

	if (m->sep == '\0' || !feed(m, m->sep, false))
		return false;
	m->cur[m->n / 64] &= ~((uint64_t)1 << m->n % 64);
	for (w = 0; w < m->words; w++)
		all |= m->cur[w];
	return all != 0;
}

unsigned
imap_match(struct slice pattern, struct slice name, char sep)
{
	bool inbox = imap_name_in_inbox(name, sep);
	struct machine m;
	unsigned r = 0;
	size_t i;

	if (pattern.n > IMAP_PATTERN_MAX)
		return IMAP_MATCH_NO;
	start(&m, pattern, sep);
	for (i = 0; i < name.n; i++)
		if (!feed(&m, name.p[i], inbox && i < 5))
			return IMAP_MATCH_NO;
	if (accepts(&m))
		r |= IMAP_MATCH_YES;
	if (goes_on(&m))
		r |= IMAP_MATCH_CHILDREN;
	return r;
}

size_t
imap_match_parent(struct slice pattern, struct slice name, char sep)
{
	bool inbox = imap_name_in_inbox(name, sep);
	struct machine m;
	size_t i;

	if (pattern.n > IMAP_PATTERN_MAX || sep == '\0')
		return 0;
	start(&m, pattern, sep);
	for (i = 0; i < name.n; i++) {
		if (i > 0 && name.p[i] == sep && accepts(&m))
			return i;
		if (!feed(&m, name.p[i], inbox && i < 5))
			return 0;
	}
	return 0;
}
