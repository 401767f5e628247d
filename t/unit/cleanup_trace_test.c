/*
 * cleanup_trace_test.c - the fields that cleanup writes in front, and what it
 * finds in content.
 */
#include "../../cleanup/cleanup.h"
#include "conf/common.h"
#include "test/tap.h"

struct cleanup_conf conf;

static const struct cleanup_begin_in plain = { .sender = "joe@example.org",
	.ret = "", .envid = "", .proto = "ESMTP", .helo = "client.example.org",
	.client_addr = "192.0.2.7", .client_name = "", .login = "",
	.tls = "", .cipher = "", .sni = "", .subject = "",
	.uid = -1, .session = "" };

/* the trace fields unfolded and without date */
static void
trace(const struct cleanup_begin_in *in, const char *rcpt, struct str *out)
{
	struct str s = STR_INIT;
	const char *p, *semi;

	trace_headers(&s, in, "0123456789a", rcpt, 1700000000);
	semi = strstr(s.s, "; ");
	for (p = s.s; *p != '\0' && p != semi; p++)
		if (*p != '\n' || p[1] != ' ')
			str_addc(out, *p);
	ok(s.len > 0 && s.s[s.len - 1] == '\n', "ends with a line end");
	str_free(&s);
}

static void
is_trace(const struct cleanup_begin_in *in, const char *rcpt,
    const char *want, const char *name)
{
	struct str got = STR_INIT;

	trace(in, rcpt, &got);
	is_str(got.s, want, "%s", name);
	str_free(&got);
}

static void
test_trace(void)
{
	struct cleanup_begin_in in = plain;

	common.hostname = "mx.example.test";
	is_trace(&in, "a@b", "Return-Path: <joe@example.org>\n"
	    "Delivered-To: a@b\nReceived: from client.example.org "
	    "([192.0.2.7]) by mx.example.test (Postrider) with ESMTP id "
	    "0123456789a for <a@b>", "one recipient");
	is_trace(&in, NULL, "Return-Path: <joe@example.org>\n"
	    "Received: from client.example.org ([192.0.2.7]) by "
	    "mx.example.test (Postrider) with ESMTP id 0123456789a",
	    "several recipients");
	in.client_addr = "2001:db8::1";
	in.client_name = "host.example.org";
	in.sender = "";
	in.helo = "a) by evil (b\n\tX: y";
	in.login = "joe)";
	is_trace(&in, NULL, "Return-Path: <>\nReceived: from "
	    "a??by?evil??b??X:?y (host.example.org [IPv6:2001:db8::1]) "
	    "(authenticated as joe?) by mx.example.test (Postrider) with "
	    "ESMTP id 0123456789a", "names that would break out");
	in = plain;
	in.helo = "\xc3\xb6.test";
	is_trace(&in, NULL, "Return-Path: <joe@example.org>\nReceived: from "
	    "??.test ([192.0.2.7]) by mx.example.test (Postrider) with "
	    "ESMTP id 0123456789a", "8-bit in a message without SMTPUTF8");
	in.utf8 = true;
	in.proto = "UTF8SMTP";
	is_trace(&in, "\xc3\xb6@b", "Return-Path: <joe@example.org>\n"
	    "Delivered-To: \xc3\xb6@b\nReceived: from \xc3\xb6.test "
	    "([192.0.2.7]) by mx.example.test (Postrider) with UTF8SMTP id "
	    "0123456789a for <\xc3\xb6@b>", "... and with it");
	in = plain;
	in.proto = "ESMTPSA";
	in.tls = "TLSv1.3";
	in.cipher = "TLS_AES_256_GCM_SHA384)";
	in.bits = 256;
	in.login = "joe";
	is_trace(&in, NULL, "Return-Path: <joe@example.org>\nReceived: from "
	    "client.example.org ([192.0.2.7]) (using TLSv1.3 with cipher "
	    "TLS_AES_256_GCM_SHA384? (256 bits)) (authenticated as joe) by "
	    "mx.example.test (Postrider) with ESMTPSA id 0123456789a",
	    "over TLS");
	in.sni = "mail.example";
	in.subject = "CN=Joe (a) B";
	is_trace(&in, NULL, "Return-Path: <joe@example.org>\nReceived: from "
	    "client.example.org ([192.0.2.7]) (using TLSv1.3 with cipher "
	    "TLS_AES_256_GCM_SHA384? (256 bits) sni mail.example client "
	    "CN=Joe??a??B) (authenticated as joe) by mx.example.test "
	    "(Postrider) with ESMTPSA id 0123456789a", "what is known of it");
	in = plain;
	in.uid = 0;
	is_trace(&in, NULL, "Return-Path: <joe@example.org>\nReceived: (from "
	    "userid 0) by mx.example.test (Postrider) with ESMTP id "
	    "0123456789a", "a local sender");
	in.internal = true;
	in.sender = "";
	is_trace(&in, "a@b", "Return-Path: <>\nDelivered-To: a@b\n",
	    "our own");
}

