/* decoders, header text, charsets, search text, folding, HTML, previews */
#include <time.h>

#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/preview.h"
#include "mime/text.h"
#include "mime/word.h"
#include "test/tap.h"

/* ---- transfer encodings -------------------------------------------------- */

static const struct {
	enum mime_encoding e;
	const char *in, *want;
	bool bad;
} codes[] = {
	{ MIME_BASE64, "SGVsbG8=", "Hello", false },
	{ MIME_BASE64, "SGVs\nbG8=\n", "Hello", false },
	{ MIME_BASE64, "SGVs\r\n bG8h\r\n", "Hello!", false },
	{ MIME_BASE64, "", "", false },
	{ MIME_BASE64, "SGVsbG8", "Hello", true },
	{ MIME_BASE64, "SGVsb*G8=", "Hello", true },
	{ MIME_BASE64, "SGVsbA==SGVsbA==", "HellHell", true },
	{ MIME_BASE64, "SGVsbA=", "Hell", true },
	{ MIME_BASE64, "SGVsbA===", "Hell", true },
	{ MIME_BASE64, "SGVsbG8=\n-- \nfooter", "Hello~\x8a-z", true },
	{ MIME_BASE64, "====", "", true },
	{ MIME_BASE64, "S", "", true },
	{ MIME_QP, "a=3Db", "a=b", false },
	{ MIME_QP, "a=3db=C3=A4", "a=b\xc3\xa4", false },
	{ MIME_QP, "soft=\nbreak", "softbreak", false },
	{ MIME_QP, "soft= \t\r\nbreak", "softbreak", false },
	{ MIME_QP, "blanks \t \nend  ", "blanks\nend", false },
	{ MIME_QP, "blanks  in  line\r\n", "blanks  in  line\n", false },
	{ MIME_QP, "blank =20\nx", "blank  \nx", false },
	{ MIME_QP, "end=", "end", false },
	{ MIME_QP, "a=b=ZZ=", "a=b=ZZ", true },
	{ MIME_QP, "a=4", "a=4", true },
	{ MIME_QP, "a==3D", "a==", true },
	{ MIME_QP, "a\rb", "a\rb", false },
	{ MIME_QP, "8\xe4\xf6", "8\xe4\xf6", false },
	{ MIME_7BIT, "a\r\nb\nc\rd\r", "a\nb\nc\rd\r", false },
	{ MIME_8BIT, "\r\r\n\n", "\r\n\n", false },
	{ MIME_UNKNOWN_CTE, "a\n", "a\n", true },
};

/* whole, and cut at each place */
static void
check_codes(void)
{
	struct str got = STR_INIT;
	struct mime_decoder d;
	size_t i, cut;
	bool same;

	for (i = 0; i < ARRAY_LEN(codes); i++) {
		struct slice in = slice_of(codes[i].in);

		for (same = true, cut = 0; cut <= in.n && same; cut++) {
			str_reset(&got);
			mime_decode_init(&d, codes[i].e, false);
			mime_decode(&d, slice_sub(in, 0, cut), &got);
			mime_decode(&d, slice_sub(in, cut, in.n), &got);
			mime_decode_end(&d, &got);
			same = strcmp(got.s, codes[i].want) == 0;
		}
		is_str(got.s, codes[i].want, "decode %s", in.p);
		is_int(d.bad, codes[i].bad, "  whether it is clean");
	}
	str_reset(&got);
	mime_decode_init(&d, MIME_BASE64, false);
	mime_decode(&d, SLICE_LIT("AAAA/wA="), &got);
	mime_decode_end(&d, &got);
	ok(got.len == 5 && memcmp(got.s, "\0\0\0\xff\0", 5) == 0, "NULs");
	is_int(mime_encoding_of(SLICE_LIT("(x) BASE64;")), MIME_BASE64,
	    "a name with more around it");
	is_int(mime_encoding_of(SLICE_LIT("\"8bit\"")), MIME_8BIT, "quoted");
	is_int(mime_encoding_of(SLICE_LIT("x-uuencode")), MIME_UNKNOWN_CTE,
	    "unknown");
	is_int(mime_encoding_of(SLICE_LIT("")), MIME_7BIT, "empty");
	str_free(&got);
}

