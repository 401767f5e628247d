/*
 * word.c - RFC 2047 encoded words, RFC 2231 parameters.
 *
 * Encoded words that follow each other with blanks only between them are one
 * text: their octets are gathered while the charset stays, and converted
 * together, so that a character may lie across two of them.  The end of a
 * word is looked for once: `close` is the next "?=" at or behind where we
 * are, so that the time is linear.
 */
#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/impl.h"
#include "mime/word.h"

struct words {
	struct slice s;
	size_t close;		/* index of a "?=", s.n: none behind it */
	struct str bytes;	/* decoded, of the charset */
	struct slice charset;
	bool in_word;		/* the last thing was an encoded word */
	bool as_1252;		/* s is not UTF-8 */
	struct str *out;
};

struct word {
	struct slice charset, text;
	bool b64;
	size_t end;
};

/* text on one line: folds and controls are one blank each; s is UTF-8 */
static void
put_text(struct slice s, struct str *out)
{
	size_t i = 0, from;

	while (i < s.n) {
		from = i;
		while (i < s.n && (unsigned char)s.p[i] >= 0x20 &&
		    s.p[i] != 0x7f)
			i++;
		str_add(out, s.p + from, i - from);
		if (i == s.n)
			break;
		if (s.p[i] == '\r' || s.p[i] == '\n')
			while (i + 1 < s.n && (s.p[i + 1] == '\n' ||
			    s.p[i + 1] == '\r' ||
			    ascii_isblank((unsigned char)s.p[i + 1])))
				i++;
		str_addc(out, ' ');
		i++;
	}
}

static void
put_literal(struct words *w, struct slice s)
{
	struct str tmp = STR_INIT;

	if (!w->as_1252) {
		put_text(s, w->out);
		return;
	}
	mime_to_utf8(SLICE_LIT("windows-1252"), s, &tmp);
	put_text(slice_str(&tmp), w->out);
	str_free(&tmp);
}

/* the encoded words gathered so far */
static void
flush(struct words *w)
{
	struct str tmp = STR_INIT;
	struct slice s = slice_str(&w->bytes);

	if (s.n == 0)
		return;
	if (!mime_to_utf8(w->charset, s, &tmp))
		mime_utf8_guess(s, &tmp);
	put_text(slice_str(&tmp), w->out);
	str_free(&tmp);
	str_reset(&w->bytes);
}

static size_t
find_close(struct words *w, size_t from)
{
	if (w->close < from || w->close == 0) {
		for (w->close = from; w->close < w->s.n; w->close++) {
			w->close += slice_find(slice_sub(w->s, w->close,
			    w->s.n), '?');
			if (w->close + 1 < w->s.n &&
			    w->s.p[w->close + 1] == '=')
				break;
		}
		w->close = MIN(w->close, w->s.n);
	}
	return w->close;
}

/* an encoded word at i, where "=?" is: 1 or 0 */
static int
read_word(struct words *w, size_t i, struct word *r)
{
	struct slice s = slice_sub(w->s, i, MIME_WORD_MAX);
	size_t q = 2, text, end;
	char c;

	while (q < s.n && q < 80 && s.p[q] != '?' &&
	    (unsigned char)s.p[q] > ' ')
		q++;
	if (q == 2 || q + 2 >= s.n || s.p[q] != '?' || s.p[q + 2] != '?')
		return 0;
	c = (char)ascii_lower((unsigned char)s.p[q + 1]);
	if (c != 'q' && c != 'b')
		return 0;
	r->b64 = c == 'b';
	r->charset = slice_sub(s, 2, q - 2);
	r->charset.n = slice_find(r->charset, '*');
	if (!mime_charset_known(r->charset))
		return 0;
	text = i + q + 3;
	end = find_close(w, text);
	if (end >= w->s.n || end - i > MIME_WORD_MAX)
		return 0;
	r->text = slice_sub(w->s, text, end - text);
	r->end = end + 2;
	return 1;
}

/* octets written as =XX or %XX; '_' is a blank where mark is '=' */
static void
unescape(struct slice s, char mark, struct str *out)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == mark && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 &&
		    hex_digit(s.p[i + 2]) >= 0) {
			c = (char)(hex_digit(s.p[i + 1]) << 4 |
			    hex_digit(s.p[i + 2]));
			i += 2;
		} else if (c == '_' && mark == '=') {
			c = ' ';
		}
		str_addc(out, c);
	}
}

