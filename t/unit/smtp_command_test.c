/* command lines, parameters and their values */
#include "smtp/command.h"
#include "test/tap.h"

static char *
text(struct slice s)
{
	static char buf[4][256];
	static int i;

	i = (i + 1) % 4;
	return slice_copy(buf[i], sizeof(buf[i]), s);
}

static void
check_split(void)
{
	static const struct { const char *line, *verb, *rest; } t[] = {
		{ "MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>" },
		{ "  noop  x y ", "noop", "x y" },
		{ "QUIT", "QUIT", "" },
		{ "QUIT \t", "QUIT", "" },
		{ "", NULL, NULL },
		{ "   ", NULL, NULL },
		{ "NOOP \r x", NULL, NULL },
		{ "NOOP \001", NULL, NULL },
		{ "NOOP \xff", NULL, NULL },
	};
	struct slice verb, rest;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = ERR_INIT;
		int rc = smtp_command_split(slice_of(t[i].line), &verb, &rest,
		    &err);

		is_int(rc, t[i].verb ? 1 : -1, "split %zu", i);
		is_str(text(verb), t[i].verb ? t[i].verb : "", "  verb");
		is_str(text(rest), t[i].rest ? t[i].rest : "", "  rest");
		is_str(err.dsn, rc < 0 ? "5.5.2" : "", "  code");
	}
	ok(smtp_command_split((struct slice){ "NOOP\0", 5 }, &verb, &rest,
	    &(struct err)ERR_INIT) == -1, "NUL is refused");
}

static void
check_args(void)
{
	static const struct {
		const char *rest, *keyword;
		int rc;
		const char *dsn, *local;
		size_t n;
	} t[] = {
		{ "FROM:<a@b>", "FROM", 1, "", "a", 0 },
		{ "from:<a@b> size=10 BODY=8BITMIME SMTPUTF8", "FROM", 1, "",
		    "a", 3 },
		{ "FROM: <a@b>", "FROM", 1, "", "a", 0 },
		{ "FROM : <a@b>", "FROM", 1, "", "a", 0 },
		{ "FROM:<>", "FROM", 1, "", "", 0 },
		{ "FROM: a@b SIZE=1", "FROM", 1, "", "a", 1 },
		{ "TO:<Postmaster>", "TO", 1, "", "Postmaster", 0 },
		{ "TO:<@x,@y:u@d> NOTIFY=NEVER", "TO", 1, "", "u", 1 },
		{ "TO:<\"a b> c\"@d> X=1", "TO", 1, "", "a b> c", 1 },
		{ "FROM:<a@b>SIZE=1", "FROM", -1, "5.5.4", "", 0 },
		{ "FROM:<a@b> SIZE=", "FROM", -1, "5.5.4", "", 0 },
		{ "FROM:<a@b> =1", "FROM", -1, "5.5.4", "", 0 },
		{ "FROM:<a@b> -x=1", "FROM", -1, "5.5.4", "", 0 },
		{ "FROM:<a@b> a_b=1", "FROM", -1, "5.5.4", "", 0 },
		{ "FROM:<a@b> SIZE=1 size=2", "FROM", -1, "5.5.4", "", 0 },
		{ "FROM:<a@b", "FROM", -1, "5.1.7", "", 0 },
		{ "TO:<a@b", "TO", -1, "5.1.3", "", 0 },
		{ "FROM:", "FROM", -1, "5.1.7", "", 0 },
		{ "FROM <a@b>", "FROM", -1, "5.5.4", "", 0 },
		{ "TO:<a@b>", "FROM", -1, "5.5.4", "", 0 },
		{ "", "TO", -1, "5.5.4", "", 0 },
		{ "TO:<a@b> a b c d e f g h i j k l m n o p", "TO", 1, "", "a",
		    16 },
		{ "TO:<a@b> a b c d e f g h i j k l m n o p q", "TO", -1,
		    "5.5.4", "", 0 },
	};
	struct arena a = { 0 };
	struct smtp_args r;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = ERR_INIT;
		int rc = smtp_args_parse(slice_of(t[i].rest), t[i].keyword,
		    strcmp(t[i].keyword, "FROM") == 0 ? SMTP_ADDR_NULL :
		    SMTP_ADDR_POSTMASTER, &a, &r, &err);

		is_int(rc, t[i].rc, "args: %s", t[i].rest);
		is_str(err.dsn, t[i].dsn, "  code");
		if (rc < 0)
			continue;
		is_str(text(r.addr.local), t[i].local, "  local part");
		is_int(r.n, t[i].n, "  parameters");
	}
	smtp_args_parse(SLICE_LIT("FROM:<a@b> Size=10 SMTPUTF8 AUTH=a=b"),
	    "FROM", 0, &a, &r, &(struct err)ERR_INIT);
	is_str(text(smtp_args_find(&r, "SIZE")->value), "10", "find SIZE");
	ok(smtp_args_find(&r, "SMTPUTF8")->value.p == NULL, "no value");
	is_str(text(smtp_args_find(&r, "AUTH")->value), "a=b", "= in a value");
	ok(smtp_args_find(&r, "BODY") == NULL, "BODY is not there");
	arena_free(&a);
}