static void
check_binary(void)
{
	struct slice m = SLICE_LIT("Content-Transfer-Encoding: "
	    "quoted-printable\n\na=3D\nb=\nc\n"), bad = SLICE_LIT(
	    "Content-Transfer-Encoding: base64\n\nAAA*\n");
	struct arena a = { 0 };
	struct mime_part *p = mime_parse(m, NULL, &a);
	struct str got = STR_INIT;
	uint64_t size;

	ok(mime_decoded_size(m, p, &size), "BINARY.SIZE");
	is_int(size, 8, "  with CRLF");
	ok(mime_decode_part(m, p, 0, UINT64_MAX, &got), "BINARY");
	is_str(got.s, "a=\r\nbc\r\n", "  all");
	str_reset(&got);
	ok(mime_decode_part(m, p, 3, 2, &got), "BINARY<3.2>");
	is_str(got.s, "\nb", "  a part of it");
	str_reset(&got);
	ok(mime_decode_part(m, p, 99, 2, &got) && got.len == 0, "behind it");
	p = mime_parse(bad, NULL, &a);
	str_adds(&got, "x");
	ok(!mime_decode_part(bad, p, 0, 99, &got), "not clean is told");
	is_str(got.s, "x", "  and nothing was appended");
	str_free(&got);
	arena_free(&a);
}

/* ---- header text --------------------------------------------------------- */

static const struct { const char *in, *want; } words[] = {
	{ "plain text", "plain text" },
	{ "folded\n text\r\n\tmore", "folded text more" },
	{ "=?utf-8?q?caf=C3=A9_x?=", "café x" },
	{ "=?UTF-8?B?Y2Fmw6k=?= tail", "café tail" },
	{ "=?iso-8859-1?Q?a?= b", "a b" },
	{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a?=\n  =?ISO-8859-1?Q?b?=", "ab" },
	{ "=?ISO-8859-1?Q?a_?= =?ISO-8859-2?Q?b?=", "a b" },
	{ "=?utf-8?b?w6Q=?==?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ää" },
	{ "=?utf-8?B?4pw=?=\n =?UTF-8?B?kw==?=", "✓" },
	{ "=?utf-8*en?q?x?=", "x" },
	{ "=?iso-8859-1?q?=E4=80?=", "ä€" },
	{ "=?unknown-charset?q?=E4?= x", "=?unknown-charset?q?=E4?= x" },
	{ "=?utf-8?x?abc?=", "=?utf-8?x?abc?=" },
	{ "=?utf-8?q?no end", "=?utf-8?q?no end" },
	{ "=?utf-8?q?blanks in it?=", "blanks in it" },
	{ "=?utf-8?q?Really?\?= yes", "Really? yes" },
	{ "=?utf-8?q?=zz=4?=", "=zz=4" },
	{ "=?utf-8?q?\?= x", " x" },
	{ "=?utf-8?b?YQ?=", "a" },
	{ "mid=?utf-8?q?dle?=word", "middleword" },
	{ "\"=?utf-8?q?quoted?=\" <a@b>", "\"quoted\" <a@b>" },
	{ "=?utf-8?q?a=00b=0D=0AX:_y?=", "a\xef\xbf\xbd""b X: y" },
	{ "raw caf\xc3\xa9", "raw café" },
	{ "raw caf\xe9 \x80", "raw café €" },
	{ "caf\xe9 =?utf-8?q?=C3=A9?=", "café é" },
	{ "=?utf-8?q?=FF?=", "\xef\xbf\xbd" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本" },
	{ "=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=",
	    "日本" },
	{ "=?gb2312?B?1tDOxA==?=", "中文" },
	{ "=?big5?B?pKSk5Q==?=", "中文" },
	{ "=?koi8-r?B?8NLJ18XU?=", "Привет" },
	{ "=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?=", "Привет" },
	{ "=?ks_c_5601-1987?B?x9GxuQ==?=", "한국" },
	{ "=?shift_jis?B?k/qWew==?=", "日本" },
	{ "=?utf-7?Q?+AOQ-?=", "ä" },
	{ "=?default?Q?=C3=A4?=", "ä" },
	{ "tab\there \x01\x7f", "tab here   " },
	{ "=?=?=?utf-8?q?x?=", "=?=?x" },
	{ "", "" },
};

static void
check_words(void)
{
	struct str got = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		str_reset(&got);
		mime_decode_text(slice_of(words[i].in), &got);
		is_str(got.s, words[i].want, "%s", words[i].in);
		ok(utf8_valid(slice_str(&got)), "  is UTF-8");
	}
	str_free(&got);
}

static const struct { const char *in, *want; } params[] = {
	{ "a/b; name=plain", "plain" },
	{ "a/b; name=\"=?utf-8?q?caf=C3=A9?=\"", "café" },
	{ "a/b; name*=utf-8''caf%C3%A9", "café" },
	{ "a/b; name*=iso-8859-1'en'caf%E9", "café" },
	{ "a/b; name=x; name*=utf-8''y", "y" },
	{ "a/b; name*0=ca; name*1=fe", "cafe" },
	{ "a/b; name*1*=%A9.txt; name*0*=utf-8''caf%C3", "café.txt" },
	{ "a/b; name*0*=utf-8''%C3; name*1*=%A4; name*2=\" %41\"", "ä %41" },
	{ "a/b; name*0=a; name*2=c", "a" },
	{ "a/b; name*=unknown''%C3%A4", "ä" },
	{ "a/b; name*=caf%E9", "café" },
	{ "a/b; name*=''x'y", "x'y" },
	{ "a/b; name=\"\xe4.txt\"", "ä.txt" },
	{ "a/b; name*0*=utf-8''a%0D%0Ab", "a b" },
	{ "a/b; other=x", NULL },
};

static void
check_params(void)
{
	struct arena a = { 0 };
	struct mime_params p;
	struct slice type, sub;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(params); i++) {
		struct str got = STR_INIT;

		mime_param_parse(slice_of(params[i].in), 100, &a, &type, &sub,
		    &p);
		r = mime_param_decode(&p, "name", &got);
		is_str(r ? got.s : NULL, params[i].want, "%s", params[i].in);
		str_free(&got);
	}
	arena_free(&a);
}

