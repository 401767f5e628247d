/*
 * address_plain.c - lists of addresses as nearly all mail has them: address,
 * <address>, Name <address> and "Name" <address>, commas between.  What is
 * read here is what the parser of address.c would make of it; at the first
 * octet that might be anything else the whole list is left to that.
 */
#include "mime/impl.h"

struct plain {
	struct slice s;
	size_t i, max;
	struct arena *a;
	struct mime_addresses *r;
};

enum { OTHER, WHITE, SPECIAL };	/* controls are special, too */

static const unsigned char class_of[256] = {
	[0 ... 0x08] = SPECIAL, [0x0b ... 0x0c] = SPECIAL,
	[0x0e ... 0x1f] = SPECIAL, [0x7f] = SPECIAL,
	[' '] = WHITE, ['\t'] = WHITE, ['\r'] = WHITE, ['\n'] = WHITE,
	['('] = SPECIAL, [')'] = SPECIAL, ['<'] = SPECIAL, ['>'] = SPECIAL,
	['['] = SPECIAL, [']'] = SPECIAL, [':'] = SPECIAL, [';'] = SPECIAL,
	['@'] = SPECIAL, ['\\'] = SPECIAL, [','] = SPECIAL, ['"'] = SPECIAL,
};

static bool
is(const struct plain *p, size_t i, unsigned class)
{
	return i < p->s.n && class_of[(unsigned char)p->s.p[i]] == class;
}

/* the octet at hand is c, and passed over */
static bool
take(struct plain *p, char c)
{
	if (p->i == p->s.n || p->s.p[p->i] != c)
		return false;
	p->i++;
	return true;
}

static void
skip_white(struct plain *p)
{
	while (is(p, p->i, WHITE))
		p->i++;
}

static size_t
word_end(const struct plain *p, size_t i)
{
	while (is(p, i, OTHER))
		i++;
	return i;
}

/* word@word */
static bool
spec(struct plain *p, struct slice *r)
{
	size_t from = p->i, at = word_end(p, from), end;

	if (at == from || at == p->s.n || p->s.p[at] != '@')
		return false;
	end = word_end(p, at + 1);
	if (end == at + 1)
		return false;
	*r = slice_sub(p->s, from, end - from);
	p->i = end;
	return true;
}

/* behind the quote: text in which nothing would be changed */
static bool
quoted(struct plain *p, struct slice *r)
{
	size_t from = p->i;
	char c = ' ', before;

	for (; p->i < p->s.n && p->s.p[p->i] != '"'; p->i++) {
		before = c;
		c = p->s.p[p->i];
		if (c == '\\' || (unsigned char)c < ' ' || c == 0x7f ||
		    (c == ' ' && before == ' '))
			return false;
	}
	*r = slice_sub(p->s, from, p->i - from);
	return c != ' ' && take(p, '"');
}

/* words with one blank between */
static bool
words(struct plain *p, struct slice *r)
{
	size_t from = p->i, end = word_end(p, from);

	while (end > from && end < p->s.n && p->s.p[end] == ' ' &&
	    is(p, end + 1, OTHER))
		end = word_end(p, end + 1);
	*r = slice_sub(p->s, from, end - from);
	p->i = end;
	return r->n > 0;
}

/* up to the < */
static bool
name(struct plain *p, struct slice *r)
{
	if (take(p, '<'))
		return true;
	if (take(p, '"') ? !quoted(p, r) : !words(p, r))
		return false;
	skip_white(p);
	return take(p, '<');
}

/* one address; the list goes on behind the next comma, or ends */
static bool
element(struct plain *p)
{
	struct mime_address m = { .name = SLICE_LIT(""),
		.group = SLICE_LIT("") };

	skip_white(p);
	if (!spec(p, &m.addr) && (!name(p, &m.name) || !spec(p, &m.addr) ||
	    !take(p, '>')))
		return false;
	m.from = (size_t)(m.addr.p - p->s.p);
	m.to = m.from + m.addr.n;
	skip_white(p);
	if (p->i < p->s.n && p->s.p[p->i] != ',')
		return false;
	if (p->r->n >= p->max) {
		p->r->truncated = true;
		return true;
	}
	m.name.p = arena_slice(p->a, m.name);
	m.addr.p = arena_slice(p->a, m.addr);
	mime_address_push(p->r, p->a, m);
	return true;
}

bool
mime_addresses_plain(struct slice value, size_t max, struct arena *a,
    struct mime_addresses *r)
{
	struct plain p = { value, 0, max, a, r };
	size_t n = r->n;

	do {
		if (!element(&p)) {
			r->n = n;
			return false;
		}
	} while (!r->truncated && take(&p, ','));
	return true;
}
