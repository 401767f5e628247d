/* bounce_template_test.c - texts of an admin, good and bad */
#include "../../bounce/template.h"

#include <fcntl.h>

#include "conf/common.h"
#include "test/tap.h"

struct bounce_conf conf = { .from = "", .postmaster = "help@d.example",
	.footer = "", .double_bounce = "" };

static const char *
file_with(const char *text)
{
	static char *path;
	int fd;

	if (path == NULL)
		path = xasprintf("%s/texts", tap_dir());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || full_write(fd, text, strlen(text)) < 0)
		die("%s", path);
	close(fd);
	return path;
}

#define BODY "<<END\nSubject: s\n\ntext\nEND\n"
static const struct { const char *name, *text, *why; } bad[] = {
	{ "an unknown template", "bounce_template = " BODY,
	    ":1: no such template: bounce_template" },
	{ "no here-text", "\n# x\nfailure_template = text\n",
	    ":3: expected failure_template = <<WORD" },
	{ "no end", "delay_template = <<END\nSubject: x\n\ntext\n",
	    ":1: no line END ends it" },
	{ "no text", "delay_template = <<END\nSubject: x\n\nEND\n",
	    ":1: no text behind the header" },
	{ "a bad header", "delay_template = <<END\nSubject\n\nx\nEND\n",
	    ":1: a header line without colon: Subject" },
	{ "an unknown header", "success_template = " BODY
	    "delay_template = <<END\nTo: x\n\nx\nEND\n",
	    ":6: expected Charset, From, Subject or Postmaster-Subject, found "
	    "To" },
	{ "a charset", "delay_template = <<END\nCharset: latin1\n\nx\nEND\n",
	    ":1: Charset: expected us-ascii or utf-8" },
	{ "From", "delay_template = <<END\nFrom: a, b\n\nx\nEND\n",
	    ":1: From: expected one address" },
	{ "a macro", "delay_template = <<END\nSubject: x\n\n$myhostnam\nEND\n",
	    ":1: unknown macro $myhostnam; did you mean $myhostname" },
	{ "a $", "delay_template = <<END\nSubject: x\n\n5 $\nEND\n",
	    ":1: a $ that begins no macro; $$ is a $" },
	{ "a brace", "delay_template = <<END\nSubject: ${sender\n\nx\nEND\n",
	    ":1: a $ that begins no macro; $$ is a $" },
	{ "no UTF-8", "delay_template = <<END\n\xff\nEND\n",
	    " is not UTF-8" },
};

static void
test_bad(void)
{
	struct err err;
	const char *path;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		path = file_with(bad[i].text);
		err = (struct err)ERR_INIT;
		is_int(templates_load(path, &err), -1, "%s", bad[i].name);
		ok(strstr(err.text, bad[i].why) != NULL, "%s", err.text);
	}
	is_int(templates_load("/nonexistent", &err), -1, "no file");
}

static void
test_good(void)
{
	struct bounce_report_in in = { .kind = BOUNCE_FAILURE, .q = "Q1",
		.sender = "ann@d.example", .created = 1000000000000000,
		.expires = 1000000000 + 5 * 86400 };
	struct dsn_report r = { 0 };
	struct arena a = { 0 };
	struct err err;

	is_int(templates_load(file_with("failure_template = <<END\n"
	    "Charset: utf-8\nFrom: MAILER-DAEMON (Post of $mydomain)\n"
	    "Subject: Nicht zugestellt\nPostmaster-Subject: Copy\n\n"
	    "$myhostname: ${queue_id} of $(sender), $$5, $postmaster, "
	    "$maximal_queue_lifetime_days days.\nZweite Zeile.\n\n"
	    "END\n\nsuccess_template = " BODY), &err), 0, "good");
	template_use(&in, false, &a, &r);
	is_str(r.text, "mx.d.example: Q1 of ann@d.example, $5, "
	    "help@d.example, 5 days.\nZweite Zeile.\n\n", "text");
	is_str(r.subject, "Nicht zugestellt", "subject");
	is_str(r.from, "MAILER-DAEMON@mx.d.example", "address");
	is_str(r.from_name, "Post of d.example", "name");
	template_use(&in, true, &a, &r);
	is_str(r.subject, "Copy", "subject of a copy");
	in.sender = "$(queue_id)@d.example";
	template_use(&in, false, &a, &r);
	ok(strstr(r.text, "Q1 of $(queue_id)@d.example,") != NULL,
	    "what a message says is not expanded");
	r = (struct dsn_report){ 0 };
	in.kind = BOUNCE_DELAY;
	template_use(&in, false, &a, &r);
	ok(r.text == NULL && r.subject == NULL, "there is none for a delay");
	arena_free(&a);
}

int
main(void)
{
	common.hostname = "mx.d.example";
	test_bad();
	test_good();
	return tap_done();
}
