/* queue_filter_test.c - patterns of the admin, and the record of a message */
#include "queue/content.h"
#include "queue/filter.h"
#include "test/tap.h"

static const struct {
	const char *pattern, *s;
	bool want;
} globs[] = {
	{ "", "", true }, { "", "a", false }, { "*", "", true },
	{ "*", "abc", true }, { "a*", "abc", true }, { "a*", "bc", false },
	{ "*c", "abc", true }, { "*c", "abcd", false },
	{ "a*c*e", "abcde", true }, { "a*c*e", "abcd", false },
	{ "?", "a", true }, { "?", "", false }, { "a?c", "aXc", true },
	{ "ABC", "abc", true }, { "a**b", "ab", true },
	{ "*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

static const struct {
	const char *name, *from, *to, *dest;
	bool want;
} filters[] = {
	{ "nothing asked", "", "", "", true },
	{ "sender", "Ann@Example.com", "", "", true },
	{ "another sender", "bob@example.com", "", "", false },
	{ "sender's domain", "example.com", "", "", true },
	{ "sender's @domain", "@EXAMPLE.com", "", "", true },
	{ "another domain", "xample.com", "", "", false },
	{ "null sender", "<>", "", "", false },
	{ "sender pattern", "a*@example.*", "", "", true },
	{ "domain pattern", "*.com", "", "", true },
	{ "pattern without @", "", "j*", "", true },
	{ "no part of a domain", "", "@j*", "", false },
	{ "recipient", "", "joe@example.org", "", true },
	{ "recipient's domain", "", "example.org", "", true },
	{ "recipient of another", "", "example.com", "", false },
	{ "recipient pattern", "", "*@*.org", "", true },
	{ "next hop", "", "", "example.org", true },
	{ "next hop pattern", "", "", "*.org", true },
	{ "transport and next hop", "", "", "smtp:example.org", true },
	{ "another transport", "", "", "local:example.org", false },
	{ "any next hop of a transport", "", "", "smtp:", true },
	{ "all must hold", "ann@example.com", "example.net", "", false },
};

static const struct queue_rcpt joe = { .n = 3, .addr = "joe@example.org",
	.orig = "j@example.org", .orcpt = "rfc822;j", .notify = "never",
	.mailbox = "m", .transport = "smtp", .nexthop = "example.org",
	.quota = 77, .dsn = "", .text = "", .peer = "" };

static void
test_filters(void)
{
	struct queue_message m = { .id = qid_at(1000), .reason = "",
		.sender = "ann@example.com" };
	struct qmgr_filter in = { .q = "", .from = "", .to = "", .dest = "",
		.after = "" };
	struct queue_filter f;
	struct arena a = { 0 };
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(globs); i++)
		is_int(glob_match(globs[i].pattern, globs[i].s), globs[i].want,
		    "glob %s on %s", globs[i].pattern, globs[i].s);
	for (i = 0; i < ARRAY_LEN(filters); i++) {
		in.from = filters[i].from;
		in.to = filters[i].to;
		in.dest = filters[i].dest;
		is_int(queue_filter_read(&in, 2000, &a, &f, &err), 0, "read");
		is_int(queue_filter_message(&f, &m) &&
		    queue_filter_rcpt(&f, &joe, QSTATE_READY),
		    filters[i].want, "filter: %s", filters[i].name);
	}
	in.from = in.to = in.dest = "";
	in.older = 1000;
	is_int(queue_filter_read(&in, 2001, &a, &f, &err), 0, "older");
	ok(queue_filter_message(&f, &m), "1001 seconds are older than 1000");
	is_int(queue_filter_read(&in, 1999, &a, &f, &err), 0, "older");
	ok(!queue_filter_message(&f, &m), "999 are not");
	in.older = 0;
	in.younger = 1000;
	is_int(queue_filter_read(&in, 1999, &a, &f, &err), 0, "younger");
	ok(queue_filter_message(&f, &m), "999 seconds are younger than 1000");
	is_int(queue_filter_read(&in, 2001, &a, &f, &err), 0, "younger");
	ok(!queue_filter_message(&f, &m), "1001 are not");
	in.q = "nonsense";
	is_int(queue_filter_read(&in, 2000, &a, &f, &err), -1, "bad id");
	is_str(err.text, "q: no queue id: nonsense", "says so");
	arena_free(&a);
}

static void
test_states(void)
{
	struct queue_message m = { .id = 1 };
	struct queue_rcpt r = { .due = 50 };

	is_int(queue_state(&m, &r, true, 100), QSTATE_ACTIVE, "active");
	is_int(queue_state(&m, &r, false, 100), QSTATE_READY, "ready");
	is_int(queue_state(&m, &r, false, 49), QSTATE_DEFERRED, "deferred");
	m.release_at = 100;
	is_int(queue_state(&m, &r, false, 99), QSTATE_SCHEDULED, "scheduled");
	is_int(queue_state(&m, &r, false, 100), QSTATE_READY, "released");
	m.hold = true;
	is_int(queue_state(&m, &r, false, 99), QSTATE_HOLD, "held");
	is_str(queue_state_name(QSTATE_SCHEDULED), "scheduled", "named");
}

static void
test_record(void)
{
	struct queue_rcpt two[2] = { joe, joe };
	struct queue_message m = { .id = 42, .sender = "", .ret = "full",
		.envid = "e", .session = "s", .reason = "", .verp = "+=",
		.requiretls = true, .tls_optional = true, .size = 1,
		.wsize = 2, .created = 3, .expires = 4, .priority = -9,
		.body8 = true, .n = 2, .rcpt = two }, g;
	struct str rec = STR_INIT;
	struct err err = ERR_INIT;
	size_t cut;
	int bad = 0;

	two[1].addr = "x@y";
	queue_message_encode(&rec, &m);
	is_int(queue_message_decode(rec.s, rec.len, &g, &err), 0, "decoded");
	ok(g.id == 42 && g.size == 1 && g.wsize == 2 && g.created == 3 &&
	    g.expires == 4 && g.priority == -9 && g.n == 2, "numbers");
	ok(g.body8 && !g.utf8 && !g.internal && g.requiretls &&
	    g.tls_optional, "flags");
	is_str(g.ret, "full", "ret");
	is_str(g.rcpt[0].orig, "j@example.org", "orig");
	is_str(g.rcpt[1].addr, "x@y", "second recipient");
	is_str(g.rcpt[1].nexthop, "example.org", "its next hop");
	is_int(g.rcpt[1].quota, 77, "its quota");
	free(g.rcpt);
	for (cut = 0; cut < rec.len; cut++)
		if (queue_message_decode(rec.s, cut, &g, &err) != -1)
			bad++;
	is_int(bad, 0, "no shorter record is taken");
	str_addc(&rec, 'x');
	is_int(queue_message_decode(rec.s, rec.len, &g, &err), -1,
	    "nor a longer one");
	rec.s[0] = 9;
	is_int(queue_message_decode(rec.s, rec.len - 1, &g, &err), -1,
	    "nor another version");
	str_free(&rec);
}

static void
test_items(void)
{
	struct qmgr_item one = { "q1", "s", "r", "o", "local:d", "hold",
		"4.0.0", "text", "sess", .size = 1, .created = 1795375931,
		.due = INT64_MAX, .attempts = 0, .priority = -9, .rcpts = 2,
		.until = 1795376000, .why = "4.3.5 no" };
	struct qmgr_items l = { 0 };
	struct qmgr_item it;
	struct arena a = { 0 };
	struct str bytes = STR_INIT;
	struct err err = ERR_INIT;
	size_t most = qmgr_items_add(&l, &one, &a), i;

	one.q = "q2";
	one.text = "";
	most += qmgr_items_add(&l, &one, &a);
	for (i = 0; qmgr_list.more[i].kind != FIELD_END; i++)
		field_print(&qmgr_list.more[i], &l, &bytes);
	ok(most > bytes.len + 2 * i * sizeof("text="), "bytes at most");
	is_int(qmgr_items_get(&l, 0, &it, &err), 0, "the first");
	is_str(it.q, "q1", "its id");
	is_str(it.text, "text", "its text");
	is_int(qmgr_items_get(&l, 1, &it, &err), 0, "the second");
	ok(strcmp(it.q, "q2") == 0 && *it.text == '\0' &&
	    strcmp(it.session, "sess") == 0, "strings");
	ok(it.size == 1 && it.created == 1795375931 && it.due == INT64_MAX &&
	    it.attempts == 0 && it.priority == -9 && it.rcpts == 2 &&
	    it.until == 1795376000, "numbers");
	is_str(it.why, "4.3.5 no", "why");
	l.due.v[1] = "1x";
	is_int(qmgr_items_get(&l, 1, &it, &err), -1, "no number");
	l.rcpts.n--;
	is_int(qmgr_items_get(&l, 0, &it, &err), -1, "lists that differ");
	arena_free(&a);
	str_free(&bytes);
}

int
main(void)
{
	test_filters();
	test_states();
	test_record();
	test_items();
	return tap_done();
}
