/*
 * preview.c - the first words.  Lines of the text are taken in order until
 * there are enough characters; what is quoted or decoration is passed over.
 */
#include "mime/impl.h"
#include "mime/preview.h"
#include "mime/text.h"

struct preview {
	struct str *out;
	size_t base;		/* of ours in out */
	size_t chars;
	size_t last, last_chars;	/* before the last line */
	size_t before, before_chars;	/* before the one before */
	bool all;		/* quotes, too */
	bool skipped;
	bool quoted;		/* a quote was */
	bool gap;		/* a blank is due */
};

static int
gather(void *ctx, struct slice field UNUSED, struct slice text,
    bool last UNUSED)
{
	struct str *s = ctx;

	str_addsl(s, slice_sub(text, 0, MIME_PREVIEW_SCAN - s->len));
	return s->len >= MIME_PREVIEW_SCAN;
}

/* what has no width, or only joins: senders of advertisements fill with it */
static bool
is_nothing(uint32_t cp)
{
	return cp == 0xad || cp == 0x34f || cp == 0x61c || cp == 0x2060 ||
	    cp == 0xfeff || (cp >= 0x200b && cp <= 0x200f) ||
	    (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x7f && cp < 0xa0);
}

static bool
is_space(uint32_t cp)
{
	return cp <= 0x20 || cp == 0xa0 || cp == 0x1680 || cp == 0x3000 ||
	    (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
	    cp == 0x2029 || cp == 0x202f || cp == 0x205f;
}

/* false: it is full */
static bool
add_line(struct preview *p, struct slice s)
{
	uint32_t cp;
	size_t n;

	p->gap = p->chars > 0;
	for (; s.n > 0; s = slice_sub(s, n, s.n)) {
		if ((n = mime_utf8_get(s.p, s.n, &cp)) == 0)
			return false;		/* cut by the scan's limit */
		if (is_nothing(cp))
			continue;
		if (is_space(cp)) {
			p->gap = p->chars > 0;
			continue;
		}
		if (p->chars + p->gap >= MIME_PREVIEW_CHARS)
			return false;
		if (p->gap)
			str_addc(p->out, ' ');
		p->chars += 1 + p->gap;
		p->gap = false;
		str_add(p->out, s.p, n);
	}
	return true;
}

/* rules and boxes: no letter, no digit */
static bool
is_decoration(struct slice s)
{
	size_t i;

	if (s.n < 3)
		return false;
	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80 ||
		    ascii_isalnum((unsigned char)s.p[i]))
			return false;
	return true;
}

static bool
is_end(struct slice line)
{
	struct slice s = slice_trim(line);

	return slice_eqz(s, "--") || (slice_starts(s, "---") &&
	    (slice_iends(s, "original message-----") ||
	    slice_iends(s, "forwarded message -----")));
}

/* A quote begins: take back "On ... wrote:", of one line or two. */
static void
drop_attribution(struct preview *p)
{
	struct slice s = slice_sub(slice_str(p->out), p->last, p->out->len);
	struct slice b = slice_sub(slice_str(p->out), p->before,
	    p->last - p->before);

	if (!slice_ends(s, ":"))
		return;
	s = slice_trim(s);
	b = slice_trim(b);
	if (p->before < p->last && !slice_starts(s, "On ") &&
	    (slice_starts(b, "On ") || slice_starts(b, "Am ") ||
	    slice_starts(b, "Le "))) {
		p->last = p->before;
		p->last_chars = p->before_chars;
	}
	str_trunc(p->out, p->last);
	p->chars = p->last_chars;
	p->before = p->last;
	p->before_chars = p->last_chars;
}

static void
lines(struct preview *p, struct slice text)
{
	struct slice line, s;

	while (slice_cut(&text, '\n', &line)) {
		s = slice_trim(line);
		if (s.n == 0)
			continue;
		if (!p->all && is_decoration(s)) {
			p->skipped = true;
			continue;
		}
		if (!p->all && is_end(line)) {
			p->skipped = true;
			return;
		}
		if (!p->all && s.p[0] == '>') {
			if (!p->quoted)
				drop_attribution(p);
			p->skipped = p->quoted = true;
			continue;
		}
		p->before = p->last;
		p->before_chars = p->last_chars;
		p->last = p->out->len;
		p->last_chars = p->chars;
		if (!add_line(p, s))
			return;
	}
}

static int
of_part(struct slice msg, const struct mime_part *part, struct str *out)
{
	struct preview p = { .out = out, .base = out->len };
	struct str text = STR_INIT;

	mime_part_text(msg, part, gather, &text);
	p.last = p.before = p.base;
	lines(&p, slice_str(&text));
	if (p.chars == 0 && p.skipped) {
		p.all = true;
		lines(&p, slice_str(&text));
	}
	str_free(&text);
	return p.chars > 0;
}

/* the next part, but none of a message within */
static const struct mime_part *
next_here(const struct mime_part *p)
{
	if (p->kind == MIME_MULTIPART)
		return p->child;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p != NULL ? p->next : NULL;
}

static int
of_type(struct slice msg, const struct mime_part *p, const char *subtype,
    struct str *out)
{
	unsigned tries = 0;

	for (; p != NULL && tries < 8; p = next_here(p)) {
		if (!mime_is(p, "text", subtype) || !mime_has_text(p) ||
		    slice_ieqz(p->disposition, "attachment"))
			continue;
		if (of_part(msg, p, out))
			return 1;
		tries++;
	}
	return 0;
}

int
mime_preview(struct slice msg, const struct mime_part *root, struct str *out)
{
	return of_type(msg, root, "plain", out) ||
	    of_type(msg, root, "html", out) ||
	    of_type(msg, root, NULL, out);
}
