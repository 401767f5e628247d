/*
 * decode.c - transfer encodings.  The state between two chunks is the
 * decoder's: up to three base64 digits, or what quoted-printable holds back
 * since only what follows says what it is (blanks, a CR, "=", "=4").
 */
#include "mime/decode.h"

enum { CHUNK = 32768 };

enum { BAD = -1, WHITE = -2, PAD = -3 };

enum mime_encoding
mime_encoding_of(struct slice value)
{
	static const struct { const char *name; enum mime_encoding e; } t[] = {
		{ "7bit", MIME_7BIT }, { "8bit", MIME_8BIT },
		{ "base64", MIME_BASE64 }, { "quoted-printable", MIME_QP },
		{ "binary", MIME_BINARY }, { "7-bit", MIME_7BIT },
		{ "8-bit", MIME_8BIT },
	};
	struct slice token, s = slice_trim(value);
	struct mime_params none;
	size_t i;

	if (s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = slice_sub(s, 1, s.n - 2);
	/* a comment, or a stray semicolon */
	if (!mime_param_parse(s, 0, NULL, &token, NULL, &none))
		return s.n > 0 ? MIME_UNKNOWN_CTE : MIME_7BIT;
	for (i = 0; i < ARRAY_LEN(t); i++)
		if (slice_ieqz(token, t[i].name))
			return t[i].e;
	return MIME_UNKNOWN_CTE;
}

bool
mime_decodable(enum mime_encoding e)
{
	return e != MIME_UNKNOWN_CTE;
}

void
mime_decode_init(struct mime_decoder *d, enum mime_encoding e, bool crlf)
{
	d->encoding = e;
	d->crlf = crlf;
	d->bad = e == MIME_UNKNOWN_CTE;
	d->cr = d->done = false;
	d->bits = 0;
	d->n = 0;
}

/* ---- base64 ------------------------------------------------------------ */

#define B BAD
static const signed char digit[256] = {
	B, B, B, B, B, B, B, B, B, WHITE, WHITE, B, B, WHITE, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	WHITE, B, B, B, B, B, B, B, B, B, B, 62, B, B, B, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, B, B, B, PAD, B, B,
	B, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, B, B, B, B, B,
	B, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
};
#undef B

/* the octets of 2 or 3 digits without their padding */
static char *
short_group(struct mime_decoder *d, char *to)
{
	uint32_t v = d->bits << (6 * (4 - d->n));

	if (d->n >= 2)
		*to++ = (char)(v >> 16);
	if (d->n == 3)
		*to++ = (char)(v >> 8);
	d->n = 0;
	d->bits = 0;
	return to;
}

/* one octet of base64; once done, bits is how much padding is to come */
static char *
b64_octet(struct mime_decoder *d, int v, char *to)
{
	unsigned pads;

	if (v == WHITE)
		return to;
	if (v == BAD) {
		d->bad = true;
		return to;
	}
	if (v == PAD && d->done) {
		d->bad |= d->bits == 0;
		d->bits -= d->bits > 0;
		return to;
	}
	if (v == PAD) {
		d->bad |= d->n < 2;
		pads = d->n == 2 ? 1 : 0;
		to = short_group(d, to);
		d->done = true;
		d->bits = pads;
		return to;
	}
	if (d->done) {		/* more after the end: another one's */
		d->bad = true;
		d->done = false;
		d->bits = 0;
	}
	d->bits = d->bits << 6 | (uint32_t)v;
	if (++d->n < 4)
		return to;
	*to++ = (char)(d->bits >> 16);
	*to++ = (char)(d->bits >> 8);
	*to++ = (char)d->bits;
	d->n = 0;
	d->bits = 0;
	return to;
}

static void
b64(struct mime_decoder *d, struct slice in, struct str *out)
{
	const unsigned char *p = (const unsigned char *)in.p, *e = p + in.n;
	int a, b, c, f;
	char *to;

	str_grow(out, in.n / 4 * 3 + 6);
	to = out->s + out->len;
	while (p < e) {
		while (d->n == 0 && !d->done && e - p >= 4) {
			a = digit[p[0]];
			b = digit[p[1]];
			c = digit[p[2]];
			f = digit[p[3]];
			if ((a | b | c | f) < 0)
				break;
			*to++ = (char)(a << 2 | b >> 4);
			*to++ = (char)(b << 4 | c >> 2);
			*to++ = (char)(c << 6 | f);
			p += 4;
		}
		if (p < e)
			to = b64_octet(d, digit[*p++], to);
	}
	out->len = (size_t)(to - out->s);
	*to = '\0';
}

static void
b64_end(struct mime_decoder *d, struct str *out)
{
	char b[2];

	if (d->n > 0 || (d->done && d->bits > 0))
		d->bad = true;
	if (!d->done)
		str_add(out, b, (size_t)(short_group(d, b) - b));
}

/* ---- quoted-printable -------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
line_end(struct mime_decoder *d, struct str *out)
{
	if (d->crlf)
		str_addc(out, '\r');
	str_addc(out, '\n');
}

static void
flush(struct mime_decoder *d, struct str *out)
{
	str_add(out, d->hold, d->n);
	d->n = 0;
}

/* An octet behind a "=" that is held: true where it was taken. */
static bool
qp_escape(struct mime_decoder *d, char c, struct str *out)
{
	bool hex = d->n == 2 && hex_digit(d->hold[1]) >= 0;

	if (c == '\n' && !hex) {		/* a soft line break */
		d->n = 0;
		return true;
	}
	if (hex && hex_digit(c) >= 0) {
		str_addc(out, (char)(hex_digit(d->hold[1]) << 4 |
		    hex_digit(c)));
		d->n = 0;
		return true;
	}
	if ((is_blank(c) && !hex && d->n < MIME_BLANKS_MAX) ||
	    (d->n == 1 && hex_digit(c) >= 0)) {
		d->hold[d->n++] = c;
		return true;
	}
	d->bad = true;
	flush(d, out);
	return false;
}

static void
qp_octet(struct mime_decoder *d, char c, struct str *out)
{
	if (d->n > 0 && d->hold[0] == '=' && qp_escape(d, c, out))
		return;
	if (c == '\n') {
		d->n = 0;	/* blanks at a line's end are nobody's */
		line_end(d, out);
		return;
	}
	if (!is_blank(c) || d->n == MIME_BLANKS_MAX)
		flush(d, out);
	if (is_blank(c) || c == '=')
		d->hold[d->n++] = c;
	else
		str_addc(out, c);
}

/* octets at s that stand for themselves: blanks with something behind, too */
static size_t
qp_literal(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c > ' ' && c != '=')
			continue;
		if (c == '=' || c == '\n' || c == '\r')
			break;
		if (ascii_isblank(c) && (i + 1 == s.n ||
		    is_blank(s.p[i + 1]) || s.p[i + 1] == '\n'))
			break;
	}
	return i;
}

