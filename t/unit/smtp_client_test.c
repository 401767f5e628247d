/*
 * The client's side of SMTP, piece by piece: what a server offers, what its
 * replies mean, what is said to it, content for 7 bits.
 */
#include "../../smtp/smtp.h"

#include "conf/common.h"
#include "test/tap.h"

struct smtp_conf conf = { .helo_name = "mail.example.org" };

static void
test_caps(void)
{
	struct caps c;

	caps_parse(slice_of("mx.example.net hello\nPIPELINING\nsize 1000\n"
	    "8BITMIME \nLIMITS MAILMAX=5 RCPTMAX=x RCPTDOMAINMAX=1\n"
	    "AUTH PLAIN LOGIN\nAUTH=LOGIN CRAM-MD5\n\nX-WHAT"), &c);
	ok(c.esmtp && c.pipelining && c.eightbit && !c.dsn, "keywords");
	ok(c.size && c.size_max == 1000, "SIZE");
	ok(c.mail_max == 5 && c.rcpt_max == 0 && c.domain_max == 1,
	    "LIMITS: what can be read");
	is_str(c.mechs, "PLAIN LOGIN LOGIN CRAM-MD5", "AUTH in both forms");
	caps_parse(slice_of("mx PIPELINING\nSIZE\nSIZE=5"), &c);
	ok(!c.pipelining, "nothing is offered in the first line");
	ok(c.size && c.size_max == 0, "SIZE without a number");
	caps_parse(slice_of(""), &c);
	ok(c.esmtp && !c.size, "an empty reply");
	common.hostname = "host.example.org";
	ok(names_us(slice_of("Mail.Example.ORG ESMTP")), "our own name");
	ok(names_us(slice_of("host.example.org\nx")), "... of the host");
	ok(!names_us(slice_of("mail.example.org.example.com")), "another");
	ok(!names_us(slice_of("")), "no name");
}

static void
one_reply(const char *lines, enum err_kind kind, const char *dsn,
    const char *text)
{
	struct session s = { .reply = SMTP_REPLY_INIT };
	struct slice rest = slice_of(lines), line;
	struct err err = ERR_INIT;

	while (slice_cut(&rest, '\n', &line) &&
	    smtp_reply_line(&s.reply, line, &err) == 0)
		;
	reply_err(&s, AT_RCPT, &err);
	ok(err.kind == kind, "%s: kind", lines);
	is_str(err.dsn, dsn, "%s: code", lines);
	is_str(err.text, text, "%s: text", lines);
	smtp_reply_free(&s.reply);
}

static void
test_replies(void)
{
	one_reply("550 5.1.1 who?", ERR_PERM, "5.1.1", "550 5.1.1 who?");
	one_reply("550 who?", ERR_PERM, "5.0.0", "550 who?");
	one_reply("550 4.7.1 no", ERR_PERM, "5.7.1", "550 4.7.1 no");
	one_reply("450 5.7.1 no", ERR_TEMP, "4.7.1", "450 5.7.1 no");
	one_reply("250-5.1.1 a\n451-4.7.1 b\n451 4.7.1 c", ERR_TEMP, "4.7.1",
	    "451 5.1.1 a b c");
	one_reply("599", ERR_PERM, "5.0.0", "599");
	one_reply("250 ok", ERR_TEMP, "4.5.0",
	    "unexpected reply to RCPT TO: 250 ok");
}

struct line_case {
	struct agent_deliver_in in;
	struct caps caps;
	bool utf8;
	const char *orcpt, *notify, *mail, *rcpt;
};

