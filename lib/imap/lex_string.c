/*
 * lex_string.c - punctuation, lists, atoms and strings.
 */
#include "imap/lex_part.h"
#include "imap/mutf7.h"

bool
lex_is(unsigned char c, enum lex_class k)
{
	if (k == LEX_SET)
		return ascii_isdigit(c) || (c != '\0' &&
		    strchr("*:,$", c) != NULL);
	if (c <= ' ' || c >= 0x7f || strchr("(){\"\\", c) != NULL)
		return false;
	if (c == ']')
		return k != LEX_ATOM;
	if (c == '%' || c == '*')
		return k == LEX_LIST;
	return c != '+' || k != LEX_TAG;
}

bool
lex_take(struct imap_lex *l, enum lex_class k, struct slice *r)
{
	size_t n = l->pos;

	if (!imap_lex_ok(l))
		return false;
	while (n < l->line.n && lex_is((unsigned char)l->line.p[n], k))
		n++;
	*r = lex_copy(l, slice_sub(l->line, l->pos, n - l->pos));
	l->pos = n;
	return r->n > 0;
}

struct slice
lex_copy(struct imap_lex *l, struct slice s)
{
	if (s.n > 0 && s.p != NULL)
		return (struct slice){ arena_slice(l->arena, s), s.n };
	return SLICE_LIT("");
}

/* ---- punctuation -------------------------------------------------------- */

int
imap_lex_peek(const struct imap_lex *l)
{
	if (!imap_lex_ok(l) || l->pos >= l->line.n)
		return -1;
	return (unsigned char)l->line.p[l->pos];
}

bool
imap_lex_try(struct imap_lex *l, char c)
{
	if (imap_lex_peek(l) != (unsigned char)c)
		return false;
	l->pos++;
	return true;
}

bool
imap_lex_try_sp(struct imap_lex *l)
{
	size_t at = l->pos;

	if (!imap_lex_try(l, ' '))
		return false;
	if (!(l->flags & IMAP_LEX_BLANKS))
		return true;
	while (imap_lex_try(l, ' '))
		;
	if (l->pos < l->line.n)
		return true;
	l->pos = at;		/* these are for imap_lex_end */
	return false;
}

bool
imap_lex_sp(struct imap_lex *l)
{
	return imap_lex_try_sp(l) || imap_lex_expected(l, "a blank");
}

bool
imap_lex_char(struct imap_lex *l, char c)
{
	char what[8];

	snprintf(what, sizeof(what), "'%c'", c);
	return imap_lex_try(l, c) || imap_lex_expected(l, what);
}

bool
imap_lex_try_word(struct imap_lex *l, const char *word)
{
	struct slice rest;
	size_t n = strlen(word);

	if (!imap_lex_ok(l))
		return false;
	rest = slice_sub(l->line, l->pos, l->line.n);
	if (!slice_istarts(rest, word) ||
	    (rest.n > n && lex_is((unsigned char)rest.p[n], LEX_ATOM)))
		return false;
	l->pos += n;
	return true;
}

bool
imap_lex_open(struct imap_lex *l)
{
	if (!imap_lex_try(l, '('))
		return imap_lex_expected(l, "'('");
	if (l->depth >= l->limits.depth)
		return imap_lex_fail(l, IMAP_LEX_BAD, "LIMIT",
		    "more than %u parentheses in each other",
		    l->limits.depth);
	l->first |= (uint64_t)1 << l->depth;
	l->depth++;
	return true;
}

bool
imap_lex_next(struct imap_lex *l)
{
	uint64_t bit;

	if (!imap_lex_ok(l) || l->depth == 0)
		return false;
	bit = (uint64_t)1 << (l->depth - 1);
	while ((l->flags & IMAP_LEX_BLANKS) && l->pos + 1 < l->line.n &&
	    l->line.p[l->pos] == ' ' && ((l->first & bit) ||
	    l->line.p[l->pos + 1] == ' ' || l->line.p[l->pos + 1] == ')'))
		l->pos++;
	if (imap_lex_try(l, ')')) {
		l->depth--;
		return false;
	}
	if (!(l->first & bit) && !imap_lex_try_sp(l))
		return imap_lex_expected(l, "a blank or ')'");
	l->first &= ~bit;
	return imap_lex_count(l, 1);
}

/* ---- strings ------------------------------------------------------------ */

bool
imap_lex_atom(struct imap_lex *l, struct slice *r)
{
	return lex_take(l, LEX_ATOM, r) || imap_lex_expected(l, "a word");
}

