/*
 * smtpd_session_test.c - whole sessions: the codes that each script of a
 * client is answered, and what would have been queued.
 */
#include "smtpd_fake.h"

#include "base/log.h"
#include "test/tap.h"

#define HELLO "EHLO c\r\n"
#define FROM "MAIL FROM:<a@b.org>\r\n"
#define TO "RCPT TO:<ann@example.org>\r\n"
#define TXN FROM TO
#define QUIT "QUIT\r\n"
#define MSG "Subject: x\r\n\r\nhi\r\n.\r\n"

struct row {
	const char *name;
	enum personality who;
	const char *input, *codes;
};

static const struct row rows[] = {
	{ "QUIT at once", MX, QUIT, "220 221" },
	{ "end of file", MX, "", "220" },
	{ "a message", MX, HELLO TXN "DATA\r\n" MSG QUIT,
	    "220 250 250 250 354 250 221" },
	{ "two messages", MX, HELLO TXN "DATA\r\n" MSG TXN "DATA\r\n" MSG QUIT,
	    "220 250 250 250 354 250 250 250 354 250 221" },
	{ "HELO will do", MX, "HELO c\r\n" TXN "DATA\r\n" MSG QUIT,
	    "220 250 250 250 354 250 221" },
	{ "commands in any case", MX, "ehlo c\r\nmail from:<a@b.org>\r\n"
	    "Rcpt To:<ann@example.org>\r\nquit\r\n",
	    "220 250 250 250 221" },
	/* states: none yet */
	{ "new: MAIL", MX, FROM QUIT, "220 503 221" },
	{ "new: RCPT", MX, TO QUIT, "220 503 221" },
	{ "new: DATA", MX, "DATA\r\n" QUIT, "220 503 221" },
	{ "new: BDAT", MX, "BDAT 3\r\nabcQUIT\r\n", "220 503 221" },
	{ "new: AUTH", MX, "AUTH PLAIN\r\n" QUIT, "220 503 221" },
	{ "new: RSET NOOP HELP VRFY EXPN", MX, "RSET\r\nNOOP\r\nNOOP x y\r\n"
	    "HELP\r\nVRFY a\r\nEXPN a\r\n" QUIT,
	    "220 250 250 250 214 252 502 221" },
	{ "new: STARTTLS ETRN TURN", MX, "STARTTLS\r\nETRN x\r\nTURN\r\n" QUIT,
	    "220 454 502 502 221" },
	/* idle */
	{ "idle: RCPT", MX, HELLO TO QUIT, "220 250 503 221" },
	{ "idle: DATA", MX, HELLO "DATA\r\n" QUIT, "220 250 503 221" },
	{ "idle: BDAT", MX, HELLO "BDAT 4 LAST\r\na\r\nbQUIT\r\n",
	    "220 250 503 221" },
	{ "idle: EHLO again", MX, HELLO HELLO FROM QUIT,
	    "220 250 250 250 221" },
	/* MAIL */
	{ "mail: MAIL", MX, HELLO FROM FROM QUIT, "220 250 250 503 221" },
	{ "mail: DATA", MX, HELLO FROM "DATA\r\n" TO QUIT,
	    "220 250 250 554 250 221" },
	{ "mail: BDAT ends it", MX, HELLO FROM "BDAT 6\r\nQUIT\r\n" TO QUIT,
	    "220 250 250 554 503 221" },
	{ "mail: RSET", MX, HELLO FROM "RSET\r\n" TO QUIT,
	    "220 250 250 250 503 221" },
	{ "mail: EHLO is RSET", MX, HELLO FROM HELLO TO QUIT,
	    "220 250 250 250 503 221" },
	{ "mail: HELO is RSET", MX, HELLO FROM "HELO c\r\n" TO QUIT,
	    "220 250 250 250 503 221" },
	{ "mail: a bad EHLO is not", MX, HELLO FROM "EHLO\r\nEHLO (\r\n" TO
	    QUIT, "220 250 250 501 501 250 221" },
	{ "mail: VRFY is not", MX, HELLO FROM "VRFY x\r\nNOOP\r\nHELP\r\n" TO
	    QUIT, "220 250 250 252 250 214 250 221" },
	{ "mail: AUTH", MX, HELLO FROM "AUTH PLAIN x\r\n" TO QUIT,
	    "220 250 250 503 250 221" },
	/* RCPT */
	{ "rcpt: MAIL", MX, HELLO TXN FROM QUIT, "220 250 250 250 503 221" },
	{ "rcpt: RSET", MX, HELLO TXN "RSET\r\nDATA\r\n" QUIT,
	    "220 250 250 250 250 503 221" },
	{ "rcpt: DATA with an argument", MX, HELLO TXN "DATA x\r\n" QUIT,
	    "220 250 250 250 501 221" },
	{ "rcpt: refused ones do not count", MX, HELLO FROM
	    "RCPT TO:<unknown@example.org>\r\nRCPT TO:<x@elsewhere.org>\r\n"
	    "RCPT TO:<full@example.org>\r\nRCPT TO:<broken@example.org>\r\n"
	    "DATA\r\n" QUIT, "220 250 250 550 554 452 451 554 221" },
	{ "rcpt: one of two", MX, HELLO FROM
	    "RCPT TO:<unknown@example.org>\r\n" TO "DATA\r\n" MSG QUIT,
	    "220 250 250 550 250 354 250 221" },
	{ "rcpt: postmaster without domain", MX, HELLO "MAIL FROM:<>\r\n"
	    "RCPT TO:<PostMaster>\r\nRCPT TO:<ann>\r\n" QUIT,
	    "220 250 250 250 553 221" },
	/* lines */
	{ "empty line", MX, "\r\n" QUIT, "220 500 221" },
	{ "unknown", MX, "XYZZY\r\n" QUIT, "220 500 221" },
	{ "bare LF", MX, "NOOP\n" QUIT, "220 550 221" },
	{ "bare CR", MX, "NOOP a\rb\r\n" QUIT, "220 550 221" },
	{ "control", MX, "NOOP a\001b\r\n" QUIT, "220 501 221" },
	{ "broken UTF-8", MX, "NOOP \xff\r\n" QUIT, "220 501 221" },
	{ "a browser", MX, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "220 500" },
	/* LF is the line end of many a program on this machine */
	{ "local: bare LF", LOCAL, "EHLO c\nMAIL FROM:<ann>\nRCPT TO:<bob>\n"
	    "DATA\nx\n\r\n.\r\nQUIT\n", "220 250 250 250 354 250 221" },
	{ "local: anywhere", LOCAL, HELLO "MAIL FROM:<>\r\n"
	    "RCPT TO:<x@elsewhere.org>\r\n" QUIT, "220 250 250 250 221" },
	/* parameters */
	{ "SIZE", MX, HELLO "MAIL FROM:<a@b.org> SIZE=100\r\n" QUIT,
	    "220 250 250 221" },
	{ "SIZE too large", MX, HELLO "MAIL FROM:<a@b.org> SIZE=67108865\r\n"
	    QUIT, "220 250 552 221" },
	{ "SIZE malformed", MX, HELLO "MAIL FROM:<a@b.org> SIZE=x\r\n"
	    "MAIL FROM:<a@b.org> SIZE\r\nMAIL FROM:<a@b.org> SIZE=-1\r\n"
	    "MAIL FROM:<a@b.org> SIZE=99999999999999999999999\r\n" QUIT,
	    "220 250 501 501 501 501 221" },
	{ "BODY", MX, HELLO "MAIL FROM:<a@b.org> BODY=8BITMIME\r\nRSET\r\n"
	    "MAIL FROM:<a@b.org> body=7bit\r\nRSET\r\n"
	    "MAIL FROM:<a@b.org> BODY=BINARYMIME\r\n"
	    "MAIL FROM:<a@b.org> BODY=X\r\n" QUIT,
	    "220 250 250 250 250 250 501 501 221" },
	{ "unknown parameter", MX, HELLO "MAIL FROM:<a@b.org> FOO=1\r\n" FROM
	    "RCPT TO:<ann@example.org> FOO\r\nRCPT TO:<ann@example.org> "
	    "SIZE=1\r\n" QUIT, "220 250 555 250 555 555 221" },
	{ "twice", MX, HELLO "MAIL FROM:<a@b.org> SIZE=1 size=2\r\n" QUIT,
	    "220 250 501 221" },
	{ "AUTH=", MX, HELLO "MAIL FROM:<a@b.org> AUTH=<>\r\nRSET\r\n"
	    "MAIL FROM:<a@b.org> AUTH=x+40y\r\nRSET\r\n"
	    "MAIL FROM:<a@b.org> AUTH=+zz\r\n" QUIT,
	    "220 250 250 250 250 250 501 221" },
	{ "DSN", MX, HELLO "MAIL FROM:<a@b.org> RET=HDRS ENVID=q+2B1\r\n"
	    "RCPT TO:<ann@example.org> NOTIFY=SUCCESS,delay "
	    "ORCPT=rfc822;x@y\r\nDATA\r\n" MSG QUIT,
	    "220 250 250 250 354 250 221" },
	{ "DSN malformed", MX, HELLO "MAIL FROM:<a@b.org> RET=ALL\r\n"
	    "MAIL FROM:<a@b.org> ENVID=+zz\r\nMAIL FROM:<a@b.org> ENVID=\r\n"
	    FROM "RCPT TO:<ann@example.org> NOTIFY=NEVER,DELAY\r\n"
	    "RCPT TO:<ann@example.org> NOTIFY=x\r\n"
	    "RCPT TO:<ann@example.org> ORCPT=abc\r\n"
	    "RCPT TO:<ann@example.org> RET=FULL\r\n" QUIT,
	    "220 250 501 501 501 250 501 501 501 555 221" },
	{ "SMTPUTF8", MX, HELLO "MAIL FROM:<\xc3\xa4@b.org>\r\n"
	    "MAIL FROM:<\xc3\xa4@b.org> SMTPUTF8\r\n"
	    "RCPT TO:<\xc3\xbc@example.org>\r\nDATA\r\n" MSG
	    "MAIL FROM:<a@b.org> SMTPUTF8=1\r\n" FROM
	    "RCPT TO:<\xc3\xbc@example.org>\r\n" QUIT,
	    "220 250 553 250 250 354 250 501 250 553 221" },
	{ "senders", MX, HELLO "MAIL FROM:<ann>\r\nMAIL FROM:<a@@b>\r\n"
	    "MAIL TO:<a@b.org>\r\nMAIL\r\nMAIL FROM:\r\n"
	    "MAIL FROM: <@x,@y:a@b.org>\r\nRSET\r\nMAIL FROM:a@b.org\r\n"
	    QUIT, "220 250 553 553 501 501 553 250 250 250 221" },
	/* chunks */
	{ "BDAT", MX, HELLO TXN "BDAT 5\r\na: b\r" "BDAT 5 LAST\r\n\n\r\nx\n"
	    QUIT, "220 250 250 250 250 550 221" },
	{ "BDAT in pieces", MX, HELLO TXN "BDAT 5\r\na: b\rBDAT 6 last\r\n"
	    "\n\r\nx\r\n" QUIT, "220 250 250 250 250 250 221" },
	{ "BDAT 0 LAST", MX, HELLO TXN "BDAT 4\r\nab\r\nBDAT 0 LAST\r\n" QUIT,
	    "220 250 250 250 250 250 221" },
	{ "BDAT: only BDAT and RSET behind it", MX, HELLO TXN
	    "BDAT 4\r\nab\r\n" FROM TO "DATA\r\nAUTH PLAIN\r\nNOOP\r\n"
	    "RSET\r\n" TXN QUIT,
	    "220 250 250 250 250 503 503 503 503 250 250 250 250 221" },
	{ "BDAT malformed ends the session", MX, HELLO TXN "BDAT x\r\nQUIT"
	    "\r\n", "220 250 250 250 501" },
	{ "BDAT endless", MX, HELLO TXN "BDAT 9000000000000000000\r\nab\r\n",
	    "220 250 250 250 552" },
	{ "BDAT endless without MAIL", MX, HELLO "BDAT 9000000000000000000"
	    "\r\nab\r\n", "220 250 503" },
	{ "BDAT cut off", MX, HELLO TXN "BDAT 10 LAST\r\nabc",
	    "220 250 250 250" },
	{ "BDAT after a failed one", MX, HELLO FROM
	    "RCPT TO:<unknown@example.org>\r\nBDAT 3\r\nabcBDAT 3 LAST\r\n"
	    "abc" TXN QUIT, "220 250 250 550 554 503 250 250 221" },
	/* the end of the data */
	{ "DATA cut off", MX, HELLO TXN "DATA\r\nabc\r\n",
	    "220 250 250 250 354" },
	{ "DATA with a bare LF", MX, HELLO TXN "DATA\r\na\nb\r\n.\r\n" QUIT,
	    "220 250 250 250 354 550 221" },
	{ "DATA: LF.LF", MX, HELLO TXN "DATA\r\na\n.\nRSET\r\n.\r\n" QUIT,
	    "220 250 250 250 354 550 221" },
	{ "DATA: LF.CRLF", MX, HELLO TXN "DATA\r\na\n.\r\nRSET\r\n.\r\n" QUIT,
	    "220 250 250 250 354 550 221" },
	{ "DATA: CRLF.LF", MX, HELLO TXN "DATA\r\na\r\n.\nRSET\r\n.\r\n" QUIT,
	    "220 250 250 250 354 550 221" },
	{ "DATA: CR.CR", MX, HELLO TXN "DATA\r\na\r.\rRSET\r\n.\r\n" QUIT,
	    "220 250 250 250 354 550 221" },
	{ "DATA: CR.CRLF", MX, HELLO TXN "DATA\r\na\r.\r\nRSET\r\n.\r\n" QUIT,
	    "220 250 250 250 354 550 221" },
	{ "DATA: CRLF.CR", MX, HELLO TXN "DATA\r\na\r\n.\rRSET\r\n.\r\n" QUIT,
	    "220 250 250 250 354 550 221" },
	{ "normalized: LF.LF ends nothing either", LOCAL, HELLO TXN
	    "DATA\r\na\n.\nb\r.\rc\r\n.\nRSET\r\n.\r\n" QUIT,
	    "220 250 250 250 354 250 221" },
	/* LMTP */
	{ "lmtp: HELO and EHLO", LMTP, "HELO c\r\nEHLO c\r\nLHLO c\r\n" QUIT,
	    "220 500 500 250 221" },
	{ "smtp: LHLO", MX, "LHLO c\r\n" QUIT, "220 500 221" },
	{ "lmtp: one reply each", LMTP, "LHLO c\r\n" TXN
	    "RCPT TO:<unknown@example.org>\r\nRCPT TO:<bob@example.org>\r\n"
	    TO "DATA\r\n" MSG QUIT,
	    "220 250 250 250 550 250 250 354 250 250 250 221" },
	{ "lmtp: refused, one reply each", LMTP, "LHLO c\r\n" TXN
	    "RCPT TO:<bob@example.org>\r\nDATA\r\na\nb\r\n.\r\n" QUIT,
	    "220 250 250 250 250 354 550 550 221" },
	{ "lmtp: BDAT", LMTP, "LHLO c\r\n" TXN "RCPT TO:<bob@example.org>\r\n"
	    "BDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\n" QUIT,
	    "220 250 250 250 250 250 250 250 221" },
	{ "lmtp: none", LMTP, "LHLO c\r\n" FROM
	    "RCPT TO:<unknown@example.org>\r\nDATA\r\n" QUIT,
	    "220 250 250 550 554 221" },
	/* submission and AUTH */
	{ "submission: first AUTH", SUBMISSION, HELLO FROM QUIT,
	    "220 250 530 221" },
	{ "AUTH PLAIN", SUBMISSION, HELLO "AUTH PLAIN AGFubgBwdw==\r\n" FROM
	    "RCPT TO:<x@elsewhere.org>\r\n" "AUTH PLAIN x\r\nRSET\r\n"
	    "AUTH PLAIN x\r\n" QUIT,
	    "220 250 235 250 250 503 250 503 221" },
	{ "a sender that is another's", SUBMISSION,
	    HELLO "AUTH PLAIN AGFubgBwdw==\r\nMAIL FROM:<foreign@b.org>\r\n"
	    FROM "MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\n" QUIT,
	    "220 250 235 550 250 503 250 250 221" },
	{ "AUTH in two lines", SUBMISSION, HELLO "auth login\r\n"
	    "AGFubgBwdw==\r\n" FROM QUIT, "220 250 334 235 250 221" },
	{ "AUTH cancelled", SUBMISSION, HELLO "AUTH PLAIN\r\n*\r\n" FROM QUIT,
	    "220 250 334 501 530 221" },
	{ "AUTH malformed", SUBMISSION, HELLO "AUTH\r\nAUTH X\r\n"
	    "AUTH PLAIN a b\r\nAUTH PLAIN\r\n\xff\r\nAUTH PLAIN\r\nx\n" QUIT,
	    "220 250 501 504 501 334 501 334 535 221" },
	{ "AUTH later", SUBMISSION, HELLO "AUTH PLAIN dGVtcA==\r\n" QUIT,
	    "220 250 454 221" },
	{ "AUTH failing three times", SUBMISSION, HELLO "AUTH PLAIN eA==\r\n"
	    "AUTH PLAIN eA==\r\nAUTH PLAIN eA==\r\n" QUIT,
	    "220 250 535 535 535 421" },
	{ "AUTH cut off", SUBMISSION, HELLO "AUTH PLAIN\r\n",
	    "220 250 334" },
};

