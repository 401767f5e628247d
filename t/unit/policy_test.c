/* policy_test.c - rules: what they say when they are wrong, what they decide */
#include "conf/common.h"
#include "policy/internal.h"
#include "test/tap.h"

static struct arena arena;

/* "550 5.7.1 text" of the verdict, or the name of the action */
static const char *
decide_as(enum policy_stage stage, const char *text,
    const struct policy_facts *f, struct policy_marks *m)
{
	static char out[600];
	static const char *const names[] = { "none", "permit", "reject",
	    "defer", "discard" };
	struct policy_marks own = { .a = &arena };
	struct policy_verdict v;
	struct policy *p;
	struct err err = ERR_INIT;

	if (policy_compile(&p, stage, stage, text, &err) < 0)
		return arena_strdup(&arena, err.text);
	policy_run(p, f, NULL, m != NULL ? m : &own, &v, NULL, NULL);
	if (v.action == POLICY_REJECT || v.action == POLICY_DEFER)
		snprintf(out, sizeof(out), "%d %s %s", v.code, v.dsn, v.text);
	else
		snprintf(out, sizeof(out), "%s", names[v.action]);
	policy_free(p);
	return out;
}

static struct policy_facts
someone(void)
{
	struct policy_facts f = policy_nothing;

	f.client = "192.0.2.77";
	f.client_name = "mail.sub.example.net";
	f.helo = "mail.sub.example.net";
	f.esmtp = true;
	f.sender = "Bob@Sub.Example.net";
	f.has_sender = true;
	f.rcpt = "ann@example.org";
	f.rcpt_class = "virtual";
	f.size = 5000;
	f.nrcpt = 3;
	return f;
}