/* one byte of a quoted string; false: it can not stand there */
static bool
quoted_byte(const struct imap_lex *l, unsigned char c)
{
	return c != '\0' && c != '\r' && c != '\n' &&
	    (c < 0x80 || (l->flags & (IMAP_LEX_UTF8 | IMAP_LEX_8BIT)));
}

bool
imap_lex_quoted(struct imap_lex *l, struct slice *r)
{
	const unsigned char *s;
	size_t n = 0;
	char *p;

	if (!imap_lex_try(l, '"'))
		return imap_lex_expected(l, "a quoted string");
	s = (const unsigned char *)l->line.p;
	for (n = l->pos; n < l->line.n && s[n] != '"'; n++)
		n += s[n] == '\\';
	p = arena_alloc(l->arena, MIN(n, l->line.n) - l->pos + 1);
	for (n = 0; l->pos < l->line.n && s[l->pos] != '"'; l->pos++) {
		if (s[l->pos] == '\\') {
			l->pos++;
			if (l->pos == l->line.n || (s[l->pos] != '"' &&
			    s[l->pos] != '\\'))
				return imap_lex_expected(l, "'\\' or '\"'");
		} else if (!quoted_byte(l, s[l->pos])) {
			return imap_lex_expected(l, "a 7-bit character");
		}
		p[n++] = (char)s[l->pos];
	}
	if (!imap_lex_try(l, '"'))
		return imap_lex_expected(l, "'\"'");
	*r = (struct slice){ p, n };
	if (!utf8_valid(*r))
		return imap_lex_fail(l, IMAP_LEX_BAD, "",
		    "a quoted string is not UTF-8");
	return true;
}

static bool
string(struct imap_lex *l, bool eight, struct slice *r)
{
	switch (imap_lex_peek(l)) {
	case '"':
		return imap_lex_quoted(l, r);
	case '{':
	case '~':
		return lex_literal(l, eight, r);
	default:
		return imap_lex_expected(l, "a string");
	}
}

bool
imap_lex_string(struct imap_lex *l, struct slice *r)
{
	return string(l, false, r);
}

bool
imap_lex_astring(struct imap_lex *l, struct slice *r)
{
	int c = imap_lex_peek(l);

	if (c == '"' || c == '{')
		return string(l, false, r);
	/* ~ starts a literal8 only before { */
	return lex_take(l, LEX_ASTRING, r) ||
	    imap_lex_expected(l, "a word or a string");
}

static bool
nstring(struct imap_lex *l, bool eight, struct slice *r)
{
	if (imap_lex_try_word(l, "NIL")) {
		*r = SLICE_NULL;
		return true;
	}
	return string(l, eight, r);
}

bool
imap_lex_nstring(struct imap_lex *l, struct slice *r)
{
	return nstring(l, false, r);
}

bool
imap_lex_nstring8(struct imap_lex *l, struct slice *r)
{
	return nstring(l, true, r);
}

bool
imap_lex_base64(struct imap_lex *l, struct slice *r)
{
	struct str out = STR_INIT;
	struct slice s;
	bool good;

	if (!imap_lex_astring(l, &s))
		return false;
	good = slice_eqz(s, "=") || base64_decode(&out, s);
	*r = lex_copy(l, slice_str(&out));
	str_wipe(&out);
	return good || imap_lex_fail(l, IMAP_LEX_BAD, "",
	    "malformed base64");
}

/* ---- mailbox names ------------------------------------------------------ */

static bool
has_control(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool
name_of(struct imap_lex *l, struct slice s, struct slice *r)
{
	struct str out = STR_INIT;
	bool good;

	if (l->flags & IMAP_LEX_UTF8) {
		good = utf8_valid(s) && !has_control(s);
		*r = s;
	} else {
		good = imap_mutf7_decode(s, &out) == 1 &&
		    !has_control(slice_str(&out));
		*r = lex_copy(l, slice_str(&out));
		str_free(&out);
	}
	return good || imap_lex_fail(l, IMAP_LEX_NO, "CANNOT",
	    "the mailbox name is not properly encoded");
}

bool
imap_lex_mailbox(struct imap_lex *l, struct slice *r)
{
	struct slice s;

	if (!imap_lex_astring(l, &s) || !name_of(l, s, r))
		return false;
	if (imap_name_is_inbox(*r))
		*r = SLICE_LIT("INBOX");
	return true;
}

bool
imap_lex_pattern(struct imap_lex *l, struct slice *r)
{
	struct slice s;
	int c = imap_lex_peek(l);
	bool good;

	if (c == '"' || c == '{')
		good = string(l, false, &s);
	else
		good = lex_take(l, LEX_LIST, &s) ||
		    imap_lex_expected(l, "a mailbox pattern");
	return good && name_of(l, s, r);
}
