/* base_test.c - strings, slices, encodings, times and sizes */
#include "base/arena.h"
#include "base/clock.h"
#include "test/tap.h"

static void
test_cut(void)
{
	struct slice rest = SLICE_LIT("a,,b,"), part;
	struct str got = STR_INIT;

	while (slice_cut(&rest, ',', &part))
		str_addf(&got, "[%.*s]", (int)part.n, part.p);
	is_str(got.s, "[a][][b][]",
	    "slice_cut gives every part, empty ones too");
	str_free(&got);
	rest = SLICE_NULL;
	ok(!slice_cut(&rest, ',', &part), "nothing is cut from nothing");
	rest = SLICE_LIT("  x \t yy\r\n");
	while (slice_word(&rest, &part))
		str_addf(&got, "[%.*s]", (int)part.n, part.p);
	is_str(got.s, "[x][yy]", "slice_word skips blanks of all kinds");
	str_free(&got);
}

static void
test_ieqz(void)
{
	static const struct { struct slice s; const char *z; bool is; } t[] = {
		{ { "Retr", 4 }, "RETR", true },
		{ { "RET", 3 }, "RETR", false },
		{ { "RETRY", 5 }, "RETR", false },
		{ { "", 0 }, "", true }, { { NULL, 0 }, "A", false },
		{ { "A", 1 }, "", false }, { { "A\0", 2 }, "A", false },
		{ { "A\0B", 3 }, "A", false }, { { "[", 1 }, "{", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++)
		ok(slice_ieqz(t[i].s, t[i].z) == t[i].is, "name %zu", i);
}

static void
test_numbers(void)
{
	static const struct { const char *text; int rc; uint64_t want; } t[] = {
		{ "0", 1, 0 }, { "18446744073709551615", 1, UINT64_MAX },
		{ "18446744073709551616", 0, 0 }, { "", 0, 0 }, { "-1", 0, 0 },
		{ " 1", 0, 0 }, { "1x", 0, 0 }, { "00012", 1, 12 },
	};
	uint64_t v;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		v = 0;
		rc = slice_u64(slice_of(t[i].text), UINT64_MAX, &v);
		ok(rc == t[i].rc && v == t[i].want, "number \"%s\"", t[i].text);
	}
	ok(!slice_u64(SLICE_LIT("11"), 10, &v), "a number over max");
}

static void
test_base64(void)
{
	static const struct {
		const char *in;
		int rc;
		const char *want;
	} t[] = {
		{ "", 1, "" }, { "Zg==", 1, "f" }, { "Zm8=", 1, "fo" },
		{ "Zm9v", 1, "foo" }, { "Zm9vYmFy", 1, "foobar" },
		{ "Zg=", 0, "" }, { "Zh==", 0, "" }, { "Zg==Zg==", 0, "" },
		{ "Z\ng=", 0, "" }, { "====", 0, "" }, { "Zm9=", 0, "" },
		{ "Zg=a", 0, "" },
	};
	struct str out = STR_INIT, back = STR_INIT;
	char bytes[256];
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		str_reset(&out);
		rc = base64_decode(&out, slice_of(t[i].in));
		ok(rc == t[i].rc && strcmp(out.s, t[i].want) == 0,
		    "base64 \"%s\"", t[i].in);
	}
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(255 - i);
	for (i = 0; i < sizeof(bytes); i++) {
		str_reset(&out);
		str_reset(&back);
		base64_encode(&out, bytes, i);
		if (!base64_decode(&back, slice_str(&out)) || back.len != i ||
		    memcmp(back.s, bytes, i) != 0)
			break;
	}
	is_int(i, sizeof(bytes), "every length comes back");
	str_free(&out);
	str_free(&back);
}

/* before a character that does not fit; what is none may be parted */
static const struct {
	const char *s;
	size_t n, want;
} cuts[] = {
	{ "abc", 3, 3 }, { "abc", 5, 3 }, { "abc", 2, 2 }, { "abc", 0, 0 },
	{ "a\xc3\xa4", 2, 1 }, { "a\xc3\xa4", 1, 1 },
	{ "a\xe2\x82\xac" "b", 3, 1 }, { "a\xe2\x82\xac" "b", 4, 4 },
	{ "\xf0\x9f\x98\x80", 3, 0 }, { "\xf0\x9f\x98\x80", 1, 0 },
	{ "\x80\x80\x80\x80\x80\x80", 5, 5 },
	{ "a\xc3" "bcd", 3, 3 }, { "\xff\xfe\xfd", 2, 2 },
};