static const struct {
	const char *rules, *want;
} decisions[] = {
	{ "", "none" },
	{ "permit", "permit" },
	{ "reject", "550 5.7.1 refused by local policy" },
	{ "reject 554 5.7.0 \"no $sender from $client\"",
	    "554 5.7.0 no Bob@Sub.Example.net from 192.0.2.77" },
	{ "reject 'costs $$5 for ${recipient}.'",
	    "550 5.7.1 costs $5 for ann@example.org." },
	{ "defer", "450 4.7.1 try again later" },
	{ "defer 421 4.3.2 \"not now\"", "421 4.3.2 not now" },
	{ "discard", "discard" },
	{ "permit if login\nreject", "550 5.7.1 refused by local policy" },
	{ "reject if not true\npermit", "permit" },
	/* networks, lists, names */
	{ "reject if client in 192.0.2.0/24", "550 5.7.1 refused by local "
	    "policy" },
	{ "reject if client in (10.0.0.0/8 2001:db8::/32)\npermit",
	    "permit" },
	{ "permit if client is 192.0.2.77", "permit" },
	{ "permit if client_name in example.net", "permit" },
	{ "permit if client_name in .example.net", "permit" },
	{ "permit if client_name in other.example,.net", "permit" },
	{ "permit if client_name in ample.net", "none" },
	{ "permit if client_name in .mail.sub.example.net", "none" },
	{ "permit if client_name unknown", "none" },
	{ "permit if sender in example.net", "permit" },
	{ "permit if sender in bob@sub.example.net", "permit" },
	{ "permit if sender in bob@", "permit" },
	{ "permit if sender in bob", "none" },
	{ "permit if sender_domain is sub.example.net", "permit" },
	{ "permit if sender null", "none" },
	{ "permit if recipient matches /^an+@/", "permit" },
	{ "permit if recipient matches /^AN+@/", "permit" },
	{ "permit if recipient matches /^AN+@/i", "none" },
	{ "permit if recipient matches /a b|n@e/", "permit" },
	{ "permit if recipient_class is virtual", "permit" },
	{ "permit if sender in inline:<>=1;bob@sub.example.net=2", "permit" },
	{ "permit if client in inline:192.0.2=x", "permit" },
	{ "permit if helo valid and helo fqdn and not helo own", "permit" },
	/* joints */
	{ "permit if login or (size > 4K and size <= 5000)", "permit" },
	{ "permit if login or size > 4K and size < 10", "none" },
	{ "permit if not (login or trusted) and esmtp", "permit" },
	{ "permit if nrcpt >= 3 and nrcpt != 4", "permit" },
	/* scores and tags */
	{ "score 3\nscore -1 if esmtp\nreject if score >= 3\n"
	    "reject 550 \"$score\" if score = 2", "550 5.7.1 2" },
	{ "tag a, tag b\ntag a\npermit if tag a and tag b and not tag c",
	    "permit" },
	{ "tag x, tag y\nreject \"$tags\"", "550 5.7.1 x,y" },
	/* tables whose rows are actions */
	{ "table inline:example.net=REJECT go away sender",
	    "inline:example.net=REJECT: expected" },
	{ "table \"inline:example.net=554 5.1.8 go away\" sender",
	    "554 5.1.8 go away" },
	{ "table \"inline:192.0=OK\" client\nreject", "permit" },
	{ "table \"inline:192.0.2.77=DUNNO;192.0=OK\" client\nreject 'x'",
	    "550 5.7.1 x" },
	{ "table \"inline:bob@=defer_if_permit later\" sender\npermit",
	    "450 4.7.1 later" },
	{ "table \"inline:bob@=defer_if_permit later\" sender\nreject 'x'",
	    "550 5.7.1 x" },
	{ "table \"inline:bob@=defer_if_reject later\" sender\nreject 'x'",
	    "450 4.7.1 later" },
	{ "table \"inline:<>=reject\" sender", "none" },
	{ "table \"inline:ann@example.org=nonsense\" recipient",
	    "451 4.3.5 temporary trouble here; try again later" },
	{ "table \"inline:ann@example.org=REJECT costs $sender\" recipient",
	    "550 5.7.1 costs $sender" },
	/* trouble */
	{ "reject if client in text:/nonexistent/table",
	    "451 4.3.5 temporary trouble here; try again later" },
	{ "reject if client in text:/nonexistent/table else false\npermit",
	    "permit" },
	{ "reject 'x' if client in text:/nonexistent/table else true",
	    "550 5.7.1 x" },
	{ "reject if client in text:/nonexistent/table and login\npermit",
	    "permit" },
	{ "reject 'y' if client in text:/nonexistent/table or esmtp",
	    "550 5.7.1 y" },
	{ "warn 'x' if client in text:/nonexistent/table\npermit", "permit" },
	{ "reject if recipient matches /(a+)+$/", "none" },
	{ "reject if quota >= 90",
	    "451 4.3.5 temporary trouble here; try again later" },
	{ "reject 'full' if quota >= 90 else true", "550 5.7.1 full" },
};

