/*
 * bounce_compose_test.c - from qmgr's request to the report's record.
 */
#include "../../bounce/bounce.h"
#include "conf/common.h"
#include "test/tap.h"

struct bounce_conf conf = { .from = "", .postmaster = "", .footer = "",
	.default_return = RETURN_HDRS, .full_limit = 1000 };

static struct arena a;

static struct bounce_report_in
request(int kind, const char *orig, const char *orcpt)
{
	struct bounce_report_in in = { .kind = kind, .q = "0123456789a",
		.sender = "joe@example.org", .ret = "", .envid = "",
		.created = 1700000000500000, .expires = 1800000000 };

	strlist_add(&in.addr, &a, "ann@example.test");
	strlist_add(&in.orig, &a, orig);
	strlist_add(&in.orcpt, &a, orcpt);
	return in;
}

static void
test_original(void)
{
	static const struct { const char *orig, *orcpt, *want; } t[] = {
		{ "ann@example.test", "", NULL },
		{ "", "", NULL },
		{ "list@example.test", "", "rfc822;list@example.test" },
		{ "\xc3\xb6@example.test", "", "utf-8;\xc3\xb6@example.test" },
		{ "x@y", "rfc822;a+2Bb@c", "rfc822;a+b@c" },
		{ "x@y", "rfc822;a+0Ab@c", "rfc822;x@y" },
		{ "x@y", "nonsense", "rfc822;x@y" },
	};
	struct dsn_report r;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct bounce_report_in in = request(BOUNCE_FAILURE,
		    t[i].orig, t[i].orcpt);

		ok(compose(&in, in.sender, -1, &a, &r, &err) == 0, "composes");
		is_str(r.rcpt[0].orcpt, t[i].want, "orig %s orcpt %s",
		    t[i].orig, t[i].orcpt);
	}
}

/* paths, commands and accounts of ours are for those who are told here */
static void
test_public(void)
{
	static const struct { const char *dsn, *peer, *text, *want; } t[] = {
		{ "5.1.1", "", "no such user", "no such user" },
		{ "5.1.1", "", "", NULL },
		{ "4.3.0", "", "link in /srv/mail/x: Disk quota exceeded",
		    "temporary trouble of the mail system" },
		{ "4.3.1", "", "write /srv/mail/x: No space left on device",
		    "not enough disk space" },
		{ "4.3.5", "mx.example[192.0.2.1]", "try /srv later",
		    "try /srv later" },
		{ "5.3.0", "", "command ended with status 1; here: sh: 1: "
		    "/opt/x: not found", "command ended with status 1" },
		{ "5.4.7", "", "delivery time expired; last: 4.3.0 open "
		    "/srv/mail: No such file", "delivery time expired; last: "
		    "4.3.0 temporary trouble of the mail system" },
		{ "5.4.7", "", "delivery time expired; last: 4.2.2 mailbox is "
		    "full", "delivery time expired; last: 4.2.2 mailbox is "
		    "full" },
		{ "5.4.7", "", "delivery time expired", "delivery time "
		    "expired" },
		{ "5.7.0", "", "no; last: 5.0.0 x; here: /bin/x", "no; last: "
		    "5.0.0 x" },
		{ "5.3.0", "", "no; here: sh: /opt/x; last: 5.0.0 y", "no" },
		{ "5.4.7", "", "old; last: 5.0.0 x; here: /x; last: 4.2.0 y",
		    "old; last: 5.0.0 x" },
	};
	struct dsn_report r;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct bounce_report_in in = request(BOUNCE_FAILURE, "", "");

		strlist_add(&in.dsn, &a, t[i].dsn);
		strlist_add(&in.peer, &a, t[i].peer);
		strlist_add(&in.text, &a, t[i].text);
		compose(&in, in.sender, -1, &a, &r, &err);
		is_str(r.rcpt[0].diagnostic, t[i].want, "for strangers: %s",
		    t[i].text);
		compose(&in, "postmaster@example.test", -1, &a, &r, &err);
		is_str(r.rcpt[0].diagnostic, t[i].text[0] != '\0' ?
		    t[i].text : NULL, "... and for us");
	}
}

static void
test_kinds(void)
{
	struct bounce_report_in in = request(BOUNCE_DELAY, "", "");
	struct dsn_report r;
	struct err err;

	compose(&in, in.sender, -1, &a, &r, &err);
	ok(r.kind == DSN_DELAY && r.rcpt[0].action == DSN_ACT_DELAYED,
	    "delay");
	is_str(r.rcpt[0].status, "4.0.0", "status of a delay");
	is_int(r.rcpt[0].will_retry_until, 1800000000, "until when");
	is_int(r.arrival, 1700000000, "when it came");
	in.kind = BOUNCE_SUCCESS;
	compose(&in, in.sender, -1, &a, &r, &err);
	ok(r.kind == DSN_SUCCESS && r.rcpt[0].action == DSN_ACT_DELIVERED,
	    "success");
	is_str(r.rcpt[0].status, "2.0.0", "status of a success");
	is_int(r.rcpt[0].will_retry_until, 0, "no retry");
	in.kind = BOUNCE_FAILURE;
	strlist_add(&in.dsn, &a, "5.1.1");
	compose(&in, in.sender, -1, &a, &r, &err);
	ok(r.kind == DSN_FAILURE && r.rcpt[0].action == DSN_ACT_FAILED,
	    "failure");
	is_str(r.rcpt[0].status, "5.1.1", "the status that was given");
	is_str(r.rcpt[0].diagnostic, NULL, "lists may be short");
}

static void
test_options(void)
{
	struct bounce_report_in in = request(BOUNCE_FAILURE, "", "");
	struct dsn_report r;
	struct err err = ERR_INIT;

	common.hostname = "mx.example.test";
	compose(&in, in.sender, -1, &a, &r, &err);
	ok(!r.full, "header by default");
	is_str(r.from, NULL, "MAILER-DAEMON by default");
	is_str(r.postmaster, "postmaster@mx.example.test", "host for help");
	in.ret = "FULL";
	in.envid = "a+2Bb";
	compose(&in, in.sender, -1, &a, &r, &err);
	ok(r.full && r.full_max == 1000, "RET=FULL, within the limit");
	is_str(r.envid, "a+b", "ENVID is decoded");
	conf.full_limit = 0;
	in.envid = "a+ZZ";
	compose(&in, in.sender, -1, &a, &r, &err);
	ok(!r.full, "a limit of 0 is never");
	is_str(r.envid, NULL, "a broken ENVID is left out");
	conf.full_limit = 1000;
	conf.default_return = RETURN_FULL;
	conf.postmaster = "help@example.test";
	conf.from = "daemon@example.test";
	in.ret = "";
	compose(&in, in.sender, -1, &a, &r, &err);
	ok(r.full, "full by configuration");
	is_str(r.postmaster, "help@example.test", "who helps");
	is_str(r.from, "daemon@example.test", "From");
	in.ret = "hdrs";
	compose(&in, in.sender, -1, &a, &r, &err);
	ok(!r.full, "RET=HDRS");
	in.sender = "";
	ok(compose(&in, in.sender, -1, &a, &r, &err) < 0 &&
	    err.kind == ERR_PERM,
	    "nothing for the null sender");
	in.sender = "x@y";
	in.addr.n = 0;
	ok(compose(&in, in.sender, -1, &a, &r, &err) < 0 &&
	    err.kind == ERR_PERM,
	    "nothing about nobody");
}

int
main(void)
{
	test_original();
	test_public();
	test_kinds();
	test_options();
	arena_free(&a);
	return tap_done();
}