static void
qp(struct mime_decoder *d, struct slice in, struct str *out)
{
	size_t i = 0, k;

	str_grow(out, in.n + MIME_BLANKS_MAX);
	while (i < in.n) {
		k = d->n == 0 ? qp_literal(slice_sub(in, i, in.n)) : 0;
		str_add(out, in.p + i, k);
		i += k;
		if (i < in.n)
			qp_octet(d, in.p[i++], out);
	}
}

static void
qp_end(struct mime_decoder *d, struct str *out)
{
	if (d->n == 2 && d->hold[0] == '=' && hex_digit(d->hold[1]) >= 0) {
		d->bad = true;
		flush(d, out);
	}
	d->n = 0;
}

/* ---- all --------------------------------------------------------------- */

/* line ends as they are wanted; cr: the last octet was a CR, which is not
 * written yet where LF is wanted */
static void
identity(struct mime_decoder *d, struct slice in, struct str *out)
{
	struct slice s = in;
	size_t k;
	bool lf;

	for (; s.n > 0; s = slice_sub(s, k + lf, s.n)) {
		if (d->cr && !d->crlf && s.p[0] != '\n')
			str_addc(out, '\r');
		k = slice_find(s, '\n');
		lf = k < s.n;
		if (k > 0)
			d->cr = s.p[k - 1] == '\r';
		str_add(out, s.p, k - (k > 0 && d->cr && !d->crlf));
		if (!lf)
			break;
		if (d->crlf && !d->cr)
			str_addc(out, '\r');
		str_addc(out, '\n');
		d->cr = false;
	}
}

void
mime_decode(struct mime_decoder *d, struct slice in, struct str *out)
{
	if (in.n == 0)
		return;
	if (d->encoding == MIME_BASE64)
		b64(d, in, out);
	else if (d->encoding == MIME_QP)
		qp(d, in, out);
	else
		identity(d, in, out);
}

void
mime_decode_end(struct mime_decoder *d, struct str *out)
{
	if (d->encoding == MIME_BASE64)
		b64_end(d, out);
	else if (d->encoding == MIME_QP)
		qp_end(d, out);
	else if (d->cr && !d->crlf)
		str_addc(out, '\r');
}

/* the next chunk of the body at *rest: 1, or 0 when all was given */
static int
next_chunk(struct mime_decoder *d, struct slice *rest, struct str *out)
{
	struct slice in = slice_sub(*rest, 0, CHUNK);

	if (rest->p == NULL)
		return 0;
	mime_decode(d, in, out);
	*rest = slice_sub(*rest, in.n, rest->n);
	if (rest->n == 0) {
		mime_decode_end(d, out);
		*rest = SLICE_NULL;
	}
	return 1;
}

int
mime_decoded_size(struct slice msg, const struct mime_part *p,
    uint64_t *size_r)
{
	struct slice rest = mime_range(msg, p->body, p->end);
	struct str buf = STR_INIT;
	struct mime_decoder d;

	if (!mime_decodable(p->encoding))
		return 0;
	*size_r = 0;
	mime_decode_init(&d, p->encoding, true);
	while (next_chunk(&d, &rest, &buf)) {
		*size_r += buf.len;
		str_reset(&buf);
	}
	str_free(&buf);
	return 1;
}

int
mime_decode_part(struct slice msg, const struct mime_part *p, uint64_t from,
    uint64_t n, struct str *out)
{
	struct slice rest = mime_range(msg, p->body, p->end), got;
	size_t keep = out->len;
	struct str buf = STR_INIT;
	struct mime_decoder d;

	mime_decode_init(&d, p->encoding, true);
	while (n > 0 && !d.bad && next_chunk(&d, &rest, &buf)) {
		got = slice_sub(slice_str(&buf), MIN(from, buf.len), buf.len);
		from -= MIN(from, buf.len);
		got.n = MIN(got.n, n);
		str_addsl(out, got);
		n -= got.n;
		str_reset(&buf);
	}
	str_free(&buf);
	if (d.bad)
		str_trunc(out, keep);
	return !d.bad;
}
