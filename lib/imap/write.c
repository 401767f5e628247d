/*
 * write.c - nothing that is appended here can end a line, a string or a list
 * that it is not the end of.
 */
#include "imap/write.h"

#include "imap/lex_part.h"
#include "imap/mutf7.h"

static bool
is_atom(struct slice s, enum lex_class k)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!lex_is((unsigned char)s.p[i], k))
			return false;
	return s.n > 0 && !slice_ieqz(s, "NIL");
}

bool
imap_is_atom(struct slice s)
{
	return is_atom(s, LEX_ATOM);
}

bool
imap_is_astring_atom(struct slice s)
{
	return is_atom(s, LEX_ASTRING);
}

static bool
fits_quotes(struct slice s, bool utf8)
{
	bool eight = false;
	size_t i;

	if (s.n > IMAP_QUOTED_MAX)
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
		eight |= (unsigned char)s.p[i] >= 0x80;
	}
	return !eight || (utf8 && utf8_valid(s));
}

static void
put_quoted(struct str *out, struct slice s)
{
	size_t i, from = 0;

	str_addc(out, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\')
			continue;
		str_addsl(out, slice_sub(s, from, i - from));
		str_addc(out, '\\');
		from = i;
	}
	str_addsl(out, slice_sub(s, from, s.n));
	str_addc(out, '"');
}

void
imap_put_literal_head(struct str *out, uint64_t n, bool eight)
{
	str_addf(out, "%s{%llu}\r\n", eight ? "~" : "",
	    (unsigned long long)n);
}

void
imap_put_literal(struct str *out, struct slice s)
{
	size_t at, i;

	imap_put_literal_head(out, s.n, false);
	at = out->len;
	str_addsl(out, s);
	if (!slice_has_nul(s))
		return;
	for (i = at; i < out->len; i++)
		if (out->s[i] == '\0')
			out->s[i] = (char)0x80;
}

/* eight octets at a time: a high bit is set where one is over 127 or, behind
 * the subtractions, where one is too small or has become zero */
static bool
is_plain(struct slice s)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t w, bad = 0;
	size_t i = 0;

	for (; s.n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s.p + i, sizeof(w));
		bad |= w | (w - ones * ' ') | ((w ^ ones * '"') - ones) |
		    ((w ^ ones * '\\') - ones);
	}
	for (; i < s.n; i++)
		if (s.p[i] == '"' || s.p[i] == '\\' ||
		    !ascii_isprint((unsigned char)s.p[i]))
			return false;
	return (bad & high) == 0;
}

bool
imap_put_plain(struct str *out, struct slice s)
{
	char *p;

	if (s.n > IMAP_QUOTED_MAX || !is_plain(s))
		return false;
	str_grow(out, s.n + 2);
	p = out->s + out->len;
	*p = '"';
	if (s.n > 0)
		memcpy(p + 1, s.p, s.n);
	p[s.n + 1] = '"';
	p[s.n + 2] = '\0';
	out->len += s.n + 2;
	return true;
}

void
imap_put_string(struct str *out, struct slice s, bool utf8)
{
	if (imap_put_plain(out, s))
		return;
	if (fits_quotes(s, utf8))
		put_quoted(out, s);
	else
		imap_put_literal(out, s);
}

void
imap_put_nstring(struct str *out, struct slice s, bool utf8)
{
	if (s.p == NULL)
		str_adds(out, "NIL");
	else
		imap_put_string(out, s, utf8);
}

void
imap_put_astring(struct str *out, struct slice s, bool utf8)
{
	if (imap_is_astring_atom(s))
		str_addsl(out, s);
	else
		imap_put_string(out, s, utf8);
}

void
imap_put_string8(struct str *out, struct slice s, bool utf8)
{
	if (!slice_has_nul(s)) {
		imap_put_string(out, s, utf8);
		return;
	}
	imap_put_literal_head(out, s.n, true);
	str_addsl(out, s);
}

void
imap_put_mailbox(struct str *out, struct slice name, bool utf8)
{
	struct str m = STR_INIT;

	/* a name that is no UTF-8 can not be encoded: as it is, then */
	if (!utf8 && imap_mutf7_encode(name, &m))
		imap_put_astring(out, slice_str(&m), false);
	else
		imap_put_astring(out, name, utf8);
	str_free(&m);
}

void
imap_put_separator(struct str *out, char sep)
{
	if (sep == '\0')
		str_adds(out, "NIL");
	else
		put_quoted(out, (struct slice){ &sep, 1 });
}

void
imap_put_flags(struct str *out, unsigned system, const struct slice *keyword,
    size_t n)
{
	const char *blank = "";
	unsigned i;
	size_t k;

	str_addc(out, '(');
	for (i = 0; i < IMAP_FLAG_BITS; i++) {
		if (!(system & 1u << i))
			continue;
		str_adds(out, blank);
		str_adds(out, imap_flag_name(1u << i));
		blank = " ";
	}
	for (k = 0; k < n; k++) {
		if (!is_atom(keyword[k], LEX_ATOM))
			continue;
		str_adds(out, blank);
		str_addsl(out, keyword[k]);
		blank = " ";
	}
	str_addc(out, ')');
}

void
imap_put_text(struct str *out, const char *text)
{
	if (*text == '\0')
		text = "-";
	for (; *text != '\0'; text++)
		str_addc(out, ascii_isprint((unsigned char)*text) ? *text :
		    '?');
}

void
imap_put_status(struct str *out, struct slice tag, const char *status,
    const char *code, const char *text)
{
	str_addsl(out, tag);
	str_addc(out, ' ');
	if (status != NULL) {
		str_adds(out, status);
		str_addc(out, ' ');
	}
	if (code != NULL && *code != '\0')
		str_addf(out, "[%s] ", code);
	else if (*text == '[')		/* would be read as a code */
		str_addc(out, ' ');
	imap_put_text(out, text);
	str_adds(out, "\r\n");
}

void
imap_put_error(struct str *out, const struct imap_lex *l)
{
	const struct imap_lex_error *e = &l->error;

	switch (e->kind) {
	case IMAP_LEX_OK:
	case IMAP_LEX_GONE:
		break;
	case IMAP_LEX_NO:
		imap_put_status(out, l->tag, "NO", e->code, e->text);
		break;
	case IMAP_LEX_BAD:
		imap_put_status(out, l->tag, "BAD", e->code, e->text);
		break;
	case IMAP_LEX_BYE:
		imap_put_status(out, SLICE_LIT("*"), "BYE", e->code, e->text);
		imap_put_status(out, l->tag, "BAD", e->code, e->text);
		break;
	}
}
