/*
 * mime_charset_test.c - the charsets of more octets a character: each is
 * compared with iconv, character by character.
 */
#include <iconv.h>

#include "mime/charset_multi.h"
#include "mime/impl.h"
#include "test/tap.h"

static const char replacement[] = "\xef\xbf\xbd";

/* what iconv makes of s as a whole: true; else it is none, or not whole */
static bool
theirs(iconv_t cd, struct slice s, struct str *out)
{
	char buf[64], *in = (char *)(uintptr_t)s.p, *to = buf;
	size_t room = sizeof(buf), n = s.n;

	str_reset(out);
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &n, &to, &room) == (size_t)-1 || n > 0 ||
	    iconv(cd, NULL, NULL, &to, &room) == (size_t)-1)
		return false;
	str_add(out, buf, (size_t)(to - buf));
	return true;
}

/* Counts those of which we make something else.  more: we may know what iconv
 * does not. */
static size_t
differs(const char *charset, iconv_t cd, struct slice s, bool more)
{
	static struct str want = STR_INIT, got = STR_INIT;
	bool known = theirs(cd, s, &want), ok;

	str_reset(&got);
	mime_to_utf8(slice_of(charset), s, &got);
	if (known)
		ok = strcmp(want.s, got.s) == 0;
	else
		ok = strstr(got.s, replacement) != NULL || more;
	if (!ok) {
		tap_diag("%s: %02x %02x %02x %02x: %s, not %s", charset,
		    (unsigned char)s.p[0], s.n > 1 ? (unsigned char)s.p[1] : 0,
		    s.n > 2 ? (unsigned char)s.p[2] : 0,
		    s.n > 3 ? (unsigned char)s.p[3] : 0, got.s,
		    known ? want.s : "U+FFFD");
		return 1;
	}
	return 0;
}

/* all of one and two octets, and of three behind 0x8f */
static void
check_two(const char *charset, const char *iconv_name, bool more)
{
	iconv_t cd = iconv_open("UTF-8", iconv_name);
	size_t wrong = 0;
	unsigned a, b;
	char s[3];

	if (cd == (iconv_t)-1) {
		ok(false, "iconv has %s", iconv_name);
		return;
	}
	for (a = 1; a < 256; a++) {
		s[0] = (char)a;
		wrong += differs(charset, cd, (struct slice){ s, 1 }, false);
		for (b = 1; b < 256 && wrong < 10; b++) {
			s[0] = (char)a;
			s[1] = (char)b;
			wrong += differs(charset, cd, (struct slice){ s, 2 },
			    more);
			s[0] = '\x8f';
			s[1] = (char)a;
			s[2] = (char)b;
			if (more)
				wrong += differs(charset, cd,
				    (struct slice){ s, 3 }, false);
		}
	}
	is_int((int)wrong, 0, "%s is iconv's %s", charset, iconv_name);
	iconv_close(cd);
}

static void
check_four(void)
{
	iconv_t cd = iconv_open("UTF-8", "GB18030");
	size_t wrong = 0;
	unsigned i;
	char s[4];

	/* each of the first planes; of the others now and then one */
	for (i = 0; i < 126 * 12600 && wrong < 10; i += i < 40000 ? 1 : 97) {
		s[0] = (char)(0x81 + i / 12600);
		s[1] = (char)(0x30 + i / 1260 % 10);
		s[2] = (char)(0x81 + i / 10 % 126);
		s[3] = (char)(0x30 + i % 10);
		wrong += differs("gb18030", cd, (struct slice){ s, 4 }, false);
	}
	is_int((int)wrong, 0, "gb18030, four octets");
	iconv_close(cd);
}

