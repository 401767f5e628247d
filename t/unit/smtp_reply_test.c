/* replies written and read */
#include "smtp/reply.h"
#include "test/tap.h"

/* every line: 3 digits, - or blank, at most 512 octets with CRLF, no other CR
 * or LF, only the last with a blank */
static bool
well_formed(struct slice s)
{
	while (s.n > 0) {
		size_t lf = slice_find(s, '\n');
		size_t cr = slice_find(s, '\r');

		if (lf == s.n || cr + 1 != lf || lf + 1 > SMTP_REPLY_LINE ||
		    cr < 4 || (s.p[3] == ' ') != (lf + 1 == s.n) ||
		    !ascii_isdigit(s.p[0]) || !ascii_isdigit(s.p[2]))
			return false;
		s = slice_sub(s, lf + 1, s.n);
	}
	return true;
}

static void
check_write(void)
{
	static const struct {
		int code;
		const char *dsn, *text, *want;
	} t[] = {
		{ 250, "2.1.0", "Ok", "250 2.1.0 Ok\r\n" },
		{ 250, NULL, "a\nb", "250-a\r\n250 b\r\n" },
		{ 550, "5.1.1", "no\nway",
		    "550-5.1.1 no\r\n550 5.1.1 way\r\n" },
		{ 451, "5.1.1", "class", "451 4.1.1 class\r\n" },
		{ 250, "", "x", "250 x\r\n" },
		{ 250, NULL, "", "250 \r\n" },
		{ 250, NULL, NULL, "250 \r\n" },
		{ 250, NULL, "a\r\nb\x01\xc3", "250-a?\r\n250 b??\r\n" },
		{ 250, NULL, "a\n", "250-a\r\n250 \r\n" },
	};
	struct str out = STR_INIT, big = STR_INIT;
	struct err err = { ERR_PERM, "5.2.1", "shut" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		str_reset(&out);
		smtp_reply(&out, t[i].code, t[i].dsn, t[i].text);
		is_str(out.s, t[i].want, "reply %zu", i);
	}
	for (i = 0; i < 3000; i++)
		str_addc(&big, i % 90 == 89 ? ' ' : 'x');
	str_reset(&out);
	smtp_reply(&out, 550, "5.7.1", big.s);
	ok(well_formed(slice_str(&out)), "a long text is well-formed");
	str_reset(&big);
	for (i = 0; i < 3000; i++)
		str_addc(&big, 'y');
	str_reset(&out);
	smtp_reply(&out, 550, "5.7.1", big.s);
	ok(well_formed(slice_str(&out)), "and so is a long word");
	for (i = 0; i < out.len; i++)
		if (out.s[i] == 'y')
			big.len--;
	is_int(big.len, 0, "nothing of it was lost");
	str_reset(&big);
	for (i = 0; i < 300; i++)
		str_adds(&big, "z\n");
	str_reset(&out);
	smtp_reply(&out, 214, NULL, big.s);
	ok(well_formed(slice_str(&out)) && out.len == 7 *
	    SMTP_REPLY_LINES_MAX, "lines are bounded");
	str_reset(&out);
	smtp_reply_err(&out, 0, &err);
	is_str(out.s, "550 5.2.1 shut\r\n", "from an error");
	str_reset(&out);
	err.kind = ERR_TEMP;
	smtp_reply_err(&out, 421, &err);
	is_str(out.s, "421 4.2.1 shut\r\n", "  with a code");
	str_free(&out);
	str_free(&big);
}

static int
feed(struct smtp_reply *r, const char *line)
{
	struct err err = ERR_INIT;

	return smtp_reply_line(r, slice_of(line), &err);
}

static void
check_read(void)
{
	struct smtp_reply r = SMTP_REPLY_INIT;
	struct str big = STR_INIT;
	int i, rc = 0;

	is_int(feed(&r, "250-mx.example"), 0, "more lines follow");
	is_int(feed(&r, "250-SIZE 1000"), 0, "  and more");
	is_int(feed(&r, "250 DSN\r"), 1, "  the last");
	is_int(r.code, 250, "  its code");
	is_str(r.text.s, "mx.example\nSIZE 1000\nDSN", "  its text");
	smtp_reply_reset(&r);
	is_int(feed(&r, "550 5.1.1 no \001 user"), 1, "enhanced code");
	is_str(r.dsn, "5.1.1", "  is found");
	is_str(r.text.s, "5.1.1 no ? user", "  controls are not kept");
	smtp_reply_reset(&r);
	is_int(feed(&r, "550 \xc2\x9b" "2J gr\xc3\xbc\xc3\x9f \xc2\xa7 "
	    "\xc2"), 1, "UTF-8");
	is_str(r.text.s, "?2J gr\xc3\xbc\xc3\x9f \xc2\xa7 \xc2",
	    "  nor those of U+0080 and on");
	smtp_reply_reset(&r);
	is_int(feed(&r, "250-5.0.0 a"), 0, "mixed codes");
	is_int(feed(&r, "550 b"), 1, "  are accepted");
	is_int(r.code, 550, "  the last counts");
	is_str(r.dsn, "", "  and its enhanced code");
	smtp_reply_reset(&r);
	is_int(feed(&r, "250"), 1, "no text");
	smtp_reply_reset(&r);
	is_int(feed(&r, ""), -1, "an empty line");
	is_int(feed(&r, "HTTP/1.0 400 Bad"), -1, "not SMTP");
	is_int(feed(&r, "150 x"), -1, "1yz");
	is_int(feed(&r, "600 x"), -1, "6yz");
	is_int(feed(&r, "2500 x"), -1, "four digits");
	smtp_reply_reset(&r);
	for (i = 0; i < 200 && rc == 0; i++)
		rc = feed(&r, "250-x");
	ok(rc == -1 && i == SMTP_REPLY_LINES_MAX + 1, "too many lines");
	smtp_reply_reset(&r);
	for (i = 0; i < 9000; i++)
		str_addc(&big, 'x');
	memcpy(big.s, "250 ", 4);
	is_int(feed(&r, big.s), 1, "a huge line");
	ok(r.text.len == SMTP_REPLY_TEXT_MAX && r.truncated, "  is cut");
	smtp_reply_free(&r);
	str_free(&big);
}

static void
check_dsn(void)
{
	static const struct { const char *in; size_t n; } t[] = {
		{ "2.0.0 Ok", 5 }, { "5.7.25", 6 }, { "4.123.456 x", 9 },
		{ "3.0.0", 0 }, { "5.1.1.", 0 }, { "5.1.1x", 0 }, { "5.1", 0 },
		{ "5..1", 0 }, { "5.1234.1", 0 }, { "", 0 }, { "55.1.1", 0 },
	};
	char dsn[12];
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++)
		is_int(smtp_dsn_parse(slice_of(t[i].in), dsn), t[i].n,
		    "enhanced code %s", t[i].in);
}

/* the first reply of a process that is never written to before */
static void
check_zero(void)
{
	struct smtp_reply r = { 0 };
	struct err err;

	smtp_reply_reset(&r);
	is_int(smtp_reply_line(&r, SLICE_LIT("220"), &err), 1, "a bare code");
	ok(r.text.s != NULL && r.text.s[0] == '\0', "its text is empty");
	smtp_reply_free(&r);
}

int
main(void)
{
	check_write();
	check_read();
	check_zero();
	check_dsn();
	return tap_done();
}
