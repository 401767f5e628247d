/*
 * stuff.c - the encoder: content to wire form.  Invariant: what is written
 * holds no CR without LF and no LF without CR, and a dot at the start of a
 * line is doubled, wherever the pieces were cut.
 */
#include "smtp/data.h"

void
smtp_stuff_init(struct smtp_stuff *s, unsigned flags)
{
	*s = (struct smtp_stuff){ flags, true, false };
}

static const char *
next(const char *p, const char *end, char c)
{
	const char *q = memchr(p, c, (size_t)(end - p));

	return q != NULL ? q : end;
}

static char *
put_eol(struct smtp_stuff *s, char *w)
{
	*w++ = '\r';
	*w++ = '\n';
	s->bol = true;
	return w;
}

static char *
encode(struct smtp_stuff *s, const char *p, const char *end, char *w)
{
	const char *cr = next(p, end, '\r'), *lf = next(p, end, '\n'), *stop;
	bool dots = !(s->flags & SMTP_STUFF_NODOTS);
	size_t n;

	while (p < end) {
		if (cr < p)
			cr = next(p, end, '\r');
		if (lf < p)
			lf = next(p, end, '\n');
		if (s->bol && *p == '.' && dots)
			*w++ = '.';
		stop = MIN(cr, lf);
		n = (size_t)(stop - p);
		if (n > 0) {
			memcpy(w, p, n);
			w += n;
			s->bol = false;
		}
		if (stop == end)
			break;
		p = stop + 1;
		if (stop == cr && p == end) {
			s->cr = true;
			break;
		}
		if (stop == cr && *p == '\n')
			p++;
		w = put_eol(s, w);
	}
	return w;
}

void
smtp_stuff_feed(struct smtp_stuff *s, struct slice in, struct str *out)
{
	const char *p = in.p, *end = in.p + in.n;
	size_t room;
	char *w;

	if (in.n == 0)
		return;
	/* worst: each byte a line end or a dot behind one; a held CR */
	if (mul_overflows(in.n, (size_t)2, &room))
		die("piece of %zu bytes", in.n);
	str_grow(out, room + 2);
	w = out->s + out->len;
	if (s->cr) {
		s->cr = false;
		w = put_eol(s, w);
		if (*p == '\n')
			p++;
	}
	w = encode(s, p, end, w);
	out->len = (size_t)(w - out->s);
	*w = '\0';
}

void
smtp_stuff_finish(struct smtp_stuff *s, struct str *out)
{
	if (s->cr || !s->bol)
		str_adds(out, "\r\n");
	s->cr = false;
	s->bol = true;
	if (!(s->flags & SMTP_STUFF_NODOTS))
		str_adds(out, ".\r\n");
}
