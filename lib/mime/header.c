/*
 * header.c - the header walker.  Each byte is looked at a constant number of
 * times; nothing is copied.
 */
#include "mime/header.h"
#include "mime/impl.h"

void
mime_scan_init(struct mime_scan *s, struct slice buf)
{
	memset(s, 0, sizeof(*s));
	s->buf = buf;
}

/* index behind the line end at or after i (buf.n: none) */
static size_t
line_after(struct slice buf, size_t i)
{
	const char *lf;

	if (i >= buf.n)
		return buf.n;
	lf = memchr(buf.p + i, '\n', buf.n - i);
	return lf != NULL ? (size_t)(lf - buf.p) + 1 : buf.n;
}

size_t
mime_field_name(struct slice line, size_t *colon_r)
{
	size_t i = 0, n;

	while (i < line.n && line.p[i] > 0x20 && line.p[i] < 0x7f &&
	    line.p[i] != ':')
		i++;
	n = i;
	while (i < line.n && ascii_isblank((unsigned char)line.p[i]))
		i++;
	if (i == line.n || line.p[i] != ':')
		return 0;
	*colon_r = i;
	return n;
}

size_t
mime_blank_line(struct slice s)
{
	if (s.n > 0 && s.p[0] == '\n')
		return 1;
	return s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n' ? 2 : 0;
}

static int
scan_end(struct mime_scan *s, size_t body)
{
	s->ended = true;
	s->body = body;
	return 0;
}

int
mime_scan_next(struct mime_scan *s, struct mime_field *f)
{
	size_t end, colon, n, blank;
	struct slice rest;

	if (s->ended)
		return 0;
	rest = slice_sub(s->buf, s->pos, s->buf.n);
	if (rest.n == 0)
		return scan_end(s, s->buf.n);
	if ((blank = mime_blank_line(rest)) > 0) {
		s->blank = true;
		return scan_end(s, s->pos + blank);
	}
	if (s->count == MIME_FIELDS_MAX) {
		s->too_many = true;
		return scan_end(s, s->pos);
	}
	end = line_after(s->buf, s->pos);
	n = mime_field_name(slice_sub(rest, 0, end - s->pos), &colon);
	if (n == 0) {
		s->malformed = true;
		return scan_end(s, s->pos);
	}
	while (end < s->buf.n &&
	    ascii_isblank((unsigned char)s->buf.p[end]))
		end = line_after(s->buf, end);
	f->offset = s->pos;
	f->raw = slice_sub(rest, 0, end - s->pos);
	f->name = slice_sub(rest, 0, n);
	f->value = slice_trim(slice_sub(f->raw, colon + 1, f->raw.n));
	s->pos = end;
	s->count++;
	return 1;
}

int
mime_find(struct slice buf, const char *name, struct mime_field *f)
{
	struct mime_scan s;

	mime_scan_init(&s, buf);
	while (mime_scan_next(&s, f))
		if (slice_ieqz(f->name, name))
			return 1;
	return 0;
}

size_t
mime_count(struct slice buf, const char *name)
{
	struct mime_field f;
	struct mime_scan s;
	size_t n = 0;

	mime_scan_init(&s, buf);
	while (mime_scan_next(&s, &f))
		n += slice_ieqz(f.name, name);
	return n;
}

size_t
mime_body_offset(struct slice buf)
{
	struct mime_field f;
	struct mime_scan s;

	mime_scan_init(&s, buf);
	while (mime_scan_next(&s, &f))
		;
	return s.body;
}

size_t
mime_hops(struct slice buf)
{
	return mime_count(buf, "Received");
}

void
mime_unfold(struct slice value, struct str *out)
{
	size_t i = 0, from;

	while (i < value.n) {
		from = i;
		while (i < value.n && value.p[i] != '\n' && value.p[i] != '\r')
			i++;
		str_add(out, value.p + from, i - from);
		if (i == value.n)
			break;
		while (i < value.n && (value.p[i] == '\n' ||
		    value.p[i] == '\r' ||
		    ascii_isblank((unsigned char)value.p[i])))
			i++;
		str_addc(out, ' ');
	}
}

/* length of the header with its empty line, looking from `from` on; 0: the
 * empty line is not there yet */
static size_t
header_length(struct slice s, size_t from)
{
	size_t i = from, n;

	if (from == 0 && (n = mime_blank_line(s)) > 0)
		return n;
	while ((i = line_after(s, i)) < s.n)
		if ((n = mime_blank_line(slice_sub(s, i, 2))) > 0)
			return i + n;
	return 0;
}

int
mime_header_load(int fd, size_t max, struct str *out, struct err *err)
{
	size_t base = out->len, have, want, len, from = 0;
	struct slice s;
	ssize_t n;

	for (;;) {
		have = out->len - base;
		want = MIN(max - have, (size_t)16384);
		if (want == 0)
			return 0;
		str_grow(out, want);
		n = pread(fd, out->s + out->len, want, (off_t)have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read the message");
		if (n == 0)
			return 1;
		out->len += (size_t)n;
		out->s[out->len] = '\0';
		s = slice_sub(slice_str(out), base, out->len);
		if ((len = header_length(s, from)) > 0) {
			str_trunc(out, base + len);
			return 1;
		}
		/* LF CR LF may lie across the cut */
		from = s.n > 2 ? s.n - 2 : 0;
	}
}
