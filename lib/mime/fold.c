/*
 * fold.c - i;unicode-casemap (RFC 5051) by tables made from libunistring's,
 * one page of 256 characters when its first character comes by.
 */
#include <unicase.h>
#include <uninorm.h>

#include "mime/impl.h"
#include "mime/text.h"

enum {
	PAGE = 256,
	PAGES = 0x110000 / PAGE,
	DEPTH = 16,		/* of decompositions; Unicode needs 4 */
};

struct page {
	uint32_t at[PAGE];	/* in the pool: length, octets; 0: itself */
};

static struct page *pages[PAGES];
static struct page same;	/* where no character changes */
static struct str pool = STR_INIT;

/* what is left of cp when nothing changes any more */
static void
expand(ucs4_t cp, unsigned depth, struct str *out)
{
	ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH], title = uc_totitle(cp);
	int n = 0, tag, i;

	/* Hangul decomposes by rule, not by UnicodeData.txt */
	if (title < 0xac00 || title > 0xd7a3)
		n = uc_decomposition(title, &tag, parts);
	if (depth == DEPTH || (n <= 0 && title == cp)) {
		mime_utf8_put(title, out);
		return;
	}
	if (n <= 0) {
		expand(title, depth + 1, out);
		return;
	}
	for (i = 0; i < n; i++)
		expand(parts[i], depth + 1, out);
}

static struct page *
make_page(uint32_t number)
{
	struct str form = STR_INIT, self = STR_INIT;
	struct page *page = NULL;
	uint32_t i, cp;

	for (i = 0; i < PAGE; i++) {
		cp = number * PAGE + i;
		str_reset(&form);
		str_reset(&self);
		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		expand(cp, 0, &form);
		mime_utf8_put(cp, &self);
		if (slice_eq(slice_str(&form), slice_str(&self)) ||
		    form.len > UCHAR_MAX)
			continue;
		if (page == NULL)
			page = xcalloc(1, sizeof(*page));
		if (pool.len == 0)
			str_addc(&pool, '\0');
		page->at[i] = (uint32_t)pool.len;
		str_addc(&pool, (char)form.len);
		str_addsl(&pool, slice_str(&form));
	}
	str_free(&form);
	str_free(&self);
	pages[number] = page != NULL ? page : &same;
	return pages[number];
}

/* one character that is not ASCII, or an octet that is none */
static size_t
fold_one(struct slice s, struct str *out)
{
	const struct page *page;
	uint32_t cp, at;
	size_t n = mime_utf8_get(s.p, s.n, &cp);

	if (n == 0) {
		str_addc(out, s.p[0]);
		return 1;
	}
	page = pages[cp / PAGE];
	if (page == NULL)
		page = make_page(cp / PAGE);
	at = page->at[cp % PAGE];
	if (at == 0)
		str_add(out, s.p, n);
	else
		str_add(out, pool.s + at + 1, (unsigned char)pool.s[at]);
	return n;
}

static void
fold_ascii(struct slice s, struct str *out)
{
	char *to;
	size_t i;

	str_grow(out, s.n);
	to = out->s + out->len;
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		to[i] = (char)(c - (((unsigned)c - 'a' < 26) << 5));
	}
	out->len += s.n;
	out->s[out->len] = '\0';
}

void
mime_fold(struct slice s, struct str *out)
{
	size_t n;

	str_grow(out, s.n);
	while (s.n > 0) {
		n = mime_ascii_run(s);
		if (n > 0)
			fold_ascii(slice_sub(s, 0, n), out);
		else
			n = fold_one(s, out);
		s = slice_sub(s, n, s.n);
	}
}

/* ---- substring search ---------------------------------------------------- */

void
mime_match_init(struct mime_match *m, struct slice needle)
{
	*m = (struct mime_match){ STR_INIT, STR_INIT };
	mime_fold(needle, &m->needle);
}

int
mime_match_feed(struct mime_match *m, struct slice piece, bool last)
{
	const struct str *n = &m->needle;
	struct str *t = &m->tail;
	size_t keep;
	int found;

	mime_fold(piece, t);
	found = n->len == 0 || (t->len >= n->len &&
	    memmem(t->s, t->len, n->s, n->len) != NULL);
	keep = last || found || n->len == 0 ? 0 : MIN(n->len - 1, t->len);
	if (keep > 0)
		memmove(t->s, t->s + t->len - keep, keep);
	str_trunc(t, keep);
	return found;
}

void
mime_match_free(struct mime_match *m)
{
	str_free(&m->needle);
	str_free(&m->tail);
}