static const struct {
	enum policy_stage stage;
	const char *rules, *want;
} mistakes[] = {
	{ POLICY_RCPT, "permitt", "rcpt_rules:1: no such action: permitt; "
	    "did you mean permit" },
	{ POLICY_RCPT, "permit\npermit if logn", "rcpt_rules:2: no such "
	    "test: logn; did you mean login" },
	{ POLICY_RCPT, "smtpd.conf:7\tpermit if", "smtpd.conf:7: expected a "
	    "test at the end" },
	{ POLICY_RCPT, "permit if login login", "rcpt_rules:1: expected and, "
	    "or or the end, not \"login\"" },
	{ POLICY_RCPT, "permit login", "rcpt_rules:1: expected if or the "
	    "end, not \"login\"" },
	{ POLICY_RCPT, "permit if (login", "rcpt_rules:1: expected `)' at "
	    "the end" },
	{ POLICY_RCPT, "reject 450 \"x\"", "rcpt_rules:1: reject: expected "
	    "a code 5yz, not \"450\"" },
	{ POLICY_RCPT, "defer 5.7.1", "rcpt_rules:1: defer: expected a "
	    "status 4.y.z, not \"5.7.1\"" },
	{ POLICY_RCPT, "reject \"$sendr\"", "rcpt_rules:1: reject: no such "
	    "word: $sendr (a dollar sign is $$)" },
	{ POLICY_RCPT, "reject \"x", "rcpt_rules:1: no closing \"" },
	{ POLICY_CONNECT, "reject if sender null", "connect_rules:1: sender "
	    "is not known before mail" },
	{ POLICY_RCPT, "reject if client in 192.0.2.1/24", "rcpt_rules:1: "
	    "client: 192.0.2.1/24: bits behind the mask, expected something "
	    "like 192.0.2.0/24" },
	{ POLICY_RCPT, "reject if client in", "rcpt_rules:1: client: "
	    "expected a word of a list at the end" },
	{ POLICY_RCPT, "reject if login exists", "rcpt_rules:1: login: can "
	    "not be asked: exists" },
	{ POLICY_RCPT, "reject if size > big", "rcpt_rules:1: size: expected "
	    "a number, not \"big\"" },
	{ POLICY_RCPT, "reject if login else maybe", "rcpt_rules:1: expected "
	    "true or false behind else, not \"maybe\"" },
	{ POLICY_RCPT, "reject if quota", "rcpt_rules:1: quota: expected "
	    "one of >= > <= < = != at the end" },
	{ POLICY_MAIL, "reject if quota >= 90", "mail_rules:1: quota is not "
	    "known before rcpt" },
	{ POLICY_RCPT, "delay 2h", "rcpt_rules:1: delay: no answer is "
	    "delayed for more than 60s" },
	{ POLICY_RCPT, "redirect nobody", "rcpt_rules:1: redirect: bad address "
	    "syntax: no domain" },
	{ POLICY_RCPT, "prepend \"X Y: z\"", "rcpt_rules:1: prepend: "
	    "expected \"Name: value\", not \"X Y: z\"" },
	{ POLICY_RCPT, "reject if rate client 10", "rcpt_rules:1: rate: 10: "
	    "expected COUNT/TIME as in 500/1h" },
	{ POLICY_RCPT, "reject if rate who 10/1h", "rcpt_rules:1: rate: no "
	    "such key: who" },
	{ POLICY_RCPT, "ask inet:mail.example:25", "rcpt_rules:1: ask: "
	    "mail.example: not an address" },
	{ POLICY_RCPT, "ask /run/x", "rcpt_rules:1: ask: expected unix:/PATH "
	    "or inet:ADDRESS:PORT, not \"run\"" },
	{ POLICY_RCPT, "defer if greylist delay 3d", "rcpt_rules:1: "
	    "greylist: expected 1s <= delay < window <= remember <= 100d" },
};

static void
test_decisions(void)
{
	struct policy_facts f = someone();
	size_t i;

	for (i = 0; i < ARRAY_LEN(decisions); i++) {
		const char *got = decide_as(POLICY_RCPT, decisions[i].rules,
		    &f, NULL);

		if (strstr(decisions[i].want, ": expected") != NULL)
			ok(strstr(got, "expected") != NULL, "%s: %s",
			    decisions[i].rules, got);
		else
			is_str(got, decisions[i].want, "%s",
			    decisions[i].rules);
	}
}

static void
test_mistakes(void)
{
	struct err err;
	struct policy *p;
	size_t i;

	for (i = 0; i < ARRAY_LEN(mistakes); i++) {
		err = (struct err)ERR_INIT;
		is_int(policy_compile(&p, mistakes[i].stage,
		    mistakes[i].stage, mistakes[i].rules, &err), -1,
		    "wrong: %s", mistakes[i].rules);
		is_str(err.text, mistakes[i].want, "and why");
	}
	is_int(policy_compile(&p, POLICY_CONNECT, POLICY_RCPT,
	    "permit if login", &err), 0, "more is known where it is delayed");
	policy_free(p);
	is_int(policy_compile(&p, POLICY_CONNECT, POLICY_CONNECT, "\n  \n",
	    &err), 0, "no rules");
	ok(p == NULL, "cost nothing");
}