static void
check_charsets(void)
{
	struct slice all = SLICE_LIT("\x1b$BF|K\\\x1b(B x");
	struct str got = STR_INIT;
	struct mime_conv c;
	bool same = true;
	size_t cut;

	ok(mime_charset_known(SLICE_LIT("UTF-8")), "UTF-8");
	ok(mime_charset_known(SLICE_LIT(" \"Latin1\" ")), "an alias, quoted");
	ok(!mime_charset_known(SLICE_LIT("../../x")), "no path");
	ok(!mime_charset_known(SLICE_LIT("UTF-8//TRANSLIT")), "no suffix");
	ok(!mime_to_utf8(SLICE_LIT("x-none"), SLICE_LIT("a"), &got) &&
	    got.len == 0, "unknown");
	for (cut = 0; cut <= all.n && same; cut++) {
		str_reset(&got);
		mime_conv_open(&c, SLICE_LIT("iso-2022-jp"));
		mime_conv_add(&c, slice_sub(all, 0, cut), &got);
		mime_conv_add(&c, slice_sub(all, cut, all.n), &got);
		mime_conv_close(&c, &got);
		same = strcmp(got.s, "日本 x") == 0;
	}
	is_str(got.s, "日本 x", "a state across pieces");
	str_reset(&got);
	mime_conv_open(&c, SLICE_LIT("utf-8"));
	mime_conv_add(&c, SLICE_LIT("\xe2\x9c"), &got);
	is_str(got.s, "", "a character that is cut is held back");
	mime_conv_add(&c, SLICE_LIT("\x93\xff\xe2"), &got);
	mime_conv_close(&c, &got);
	is_str(got.s, "✓\xef\xbf\xbd\xef\xbf\xbd", "  and then comes");
	str_reset(&got);
	mime_to_utf8(SLICE_LIT("gb18030"), SLICE_LIT("a\xff\xff\x81"), &got);
	is_str(got.s, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "bad octets");
	str_reset(&got);
	mime_to_utf8(SLICE_LIT("windows-1258"), SLICE_LIT("a"), &got);
	is_str(got.s, "a", "a letter that an accent might follow");
	str_free(&got);
}

/* ---- folding ------------------------------------------------------------- */