/* the code of each reply, parted by blanks; or what is wrong with a line */
static void
codes(const struct str *out, struct str *r)
{
	struct slice rest = slice_str(out), line;

	while (slice_cut(&rest, '\n', &line)) {
		if (line.n == 0 && rest.p == NULL)
			break;
		if (!slice_ends(line, "\r") || line.n < 5 ||
		    (line.p[3] != ' ' && line.p[3] != '-') || line.n > 511) {
			str_addf(r, " malformed");
			continue;
		}
		if (line.p[3] == ' ')
			str_addf(r, "%s%.3s", r->len ? " " : "", line.p);
	}
}

static void
check(const char *name, const char *input, const char *addr, const char *want)
{
	struct str out = STR_INIT, got = STR_INIT;

	fake_session(slice_of(input), addr, &out);
	codes(&out, &got);
	if (!is_str(got.s, want, "%s", name))
		tap_diag("%s", out.s);
	str_free(&out);
	str_free(&got);
}

static void
as(enum personality p)
{
	fake_conf(p);
	fake_reset();
	conf.auth = p == SUBMISSION;
}

static void
test_rows(enum personality who)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].who != who)
			continue;
		as(who);
		check(rows[i].name, rows[i].input,
		    who == LOCAL ? "unix" : "127.0.0.1", rows[i].codes);
	}
}