static void
add_word(struct words *w, const struct word *r)
{
	struct mime_decoder d;

	if (!slice_ieq(w->charset, r->charset))
		flush(w);
	w->charset = r->charset;
	w->in_word = true;
	if (!r->b64) {
		unescape(r->text, '=', &w->bytes);
		return;
	}
	mime_decode_init(&d, MIME_BASE64, false);
	mime_decode(&d, r->text, &w->bytes);
	mime_decode_end(&d, &w->bytes);
}

static void
add_literal(struct words *w, struct slice s, bool last)
{
	if (w->in_word && !last && slice_trim(s).n == 0)
		return;		/* blanks between two words */
	flush(w);
	put_literal(w, s);
	w->in_word = false;
}

void
mime_decode_text(struct slice value, struct str *out)
{
	struct words w = { .s = value, .bytes = STR_INIT, .out = out,
		.as_1252 = mime_ascii_run(value) < value.n &&
		    !utf8_valid(value) };
	size_t from = 0, i = 0;
	struct word r;

	for (; i < value.n; i++) {
		i += slice_find(slice_sub(value, i, value.n), '=');
		if (i + 1 >= value.n)
			break;
		if (value.p[i + 1] != '?' || !read_word(&w, i, &r))
			continue;
		add_literal(&w, slice_sub(value, from, i - from), false);
		add_word(&w, &r);
		from = r.end;
		i = from - 1;
	}
	add_literal(&w, slice_sub(value, from, value.n), true);
	str_free(&w.bytes);
}

/* ---- parameters ---------------------------------------------------------- */

struct joined {
	struct slice charset;
	struct str bytes;
	bool extended;
};

/* charset'language'text with %XX; only the first segment has the quotes */
static void
add_extended(struct joined *j, struct slice v, bool first)
{
	struct slice rest = v, charset, lang;

	j->extended = true;
	if (first && slice_cut(&rest, '\'', &charset) && rest.p != NULL &&
	    slice_cut(&rest, '\'', &lang) && rest.p != NULL) {
		j->charset = charset;
		v = rest;
	}
	unescape(v, '%', &j->bytes);
}

/* the segment with this number: 1 added, 0 there is none */
static int
add_segment(const struct mime_params *p, struct slice name, size_t number,
    struct joined *j)
{
	struct slice n, v;
	uint64_t k;
	size_t i;

	for (i = 0; i < p->n; i++) {
		n = p->v[i].name;
		v = p->v[i].value;
		if (n.n < name.n + 2 || n.p[name.n] != '*' ||
		    !slice_ieq(slice_sub(n, 0, name.n), name))
			continue;
		n = slice_sub(n, name.n + 1, n.n);
		if (slice_u64(n, 9999, &k) && k == number) {
			str_addsl(&j->bytes, v);
			return 1;
		}
		if (n.p[n.n - 1] == '*' &&
		    slice_u64(slice_sub(n, 0, n.n - 1), 9999, &k) &&
		    k == number) {
			add_extended(j, v, number == 0);
			return 1;
		}
	}
	return 0;
}

/* name* or name*0, name*1*, ...: 1, or 0 where there is none of it */
static int
join(const struct mime_params *p, struct slice name, struct joined *j)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->v[i].name.n == name.n + 1 &&
		    p->v[i].name.p[name.n] == '*' &&
		    slice_ieq(slice_sub(p->v[i].name, 0, name.n), name)) {
			add_extended(j, p->v[i].value, true);
			return 1;
		}
	for (i = 0; add_segment(p, name, i, j); i++)
		;
	return i > 0;
}

int
mime_param_decode(const struct mime_params *p, const char *name,
    struct str *out)
{
	struct joined j = { SLICE_NULL, STR_INIT, false };
	struct str tmp = STR_INIT;
	struct slice v;

	if (join(p, slice_of(name), &j)) {
		v = slice_str(&j.bytes);
		if (!j.extended) {
			mime_decode_text(v, out);
		} else {
			if (j.charset.n == 0 ||
			    !mime_to_utf8(j.charset, v, &tmp))
				mime_utf8_guess(v, &tmp);
			put_text(slice_str(&tmp), out);
		}
		str_free(&tmp);
		str_free(&j.bytes);
		return 1;
	}
	v = mime_param(p, name);
	if (v.p == NULL)
		return 0;
	mime_decode_text(v, out);
	return 1;
}

int
mime_filename(const struct mime_part *p, struct str *out)
{
	return mime_param_decode(&p->disposition_params, "filename", out) ||
	    mime_param_decode(&p->params, "name", out);
}