static void
test_lines(void)
{
	static const struct line_case cases[] = {
		{ .mail = "MAIL FROM:<\"a b\"@x.example>\r\n",
		    .rcpt = "RCPT TO:<r@y.example>\r\n" },
		{ .caps = { .size = true, .dsn = true, .priority = true },
		    .in = { .ret = "FULL", .envid = "a+3Db+2B", .priority = 4 },
		    .orcpt = "rfc822;r+2B1@y.example", .notify = "NEVER",
		    .mail = "MAIL FROM:<\"a b\"@x.example> SIZE=77 "
		    "MT-PRIORITY=4 RET=FULL ENVID=a+3Db+2B\r\n",
		    .rcpt = "RCPT TO:<r@y.example> NOTIFY=NEVER "
		    "ORCPT=rfc822;r+2B1@y.example\r\n" },
		{ .caps = { .dsn = true },
		    .orcpt = "utf-8;\xc3\xa4\\x{2B}\\x{5C}@y.example",
		    .mail = "MAIL FROM:<\"a b\"@x.example>\r\n",
		    .rcpt = "RCPT TO:<r@y.example> "
		    "ORCPT=utf-8;\\x{E4}\\x{2B}\\x{5C}@y.example\r\n" },
		{ .caps = { .dsn = true }, .in = { .envid = "a b" },
		    .orcpt = "rfc822;a b>",
		    .mail = "MAIL FROM:<\"a b\"@x.example>\r\n",
		    .rcpt = "RCPT TO:<r@y.example>\r\n" },
		{ .caps = { .dsn = true, .smtputf8 = true, .eightbit = true,
		    .requiretls = true }, .utf8 = true,
		    .in = { .body8 = true, .requiretls = true },
		    .orcpt = "utf-8;\xc3\xa4@y.example",
		    .mail = "MAIL FROM:<\"a b\"@x.example> BODY=8BITMIME "
		    "SMTPUTF8 REQUIRETLS\r\n",
		    .rcpt = "RCPT TO:<r@y.example> "
		    "ORCPT=utf-8;\xc3\xa4@y.example\r\n" },
	};
	struct arena a = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct line_case *c = &cases[i];
		struct agent_deliver_in in = c->in;
		struct session s = { .caps = c->caps };
		struct job j = { .in = &in, .arena = &a, .wire = 77,
			.wants_utf8 = c->utf8 };
		struct recipient r = { .wire = "r@y.example",
			.orcpt = c->orcpt != NULL ? c->orcpt : "",
			.notify = c->notify != NULL ? c->notify : "" };
		struct str out = STR_INIT;

		in.ret = in.ret != NULL ? in.ret : "";
		in.envid = in.envid != NULL ? in.envid : "";
		mail_line(&s, &j, "a b@x.example", &out);
		is_str(out.s, c->mail, "MAIL %zu", i);
		str_reset(&out);
		rcpt_line(&s, &j, &r, &out);
		is_str(out.s, c->rcpt, "RCPT %zu", i);
		str_free(&out);
	}
	arena_free(&a);
}

/* SIZE= is what is sent */
static void
test_wire(void)
{
	struct session s = { .caps = { .size = true, .size_max = 7 } };
	struct agent_deliver_in in = { .ret = "", .envid = "" };
	struct job j = { .in = &in, .wire = 8, .longest = 2000 };
	struct err err = ERR_INIT;

	is_int(need_wire(&j), 8, "as it is");
	is_int(need_size(&s, &j, &err), -1, "more than the server takes");
	ok(err.kind == ERR_TEMP, "which another may take");
	str_adds(&j.converted, "a\nb\n");
	is_int(need_wire(&j), 6, "converted");
	is_int(need_size(&s, &j, &err), 0, "it fits");
	str_free(&j.converted);
	conf.long_lines = LONG_FOLD;
	is_int(need_wire(&j), 0, "not known before lines are broken");
	conf.long_lines = LONG_SEND;
}

static void
one_convert(const char *name, const char *in, const char *want)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int rc = convert(slice_of(in), 998, &out, &err);

	if (want == NULL)
		ok(rc < 0 && strcmp(err.dsn, "5.6.3") == 0, "%s", name);
	else
		is_str(rc == 0 ? out.s : err.text, want, "%s", name);
	str_free(&out);
}

static void
test_convert(void)
{
	one_convert("ASCII stays", "A: b\n\nx\n", "A: b\n\nx\n");
	one_convert("empty", "", "");
	one_convert("text", "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "content-transfer-encoding: 8bit\n\n\xc3\xa4 \n=\n",
	    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "=C3=A4=20\n=3D\n");
	one_convert("encoded already, and not", "Content-Transfer-Encoding: "
	    "quoted-printable\n\n\xc3\xa4\n", NULL);
	one_convert("a header alone", "Subject: \xc3\xa4\n\nx\n",
	    "Subject: \xc3\xa4\n\nx\n");
	one_convert("signed", "Content-Type: multipart/signed; boundary=x\n\n"
	    "--x\n\n\xc3\xa4\n--x--\n", NULL);
	one_convert("preamble", "Content-Type: multipart/mixed; boundary=x\n\n"
	    "\xc3\n--x\n\na\n--x--\n", "Content-Type: multipart/mixed; "
	    "boundary=x\n\n?\n--x\n\na\n--x--\n");
}

int
main(void)
{
	test_caps();
	test_replies();
	test_lines();
	test_wire();
	test_convert();
	return tap_done();
}
