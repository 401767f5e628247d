/*
 * The decoder against a slow one written from the definition, for every
 * short string over the bytes that matter and every way to cut it in two;
 * the encoder against the decoder.
 */
#include "smtp/data.h"
#include "test/tap.h"

struct want {
	struct str out;
	bool ended;
	size_t used;
	unsigned bare_cr, bare_lf, nul;
};

static void
stray(struct want *w, char c, unsigned flags)
{
	*(c == '\r' ? &w->bare_cr : &w->bare_lf) += 1;
	str_addc(&w->out, flags & SMTP_DATA_NORMALIZE ? '\n' : c);
}

/* the definition, on the whole input at once */
static void
slow(struct slice in, unsigned flags, struct want *w)
{
	bool start = true, dots = !(flags & SMTP_DATA_CHUNKS);
	size_t i = 0;

	while (i < in.n) {
		struct slice rest = slice_sub(in, i, in.n);

		if (start && dots && slice_starts(rest, ".\r\n")) {
			w->ended = true;
			i += 3;
			break;
		}
		if (start && dots && rest.p[0] == '.') {
			start = false;
			i++;
			continue;
		}
		start = false;
		if (slice_starts(rest, "\r\n")) {
			str_addc(&w->out, '\n');
			start = true;
			i++;
		} else if (rest.p[0] == '\r' && rest.n > 1) {
			stray(w, '\r', flags);
		} else if (rest.p[0] == '\n') {
			stray(w, '\n', flags);
		} else if (rest.p[0] != '\r') {
			str_addc(&w->out, rest.p[0]);
		}
		i++;
	}
	w->used = i;
	for (i = 0; i < w->used; i++)
		w->nul += in.p[i] == '\0';
}

static bool
same(struct slice in, size_t cut, unsigned flags, const struct want *w)
{
	struct str out = STR_INIT;
	struct smtp_data d;
	size_t used, all;
	uint64_t lf = 0, i;
	bool good;
	int rc;

	smtp_data_init(&d, flags);
	rc = smtp_data_feed(&d, slice_sub(in, 0, cut), &out, &all);
	if (rc == 0) {
		rc = smtp_data_feed(&d, slice_sub(in, cut, in.n), &out, &used);
		all += used;
	}
	for (i = 0; i < out.len; i++)
		lf += out.s[i] == '\n';
	good = rc == w->ended && all == w->used &&
	    slice_eq(slice_str(&out), slice_str(&w->out)) &&
	    d.bare_cr == w->bare_cr && d.bare_lf == w->bare_lf &&
	    d.nul == w->nul && d.lines == lf && d.bytes == out.len + lf;
	str_free(&out);
	return good;
}

static void
check_all(unsigned flags, const char *name)
{
	static const char set[] = { '.', '\r', '\n', 'a', '\0' };
	enum { LEN = 7 };
	size_t count = 1, i, j, n, cut, bad = 0;
	char buf[LEN];

	for (i = 0; i < LEN; i++)
		count *= sizeof(set);
	for (i = 0; i < count; i++) {
		struct want w = { STR_INIT, false, 0, 0, 0, 0 };
		struct slice in = { buf, LEN };

		for (j = 0, n = i; j < LEN; j++, n /= sizeof(set))
			buf[j] = set[n % sizeof(set)];
		slow(in, flags, &w);
		for (cut = 0; cut <= LEN; cut++)
			bad += !same(in, cut, flags, &w);
		str_free(&w.out);
	}
	is_int(bad, 0, "%s: %zu inputs of %d bytes, each cut anywhere", name,
	    count, LEN);
}

static void
check_smuggling(void)
{
	static const char *const t[] = { "a\n.\r\n", "a\n.\n", "a\r.\r",
		"a\r\n.\n", "a\r\n.\r", "a\n\r.\r\n", "a\r.\r\n",
		"a\r\n. \r\n" };
	size_t i, used;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		unsigned flags;

		for (flags = 0; flags < 2; flags++) {
			struct str out = STR_INIT;
			struct smtp_data d;

			smtp_data_init(&d, flags);
			is_int(smtp_data_feed(&d, slice_of(t[i]), &out, &used),
			    0, "pseudo end %zu, flags %u, is none", i, flags);
			str_free(&out);
		}
	}
}

static void
check_lines(void)
{
	struct str in = STR_INIT, out = STR_INIT;
	struct smtp_data d;
	size_t i, used;

	for (i = 0; i < 1200; i++)
		str_addc(&in, 'x');
	str_adds(&in, "\r\n..\r\n.\r\nQUIT\r\n");
	smtp_data_init(&d, 0);
	for (i = 0; i < in.len && !d.ended; i += used)
		smtp_data_feed(&d, slice_sub(slice_str(&in), i, 100), &out,
		    &used);
	ok(d.ended, "the end is found");
	is_int(in.len - i, 6, "what is behind it is left alone");
	is_int(d.longest, 1200, "longest line");
	is_int(d.lines, 2, "lines");
	is_int(d.bytes, 1202 + 3, "octets in CRLF form");
	is_int(out.len, 1201 + 2, "content");
	is_int(smtp_data_feed(&d, SLICE_LIT("x"), &out, &used), 1,
	    "behind the end nothing is taken");
	is_int(used, 0, "  at all");
	str_free(&in);
	str_free(&out);
}

