/* ENVELOPE, BODY and BODYSTRUCTURE */
#include "imap/structure.h"
#include "test/tap.h"

/* RFC 3501 section 8 */
#define RFC "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n" \
	"From: Terry Gray <gray@cac.washington.edu>\n" \
	"Subject: IMAP4rev1 WG mtg summary and minutes\n" \
	"To: imap@cac.washington.edu\n" \
	"Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\n" \
	"Message-Id: <B27397-0100000@cac.washington.edu>\n" \
	"MIME-Version: 1.0\n" \
	"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\nhello\nworld\n"

#define GRAY "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\"))"

static const struct { const char *name, *msg, *want; } envelopes[] = {
	{ "RFC 3501's", RFC,
	    "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
	    "\"IMAP4rev1 WG mtg summary and minutes\" " GRAY " " GRAY " " GRAY
	    " ((NIL NIL \"imap\" \"cac.washington.edu\")) ((NIL NIL "
	    "\"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL "
	    "\"KLENSIN\" \"MIT.EDU\")) NIL NIL "
	    "\"<B27397-0100000@cac.washington.edu>\")" },
	{ "of nothing", "",
	    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "of empty fields", "Subject:\nFrom:\nSender: \nDate:\n\n",
	    "(\"\" \"\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "with Sender and an empty Reply-To",
	    "From: a@b\nSender: c@d\nReply-To:\n\n",
	    "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) "
	    "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
	{ "with groups", "To: x@y, Us: a@b, \"C, D\" <c@d>;, e@f\n"
	    "Cc: undisclosed-recipients:;\nBcc: open: a@b\n\n",
	    "(NIL NIL NIL NIL NIL ((NIL NIL \"x\" \"y\")(NIL NIL \"Us\" NIL)"
	    "(NIL NIL \"a\" \"b\")(\"C, D\" NIL \"c\" \"d\")"
	    "(NIL NIL NIL NIL)(NIL NIL \"e\" \"f\")) "
	    "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL)) "
	    "((NIL NIL \"open\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)) "
	    "NIL NIL)" },
	{ "folded, with quotes", "Subject: a\n \"b\\\"\n\tc\nFrom: "
	    "\"A \\\"B\\\"\" <\"x@\\\"y\"@z>\nIn-Reply-To: <a>\n <b>\n\n",
	    "(NIL \"a \\\"b\\\\\\\" c\" ((\"A \\\"B\\\"\" NIL \"x@\\\"y\" "
	    "\"z\")) ((\"A \\\"B\\\"\" NIL \"x@\\\"y\" \"z\")) ((\"A "
	    "\\\"B\\\"\" NIL \"x@\\\"y\" \"z\")) NIL NIL NIL \"<a> <b>\" NIL)"
	    },
	{ "with 8-bit text", "Subject: \xc3\xa9\nTo: root, \xe9 <a@b>\n\n",
	    "(NIL {2}\r\n\xc3\xa9 NIL NIL NIL ((NIL NIL \"root\" \"\")"
	    "({1}\r\n\xe9 NIL \"a\" \"b\")) NIL NIL NIL NIL)" },
};

static const struct { const char *name, *msg, *body, *full; } bodies[] = {
	{ "plain", RFC,
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" "
	    "14 2)",
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" "
	    "14 2 NIL NIL NIL NIL)" },
	{ "no header", "\nx\n",
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "3 1)",
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "3 1 NIL NIL NIL NIL)" },
	{ "an image", "Content-Type: image/png; name=\"a b\"\n"
	    "Content-Transfer-Encoding: BASE64\nContent-ID: <i>\n"
	    "Content-Description: d\nContent-MD5: m\n"
	    "Content-Disposition: attachment; filename=x; size=3\n"
	    "Content-Language: de, en\nContent-Location: http://x\n\nAAAA\n",
	    "(\"image\" \"png\" (\"name\" \"a b\") \"<i>\" \"d\" \"base64\" "
	    "6)",
	    "(\"image\" \"png\" (\"name\" \"a b\") \"<i>\" \"d\" \"base64\" "
	    "6 \"m\" (\"attachment\" (\"filename\" \"x\" \"size\" \"3\")) "
	    "(\"de\" \"en\") \"http://x\")" },
	{ "multipart", "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\n\nx\n--b\nContent-Type: text/html\n"
	    "Content-Disposition: inline\n\n<p>\n--b--\n",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\""
	    " 1 0)(\"text\" \"html\" NIL NIL NIL \"7bit\" 3 0) \"mixed\")",
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\""
	    " 1 0 NIL NIL NIL NIL)(\"text\" \"html\" NIL NIL NIL \"7bit\" 3 0"
	    " NIL (\"inline\" NIL) NIL NIL) \"mixed\" (\"boundary\" \"b\") "
	    "NIL NIL NIL)" },
	{ "message/rfc822", "Content-Type: message/rfc822\n\n"
	    "Subject: s\n\nx\ny\n",
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 20 (NIL \"s\" NIL "
	    "NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7bit\" 6 2) 4)",
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 20 (NIL \"s\" NIL "
	    "NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" "
	    "\"us-ascii\") NIL NIL \"7bit\" 6 2 NIL NIL NIL NIL) 4 NIL NIL "
	    "NIL NIL)" },
	{ "message/rfc822 in base64", "Content-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: base64\n\nAAAA\n",
	    "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 6)",
	    "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 6 NIL "
	    "NIL NIL NIL)" },
	{ "an unknown encoding", "Content-Type: a/b\n"
	    "Content-Transfer-Encoding: x-\"y\n\n",
	    "(\"a\" \"b\" NIL NIL NIL \"x-\\\"y\" 0)",
	    "(\"a\" \"b\" NIL NIL NIL \"x-\\\"y\" 0 NIL NIL NIL NIL)" },
};

int
main(void)
{
	struct str got = STR_INIT, body = STR_INIT;
	struct arena a = { 0 };
	struct mime_part *p;
	size_t i;

	for (i = 0; i < ARRAY_LEN(envelopes); i++) {
		p = mime_parse(slice_of(envelopes[i].msg), NULL, &a);
		str_reset(&got);
		imap_put_envelope(&got, p->env);
		is_str(got.s, envelopes[i].want, "envelope %s",
		    envelopes[i].name);
		arena_reset(&a);
	}
	for (i = 0; i < ARRAY_LEN(bodies); i++) {
		p = mime_parse(slice_of(bodies[i].msg), NULL, &a);
		str_reset(&got);
		imap_put_body(&got, p);
		is_str(got.s, bodies[i].body, "body: %s", bodies[i].name);
		str_reset(&got);
		imap_put_bodystructure(&got, p);
		is_str(got.s, bodies[i].full, "  with extensions");
		str_reset(&got);
		str_reset(&body);
		imap_put_structures(&body, &got, p);
		ok(slice_eqz(slice_str(&body), bodies[i].body) &&
		    slice_eqz(slice_str(&got), bodies[i].full), "  or both");
		arena_reset(&a);
	}
	str_reset(&got);
	imap_put_envelope(&got, NULL);
	is_str(got.s, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	    "no envelope at all");
	str_free(&got);
	str_free(&body);
	arena_free(&a);
	return tap_done();
}
