/*
 * encode_word.c - RFC 2047.  Each encoded word is whole UTF-8 characters, at
 * most 75 octets, and holds only what may stand in a phrase too.
 */
#include "mime/address.h"
#include "mime/write.h"

/* "=?UTF-8?Q?" and "?=" of 75 */
enum { WORD_ROOM = 63, WORD_BYTES_B64 = WORD_ROOM / 4 * 3 };

static bool
is_plain(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (!ascii_isprint((unsigned char)s.p[i]))
			return false;
		if (s.p[i] == '=' && i + 1 < s.n && s.p[i + 1] == '?')
			return false;
	}
	return true;
}

/* octets of the UTF-8 character at s, or 0 where there is none */
static size_t
char_length(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n == 1)
		return 1;
	return n <= s.n && utf8_valid(slice_sub(s, 0, n)) ? n : 0;
}

/* valid UTF-8 without controls, so that what follows need not care */
static void
clean(struct str *out, struct slice s)
{
	size_t n;

	while (s.n > 0) {
		unsigned char c = (unsigned char)s.p[0];

		n = char_length(s);
		if (n == 0)
			str_adds(out, "\xef\xbf\xbd");
		else if (c < 0x20 || c == 0x7f)
			str_addc(out, ' ');
		else
			str_add(out, s.p, n);
		s = slice_sub(s, n > 0 ? n : 1, s.n);
	}
}

static bool
is_q_literal(unsigned char c)
{
	return ascii_isalnum(c) || (c != 0 && strchr("!*+-/", c) != NULL);
}

static size_t
q_length(struct slice s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		n += c == ' ' || is_q_literal(c) ? 1 : 3;
	}
	return n;
}

static void
put_q(struct str *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == ' ')
			str_addc(out, '_');
		else if (is_q_literal(c))
			str_addc(out, (char)c);
		else
			str_addf(out, "=%02X", c);
	}
}

/* as many whole characters of s as one encoded word holds */
static size_t
word_length(struct slice s, bool b64)
{
	size_t used = 0, n = 0, len, cost;

	while (n < s.n) {
		len = char_length(slice_sub(s, n, s.n));
		cost = b64 ? len : q_length(slice_sub(s, n, len));
		if (used + cost > (size_t)(b64 ? WORD_BYTES_B64 : WORD_ROOM))
			break;
		used += cost;
		n += len;
	}
	return n;
}

static void
put_words(struct str *out, struct slice text)
{
	struct str s = STR_INIT;
	struct slice rest, w;
	bool b64;

	clean(&s, text);
	rest = slice_str(&s);
	/* Q is for eyes; worth it while it is not much longer */
	b64 = q_length(rest) * 2 > (rest.n + 2) / 3 * 4 * 3;
	while (rest.n > 0) {
		w = slice_sub(rest, 0, word_length(rest, b64));
		rest = slice_sub(rest, w.n, rest.n);
		str_adds(out, b64 ? "=?UTF-8?B?" : "=?UTF-8?Q?");
		if (b64)
			base64_encode(out, w.p, w.n);
		else
			put_q(out, w);
		str_adds(out, rest.n > 0 ? "?= " : "?=");
	}
	str_free(&s);
}

void
mime_encode_text(struct str *out, struct slice text)
{
	if (is_plain(text))
		str_addsl(out, text);
	else
		put_words(out, text);
}

/* atoms with single blanks between them */
static bool
is_atoms(struct slice s)
{
	bool gap = true;
	size_t i;

	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == ' ') {
			if (gap)
				return false;
			gap = true;
			continue;
		}
		gap = false;
		if (!ascii_isalnum(c) &&
		    (c == 0 || strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL))
			return false;
	}
	return !gap;
}

void
mime_encode_phrase(struct str *out, struct slice text)
{
	size_t i;

	if (!is_plain(text)) {
		put_words(out, text);
		return;
	}
	if (is_atoms(text)) {
		str_addsl(out, text);
		return;
	}
	str_addc(out, '"');
	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			str_addc(out, '\\');
		str_addc(out, text.p[i]);
	}
	str_addc(out, '"');
}

void
mime_address_print(struct slice name, struct slice addr, struct str *out)
{
	if (name.n == 0) {
		str_addsl(out, addr);
		return;
	}
	mime_encode_phrase(out, name);
	str_adds(out, " <");
	str_addsl(out, addr);
	str_addc(out, '>');
}