/* what is left behind */
static void
test_marks(void)
{
	struct policy_marks m = { .a = &arena };
	struct policy_facts f = someone();

	decide_as(POLICY_MAIL, "tag early, score 1, prepend 'X-A: $sender'",
	    &f, &m);
	is_int(m.edits.n, 1, "an edit");
	ok(m.edits.v[0].op == EDIT_INSERT_HEADER && m.edits.v[0].n == 1 &&
	    strcmp(m.edits.v[0].name, "X-A") == 0 &&
	    strcmp(m.edits.v[0].value, "Bob@Sub.Example.net") == 0 &&
	    strcmp(m.edits.v[0].by, "rule mail_rules:1") == 0,
	    "as it is wanted");
	decide_as(POLICY_RCPT, "tag one, score 5, hold 'x', filter spam virus"
	    "\npermit", &f, &m);
	decide_as(POLICY_RCPT, "tag two, score 2, hold 'x'", &f, &m);
	is_int(m.edits.n, 2, "twice the same is once");
	ok(m.filters.n == 2, "filters");
	is_str(decide_as(POLICY_RCPT, "reject if tag one\nreject '$score'",
	    &f, &m), "550 5.7.1 1", "a recipient sees nothing of others");
	decide_as(POLICY_RCPT, "tag three, redirect a@b.example\nreject", &f,
	    &m);
	is_int(m.edits.n, 2, "one that is refused leaves nothing");
	is_str(decide_as(POLICY_DATA, "reject '$tags $score'", &f, &m),
	    "550 5.7.1 early,one,two 6", "later stages see them all");
}

/* who is exempt from filters exempts nobody else */
static void
test_exempt(void)
{
	static const struct {
		const char *rules[3];	/* of each recipient */
		bool want;
	} t[] = {
		{ { "no-filter" }, true },
		{ { "permit" }, false },
		{ { "no-filter", "permit" }, false },
		{ { "permit", "no-filter" }, false },
		{ { "no-filter", "no-filter", "no-filter" }, true },
		{ { "no-filter", "permit", "no-filter" }, false },
		/* who is refused is no recipient */
		{ { "no-filter", "reject", "no-filter" }, true },
		{ { "reject", "no-filter, reject" }, false },
	};
	struct policy_facts f = someone();
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct policy_marks m = { .a = &arena };

		for (j = 0; j < 3 && t[i].rules[j] != NULL; j++)
			decide_as(POLICY_RCPT, t[i].rules[j], &f, &m);
		is_int(policy_spares(&m), t[i].want, "exempt %zu", i);
		decide_as(POLICY_DATA, "no-filter", &f, &m);
		ok(policy_spares(&m), "exempt %zu: all, by a later rule", i);
	}
}

/* the server itself refuses him, whatever is said here */
static void
test_refused(void)
{
	struct policy_marks m = { .a = &arena };
	struct policy_facts f = someone();

	f.refused = "5.1.1";
	decide_as(POLICY_RCPT, "tag who, bcc a@b.example if "
	    "recipient_unknown", &f, &m);
	is_int(m.edits.n + m.rcpt_tags.n, 0, "one that the server refuses "
	    "leaves nothing");
	f.refused = "";
	decide_as(POLICY_RCPT, "table \"inline:bob@=TAG a$b\" sender", &f,
	    &m);
	ok(strlist_has(&m.rcpt_tags, "a$b"), "a tag of a table, with its $");
}

static void
test_no_domain(void)
{
	static const char end[] = "bob@\0x.example.net";
	struct policy_facts f = someone();

	f.sender = end;
	is_str(decide_as(POLICY_RCPT, "permit if sender in .example.net", &f,
	    NULL), "none", "what is behind an address is no domain of it");
	is_str(decide_as(POLICY_RCPT, "permit if sender in bob@", &f, NULL),
	    "permit", "one without a domain has its local part");
}

/* a character is there or not, and never a half */
static void
test_cut(void)
{
	struct policy_marks m = { .a = &arena };
	struct policy_facts f = someone();
	struct str helo = STR_INIT;
	int i;

	str_addc(&helo, 'x');
	for (i = 0; i < 400; i++)
		str_adds(&helo, "\xc3\xa4");
	f.helo = helo.s;
	decide_as(POLICY_RCPT, "prepend \"X-A: $helo\"", &f, &m);
	ok(m.edits.n == 1 && utf8_valid(slice_of(m.edits.v[0].value)),
	    "a long value of a fact");
	is_int(strlen(m.edits.v[0].value), 299, "as much as there is room");
	str_free(&helo);
}

