/*
 * milter_test.c - packets for milters, and what they answer, good and bad.
 */
#include "milter/milter.h"
#include "test/tap.h"

static void
check_packet(const char *name, struct str *s, const char *hex)
{
	struct str out = STR_INIT;

	hex_encode(&out, s->s, s->len);
	is_str(out.s, hex, "%s", name);
	str_free(&out);
	str_free(s);
}

static void
test_put(void)
{
	struct str s = STR_INIT;
	const char *const words[] = { "<a@b>", "X=1" };
	size_t at;

	milter_put_optneg(&s, 6);
	check_packet("options of version 6", &s,
	    "0000000d4f00000006000001ff001fffff");
	milter_put_optneg(&s, 2);
	check_packet("options of version 2", &s,
	    "0000000d4f000000020000003f0000007f");
	milter_put_connect(&s, "h", "192.0.2.1", 25);
	check_packet("connect, IPv4", &s,
	    "000000104368003400193139322e302e322e3100");
	milter_put_connect(&s, "h", "::1", 25);
	check_packet("connect, IPv6", &s,
	    "0000000f43680036001949507636" "3a3a3a3100");
	milter_put_connect(&s, "h", "", 0);
	check_packet("connect, unknown", &s, "0000000443680055");
	milter_put_words(&s, SMFIC_MAIL, words, 2);
	check_packet("mail", &s, "0000000b4d3c6140623e00583d3100");
	milter_put_header(&s, "A", SLICE_LIT(" b\n c"));
	check_packet("header", &s, "000000094c410020620a206300");
	at = milter_macros_begin(&s, SMFIC_MAIL);
	milter_macros_end(&s, at);
	check_packet("no macros, no packet", &s, "");
	at = milter_macros_begin(&s, SMFIC_MAIL);
	milter_macro(&s, "i", "x");
	milter_macros_end(&s, at);
	check_packet("macros", &s, "00000006444d69007800");
}

/* an answer as text: "m 2 name|value", or "-" and the error */
static char *
read_answer(struct slice s)
{
	static char text[600];
	struct milter_answer r;
	struct err err = ERR_INIT;
	char *packet = xmalloc(s.n + 1);

	memcpy(packet, s.p, s.n);
	if (milter_read(packet, s.n, &r, &err) < 0)
		snprintf(text, sizeof(text), "- %s", err.text);
	else
		snprintf(text, sizeof(text), "%c %u %s|%s|%.*s", r.cmd,
		    (unsigned)r.n, r.name, r.value, (int)r.body.n,
		    r.body.n > 0 ? r.body.p : "");
	free(packet);
	return text;
}

#define S(lit) { (lit), sizeof(lit) - 1 }
static const struct {
	struct slice in;
	const char *want;
} answers[] = {
	{ S("c"), "c 0 ||" }, { S("a"), "a 0 ||" }, { S("p"), "p 0 ||" },
	{ S("4"), "4 0 ||" }, { S("bhello"), "b 0 ||hello" },
	{ S("hName\0value\0"), "h 0 Name|value|" },
	{ S("hName\0value"), "h 0 Name|value|" },
	{ S("hName\0"), "- milter: an answer of the wrong shape" },
	{ S("hName"), "- milter: an answer of the wrong shape" },
	{ S("hA\0b\0c\0"), "- milter: an answer of the wrong shape" },
	{ S("m\0\0\0\2A\0b\0"), "m 2 A|b|" },
	{ S("m\0\0\0\2A\0\0"), "m 2 A||" },
	{ S("m\0\0\2"), "- milter: an answer of the wrong shape" },
	{ S("m\377\0\0\2A\0b\0"),
	    "- milter: a header index that can not be" },
	{ S("i\0\0\0\0A\0b\0"), "i 0 A|b|" },
	{ S("+<a@b>\0"), "+ 0 |<a@b>|" },
	{ S("2<a@b>\0N=1\0"), "2 0 |<a@b>|" },
	{ S("+"), "- milter: an answer of the wrong shape" },
	{ S("y550 no"), "y 0 |550 no|" },
	{ S("\0"), "- milter: unknown answer 0x00" },
	{ S("Z"), "- milter: unknown answer 0x5a" },
};

