/* logd_lines_test.c - bytes in any pieces become the same whole lines */
#include "../../logd/lines.h"
#include "test/tap.h"

static const struct {
	const char *name, *in, *want;
	size_t count;
} rows[] = {
	{ "nothing", "", "", 0 },
	{ "one line", "a\n", "T a\n", 1 },
	{ "three", "a\n\nb\n", "T a\nT \nT b\n", 3 },
	{ "half a line waits", "a\nb", "T a\n", 1 },
};

static void
test_rows(void)
{
	struct str out = STR_INIT;
	struct lines l;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		l.n = 0;
		str_reset(&out);
		is_int(lines_feed(&l, slice_of(rows[i].in), SLICE_LIT("T "),
		    &out), rows[i].count, "%s: count", rows[i].name);
		is_str(out.s, rows[i].want, "%s", rows[i].name);
	}
	is_int(lines_finish(&l, SLICE_LIT("T "), &out), 1, "the end of all");
	is_str(out.s, "T a\nT b\n", "ends the last line");
	is_int(lines_finish(&l, SLICE_LIT("T "), &out), 0, "once");
	str_free(&out);
}

static void
test_pieces(void)
{
	static const char in[] = "first line\nsecond\n\nfourth line\n";
	struct str whole = STR_INIT, pieces = STR_INIT;
	struct lines l = { .n = 0 };
	size_t step, i, n = sizeof(in) - 1;
	bool same = true;

	(void)lines_feed(&l, (struct slice){ in, n }, SLICE_LIT("> "),
	    &whole);
	for (step = 1; step < n; step++) {
		str_reset(&pieces);
		for (i = 0; i < n; i += step)
			(void)lines_feed(&l, slice_sub(
			    (struct slice){ in, n }, i, step),
			    SLICE_LIT("> "), &pieces);
		same = same && strcmp(whole.s, pieces.s) == 0;
	}
	ok(same, "the same in pieces of every length");
	str_free(&whole);
	str_free(&pieces);
}

static void
test_long(void)
{
	struct str in = STR_INIT, out = STR_INIT;
	struct lines l = { .n = 0 };
	struct slice rest, line;
	size_t i, longest = 0, bytes = 0;

	for (i = 0; i < 10000; i++)
		str_addc(&in, 'x');
	str_addc(&in, '\n');
	is_int(lines_feed(&l, slice_str(&in), SLICE_NULL, &out), 3,
	    "a line that is too long is cut");
	rest = slice_str(&out);
	while (slice_cut(&rest, '\n', &line)) {
		longest = MAX(longest, line.n);
		bytes += line.n;
	}
	is_int(longest, LINES_MAX - 1, "none is longer than 4096 with its end");
	is_int(bytes, 10000, "nothing is lost");
	str_free(&in);
	str_free(&out);
}

int
main(void)
{
	test_rows();
	test_pieces();
	test_long();
	return tap_done();
}