static void
test_content(void)
{
	as(MX);
	check("dots", HELLO TXN "DATA\r\n..a\r\n.b\r\n...\r\n\r\n.\r\n" QUIT,
	    "127.0.0.1", "220 250 250 250 354 250 221");
	is_str(fake.content.s, ".a\nb\n..\n\n", "are unstuffed, LF only");
	is_str(fake.proto.s, "ESMTP", "protocol");
	check("DSN", HELLO "MAIL FROM:<a@b.org> RET=HDRS ENVID=q+2B1\r\n"
	    "RCPT TO:<ann@example.org> NOTIFY=delay,SUCCESS "
	    "ORCPT=rfc822;x+40y\r\n" TO TO "RCPT TO:<ann@EXAMPLE.org>\r\n"
	    "RCPT TO:<Ann@example.org>\r\nBDAT 2 LAST\r\nx\n" QUIT,
	    "127.0.0.1", "220 250 250 250 250 250 250 250 550 221");
	is_str(fake.sender.s, "a@b.org", "a refused small message made none");
	conf.line_ends = ENDS_NORMALIZE;
	check("DSN and duplicates", HELLO
	    "MAIL FROM:<a@b.org> RET=HDRS ENVID=q+2B1 SMTPUTF8\r\n"
	    "RCPT TO:<ann@example.org> NOTIFY=delay,SUCCESS "
	    "ORCPT=rfc822;x+40y\r\n" TO TO "RCPT TO:<ann@EXAMPLE.org>\r\n"
	    "RCPT TO:<Ann@example.org>\r\nBDAT 3 LAST\r\nx\ny" QUIT,
	    "127.0.0.1", "220 250 250 250 250 250 250 250 250 221");
	is_str(fake.sender.s, "a@b.org/hdrs/q+2B1", "sender, RET, ENVID");
	is_str(fake.rcpts.s, "ann@example.org/SUCCESS,DELAY/rfc822;x+40y "
	    "ann@example.org Ann@example.org ", "recipients, once each");
	is_str(fake.content.s, "x\ny\n", "normalized, the last line ended");
	is_str(fake.proto.s, "UTF8SMTP", "protocol with UTF-8");
	as(SUBMISSION);
	check("authenticated", HELLO "AUTH PLAIN AGFubgBwdw==\r\n"
	    "MAIL FROM:<ann>\r\n" TO "DATA\r\n.\r\n" QUIT, "::1",
	    "220 250 235 250 250 354 250 221");
	is_str(fake.proto.s, "ESMTPA", "protocol");
	is_str(fake.sender.s, "ann@mx.example.org", "sender with a domain");
}