static void
test_fold(void)
{
	struct cleanup_begin_in in = plain;
	struct str s = STR_INIT;
	struct slice rest, line;
	char helo[300];
	size_t longest = 0;

	memset(helo, 'h', sizeof(helo));
	helo[sizeof(helo) - 1] = '\0';
	in.helo = helo;
	trace_headers(&s, &in, "0123456789a", "a@b", 1700000000);
	rest = slice_str(&s);
	while (slice_cut(&rest, '\n', &line))
		longest = MAX(longest, line.n);
	ok(longest <= 300, "a long name stands alone on its line");
	str_free(&s);
}

struct check {
	const char *name, *text;
	size_t n;
	const char *dsn;	/* "" fine */
	uint64_t lines;
	bool date, message_id, from, no_blank;
	size_t body;
};
#define T(z) z, sizeof(z) - 1

static const struct check checks[] = {
	{ "empty", T(""), "", 0, false, false, false, false, 0 },
	{ "no body", T("A: b\n"), "", 1, false, false, false, false, 5 },
	{ "header and body", T("From: a\nDATE: b\nmessage-id: c\n\nx\ny"), "",
	    5, true, true, true, false, 31 },
	{ "fields in the body do not count", T("A: b\n\nFrom: x\n"), "", 3,
	    false, false, false, false, 6 },
	{ "no header", T("hello world\n"), "", 1, false, false, false, true,
	    0 },
	{ "it breaks off", T("A: b\nhello world\n"), "", 2, false, false,
	    false, true, 5 },
	{ "hops at the limit", T("Received: a\nreceived: b\n\n"), "", 3,
	    false, false, false, false, 25 },
	{ "hops over it", T("Received: a\nreceived: b\nReceived: c\n\n"),
	    "5.4.6", 0, false, false, false, false, 0 },
	{ "fields over the limit", T("a:\nb:\nc:\nd:\ne:\nf:\n\n"), "5.6.0",
	    0, false, false, false, false, 0 },
	{ "NUL", T("A: b\n\nx\0y\n"), "5.6.0", 0, false, false, false, false,
	    0 },
	{ "CR", T("A: b\r\n\r\n"), "5.6.0", 0, false, false, false, false,
	    0 },
	{ "header at the limit",
	    T("A: 78901234567890123456789012345678901234\n\n"), "", 2, false,
	    false, false, false, 43 },
	{ "a large body is none of its business",
	    T("A: b\n\n456789012345678901234567890123456789012345678901\n"),
	    "", 3, false, false, false, false, 6 },
};

static void
test_checks(void)
{
	static const struct content_limits limits = { 64, 5, 2, 0 };
	struct content_facts f;
	struct err err;
	FILE *t;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(checks); i++) {
		const struct check *c = &checks[i];

		t = tmpfile();
		fwrite(c->text, 1, c->n, t);
		fflush(t);
		err = (struct err)ERR_INIT;
		rc = content_check(fileno(t), c->n, &limits, &f, &err);
		is_str(rc < 0 ? err.dsn : "", c->dsn, "%s", c->name);
		if (rc == 0)
			ok(f.lines == c->lines && f.date == c->date &&
			    f.message_id == c->message_id &&
			    f.from == c->from && f.no_blank == c->no_blank &&
			    f.body == c->body, "%s: what is in it", c->name);
		fclose(t);
	}
}

/* a header that ends just within the limit, just beyond, and nowhere */
static void
test_header_limit(void)
{
	static const struct content_limits limits = { 100000, 5, 2, 0 };
	static const size_t sizes[] = { 99000, 100000, 100001, 300000 };
	struct content_facts f;
	struct err err;
	size_t i, k;
	FILE *t;
	int rc;

	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		t = tmpfile();
		fputs("A:", t);
		for (k = 2; k < sizes[i] - 2; k++)
			fputc(k % 500 == 0 ? '\n' : ' ', t);
		fputs("\n\nbody\n", t);
		fflush(t);
		rc = content_check(fileno(t), sizes[i] + 5, &limits, &f,
		    &err);
		is_str(rc < 0 ? err.dsn : "", sizes[i] <= 100000 ? "" :
		    "5.3.4", "a header of %zu bytes", sizes[i]);
		fclose(t);
	}
	t = tmpfile();
	fputs("A: b\n\nx\n", t);
	fflush(t);
	rc = content_check(fileno(t), 100, &limits, &f, &err);
	ok(rc < 0 && err.kind == ERR_TEMP, "content shorter than its size");
	fclose(t);
}

int
main(void)
{
	test_trace();
	test_fold();
	test_checks();
	test_header_limit();
	return tap_done();
}