static void
check_escapes(void)
{
	iconv_t cd = iconv_open("UTF-8", "ISO-2022-JP");
	struct str s = STR_INIT;
	size_t wrong = 0;
	unsigned a, b;

	for (a = 0x20; a < 0x80; a++) {
		for (b = 0x20; b < 0x80 && wrong < 10; b++) {
			str_reset(&s);
			str_addf(&s, "\x1b$B%c%c\x1b(B", (int)a, (int)b);
			wrong += differs("iso-2022-jp", cd, slice_str(&s),
			    true);
			str_reset(&s);
			str_addf(&s, "a\x1b(J%c%c\x1b(Bb", (int)a, (int)b);
			wrong += differs("iso-2022-jp", cd, slice_str(&s),
			    false);
		}
	}
	is_int((int)wrong, 0, "iso-2022-jp is iconv's");
	iconv_close(cd);
	str_free(&s);
}

/* each character, as iconv writes it, between letters */
static void
check_utf7(void)
{
	iconv_t cd = iconv_open("UTF-8", "UTF-7");
	iconv_t to7 = iconv_open("UTF-7", "UTF-32LE");
	uint32_t cp[3] = { 'a', 0, '1' };
	size_t wrong = 0, n, room;
	char buf[64], *in, *to;
	uint32_t c;

	for (c = 1; c < 0x110000 && wrong < 10; c += c < 0x10000 ? 1 : 61) {
		if (c >= 0xd800 && c < 0xe000)
			continue;
		cp[1] = c;
		in = (char *)cp;
		n = sizeof(cp);
		to = buf;
		room = sizeof(buf);
		iconv(to7, NULL, NULL, NULL, NULL);
		if (iconv(to7, &in, &n, &to, &room) == (size_t)-1)
			continue;
		iconv(to7, NULL, NULL, &to, &room);
		wrong += differs("utf-7", cd,
		    (struct slice){ buf, (size_t)(to - buf) }, false);
	}
	is_int((int)wrong, 0, "utf-7 is iconv's");
	iconv_close(cd);
	iconv_close(to7);
}

static const struct { const char *charset, *in, *want; } more[] = {
	{ "iso-2022-jp", "\x1b$B-!\x1b(B", "①" },	/* NEC's row */
	{ "cp50221", "\x1b(I6E\x1b(B", "ｶﾅ" },
	{ "iso-2022-jp-1", "\x1b$(D0!\x1b(B", "丂" },
	{ "iso-2022-jp", "\x1b$B", "" },
	{ "iso-2022-jp", "\x1b$", "\xef\xbf\xbd" },
	{ "iso-2022-jp", "\x1bX", "\xef\xbf\xbdX" },
	{ "iso-2022-jp", "\x1b$BF", "\xef\xbf\xbd" },
	{ "iso-2022-jp", "\x1b$BF|\n", "日\n" },
	{ "iso-2022-jp", "\x80", "\xef\xbf\xbd" },
	{ "euc-jp", "\xad\xa1", "①" },
	{ "big5", "\x88\x62", "Ê\xcc\x84" },	/* two characters */
	{ "big5", "\x87\x45", "\xf0\xa7\x89\xa7" },
	{ "gb18030", "\x81\x30", "\xef\xbf\xbd" },
	{ "gb18030", "\x81\x30\x41", "\xef\xbf\xbd" "0A" },
	{ "gb18030", "\x94\x39\xda\x33", "\xf0\x9f\x92\xa9" },
	{ "gb18030", "\xe3\x32\x9a\x36", "\xef\xbf\xbd" "2\xef\xbf\xbd" },
	{ "shift_jis", "\x93", "\xef\xbf\xbd" },
	{ "shift_jis", "\x93 ", "\xef\xbf\xbd " },
	{ "utf-7", "+-", "+" },
	{ "utf-7", "a+b", "a" },
	{ "utf-7", "+2D3cqQ-.", "\xf0\x9f\x92\xa9." },
	{ "utf-7", "+2D0-x", "\xef\xbf\xbdx" },	/* half of a pair */
	{ "utf-7", "+2D0", "\xef\xbf\xbd" },
	{ "utf-7", "+2D0A5A-", "\xef\xbf\xbdä" },
	{ "utf-7", "+3Kk-", "\xef\xbf\xbd" },
	{ "utf-7", "+AAA-", "\xef\xbf\xbd" },
	{ "utf-7", "~\\\xe4", "~\\\xef\xbf\xbd" },
	{ "utf-7", "+AOQ\n+AOQ!", "ä\nä!" },
	{ "utf-7", "+AOQ\xff" "AOQ", "ä\xef\xbf\xbd" "AOQ" },
	{ "utf-7", "+2D0\xff" "A", "\xef\xbf\xbd" "A" },
	{ "windows-1258", "Vi\xea\xf2t", "Việt" },
	{ "windows-1258", "a\xcc", "à" },
	{ "windows-1258", "b\xcc\xf2", "b\xcc\x80\xcc\xa3" },
	{ "windows-1258", "\x81" "a", "\xef\xbf\xbd" "a" },
};