static void
test_trouble(void)
{
	static const char one[] = HELLO TXN "DATA\r\n" MSG TXN QUIT;
	static const char chunk[] = HELLO TXN "BDAT 3\r\na\r\n"
	    "BDAT 3 LAST\r\nb\r\n" TXN QUIT;

	as(MX);
	fake.no_space = true;
	check("no space", one, "127.0.0.1",
	    "220 250 452 503 503 500 500 500 500 452 503 221");
	as(MX);
	fake.no_begin = true;
	check("no cleanup", one, "127.0.0.1",
	    "220 250 250 250 354 451 250 250 221");
	check("no cleanup, BDAT", chunk, "127.0.0.1",
	    "220 250 250 250 250 451 250 250 221");
	is_int(fake.committed, 0, "nothing is queued");
	as(MX);
	fake.full_disk = true;
	check("full disk", one, "127.0.0.1",
	    "220 250 250 250 354 452 250 250 221");
	check("full disk, BDAT", chunk, "127.0.0.1",
	    "220 250 250 250 250 452 250 250 221");
	is_int(fake.aborted, 2, "what began is given up");
	as(MX);
	fake.no_commit = true;
	check("lost commit", one, "127.0.0.1",
	    "220 250 250 250 354 451 250 250 221");
	as(MX);
	fake.bad_content = true;
	check("hops", one, "127.0.0.1",
	    "220 250 250 250 354 554 250 250 221");
	as(LMTP);
	fake.bad_content = true;
	check("hops, LMTP", "LHLO c\r\n" TXN TO "DATA\r\n" MSG QUIT,
	    "unix", "220 250 250 250 250 354 554 554 221");
}