static void
check_helo(void)
{
	static const struct { const char *in, *want; } t[] = {
		{ "mx.example.com", "mx.example.com" },
		{ "[192.0.2.1]", "[192.0.2.1]" },
		{ "[IPv6:::1]", "[IPv6:::1]" }, { "192.0.2.1", "192.0.2.1" },
		{ "MY_PC", "MY_PC" }, { "a. and more", "a." },
		{ "b\xc3\xbc.example", "b\xc3\xbc.example" },
		{ "", NULL }, { "a(b)", NULL }, { "a;b", NULL },
		{ "a\xc2\x85", NULL },
	};
	struct slice name;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = ERR_INIT;

		is_int(smtp_helo_parse(slice_of(t[i].in), &name, &err),
		    t[i].want ? 1 : -1, "helo %s", t[i].in);
		if (t[i].want)
			is_str(text(name), t[i].want, "  name");
	}
}

static void
check_xtext(void)
{
	static const struct { const char *in, *want; } t[] = {
		{ "abc", "abc" }, { "a+2Bb+3Dc", "a+b=c" }, { "a+20b", "a b" },
		{ "a+C3+BC", "a\xc3\xbc" }, { "a+2b", "a+" },
		{ "a+2", NULL }, { "a+", NULL }, { "a+xx", NULL },
		{ "a+00", NULL }, { "a+0A", NULL }, { "a+7F", NULL },
		{ "a b", NULL }, { "a\xc3\xbc", NULL }, { "a+FF", NULL },
	};
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		str_reset(&out);
		str_adds(&out, "x");
		is_int(smtp_xtext_decode(&out, slice_of(t[i].in)),
		    t[i].want != NULL, "xtext %s", t[i].in);
		is_str(out.s + 1, t[i].want ? t[i].want : "", "  decoded");
	}
	str_reset(&out);
	smtp_xtext_encode(&out, SLICE_LIT("a+b=c \xc3\xbc~"));
	is_str(out.s, "a+2Bb+3Dc+20+C3+BC~", "xtext encoded");
	str_free(&out);
}

static void
check_orcpt(void)
{
	static const struct { const char *in, *want; } t[] = {
		{ "rfc822;ann@d", "rfc822;ann@d" },
		{ "rfc822;ann+2Bx@d", "rfc822;ann+x@d" },
		{ "utf-8;j\\x{FC}rg@d", "utf-8;j\xc3\xbcrg@d" },
		{ "UTF-8;j\xc3\xbcrg@d", "UTF-8;j\xc3\xbcrg@d" },
		{ "utf-8;\\x{1F600}@d", "utf-8;\xf0\x9f\x98\x80@d" },
		{ "utf-8;\\x{5C}\\x{2B}@d", "utf-8;\\+@d" },
		{ "utf-8;\\x{D800}@d", NULL }, { "utf-8;\\x{0A}@d", NULL },
		{ "utf-8;\\x{110000}@d", NULL }, { "utf-8;\\x{F@d", NULL },
		{ "utf-8;\\x{}@d", NULL }, { "utf-8;\\", NULL },
		{ "rfc822;a+0D+0Ab@d", NULL }, { "rfc822", NULL },
		{ ";a@d", NULL }, { "rfc822;", NULL }, { "r 2;a", NULL },
	};
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct err err = ERR_INIT;

		str_reset(&out);
		is_int(smtp_orcpt_parse(slice_of(t[i].in), &out, &err),
		    t[i].want ? 1 : -1, "orcpt %s", t[i].in);
		is_str(out.s, t[i].want ? t[i].want : "", "  decoded");
	}
	str_free(&out);
}

