/*
 * write.c - header fields.  Whatever is given, no line that leaves here is
 * over 998 octets, no fold line is blank, and no value brings a line end or a
 * control of its own.
 */
#include "mime/write.h"

#include "base/clock.h"

/* length of a word that may stay on one line: cut before a UTF-8
 * continuation byte, never to nothing */
static size_t
cut_word(struct slice w, size_t room)
{
	size_t n = MIN(w.n, room);

	while (n < w.n && n > 1 && ((unsigned char)w.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static bool
is_gap(char c)
{
	unsigned char u = (unsigned char)c;

	return u <= 0x20 || u == 0x7f;
}

/* A word that is longer than a line can be, broken by folds. */
static size_t
put_long_word(struct str *out, struct slice w, size_t col)
{
	size_t n;

	while (col + w.n > MIME_LINE_MAX) {
		n = cut_word(w, MIME_LINE_MAX - col);
		str_add(out, w.p, n);
		str_adds(out, "\n ");
		w = slice_sub(w, n, w.n);
		col = 1;
	}
	str_addsl(out, w);
	return col + w.n;
}

void
mime_put_field(struct str *out, const char *name, struct slice value)
{
	size_t col = strlen(name) + 1, i = 0, gap, from;
	bool first = true;
	struct slice w;

	assert(col < MIME_LINE_MAX / 2);
	str_addf(out, "%s:", name);
	for (;;) {
		for (gap = 0; i < value.n && is_gap(value.p[i]); i++)
			gap++;
		for (from = i; i < value.n && !is_gap(value.p[i]); i++)
			;
		if (from == i)
			break;
		w = slice_sub(value, from, i - from);
		gap = first ? 1 : MIN(gap, (size_t)MIME_FOLD_AT / 2);
		if (!first && col + gap + w.n > MIME_FOLD_AT) {
			str_addc(out, '\n');
			col = 0;
		}
		first = false;
		str_addf(out, "%*s", (int)gap, "");
		col = put_long_word(out, w, col + gap);
	}
	str_addc(out, '\n');
}

void
mime_put_fieldz(struct str *out, const char *name, const char *value)
{
	mime_put_field(out, name, slice_of(value));
}

static void
put_random(struct str *out, size_t n)
{
	static const char set[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned char r[32];
	size_t i;

	assert(n <= sizeof(r));
	random_bytes(r, n);
	for (i = 0; i < n; i++)
		str_addc(out, set[r[i] & 31]);
}

void
mime_message_id(struct str *out, const char *host)
{
	str_addf(out, "<%llx.", (unsigned long long)wall_us());
	put_random(out, 16);
	str_addf(out, "@%s>", host);
}

void
mime_boundary(struct str *out)
{
	str_adds(out, "=_");
	put_random(out, 32);
}
