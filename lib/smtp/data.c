/*
 * data.c - the decoder of DATA and BDAT.  Invariants: the result depends on
 * the bytes, not on where they were cut; each byte is looked at a constant
 * number of times (the next CR and LF are remembered); work is done by
 * memchr and memcpy over runs.
 */
#include "smtp/data.h"

enum {
	AT_BOL,		/* behind CRLF, or at the start */
	AT_DOT,		/* behind a dot there */
	AT_DOT_CR,	/* behind dot, CR there */
	AT_CR,		/* behind a CR elsewhere */
	AT_TEXT,	/* anywhere else: also behind a bare CR or LF */
};

struct feed {
	struct smtp_data *d;
	const char *p, *end;
	const char *cr, *lf;	/* the next ones from p on, or end; stale
				 * where they are before p */
	char *w;		/* where output goes; there is room */
};

void
smtp_data_init(struct smtp_data *d, unsigned flags)
{
	memset(d, 0, sizeof(*d));
	d->flags = flags;
	d->state = AT_BOL;
}

static void
put_eol(struct feed *f)
{
	struct smtp_data *d = f->d;

	*f->w++ = '\n';
	d->lines++;
	if (d->line > d->longest)
		d->longest = d->line;
	d->line = 0;
}

/* a CR that no LF follows */
static void
put_bare_cr(struct feed *f)
{
	f->d->bare_cr++;
	if (f->d->flags & SMTP_DATA_NORMALIZE) {
		put_eol(f);
		return;
	}
	*f->w++ = '\r';
	f->d->line++;
}

static const char *
next(const struct feed *f, char c)
{
	const char *q = memchr(f->p, c, (size_t)(f->end - f->p));

	return q != NULL ? q : f->end;
}

/* state AT_TEXT: lines at full speed, until something needs a look */
static void
feed_text(struct feed *f)
{
	bool chunks = f->d->flags & SMTP_DATA_CHUNKS;

	for (;;) {
		const char *stop;
		size_t n;

		if (f->cr < f->p)
			f->cr = next(f, '\r');
		if (f->lf < f->p)
			f->lf = next(f, '\n');
		stop = MIN(f->cr, f->lf);
		n = (size_t)(stop - f->p);
		memcpy(f->w, f->p, n);
		f->w += n;
		f->d->line += n;
		f->p = stop;
		if (stop == f->end)
			return;
		f->p++;
		if (stop == f->lf) {
			f->d->bare_lf++;
			put_eol(f);
			continue;
		}
		if (f->p == f->end || *f->p != '\n') {
			f->d->state = AT_CR;
			return;
		}
		f->p++;
		put_eol(f);
		if (f->p == f->end || (*f->p == '.' && !chunks)) {
			f->d->state = AT_BOL;
			return;
		}
	}
}

/* One step of any other state.  true: the end of the data. */
static bool
feed_edge(struct feed *f)
{
	struct smtp_data *d = f->d;

	switch (d->state) {
	case AT_BOL:
		d->state = AT_TEXT;
		if (*f->p == '.' && !(d->flags & SMTP_DATA_CHUNKS)) {
			f->p++;
			d->state = AT_DOT;
		}
		break;
	case AT_DOT:
		d->state = AT_TEXT;
		if (*f->p == '\r') {
			f->p++;
			d->state = AT_DOT_CR;
		}
		break;
	case AT_DOT_CR:
	case AT_CR:
		if (*f->p != '\n') {
			put_bare_cr(f);
			d->state = AT_TEXT;
			break;
		}
		f->p++;
		if (d->state == AT_DOT_CR)
			return true;
		put_eol(f);
		d->state = AT_BOL;
		break;
	}
	return false;
}

static void
count_nul(struct smtp_data *d, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && (p = memchr(p, '\0', (size_t)(end - p))) != NULL) {
		d->nul++;
		p++;
	}
}

int
smtp_data_feed(struct smtp_data *d, struct slice in, struct str *out,
    size_t *used_r)
{
	struct feed f;
	uint64_t lines = d->lines;
	size_t made;

	*used_r = 0;
	if (d->ended)
		return 1;
	if (in.n == 0)
		return 0;
	str_grow(out, in.n + 2);
	f = (struct feed){ d, in.p, in.p + in.n, NULL, NULL,
		out->s + out->len };
	f.cr = next(&f, '\r');
	f.lf = next(&f, '\n');
	while (f.p < f.end && !d->ended) {
		if (d->state == AT_TEXT)
			feed_text(&f);
		else
			d->ended = feed_edge(&f);
	}
	made = (size_t)(f.w - (out->s + out->len));
	if (made > 0)
		d->last_lf = f.w[-1] == '\n';
	d->bytes += made + (d->lines - lines);
	if (d->line > d->longest)
		d->longest = d->line;
	out->len += made;
	*f.w = '\0';
	*used_r = (size_t)(f.p - in.p);
	count_nul(d, in.p, *used_r);
	return d->ended;
}

void
smtp_data_finish(struct smtp_data *d, struct str *out)
{
	struct feed f = { d, NULL, NULL, NULL, NULL, NULL };
	uint64_t lines = d->lines;
	size_t made;

	if (d->ended)
		return;
	d->ended = true;
	str_grow(out, 2);
	f.w = out->s + out->len;
	if (d->state == AT_CR) {
		put_bare_cr(&f);
		d->last_lf = d->flags & SMTP_DATA_NORMALIZE;
	}
	if (!d->last_lf && (d->bytes > 0 || f.w > out->s + out->len))
		put_eol(&f);
	d->last_lf = true;
	made = (size_t)(f.w - (out->s + out->len));
	d->bytes += made + (d->lines - lines);
	out->len += made;
	*f.w = '\0';
}