static void
check_more(void)
{
	struct str got = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(more); i++) {
		str_reset(&got);
		mime_to_utf8(slice_of(more[i].charset), slice_of(more[i].in),
		    &got);
		is_str(got.s, more[i].want, "%s: %s", more[i].charset,
		    more[i].want);
	}
	str_reset(&got);
	mime_to_utf8(SLICE_LIT("euc-kr"), (struct slice){ "a\0b", 3 }, &got);
	is_str(got.s, "a\xef\xbf\xbd" "b", "NUL");
	str_reset(&got);
	mime_to_utf8(SLICE_LIT("utf-7"), (struct slice){ "+2D0\0b", 6 }, &got);
	is_str(got.s, "\xef\xbf\xbd\xef\xbf\xbd" "b", "half a pair, and NUL");
	str_free(&got);
}

/* cut anywhere: the same as whole */
static void
check_pieces(void)
{
	static const char *const name[] = { "gb18030", "big5", "shift_jis",
		"euc-jp", "euc-kr", "iso-2022-jp", "utf-7", "windows-1258" };
	static const char bits[] = "\x1b$B(JID@F|!a+-AOQ2D3cqQ0\x81\x8e\x8f"
	    "\xa1\xb0\xfe\xff";
	struct str whole = STR_INIT, got = STR_INIT;
	struct mime_conv c;
	size_t i, k, round, cut;
	unsigned seed = 1;
	char s[24];
	bool same;

	for (i = 0; i < ARRAY_LEN(name); i++) {
		same = true;
		for (round = 0; round < 3000 && same; round++) {
			for (k = 0; k < sizeof(s); k++) {
				seed = seed * 1103515245 + 12345;
				s[k] = bits[(seed >> 16) % (sizeof(bits) - 1)];
			}
			str_reset(&whole);
			mime_to_utf8(slice_of(name[i]),
			    (struct slice){ s, sizeof(s) }, &whole);
			cut = round % sizeof(s);
			str_reset(&got);
			mime_conv_open(&c, slice_of(name[i]));
			mime_conv_add(&c, (struct slice){ s, cut }, &got);
			for (k = cut; k < sizeof(s); k++)
				mime_conv_add(&c, (struct slice){ s + k, 1 },
				    &got);
			mime_conv_close(&c, &got);
			same = utf8_valid(slice_str(&got)) &&
			    strcmp(whole.s, got.s) == 0;
		}
		is_str(got.s, whole.s, "%s in pieces", name[i]);
	}
	str_free(&whole);
	str_free(&got);
}

int
main(void)
{
	check_two("gb18030", "GB18030", false);
	check_two("big5", "BIG5-HKSCS", false);
	check_two("shift_jis", "CP932", false);
	check_two("euc-kr", "CP949", false);
	check_two("euc-jp", "EUC-JP", true);
	check_two("windows-1258", "CP1258", false);
	check_four();
	check_escapes();
	check_utf7();
	check_more();
	check_pieces();
	return tap_done();
}
