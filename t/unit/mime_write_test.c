/* fields folded, RFC 2047 words, ids, dates read */
#include "base/clock.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/write.h"
#include "test/tap.h"

static size_t
longest(struct slice s)
{
	size_t max = 0;

	while (s.n > 0) {
		size_t n = slice_find(s, '\n');

		max = MAX(max, n);
		s = slice_sub(s, n + 1, s.n);
	}
	return max;
}

static void
check_field(void)
{
	static const struct { const char *value, *want; } t[] = {
		{ "value", "X: value\n" },
		{ "", "X:\n" },
		{ " a  b ", "X: a  b\n" },
		{ "a\r\nBcc: x", "X: a  Bcc: x\n" },
		{ "a\001b", "X: a b\n" },
	};
	struct str out = STR_INIT, in = STR_INIT, back = STR_INIT;
	struct mime_field f;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		str_reset(&out);
		mime_put_fieldz(&out, "X", t[i].value);
		is_str(out.s, t[i].want, "field %zu", i);
	}
	for (i = 0; i < 400; i++)
		str_addf(&in, "%sword%zu", i ? " " : "", i);
	str_reset(&out);
	mime_put_field(&out, "X-Long", slice_str(&in));
	ok(longest(slice_str(&out)) <= MIME_FOLD_AT, "folded at 78");
	ok(mime_find(slice_str(&out), "X-Long", &f), "reads back");
	mime_unfold(f.value, &back);
	is_str(back.s, in.s, "  as it was");
	str_reset(&in);
	for (i = 0; i < 3000; i++)
		str_adds(&in, "\xc3\xbc");
	str_reset(&out);
	mime_put_field(&out, "X", slice_str(&in));
	ok(longest(slice_str(&out)) <= MIME_LINE_MAX, "a word is broken");
	ok(utf8_valid(slice_str(&out)), "  not within a character");
	str_free(&out);
	str_free(&in);
	str_free(&back);
}

static void
check_encode(void)
{
	static const struct { const char *in, *want; } t[] = {
		{ "plain text, \"x\"", "plain text, \"x\"" },
		{ "Gr\xc3\xbc\xc3\x9f" "e aus Ulm",
		    "=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_Ulm?=" },
		{ "\xe6\x97\xa5\xe6\x9c\xac", "=?UTF-8?B?5pel5pys?=" },
		{ "a =?x?= b", "=?UTF-8?Q?a_=3D=3Fx=3F=3D_b?=" },
		{ "a bad \xff byte in it",
		    "=?UTF-8?Q?a_bad_=EF=BF=BD_byte_in_it?=" },
		{ "line\nend", "=?UTF-8?Q?line_end?=" },
		{ "", "" },
	};
	struct str out = STR_INIT, in = STR_INIT, back = STR_INIT;
	struct slice rest, w;
	size_t i, bad = 0;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		str_reset(&out);
		mime_encode_text(&out, slice_of(t[i].in));
		is_str(out.s, t[i].want, "encode %s", t[i].in);
	}
	for (i = 0; i < 200; i++)
		str_adds(&in, i % 3 ? "\xe6\x97\xa5" : "\xf0\x9f\x98\x80");
	str_reset(&out);
	mime_encode_text(&out, slice_str(&in));
	rest = slice_str(&out);
	while (slice_word(&rest, &w)) {
		struct str part = STR_INIT;

		bad += w.n > 75 || !slice_starts(w, "=?UTF-8?B?") ||
		    !base64_decode(&part, slice_sub(w, 10, w.n - 12)) ||
		    !utf8_valid(slice_str(&part));
		str_addsl(&back, slice_str(&part));
		str_free(&part);
	}
	is_int(bad, 0, "every word is short and of whole characters");
	is_str(back.s, in.s, "  together they are the text");
	str_reset(&out);
	mime_encode_phrase(&out, SLICE_LIT("a b"));
	is_str(out.s, "a b", "atoms");
	str_reset(&out);
	mime_encode_phrase(&out, SLICE_LIT(""));
	is_str(out.s, "\"\"", "an empty phrase");
	str_free(&out);
	str_free(&in);
	str_free(&back);
}

static void
check_ids(void)
{
	struct str a = STR_INIT, b = STR_INIT;

	mime_message_id(&a, "mx.example");
	mime_message_id(&b, "mx.example");
	ok(strcmp(a.s, b.s) != 0, "two ids differ");
	ok(slice_starts(slice_str(&a), "<") &&
	    slice_ends(slice_str(&a), "@mx.example>"), "  form: %s", a.s);
	str_reset(&a);
	mime_boundary(&a);
	ok(a.len == 34 && slice_starts(slice_str(&a), "=_"), "boundary");
	str_free(&a);
	str_free(&b);
}

static void
check_dates(void)
{
	static const struct { const char *in; int64_t t; int zone; } t[] = {
		{ "Thu, 01 Jan 1970 00:00:00 +0000", 0, 0 },
		{ "Sun, 22 Nov 2026 17:43:01 +0100", 1795365781, 60 },
		{ "22 Nov 2026 17:43 -0530", 1795389180, -330 },
		{ "Sun,22 Nov 2026 17:43:01 GMT", 1795369381, 0 },
		{ "Fri, 29 Feb 2024 12:00:00 EST", 1709226000, -300 },
		{ "21 Nov 97 09:55:06 -0600", 880127706, -360 },
		{ "1 jan 05 00:00:00 Z (comment (nested))", 1104537600, 0 },
		{ "1 Jan 105 00:00:00 +0000", 1104537600, 0 },
		{ "(c) Sat, 31 Dec 2016 23:59:60 +0000", 1483228800, 0 },
		{ "1 Jan 2020 00:00:00", 1577836800, 0 },
	};
	static const char *const bad[] = { "", "x", "Sun", "32 Jan 2020 0:0",
		"29 Feb 2023 00:00:00 +0000", "1 Foo 2020 00:00:00 +0000",
		"1 Jan 2020 24:00:00 +0000", "1 Jan 2020", "0 Jan 2020 1:1",
		"1 Jan 0020 00:00:00 +0000", "31 Apr 2020 00:00 +0000",
		"1 Jan 2020 00:00:61 +0000", "(1 Jan 2020 00:00:00 +0000" };
	struct str s = STR_INIT;
	int64_t r, day;
	size_t i;
	int zone, off = 0;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		is_int(mime_date_parse(slice_of(t[i].in), &r, &zone), 1,
		    "date %s", t[i].in);
		is_int(r, t[i].t, "  seconds");
		is_int(zone, t[i].zone, "  zone");
	}
	for (i = 0; i < ARRAY_LEN(bad); i++)
		is_int(mime_date_parse(slice_of(bad[i]), &r, NULL), 0,
		    "no date: %s", bad[i]);
	for (day = 0; day < 60000; day += 7) {
		str_reset(&s);
		date_5322(&s, day * 86400 + 4711);
		off += !mime_date_parse(slice_str(&s), &r, NULL) ||
		    r != day * 86400 + 4711;
	}
	is_int(off, 0, "what date_5322 writes reads back, 1970 to 2134");
	str_free(&s);
}

int
main(void)
{
	check_field();
	check_encode();
	check_ids();
	check_dates();
	return tap_done();
}
