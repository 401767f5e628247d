/*
 * convert.c - a message of 7 bits out of one of 8: RFC 6152 section 3, RFC
 * 2045 section 6.  Leaf parts that need it are encoded, quoted-printable where
 * they are text, else base64; whatever is around them stays as it is but for
 * their Content-Transfer-Encoding, and that of what holds them.  8-bit header
 * fields stay, too: there is no form for what nobody has declared.
 */
#include "smtp.h"

#include "mime/header.h"
#include "mime/part.h"

enum { QP_LINE = 75, BASE64_LINE = 54 /* octets in */ };

static bool
needs_encoding(struct slice s, uint64_t line_max)
{
	struct slice rest = s, line;

	if (!slice_is_ascii(s))
		return true;
	while (slice_cut(&rest, '\n', &line))
		if (line.n > line_max)
			return true;
	return false;
}

/* blanks at the end of a line, and what a gateway might take for its own */
static bool
is_plain(struct slice line, size_t i)
{
	unsigned char c = (unsigned char)line.p[i];

	if (c == ' ' || c == '\t')
		return i + 1 < line.n;
	if (c == '.' && line.n == 1)
		return false;
	return c > 0x20 && c < 0x7f && c != '=';
}

/* May a line begin so?  One that was part of a longer one must not become a
 * boundary, nor From of an mbox. */
static bool
begins(struct slice s)
{
	return !slice_starts(s, "--") && !slice_starts(s, "From ");
}

static void
quote_line(struct slice line, struct str *out)
{
	size_t i, col = 0, need;

	for (i = 0; i < line.n; i++) {
		bool plain = is_plain(line, i);

		if (col + (plain ? 1 : 3) > QP_LINE) {
			str_adds(out, "=\n");
			col = 0;
		}
		plain = plain && (col > 0 || begins(slice_sub(line, i,
		    line.n)));
		need = plain ? 1 : 3;
		if (plain)
			str_addc(out, line.p[i]);
		else
			str_addf(out, "=%02X", (unsigned char)line.p[i]);
		col += need;
	}
}

static void
quoted_printable(struct slice s, struct str *out)
{
	struct slice line;
	bool first = true;

	while (slice_cut(&s, '\n', &line)) {
		if (!first)
			str_addc(out, '\n');
		first = false;
		quote_line(line, out);
	}
}

/* RFC 2049: what is not text is octets, its line ends CRLF on the wire */
static void
base64_lines(struct slice s, struct str *out)
{
	struct str wire = STR_INIT;
	struct slice line, rest;
	bool first = true;

	while (slice_cut(&s, '\n', &line)) {
		if (!first)
			str_adds(&wire, "\r\n");
		first = false;
		str_addsl(&wire, line);
	}
	rest = slice_str(&wire);
	while (rest.n > 0) {
		base64_encode(out, rest.p, MIN(rest.n, (size_t)BASE64_LINE));
		rest = slice_sub(rest, BASE64_LINE, rest.n);
		if (rest.n > 0)
			str_addc(out, '\n');
	}
	str_free(&wire);
}

/* the header of a part, its encoding replaced; NULL: left out */
static void
put_header(struct slice header, const struct mime_part *p, const char *cte,
    struct str *out)
{
	struct mime_scan scan;
	struct mime_field f;
	bool version = false;

	mime_scan_init(&scan, header);
	while (mime_scan_next(&scan, &f) == 1) {
		version |= slice_ieqz(f.name, "MIME-Version");
		if (!slice_ieqz(f.name, "Content-Transfer-Encoding"))
			str_addsl(out, f.raw);
	}
	if (cte != NULL && p->is_message && !version) {
		str_adds(out, "MIME-Version: 1.0\n");
		if (!p->has_type)	/* RFC 1428 */
			str_adds(out, "Content-Type: text/plain; "
			    "charset=unknown-8bit\n");
	}
	if (cte != NULL)
		str_addf(out, "Content-Transfer-Encoding: %s\n", cte);
	str_addc(out, '\n');
}

/* between parts: what no reader shows */
static void
put_between(struct slice s, struct str *out)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		str_addc(out, (unsigned char)s.p[i] < 0x80 ? s.p[i] : '?');
}

static bool
is_identity(enum mime_encoding e)
{
	return e == MIME_7BIT || e == MIME_8BIT || e == MIME_BINARY;
}

static bool
is_signed(const struct mime_part *p)
{
	const struct mime_part *up;

	for (up = p->parent; up != NULL; up = up->parent)
		if (mime_is(up, "multipart", "signed"))
			return true;
	return false;
}

/* Octets that a signature covers, and parts that must not be encoded, stay
 * as they are: RFC 1847 section 2.1, RFC 2046 section 5.2. */
static bool
is_fixed(const struct mime_part *p)
{
	if (!is_identity(p->encoding) || p->opaque ||
	    slice_ieqz(p->type, "multipart"))
		return true;
	if (slice_ieqz(p->type, "message") &&
	    !slice_istarts(p->subtype, "global"))
		return true;
	return is_signed(p);
}

static int
put_leaf(struct slice msg, const struct mime_part *p, uint64_t line_max,
    struct str *out, struct err *err)
{
	struct slice header = mime_range(msg, p->begin, p->body);
	struct slice body = mime_range(msg, p->body, p->end);
	bool text = slice_ieqz(p->type, "text");

	if (!needs_encoding(body, line_max)) {
		str_addsl(out, header);
		str_addsl(out, body);
		return 0;
	}
	if (is_fixed(p))
		return err_perm(err, "5.6.3", "the message can not be encoded "
		    "for a server without 8BITMIME");
	put_header(header, p, text ? "quoted-printable" : "base64", out);
	if (text)
		quoted_printable(body, out);
	else
		base64_lines(body, out);
	return 0;
}

int
convert(struct slice msg, uint64_t line_max, struct str *out,
    struct err *err)
{
	struct arena a = { 0 };
	struct mime_part *p = mime_parse(msg, NULL, &a);
	size_t pos = 0;
	int rc = 0;

	for (; p != NULL && rc == 0; p = mime_next(p)) {
		put_between(slice_sub(msg, pos, p->begin.pos - pos), out);
		if (p->kind == MIME_LEAF) {
			rc = put_leaf(msg, p, line_max, out, err);
			pos = p->end.pos;
			continue;
		}
		if ((p->encoding == MIME_8BIT || p->encoding ==
		    MIME_BINARY) && !is_signed(p))
			put_header(mime_range(msg, p->begin, p->body), p, NULL,
			    out);
		else
			str_addsl(out, mime_range(msg, p->begin, p->body));
		pos = p->body.pos;
	}
	put_between(slice_sub(msg, pos, msg.n - pos), out);
	arena_free(&a);
	if (rc < 0)
		str_reset(out);
	return rc;
}
