/*
 * reply_read.c - reads replies, as servers really write them.  The first
 * digit decides; the last line's code is the reply's.
 */
#include "smtp/reply.h"

void
smtp_reply_reset(struct smtp_reply *r)
{
	r->code = 0;
	r->dsn[0] = '\0';
	str_reset(&r->text);
	r->lines = 0;
	r->truncated = false;
}

void
smtp_reply_free(struct smtp_reply *r)
{
	str_free(&r->text);
	smtp_reply_reset(r);
}

/* one to three digits at s.p[*i]; *i moves behind them */
static bool
digits(struct slice s, size_t *i)
{
	size_t from = *i;

	while (*i < s.n && *i - from < 3 &&
	    ascii_isdigit((unsigned char)s.p[*i]))
		++*i;
	return *i > from;
}

size_t
smtp_dsn_parse(struct slice s, char dsn[12])
{
	size_t i = 2;

	if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5') ||
	    s.p[1] != '.')
		return 0;
	if (!digits(s, &i) || i == s.n || s.p[i] != '.')
		return 0;
	i++;
	if (!digits(s, &i))
		return 0;
	if (i < s.n && !ascii_isblank((unsigned char)s.p[i]))
		return 0;
	slice_copy(dsn, 12, slice_sub(s, 0, i));
	return i;
}

/* of ASCII, and U+0080 to U+009F, which are commands for many terminals */
static bool
is_control(struct slice s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];
	unsigned char next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0xff;

	return c < 0x20 || c == 0x7f ||
	    (c == 0xc2 && (next & 0xe0) == 0x80);
}

static void
add_text(struct smtp_reply *r, struct slice s)
{
	size_t i, room;

	if (r->lines > 1 && r->text.len < SMTP_REPLY_TEXT_MAX)
		str_addc(&r->text, '\n');
	room = SMTP_REPLY_TEXT_MAX - r->text.len;
	if (s.n > room)
		r->truncated = true;
	for (i = 0; i < s.n && i < room; i++) {
		unsigned char c = (unsigned char)s.p[i];

		str_addc(&r->text, c == '\t' ? ' ' : is_control(s, i) ? '?' :
		    (char)c);
		i += c == 0xc2 && is_control(s, i);	/* and its second */
	}
}

int
smtp_reply_line(struct smtp_reply *r, struct slice line, struct err *err)
{
	uint64_t code;
	bool more;

	while (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (!slice_u64(slice_sub(line, 0, 3), 599, &code) || code < 200 ||
	    (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return err_temp(err, "4.5.0", "not an SMTP reply: %.*s",
		    (int)MIN(line.n, 100), line.n > 0 ? line.p : "");
	if (++r->lines > SMTP_REPLY_LINES_MAX)
		return err_temp(err, "4.5.0", "reply of over %d lines",
		    SMTP_REPLY_LINES_MAX);
	more = line.n > 3 && line.p[3] == '-';
	line = slice_sub(line, 4, line.n);
	r->dsn[0] = '\0';
	smtp_dsn_parse(line, r->dsn);
	add_text(r, line);
	r->code = (int)code;
	return more ? 0 : 1;
}