static void
check_fold(void)
{
	static const char *const same[][2] = {
		{ "abc XYZ 09_", "ABC xyz 09_" },
		{ "Ärger", "äRGER" },
		{ "A\xcc\x88rger", "ärger" },		/* decomposed */
		{ "Ångström", "a\xcc\x8angstro\xcc\x88m" },
		{ "ΣΑΣ", "σας" },
		{ "Привет", "ПРИВЕТ" },
		{ "ﬁne", "FINE" },
		{ "ＦＵＬＬ", "full" },
		{ "ǆ", "Ǆ" },
		{ "ı", "I" },
		{ "𝐟𝐫𝐞𝐞", "free" },
		{ "nº", "NO" },
	};
	struct str a = STR_INIT, b = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(same); i++) {
		str_reset(&a);
		str_reset(&b);
		mime_fold(slice_of(same[i][0]), &a);
		mime_fold(slice_of(same[i][1]), &b);
		is_str(a.s, b.s, "%s = %s", same[i][0], same[i][1]);
		str_reset(&b);
		mime_fold(slice_str(&a), &b);
		is_str(b.s, a.s, "  and stays so");
	}
	str_reset(&a);
	mime_fold(SLICE_LIT("az[~\xff ß 한"), &a);
	is_str(a.s, "AZ[~\xff ß 한", "ASCII is upper; what has no other form");
	str_reset(&a);
	mime_fold(SLICE_LIT("a\0b"), &a);
	ok(a.len == 3 && memcmp(a.s, "A\0B", 3) == 0, "a NUL");
	str_free(&a);
	str_free(&b);
}

static void
check_match(void)
{
	struct slice text = SLICE_LIT("xxGr\xc3\xbc\xc3\x9f""e Straße xx");
	struct mime_match m;
	bool all = true;
	size_t cut;

	mime_match_init(&m, SLICE_LIT("GRÜßE stra"));
	for (cut = 0; cut <= text.n; cut++) {
		if (((unsigned char)text.p[cut] & 0xc0) == 0x80)
			continue;
		if (!mime_match_feed(&m, slice_sub(text, 0, cut), false))
			all &= mime_match_feed(&m,
			    slice_sub(text, cut, text.n), true) == 1;
		mime_match_feed(&m, SLICE_LIT(""), true);
	}
	ok(all, "found across any two pieces");
	mime_match_feed(&m, SLICE_LIT("grüße "), true);
	ok(!mime_match_feed(&m, SLICE_LIT("stra"), true), "not across units");
	mime_match_free(&m);
	mime_match_init(&m, SLICE_LIT(""));
	ok(mime_match_feed(&m, SLICE_LIT(""), true), "nothing is everywhere");
	mime_match_free(&m);
}

/* ---- HTML ---------------------------------------------------------------- */

static const struct { const char *in, *want; } html[] = {
	{ "<p>Hello <b>w</b>orld</p>", "Hello world\n" },
	{ "a<br>b<br/>c", "a\nb\nc" },
	{ "a\n  b\t c", "a b c" },
	{ "&lt;x&gt; &amp;amp; &auml;&Auml;&#228;&#xe4; &nbsp;x",
	    "<x> &amp; äÄää x" },
	{ "AT&T &unknown; &copy 2020 &#0; &#xd800;",
	    "AT&T &unknown; © 2020 &#0; &#xd800;" },
	{ "x<script>if (a<b && c>d) '</x>';</script>y", "xy" },
	{ "x<STYLE type=a>p { }</style >y", "xy" },
	{ "<title>t</title><body>x", "x" },
	{ "a<!-- <b> -- > -->b<!-->c", "abc" },
	{ "<a href=\"x>y\" title='>'>link</a>", "link" },
	{ "1 < 2 and 3 > 2", "1 < 2 and 3 > 2" },
	{ "<!DOCTYPE html><?xml x?>x", "x" },
	{ "cut <b", "cut" },
	{ "end &amp", "end &" },
	{ "end <", "end <" },
	{ "<td>a</td><td>b</td>", "a\nb\n" },
	{ "<script>never closed <b>x</b>", "" },
	{ "ü<i>ber</i>", "über" },
};

static void
check_html(void)
{
	struct str got = STR_INIT;
	struct mime_html h;
	size_t i, cut;
	bool same;

	for (i = 0; i < ARRAY_LEN(html); i++) {
		struct slice in = slice_of(html[i].in);

		for (same = true, cut = 0; cut <= in.n && same; cut++) {
			str_reset(&got);
			mime_html_init(&h);
			mime_html_add(&h, slice_sub(in, 0, cut), &got);
			mime_html_add(&h, slice_sub(in, cut, in.n), &got);
			mime_html_end(&h, &got);
			same = strcmp(got.s, html[i].want) == 0;
		}
		is_str(got.s, html[i].want, "%s", html[i].in);
	}
	str_free(&got);
}