static const struct {
	const char *text;
	int r;
	const char *want;
} answers[] = {
	{ "action=DUNNO\n\n", 1, "DUNNO" },
	{ "action=DUNNO\n", 0, NULL }, { "", 0, NULL },
	{ "action=DUNNO", 0, NULL }, { "\n", -1, NULL },
	{ "x=y\naction=550 go away\n\nmore", 1, "550 go away" },
	{ "action=a\naction=b\n\n", 1, "a" },
	{ "action=ok\r\n\r\n", 1, "ok" }, { "hello\n\n", -1, NULL },
};

static void
test_server(void)
{
	struct policy p = { .stage = POLICY_RCPT };
	struct policy_facts f = someone();
	struct eval e = { .p = &p, .f = &f };
	struct str out = STR_INIT;
	struct slice action;
	struct err err = ERR_INIT;
	size_t i;
	int r;

	f.helo = "a\nrecipient=evil";
	server_request(&e, &out);
	ok(slice_starts(slice_str(&out), "request=smtpd_access_policy\n"
	    "protocol_state=RCPT\n"), "a request");
	ok(strstr(out.s, "\nclient_address=192.0.2.77\n") != NULL &&
	    strstr(out.s, "\nsender=Bob@Sub.Example.net\n") != NULL &&
	    strstr(out.s, "\nhelo_name=a?recipient=evil\n") != NULL &&
	    slice_ends(slice_str(&out), "\n\n"), "and what is in it");
	str_free(&out);
	for (i = 0; i < ARRAY_LEN(answers); i++) {
		r = server_answer(slice_of(answers[i].text), &action, &err);
		is_int(r, answers[i].r, "answer %zu", i);
		if (r == 1)
			ok(slice_eqz(action, answers[i].want), "its action");
	}
}

static int
note_key(void *ctx, const char *key, struct err *err UNUSED)
{
	str_addf(ctx, " %s", key);
	return 0;
}

/* under which names an address is looked up */
static void
test_keys(void)
{
	static const struct { const char *delimiter, *addr, *want; } rows[] = {
		{ "+", "Ann+x@e.org", " Ann+x@e.org Ann@e.org e.org .org org"
		    " Ann+x@ Ann@" },
		{ "", "ann+x@e", " ann+x@e e ann+x@" },
		{ "+-", "a-b+c@e", " a-b+c@e a-b@e a@e e a-b+c@ a-b@ a@" },
		{ "+", "\"a+b\"@e", " \"a+b\"@e e \"a+b\"@" },
		{ "+", "+x@e", " +x@e e +x@" },
		{ "+", "a+1+2+3+4+5+6@e", " a+1+2+3+4+5+6@e a+1+2+3+4+5@e"
		    " a+1+2+3+4@e a+1+2+3@e a+1+2@e a@e e a+1+2+3+4+5+6@"
		    " a+1+2+3+4+5@ a+1+2+3+4@ a+1+2+3@ a+1+2@ a@" },
		{ "+", "@e", " @e e @" },
		{ "+", "ann+x", " ann+x" },
		{ "+", "", " <>" },
	};
	struct str got = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		common.recipient_delimiter = rows[i].delimiter;
		str_reset(&got);
		is_int(keys_walk(KIND_MAIL, rows[i].addr, note_key, &got,
		    &err), 0, "%s", rows[i].addr);
		is_str(got.s, rows[i].want, "... its keys");
	}
	str_free(&got);
	common.recipient_delimiter = NULL;
}

int
main(void)
{
	common.hostname = "mx.example.org";
	test_decisions();
	test_mistakes();
	test_marks();
	test_exempt();
	test_refused();
	test_no_domain();
	test_cut();
	test_keys();
	test_server();
	arena_free(&arena);
	return tap_done();
}
