/* dnsbl_test.c - lists of addresses in the DNS: words, names, scores */
#include "serve/dnsbl.h"

#include "test/tap.h"

static struct arena arena;

static struct dnsbl
parse(const char *words)
{
	struct slice rest = slice_of(arena_strdup(&arena, words)), w;
	struct strlist l = { 0 };
	struct err err = ERR_INIT;
	struct dnsbl d;

	while (slice_word(&rest, &w))
		strlist_add(&l, &arena, arena_slice(&arena, w));
	is_int(dnsbl_parse(&l, &arena, &d, &err), 0, "%s %s", words, err.text);
	return d;
}

static const struct { const char *word, *rr; int want; } scores[] = {
	{ "a.example", "127.0.0.2", 1 },
	{ "a.example", "127.1.0.1", 1 },
	{ "a.example*7", "127.0.0.2", 7 },
	{ "a.example*-3", "127.0.0.2", -3 },
	{ "a.example", "127.0.0.1", 0 },	/* refused */
	{ "a.example", "127.255.255.254", 0 },	/* refused */
	{ "a.example", "127.255.254.2", 1 },
	{ "a.example", "192.0.2.1", 0 },	/* parked */
	{ "a.example", "", 0 },
	{ "a.example", "no address", 0 },
	{ "a.example=127.0.0.2", "127.0.0.2", 1 },
	{ "a.example=127.0.0.2", "127.0.0.3", 0 },
	{ "a.example=127.0.0.[2..11]*3", "127.0.0.2", 3 },
	{ "a.example=127.0.0.[2..11]*3", "127.0.0.11", 3 },
	{ "a.example=127.0.0.[2..11]*3", "127.0.0.12", 0 },
	{ "a.example=127.0.0.[2..11]*3", "127.0.1.3", 0 },
	{ "a.example=127.0.[0;5].[2;4..6]", "127.0.5.5", 1 },
	{ "a.example=127.0.[0;5].[2;4..6]", "127.0.5.3", 0 },
	{ "a.example=127.0.0.1", "127.0.0.1", 1 },
	{ "a.example=127.[0..255].[0..255].[128..255]", "127.9.9.127", 0 },
	{ "a.example=127.[0..255].[0..255].[128..255]", "127.9.9.128", 1 },
	{ "a.example=[0..255].0.0.2", "10.0.0.2", 0 },
	{ "a.example=[0..255].0.0.2", "127.0.0.2", 1 },
};

static void
test_scores(void)
{
	struct dnsbl_result r;
	struct dns_answer a;
	struct dnsbl d;
	size_t i;

	for (i = 0; i < ARRAY_LEN(scores); i++) {
		const char *rr[] = { "127.200.200.200", scores[i].rr };

		d = parse(scores[i].word);
		if (d.lists != 1)
			continue;
		a = (struct dns_answer){ .status = DNS_OK, .rr = rr + 1,
			.n = 1 };
		r = (struct dnsbl_result){ 0 };
		dnsbl_take(&d, 0, &a, &r);
		is_int(r.score, scores[i].want, "%s %s", scores[i].word,
		    scores[i].rr);
		is_int(r.hits, scores[i].want != 0, "its bit");
	}
}

static const struct { const char *word, *why; } bad[] = {
	{ "", "bad domain" }, { "=127.0.0.2", "bad domain" },
	{ "a..b", "bad domain" }, { "a.example.", "bad domain" },
	{ "a/b", "bad domain" }, { "x:", "bad domain" },
	{ ":a.example", "bad name" },
	{ "a.example*", "bad weight" }, { "a.example*0", "bad weight" },
	{ "a.example*x", "bad weight" }, { "a.example*--1", "bad weight" },
	{ "a.example*1001", "bad weight" },
	{ "a.example=", "bad filter" },
	{ "a.example=127.0.0", "bad filter" },
	{ "a.example=127.0.0.2.3", "bad filter" },
	{ "a.example=127.0.0.2..3", "bad filter" },
	{ "a.example=127.0.0.256", "bad filter" },
	{ "a.example=127.0.0.[]", "bad filter" },
	{ "a.example=127.0.0.[2", "bad filter" },
	{ "a.example=127.0.0.[3..2]", "bad filter" },
	{ "a.example=127.0.0.[2]x", "bad filter" },
	{ "a.example=127.0.0.[2..]", "bad filter" },
	{ "a.example=127.0.0.[2,3]", "bad filter" },
	{ "a.example=10.0.0.2", "bad filter" },
};

static void
test_bad(void)
{
	struct err err;
	struct dnsbl d;
	struct str want = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		const char *v[] = { bad[i].word };
		struct strlist l = { v, 1, 1 };

		str_reset(&want);
		str_addf(&want, "%s: %s", bad[i].word, bad[i].why);
		is_int(dnsbl_parse(&l, &arena, &d, &err), -1, "%s",
		    bad[i].word);
		ok(slice_starts(slice_of(err.text), want.s), "%s", err.text);
	}
	str_free(&want);
}

static const struct { const char *addr, *want; } names[] = {
	{ "192.0.2.99", "99.2.0.192.l.example" },
	{ "::ffff:192.0.2.99", "99.2.0.192.l.example" },
	{ "2001:db8:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0."
	    "2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.l.example" },
	{ "unix", NULL }, { "", NULL },
};

static void
test_names(void)
{
	struct str s = STR_INIT;
	bool got;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		str_reset(&s);
		got = dnsbl_name("l.example", names[i].addr, &s);
		is_int(got, names[i].want != NULL, "%s", names[i].addr);
		if (got)
			is_str(s.s, names[i].want, "its name");
	}
	str_reset(&s);
	dnsbl_domain_name("l.example", "bad.example.", &s);
	is_str(s.s, "bad.example.l.example", "of a domain");
	str_free(&s);
}

/* two words of one zone, a list of good ones, a name that hides a key */
static void
test_sum(void)
{
	struct dnsbl d = parse("zen:KEY.zen.example=127.0.0.[2..3]*2 "
	    "zen:key.ZEN.example=127.0.0.10 good.example*-4 other.example*5");
	const char *both[] = { "127.0.0.10", "127.0.0.3" },
	    *one[] = { "127.0.0.2" };
	struct dns_answer a = { .status = DNS_OK, .rr = both, .n = 2 };
	struct dnsbl_result r = { 0 };
	struct str s = STR_INIT;

	is_int(d.lists, 4, "four lists");
	is_int(d.zones, 3, "of three zones");
	is_str(d.zone[0], "key.zen.example", "what is asked");
	dnsbl_take(&d, 0, &a, &r);
	is_int(r.score, 3, "both words count");
	dnsbl_take(&d, 0, &a, &r);
	is_int(r.score, 3, "once");
	a = (struct dns_answer){ .status = DNS_OK, .rr = one, .n = 1 };
	dnsbl_take(&d, 1, &a, &r);
	is_int(r.score, -1, "a good one");
	a.status = DNS_TIMEOUT;
	dnsbl_take(&d, 2, &a, &r);
	is_int(r.score, -1, "no answer counts nothing");
	is_int(r.silent, 4, "and is known");
	dnsbl_names(&d, r.hits, false, ", ", &s);
	is_str(s.s, "zen, good.example", "names");
	str_reset(&s);
	dnsbl_names(&d, r.hits, true, ", ", &s);
	is_str(s.s, "zen", "of those against it");
	str_free(&s);
}

int
main(void)
{
	test_scores();
	test_bad();
	test_names();
	test_sum();
	arena_free(&arena);
	return tap_done();
}