/* ---- text of a message --------------------------------------------------- */

static const char mail[] =
"Subject: =?utf-8?q?=C3=84rger?=\n"
"Content-Type: multipart/mixed; boundary=b\n"
"\n"
"--b\n"
"Content-Type: text/plain; charset*=us-ascii'en'iso-8859-1\n"
"Content-Transfer-Encoding: quoted-printable\n"
"\n"
"Gr=FC=DFe\n"
"--b\n"
"Content-Type: text/html; charset=utf-8\n"
"Content-Transfer-Encoding: base64\n"
"\n"
"PHA+Sm9zw6kmYW1wOzwvcD4=\n"
"--b\n"
"Content-Type: image/png; name=\"=?utf-8?q?B=C3=A4r?=.png\"\n"
"Content-Description: a bear\n"
"Content-Transfer-Encoding: base64\n"
"\n"
"c2VjcmV0\n"
"--b\n"
"Content-Type: message/rfc822\n"
"\n"
"Subject: inner\n"
"\n"
"deep\n"
"--b\n"
"Content-Type: text/plain; charset=x-no-such\n"
"\n"
"raw \xe4\n"
"--b--\n";

static int
collect(void *ctx, struct slice field, struct slice text, bool last)
{
	struct str *s = ctx;

	if (field.n > 0) {
		str_addsl(s, field);
		str_addc(s, '=');
	}
	str_addsl(s, text);
	if (last)
		str_addc(s, ';');
	return 0;
}

static int
stop(void *ctx UNUSED, struct slice field UNUSED, struct slice text UNUSED,
    bool last UNUSED)
{
	return 7;
}

static void
check_text(void)
{
	struct arena a = { 0 };
	struct slice m = slice_of(mail);
	struct mime_part *root = mime_parse(m, NULL, &a);
	struct str got = STR_INIT, big = STR_INIT;
	struct mime_match w;
	size_t i;

	is_int(mime_text(m, root, MIME_TEXT_HEADER, collect, &got), 0, "text");
	is_str(got.s, "Subject=Ärger;Content-Type=multipart/mixed; "
	    "boundary=b;", "  of the header");
	str_reset(&got);
	mime_text(m, root, MIME_TEXT_BODY, collect, &got);
	is_str(got.s, "Grüße;José&\n;Content-Disposition=Bär.png;"
	    "Content-Description=a bear;Subject=inner;deep;raw ä;",
	    "  of the body");
	is_int(mime_text(m, root, MIME_TEXT_ALL, stop, NULL), 7, "  stopped");
	str_adds(&big, "Content-Type: text/plain; charset=utf-8\n\n");
	while (big.len < 300000)
		str_adds(&big, "ä€𝐟 ");
	str_adds(&big, "needle");
	m = slice_str(&big);
	root = mime_parse(m, NULL, &a);
	str_reset(&got);
	mime_text(m, root, MIME_TEXT_BODY, collect, &got);
	ok(got.len == big.len - root->body.pos + 1 && memcmp(got.s,
	    big.s + root->body.pos, got.len - 1) == 0, "a large part is whole");
	mime_match_init(&w, SLICE_LIT("FREE"));
	for (i = 0; i < 1000; i++)
		mime_match_feed(&w, SLICE_LIT("fre"), false);
	ok(w.tail.len < 10, "a match keeps little");
	mime_match_free(&w);
	str_free(&got);
	str_free(&big);
	arena_free(&a);
}

/* ---- preview ------------------------------------------------------------- */