static void
check_values(void)
{
	struct err err = ERR_INIT;
	struct str s = STR_INIT;
	enum smtp_body body;
	enum smtp_ret ret;
	unsigned bits = 0;
	uint64_t n;
	bool last;

	ok(smtp_notify_parse(SLICE_LIT("failure,DELAY"), &bits, &err) == 1 &&
	    bits == (SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY), "NOTIFY");
	smtp_notify_print(bits, &s);
	is_str(s.s, "FAILURE,DELAY", "NOTIFY printed");
	is_int(smtp_notify_parse(SLICE_LIT("NEVER"), &bits, &err), 1, "NEVER");
	is_int(smtp_notify_parse(SLICE_LIT("NEVER,DELAY"), &bits, &err), -1,
	    "NEVER is alone");
	is_int(smtp_notify_parse(SLICE_LIT("DELAY,"), &bits, &err), -1,
	    "an empty word");
	is_int(smtp_notify_parse(SLICE_NULL, &bits, &err), -1, "no value");
	ok(smtp_ret_parse(SLICE_LIT("full"), &ret, &err) == 1 &&
	    ret == SMTP_RET_FULL, "RET");
	is_int(smtp_ret_parse(SLICE_LIT("x"), &ret, &err), -1, "bad RET");
	ok(smtp_body_parse(SLICE_LIT("8bitmime"), &body, &err) == 1 &&
	    body == SMTP_BODY_8BITMIME, "BODY");
	is_int(smtp_body_parse(SLICE_NULL, &body, &err), -1, "bad BODY");
	ok(smtp_size_parse(SLICE_LIT("123"), &n, &err) == 1 && n == 123,
	    "SIZE");
	is_int(smtp_size_parse(SLICE_LIT("99999999999999999999"), &n, &err),
	    -1, "a SIZE beyond any");
	is_int(smtp_size_parse(SLICE_LIT("-1"), &n, &err), -1, "bad SIZE");
	ok(smtp_bdat_parse(SLICE_LIT("10"), &n, &last, &err) == 1 && n == 10 &&
	    !last, "BDAT 10");
	ok(smtp_bdat_parse(SLICE_LIT("0 last"), &n, &last, &err) == 1 &&
	    n == 0 && last, "BDAT 0 LAST");
	is_int(smtp_bdat_parse(SLICE_LIT("0 LAST x"), &n, &last, &err), -1,
	    "too much");
	is_int(smtp_bdat_parse(SLICE_LIT("18446744073709551616"), &n, &last,
	    &err), -1, "a chunk beyond 64 bits");
	is_int(smtp_bdat_parse(SLICE_LIT(""), &n, &last, &err), -1, "none");
	str_reset(&s);
	ok(smtp_envid_parse(SLICE_LIT("QQ+2B1"), &s, &err) == 1, "ENVID");
	is_str(s.s, "QQ+1", "  decoded");
	is_int(smtp_envid_parse(SLICE_LIT(""), &s, &err), -1, "empty ENVID");
	is_int(smtp_envid_parse(SLICE_NULL, &s, &err), -1, "ENVID, no value");
	is_int(smtp_orcpt_parse(SLICE_NULL, &s, &err), -1, "ORCPT, no value");
	is_int(smtp_size_parse(SLICE_NULL, &n, &err), -1, "SIZE, no value");
	str_free(&s);
}

