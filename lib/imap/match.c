/*
 * match.c - the pattern as a machine with a state for each place in it; all
 * states are followed at once, so no name and pattern need more steps than
 * the product of their lengths.  A state s means: pattern[0..s) is matched.
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

struct machine {
	struct slice pattern;
	char sep;
	/* states that are on, each once, and by when */
	uint16_t list[2][IMAP_PATTERN_MAX + 1];
	size_t n[2];
	uint32_t seen[IMAP_PATTERN_MAX + 1];
	uint32_t step;
	unsigned cur;
};

/* switch s on for the coming step, and what follows it for nothing: a
 * wildcard may match the empty string */
static void
switch_on(struct machine *m, unsigned which, size_t s)
{
	for (;;) {
		if (m->seen[s] == m->step)
			return;
		m->seen[s] = m->step;
		m->list[which][m->n[which]++] = (uint16_t)s;
		if (s >= m->pattern.n || (m->pattern.p[s] != '*' &&
		    m->pattern.p[s] != '%'))
			return;
		s++;
	}
}

static void
start(struct machine *m, struct slice pattern, char sep)
{
	m->pattern = pattern;
	m->sep = sep;
	m->cur = 0;
	m->n[0] = 0;
	m->step = 1;
	memset(m->seen, 0, (pattern.n + 1) * sizeof(m->seen[0]));
	switch_on(m, 0, 0);
}

/* false: no state is left */
static bool
feed(struct machine *m, char c, bool fold)
{
	unsigned next = !m->cur;
	size_t i, s;
	char p;

	m->step++;
	m->n[next] = 0;
	for (i = 0; i < m->n[m->cur]; i++) {
		s = m->list[m->cur][i];
		if (s == m->pattern.n)
			continue;
		p = m->pattern.p[s];
		if (p == '*' || (p == '%' && (c != m->sep || c == '\0')))
			switch_on(m, next, s);
		else if (p != '%' && (p == c || (fold &&
		    ascii_lower((unsigned char)p) ==
		    ascii_lower((unsigned char)c))))
			switch_on(m, next, s + 1);
	}
	m->cur = next;
	return m->n[next] > 0;
}

/* what the states say about the name that was fed */
static bool
accepts(const struct machine *m)
{
	return m->seen[m->pattern.n] == m->step;
}

/* whether something behind a separator may match */
static bool
goes_on(struct machine *m)
{
	size_t i;

	if (m->sep == '\0' || !feed(m, m->sep, false))
		return false;
	for (i = 0; i < m->n[m->cur]; i++)
		if (m->list[m->cur][i] < m->pattern.n)
			return true;
	return false;
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