static void
test_big(void)
{
	struct str in = STR_INIT, out = STR_INIT, got = STR_INIT;
	size_t i;

	as(MX);
	conf.message_size = 200000;
	str_adds(&in, HELLO TXN "DATA\r\n");
	for (i = 0; i < 3000; i++)
		str_adds(&in, "78 octets and a line end, which is what most "
		    "people would call a line of text.\r\n");
	str_adds(&in, ".\r\n" TXN QUIT);
	fake_session(slice_str(&in), "127.0.0.1", &out);
	codes(&out, &got);
	is_str(got.s, "220 250 250 250 354 552 250 250 221",
	    "too big: read to its end");
	is_int(fake.begun, 1, "began");
	is_int(fake.aborted, 1, "and given up");
	str_reset(&out);
	str_reset(&got);
	conf.message_size = 1000;
	str_trunc(&in, in.len - 100);
	for (i = 0; i < 20000; i++)
		str_adds(&in, "78 octets and a line end, which is what most "
		    "people would call a line of text.\r\n");
	fake_session(slice_str(&in), "127.0.0.1", &out);
	codes(&out, &got);
	is_str(got.s, "220 250 250 250 354 552", "far too big: the end");
	str_free(&in);
	str_free(&out);
	str_free(&got);
}

static void
test_limits(void)
{
	struct str in = STR_INIT, want = STR_INIT;
	size_t i;

	as(MX);
	conf.errors = 3;
	check("errors", "X\r\nX\r\nX\r\n" QUIT, "127.0.0.1",
	    "220 500 500 500 421");
	as(MX);
	conf.junk_commands = 2;
	check("junk", "NOOP\r\nNOOP\r\nNOOP\r\n" QUIT, "127.0.0.1",
	    "220 250 250 421");
	as(MX);
	conf.transactions = 1;
	check("transactions", HELLO FROM "RSET\r\n" FROM QUIT, "127.0.0.1",
	    "220 250 250 250 421");
	as(MX);
	conf.helo_required = false;
	check("no HELO", FROM QUIT, "127.0.0.1", "220 250 221");
	as(SUBMISSION);
	check("AUTH from afar", HELLO "AUTH PLAIN AGFubgBwdw==\r\n" FROM QUIT,
	    "192.0.2.1", "220 250 538 530 221");
	as(SUBMISSION);
	conf.auth = false;
	check("AUTH switched off", HELLO "AUTH PLAIN x\r\n" QUIT, "127.0.0.1",
	    "220 250 502 221");
	as(MX);
	conf.recipients = 100;
	str_adds(&in, HELLO FROM);
	str_adds(&want, "220 250 250");
	for (i = 0; i < 102; i++) {
		str_addf(&in, "RCPT TO:<u%zu@example.org>\r\n", i % 60);
		str_adds(&want, i < 100 ? " 250" : " 452");
	}
	str_adds(&in, "BDAT 3 LAST\r\na\r\n" QUIT);
	str_adds(&want, " 250 221");
	check("recipients", in.s, "127.0.0.1", want.s);
	is_int(slice_find(slice_str(&fake.rcpts), ' '), 14, "the first");
	is_str(strrchr(fake.rcpts.s, 'u'), "u59@example.org ",
	    "many recipients are stored once, in order");
	str_free(&in);
	str_free(&want);
	as(MX);
	conf.data_line_length = 10;
	check("long line", HELLO TXN "DATA\r\n12345678901\r\n.\r\n" QUIT,
	    "127.0.0.1", "220 250 250 250 354 550 221");
}