/* what is in an envelope that came by another way */
static void
check_ok(void)
{
	static const char *const good[] = { "", "rfc822;a+20b@c", "x-y;z;z",
		"utf-8;gr\xc3\xbc@x" };
	static const char *const bad[] = { "rfc822", ";a", "rfc822;",
		"rfc 822;a", "rfc822;a\r\nRSET", "x>;a",
		"utf-8;\xff", "rfc822;a b" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(good); i++)
		ok(smtp_orcpt_ok(good[i]), "ORCPT may be %s", good[i]);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		ok(!smtp_orcpt_ok(bad[i]), "and not %zu", i);
	ok(smtp_notify_ok("") && smtp_notify_ok("SUCCESS,delay") &&
	    !smtp_notify_ok("NEVER,DELAY") && !smtp_notify_ok("DELAY SIZE=1"),
	    "NOTIFY");
	ok(smtp_envid_ok("") && smtp_envid_ok("a+2B") && !smtp_envid_ok("a b"),
	    "ENVID");
	ok(smtp_ret_ok("") && smtp_ret_ok("hdrs") && !smtp_ret_ok("FULL x"),
	    "RET");
	ok(smtp_text_ok("QQ+1", 4) && !smtp_text_ok("QQ+1", 3) &&
	    !smtp_text_ok("a\nb", 9) && !smtp_text_ok("\xc3", 9), "texts");
}

static const struct { const char *v; int64_t want; } untils[] = {
	{ "2026-11-24T08:00:00Z", 1795507200 },
	{ "2026-11-24T08:00:00.000Z", 1795507200 },
	{ "2026-11-24T08:00:00.5z", 1795507201 },
	{ "2026-11-24t10:00:00+02:00", 1795507200 },
	{ "2026-11-24T02:30:00-05:30", 1795507200 },
	{ "2024-02-29T00:00:00Z", 1709164800 },
	{ "2016-12-31T23:59:60Z", 1483228800 },
	{ "2026-11-24 08:00:00Z", -1 }, { "2026-11-24T08:00:00", -1 },
	{ "2026-02-29T00:00:00Z", -1 }, { "2026-11-31T00:00:00Z", -1 },
	{ "2026-13-01T00:00:00Z", -1 }, { "2026-11-24T24:00:00Z", -1 },
	{ "2026-11-24T08:00:00+2:00", -1 }, { "2026-11-24T08:00:00.Z", -1 },
	{ "2026-11-24T08:00:00+02:00x", -1 }, { "26-11-24T08:00:00Z", -1 },
	{ "2026-11-24T08:00Z", -1 }, { "", -1 }, { "Z", -1 },
	{ "+026-11-24T08:00:00Z", -1 }, { "2026-11-24T08:00:00+02:60", -1 },
};
static const struct { const char *v; int64_t want; } priorities[] = {
	{ "0", 0 }, { "9", 9 }, { "-9", -9 }, { "-0", 99 }, { "10", 99 },
	{ "+1", 99 }, { "", 99 }, { "-", 99 }, { "x", 99 }, { "1 ", 99 },
};

static void
check_release(void)
{
	struct err err = ERR_INIT;
	int64_t r;
	size_t i;

	for (i = 0; i < ARRAY_LEN(untils); i++) {
		if (smtp_holduntil_parse(slice_of(untils[i].v), &r, &err) < 0)
			r = -1;
		is_int(r, untils[i].want, "HOLDUNTIL=%s", untils[i].v);
	}
	for (i = 0; i < ARRAY_LEN(priorities); i++) {
		if (smtp_priority_parse(slice_of(priorities[i].v), &r,
		    &err) < 0)
			r = 99;
		is_int(r, priorities[i].want, "MT-PRIORITY=%s",
		    priorities[i].v);
	}
	ok(smtp_holdfor_parse(SLICE_LIT("3600"), &r, &err) == 1 && r == 3600,
	    "HOLDFOR");
	is_int(smtp_holdfor_parse(SLICE_LIT("0"), &r, &err), -1, "for 0");
	is_int(smtp_holdfor_parse(SLICE_LIT("-1"), &r, &err), -1, "for -1");
	is_int(smtp_holdfor_parse(SLICE_LIT("1000000000"), &r, &err), -1,
	    "ten digits");
	is_int(smtp_holdfor_parse(SLICE_NULL, &r, &err), -1, "no value");
	is_int(smtp_holduntil_parse(SLICE_NULL, &r, &err), -1, "no value");
	is_int(smtp_priority_parse(SLICE_NULL, &r, &err), -1, "no value");
}

int
main(void)
{
	check_release();
	check_split();
	check_args();
	check_helo();
	check_xtext();
	check_orcpt();
	check_ok();
	check_values();
	return tap_done();
}