static void
test_utf8(void)
{
	static const struct { const char *s; bool want; } t[] = {
		{ "plain", true }, { "\xc3\xa4", true }, { "\xc3", false },
		{ "\xc0\x80", false }, { "\xed\xa0\x80", false },
		{ "\xf0\x9f\x93\xa8", true }, { "\xf4\x90\x80\x80", false },
		{ "\xe2\x82", false }, { "\x80", false }, { "\xff", false },
		{ "\xe0\x9f\xbf", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++)
		ok(utf8_valid(slice_of(t[i].s)) == t[i].want, "UTF-8 %zu", i);
	ok(!utf8_valid((struct slice){ "a\0b", 3 }), "NUL is no text");
	for (i = 0; i < ARRAY_LEN(cuts); i++)
		is_int(utf8_cut(slice_of(cuts[i].s), cuts[i].n).n,
		    cuts[i].want, "cut %zu", i);
}

static void
test_units(void)
{
	static const struct { const char *s; int rc; int64_t ms; } t[] = {
		{ "90", 1, 90000 }, { "250ms", 1, 250 }, { "5m", 1, 300000 },
		{ "1w", 1, 604800000 }, { "5x", 0, 0 }, { "", 0, 0 },
		{ "99999999999999999999", 0, 0 },
		{ "9223372036854775807d", 0, 0 },
	};
	struct str out = STR_INIT;
	uint64_t size = 0;
	int64_t ms;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		ms = 0;
		rc = parse_duration(slice_of(t[i].s), &ms);
		ok(rc == t[i].rc && ms == t[i].ms, "duration \"%s\"", t[i].s);
	}
	ok(parse_size(SLICE_LIT("10M"), &size) && size == 10 << 20, "10M");
	ok(!parse_size(SLICE_LIT("99999999999999T"), &size), "size overflow");
	format_duration(&out, 7200000);
	str_addc(&out, ' ');
	format_duration(&out, 1500);
	str_addc(&out, ' ');
	format_size(&out, 64 << 10);
	is_str(out.s, "2h 1500ms 64K", "times and sizes are printed back");
	str_free(&out);
}

static void
test_arena(void)
{
	struct arena a = { 0 };
	struct strlist l = { 0 };
	char *big;
	int i;

	for (i = 0; i < 1000; i++)
		strlist_add(&l, &a, arena_printf(&a, "item %d", i));
	is_str(l.v[999], "item 999", "a list grows in its arena");
	big = arena_alloc(&a, 1 << 20);
	ok(big[0] == 0 && big[(1 << 20) - 1] == 0, "memory is zeroed");
	arena_reset(&a);
	is_int(a.total, 0, "reset gives all back");
	arena_free(&a);
}

/* a length at which the buffer is filled to its last byte */
static void
test_read_file(void)
{
	static const size_t lens[] = { 0, 1, 4095, 4096, 4097, 8193 };
	char path[200], *text;
	struct str s = STR_INIT;
	size_t i, n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/file", tap_dir());
	for (i = 0; i < ARRAY_LEN(lens); i++) {
		while (s.len < lens[i])
			str_addc(&s, 'x');
		f = fopen(path, "w");
		if (f == NULL || fwrite(s.s, 1, s.len, f) != s.len ||
		    fclose(f) != 0)
			die("%s", path);
		text = read_file(path, 10000, &n);
		ok(text != NULL && n == s.len && text[n] == '\0' &&
		    memcmp(text, s.s, n) == 0, "a file of %zu bytes", n);
		free(text);
	}
	ok(read_file(path, 8192, &n) == NULL && errno == EFBIG,
	    "a file that is too long");
	str_free(&s);
}

static void
test_hex(void)
{
	static const char good[] = "0123456789abcdefABCDEF";
	unsigned char three[3];
	int c, n = 0;

	for (c = -128; c < 256; c++)
		if (hex_digit(c) >= 0)
			n += c > 0 && strchr(good, c) != NULL ? 1 : 1000;
	is_int(n, 22, "digits of hex, and nothing else");
	ok(hex_decode(SLICE_LIT("00fFa1"), three, 3) && memcmp(three,
	    "\0\xff\xa1", 3) == 0, "hex_decode");
	ok(!hex_decode(SLICE_LIT("00fFa"), three, 3) &&
	    !hex_decode(SLICE_LIT("00fFag"), three, 3) &&
	    !hex_decode(SLICE_LIT("00fFa1"), three, 2), "... of nothing else");
	ok(hex_digit('7') == 7 && hex_digit('a') == 10 &&
	    hex_digit('F') == 15, "their values");
}

int
main(void)
{
	test_hex();
	test_read_file();
	test_cut();
	test_ieqz();
	test_numbers();
	test_base64();
	test_utf8();
	test_units();
	test_arena();
	return tap_done();
}