static void
test_nul(void)
{
	static const char in[] = HELLO TXN "DATA\r\na\0b\r\n.\r\nNO\0OP\r\n"
	    QUIT;
	struct str out = STR_INIT, got = STR_INIT;

	as(MX);
	fake_session(SLICE_LIT(in), "127.0.0.1", &out);
	codes(&out, &got);
	is_str(got.s, "220 250 250 250 354 550 550 221", "NUL");
	str_free(&out);
	str_free(&got);
}

static void
test_ehlo(void)
{
	struct str out = STR_INIT;

	as(SUBMISSION);
	fake_session(SLICE_LIT(HELLO), "127.0.0.1", &out);
	is_str(out.s, "220 mx.example.org ESMTP Postrider\r\n"
	    "250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 67108864\r\n"
	    "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n"
	    "250-SMTPUTF8\r\n250-DSN\r\n250-LIMITS MAILMAX=1000 "
	    "RCPTMAX=1000\r\n250 AUTH PLAIN LOGIN\r\n", "EHLO");
	str_reset(&out);
	fake_session(SLICE_LIT(HELLO), "192.0.2.1", &out);
	ok(strstr(out.s, "AUTH") == NULL, "no AUTH from afar");
	str_free(&out);
}

static void
drop(const char *line UNUSED, size_t n UNUSED)
{
}

int
main(void)
{
	log_set_sink(drop);
	test_rows(MX);
	test_rows(LOCAL);
	test_rows(SUBMISSION);
	test_rows(LMTP);
	test_content();
	test_trouble();
	test_big();
	test_limits();
	test_nul();
	test_ehlo();
	return tap_done();
}