static void
check_chunks(void)
{
	static const struct {
		const char *in, *want;
		unsigned flags;
		uint64_t bytes;
	} t[] = {
		{ "a\r\n.\r\nb\r\n", "a\n.\nb\n", 0, 9 },
		{ "a\r\nb", "a\nb\n", 0, 6 },
		{ "a\r", "a\r\n", 0, 4 },
		{ "a\r", "a\n", SMTP_DATA_NORMALIZE, 3 },
		{ "", "", 0, 0 },
		{ "\r", "\n", SMTP_DATA_NORMALIZE, 2 },
	};
	size_t i, used;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct str out = STR_INIT;
		struct smtp_data d;

		smtp_data_init(&d, t[i].flags | SMTP_DATA_CHUNKS);
		smtp_data_feed(&d, slice_of(t[i].in), &out, &used);
		smtp_data_finish(&d, &out);
		is_str(out.s, t[i].want, "chunk %zu", i);
		is_int(d.bytes, t[i].bytes, "  octets in CRLF form");
		str_free(&out);
	}
}

static bool
wire_clean(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r')) ||
		    (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')))
			return false;
	return true;
}

/* what the encoder should have made of in, as content */
static void
normal(struct slice in, struct str *out)
{
	size_t i;

	for (i = 0; i < in.n; i++) {
		if (in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] == '\n')
			continue;
		str_addc(out, in.p[i] == '\r' ? '\n' : in.p[i]);
	}
	if (out->len > 0 && out->s[out->len - 1] != '\n')
		str_addc(out, '\n');
}

static bool
round_trip(struct slice in, size_t cut)
{
	struct str wire = STR_INIT, back = STR_INIT, want = STR_INIT;
	struct smtp_stuff s;
	struct smtp_data d;
	size_t used = 0;
	bool good;

	smtp_stuff_init(&s, 0);
	smtp_stuff_feed(&s, slice_sub(in, 0, cut), &wire);
	smtp_stuff_feed(&s, slice_sub(in, cut, in.n), &wire);
	smtp_stuff_finish(&s, &wire);
	smtp_data_init(&d, 0);
	normal(in, &want);
	good = smtp_data_feed(&d, slice_str(&wire), &back, &used) == 1 &&
	    used == wire.len && wire_clean(slice_str(&wire)) &&
	    slice_eq(slice_str(&back), slice_str(&want));
	str_free(&wire);
	str_free(&back);
	str_free(&want);
	return good;
}

static void
check_stuff(void)
{
	static const char set[] = { '.', '\r', '\n', 'a' };
	enum { LEN = 7 };
	size_t len, i, j, n, count, cut, bad = 0;
	struct str out = STR_INIT;
	struct smtp_stuff s;
	char buf[LEN];

	for (len = 0, count = 1; len <= LEN; len++, count *= sizeof(set))
		for (i = 0; i < count; i++) {
			for (j = 0, n = i; j < len; j++, n /= sizeof(set))
				buf[j] = set[n % sizeof(set)];
			for (cut = 0; cut <= len; cut++)
				bad += !round_trip((struct slice){ buf, len },
				    cut);
		}
	is_int(bad, 0, "the decoder undoes the encoder, cut anywhere");
	smtp_stuff_init(&s, 0);
	smtp_stuff_feed(&s, SLICE_LIT("a\n.b\n..\nc"), &out);
	smtp_stuff_finish(&s, &out);
	is_str(out.s, "a\r\n..b\r\n...\r\nc\r\n.\r\n", "dots are doubled");
	str_reset(&out);
	smtp_stuff_init(&s, SMTP_STUFF_NODOTS);
	smtp_stuff_feed(&s, SLICE_LIT(".a\n"), &out);
	smtp_stuff_finish(&s, &out);
	is_str(out.s, ".a\r\n", "or not, for BDAT");
	str_free(&out);
}

int
main(void)
{
	check_all(0, "strict");
	check_all(SMTP_DATA_NORMALIZE, "normalize");
	check_all(SMTP_DATA_CHUNKS, "chunks");
	check_all(SMTP_DATA_CHUNKS | SMTP_DATA_NORMALIZE, "chunks, normalize");
	check_smuggling();
	check_lines();
	check_chunks();
	check_stuff();
	return tap_done();
}
