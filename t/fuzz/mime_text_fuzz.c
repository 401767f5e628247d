/*
 * mime_text_fuzz.c - any bytes as a message that is searched and previewed:
 * what comes is UTF-8, its folded form folds to itself, and a word of it is
 * found again.
 */
#include "mime/preview.h"
#include "mime/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct state {
	struct mime_match match;
	bool found;
};

static int
collect(void *ctx, struct slice field UNUSED, struct slice text,
    bool last)
{
	struct str *s = ctx;

	assert(utf8_valid(text));
	str_addsl(s, text);
	if (last)
		str_addc(s, '\n');
	return 0;
}

static int
match(void *ctx, struct slice field UNUSED, struct slice text, bool last)
{
	struct state *s = ctx;

	s->found |= mime_match_feed(&s->match, text, last);
	return s->found;
}

/* the longest run between line ends: it lies in one unit */
static struct slice
longest_line(struct slice s)
{
	struct slice line, best = SLICE_LIT("");

	while (slice_cut(&s, '\n', &line))
		if (line.n > best.n)
			best = line;
	return best;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct str text = STR_INIT, once = STR_INIT, twice = STR_INIT;
	struct arena a = { 0 };
	struct mime_part *root = mime_parse(in, NULL, &a);
	struct state s = { .found = false };
	size_t i, chars = 0;

	mime_text(in, root, MIME_TEXT_ALL, collect, &text);
	mime_fold(slice_str(&text), &once);
	mime_fold(slice_str(&once), &twice);
	assert(slice_eq(slice_str(&once), slice_str(&twice)));
	mime_match_init(&s.match, longest_line(slice_str(&text)));
	mime_text(in, root, MIME_TEXT_ALL, match, &s);
	assert(s.found || text.len == 0);
	mime_match_free(&s.match);
	str_reset(&text);
	if (mime_preview(in, root, &text))
		assert(text.len > 0);
	assert(utf8_valid(slice_str(&text)));
	for (i = 0; i < text.len; i++) {
		assert((unsigned char)text.s[i] >= 0x20);
		chars += ((unsigned char)text.s[i] & 0xc0) != 0x80;
	}
	assert(chars <= MIME_PREVIEW_CHARS);
	str_reset(&once);
	mime_fold(in, &once);	/* no UTF-8, too */
	str_free(&text);
	str_free(&once);
	str_free(&twice);
	arena_free(&a);
	return 0;
}