static const struct { const char *in, *want; } previews[] = {
	{ "A: b\n\nHello  world,\n\nmore.\n", "Hello world, more." },
	{ "A: b\n\nOn Monday, Ann <a@b> wrote:\n> old\n> older\n\nMy answer\n",
	    "My answer" },
	{ "A: b\n\nHi Bob,\n\nOn Monday, Ann\n<a@b> wrote:\n> old\n\nyes\n",
	    "Hi Bob, yes" },
	{ "A: b\n\nHello\n-- \nAnn\nphone\n", "Hello" },
	{ "A: b\n\n> only\n> quotes\n", "> only > quotes" },
	{ "A: b\n\n==========\nNews\n----------\n\nText\n", "News Text" },
	{ "A: b\n\n*****\nAm Montag schrieb Ann:\n> x\n\nJa.\n", "Ja." },
	{ "A: b\n\n=====\n", "=====" },
	{ "A: b\n\nHello\n-----Original Message-----\nFrom: x\n", "Hello" },
	{ "A: b\n\n\n", NULL },
	{ "Content-Type: image/png\n\nxx\n", NULL },
	{ "Content-Type: text/html\n\n<style>x</style><p>Hi&nbsp;there<p>x\n",
	    "Hi there x" },
	{ "Content-Type: multipart/alternative; boundary=b\n\n--b\n"
	    "Content-Type: text/html\n\n<b>html</b>\n--b\n\nplain\n--b--",
	    "plain" },
	{ "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\n"
	    "Content-Type: text/html\n\n<b>html</b>\n--b--", "html" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Disposition: attachment\n\nfile\n--b\n\ntext\n--b--",
	    "text" },
	{ "Content-Type: text/html; charset=utf-8\n\n"
	    "x\xe2\x80\x8c\xc2\xa0\xe2\x80\x8c\xc2\xad y", "x y" },
};

static void
check_preview(void)
{
	struct str got = STR_INIT, m = STR_INIT;
	struct arena a = { 0 };
	size_t i, n;
	int r;

	for (i = 0; i < ARRAY_LEN(previews); i++) {
		struct slice in = slice_of(previews[i].in);

		str_reset(&got);
		r = mime_preview(in, mime_parse(in, NULL, &a), &got);
		is_str(r ? got.s : NULL, previews[i].want, "preview %zu", i);
	}
	str_adds(&m, "Content-Type: text/plain; charset=utf-8\n\n");
	for (i = 0; i < 20000; i++)
		str_adds(&m, "äx ");
	str_reset(&got);
	mime_preview(slice_str(&m), mime_parse(slice_str(&m), NULL, &a), &got);
	for (i = n = 0; i < got.len; i++)
		n += ((unsigned char)got.s[i] & 0xc0) != 0x80;
	ok(utf8_valid(slice_str(&got)), "a long one is UTF-8");
	ok(n == 200 || n == 199, "  of 200 characters (%zu)", n);
	str_free(&got);
	str_free(&m);
	arena_free(&a);
}

/* ---- time ---------------------------------------------------------------- */

static void
timed(const char *name, const char *head, const char *piece)
{
	struct arena a = { 0 };
	struct str m = STR_INIT, got = STR_INIT;
	struct mime_part *root;
	clock_t t0;
	double ms;

	str_adds(&m, head);
	while (m.len < 1000000)
		str_adds(&m, piece);
	t0 = clock();
	mime_decode_text(slice_str(&m), &got);
	str_reset(&got);
	root = mime_parse(slice_str(&m), NULL, &a);
	mime_text(slice_str(&m), root, MIME_TEXT_ALL, collect, &got);
	mime_fold(slice_str(&got), &m);
	ms = (double)(clock() - t0) * 1e3 / CLOCKS_PER_SEC;
	tap_diag("%s: %.1f ms for 1 MB", name, ms);
	ok(ms < 2000, "%s: linear time", name);
	str_free(&m);
	str_free(&got);
	arena_free(&a);
}

static void
check_time(void)
{
	timed("words that do not end", "A: b\n\n", "=?utf-8?q?");
	timed("words", "Subject: ", "=?koi8-r?q?=C3?=\n =?utf-8?q?x?= ");
	timed("entities", "Content-Type: text/html\n\n", "&amp&x<&#");
	timed("tags", "Content-Type: text/html\n\n", "<a b='");
	timed("bad octets", "Content-Type: text/plain; charset=gb18030\n\n",
	    "\xff" "a");
	timed("long lines of blanks", "Content-Transfer-Encoding: "
	    "quoted-printable\n\n", "                =   ");
	timed("decompositions", "Content-Type: text/plain; charset=utf-8\n\n",
	    "\xef\xb7\xba");
}

int
main(void)
{
	check_codes();
	check_binary();
	check_words();
	check_params();
	check_charsets();
	check_fold();
	check_match();
	check_html();
	check_text();
	check_preview();
	check_time();
	return tap_done();
}