static const struct {
	const char *in, *want;
} replies[] = {
	{ "550 5.1.1 no", "550 5.1.1 no" }, { "550", "550 5.7.1 " },
	{ "451 wait", "451 4.7.1 wait" },
	{ "550-5.2.3 a 100%%\r\n550 5.2.3 b %s", "550 5.2.3 a 100%\nb %s" },
	{ "550 4.1.1 no", "550 5.7.1 no" }, { "250 2.0.0 ok", "-" },
	{ "55", "-" }, { "", "-" }, { "5x0 no", "-" }, { "550_no", "-" },
	{ "550-a\n551 b", "-" }, { "600 a", "-" },
};

static void
test_replies(void)
{
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char dsn[12], got[200];
	size_t i;
	int code;

	for (i = 0; i < ARRAY_LEN(replies); i++) {
		str_reset(&text);
		if (milter_read_reply(replies[i].in, &code, dsn, &text,
		    &err) < 0)
			snprintf(got, sizeof(got), "-");
		else
			snprintf(got, sizeof(got), "%d %s %s", code, dsn,
			    text.s);
		is_str(got, replies[i].want, "reply \"%.8s\"", replies[i].in);
	}
	str_free(&text);
}

static void
test_fields(void)
{
	static const char *const rows[][2] = {
		{ "a", "a" }, { "a\r\n\tb", "a\n\tb" },
		{ "a\nb", "a\n\tb" }, { "a\rb", "a b" }, { "a\r\n", "a" },
		{ "a\n\n", "a" }, { " a ", " a" },
	};
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		str_reset(&out);
		milter_field_text(rows[i][0], &out);
		is_str(out.s, rows[i][1], "text of a field %zu", i);
	}
	str_free(&out);
}

static int
optneg(struct slice s, struct milter_options *o, struct arena *a)
{
	struct err err = ERR_INIT;

	return milter_read_optneg(s, 6, a, o, &err);
}

static void
test_options(void)
{
	struct milter_options o;
	struct arena a = { 0 };
	struct err err = ERR_INIT;
	size_t n;

	ok(optneg(SLICE_LIT("O\0\0\0\6\0\0\0\1\0\0\0\2"), &o, &a) == 0 &&
	    o.version == 6 && o.actions == 1 && o.protocol == 2, "options");
	ok(optneg(SLICE_LIT("O\0\0\0\7\0\0\0\1\0\0\0\2"), &o, &a) < 0,
	    "a version that was not offered");
	ok(optneg(SLICE_LIT("O\0\0\0\6\0\0\0\1\0\0\0"), &o, &a) < 0,
	    "too short");
	ok(optneg(SLICE_LIT("O\0\0\0\6\0\0\0\1\10\0\0\0"), &o, &a) < 0,
	    "a protocol that was not offered");
	ok(optneg(SLICE_LIT("O\0\0\0\6\0\0\1\377\0\0\0\0"
	    "\0\0\0\2i {x}\0\0\0\0\11y\0"), &o, &a) == 0 &&
	    o.chosen[MILTER_MAIL] && o.macros[MILTER_MAIL].n == 2 &&
	    strcmp(o.macros[MILTER_MAIL].v[1], "{x}") == 0 &&
	    !o.chosen[MILTER_RCPT], "lists of macros");
	ok(optneg(SLICE_LIT("O\0\0\0\6\0\0\1\377\0\0\0\0\0\0\0\2i"), &o,
	    &a) < 0, "a list without its end");
	ok(milter_length("\0\0\0\1", &n, &err) == 0 && n == 1, "a length");
	ok(milter_length("\0\0\0\0", &n, &err) < 0, "no length");
	ok(milter_length("\0\40\0\0", &n, &err) < 0, "a huge length");
	arena_free(&a);
}

int
main(void)
{
	size_t i;

	test_put();
	for (i = 0; i < ARRAY_LEN(answers); i++)
		is_str(read_answer(answers[i].in), answers[i].want,
		    "answer %zu", i);
	test_replies();
	test_fields();
	test_options();
	return tap_done();
}
