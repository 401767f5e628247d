/*
 * dnsd_test.c - names and messages of dnsd as text; what its callers are told.
 */
#include "../../dnsd/dnsd.h"
#include "base/log.h"
#include "conf/common.h"
#include "serve/dns.h"
#include "test/tap.h"

#define X63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
test_names(void)
{
	static const struct { const char *in, *want; } rows[] = {
		{ "Example.ORG.", "example.org" },
		{ "_25._tcp.mail", "_25._tcp.mail" },
		{ ".", "." }, { "", NULL }, { "..", NULL }, { "a..b", NULL },
		{ ".a", NULL }, { "a b", NULL }, { "a\\.b", NULL },
		{ "a\nb", NULL }, { X63, X63 }, { X63 "a", NULL },
		{ X63 "." X63 "." X63 "." X63, NULL },
		{ "B\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
		{ "\xff.example", NULL },
	};
	char out[NAME_TEXT];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		bool good = name_make(rows[i].in, out);

		is_str(good ? out : NULL, rows[i].want, "name %zu", i);
	}
	ok(name_below("a.example", "example"), "below");
	ok(!name_below("aexample", "example"), "not below");
	ok(!name_below("example", "a.example"), "above");
}

static void
test_reverse(void)
{
	struct str out = STR_INIT;

	ok(dns_reverse_name("192.0.2.10", &out), "IPv4");
	is_str(out.s, "10.2.0.192.in-addr.arpa", "its reverse name");
	str_reset(&out);
	ok(dns_reverse_name("2001:db8::1f", &out), "IPv6");
	is_str(out.s, "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "8.b.d.0.1.0.0.2.ip6.arpa", "its reverse name");
	ok(!dns_reverse_name("unix", &out), "no address");
	str_free(&out);
}

/* a header with two answers, and the question a.b */
#define HEAD "\0\0\x84\0\0\1\0\2\0\0\0\0\1a\1b\0\0\1\0\1"

static struct answer *
answer(const char *p, size_t n, int type)
{
	struct answer *a = answer_new();

	wire_answer((const unsigned char *)p, n, "a.b", type, a);
	return a;
}
#define ANSWER(text, type) answer(text, sizeof(text) - 1, type)

static void
test_records(void)
{
	struct answer *a = ANSWER(HEAD
	    "\xc0\x0c\0\5\0\1\0\0\0\7\0\4\1C\xc0\x0e"
	    "\xc0\x21\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1", DNS_A);

	is_int(a->status, DNS_OK, "an alias and its address");
	is_str(a->canon, "c.b", "the name behind it");
	is_str(a->rr.v[0], "127.0.0.1", "address");
	is_int(a->ttl, 5, "the shortest life");
	answer_drop(a);
	a = ANSWER(HEAD "\xc0\x0c\0\x10\0\1\0\0\0\5\0\x8\4a\\\x7f\"\2 \1"
	    "\xc0\x0c\0\x10\0\1\0\0\0\5\0\1\0", DNS_TXT);
	is_int((int)a->rr.n, 2, "two texts");
	is_str(a->rr.v[0], "a\\092\\127\" \\001", "bytes of a text");
	is_str(a->rr.v[1], "", "an empty text");
	answer_drop(a);
	a = ANSWER(HEAD "\xc0\x0c\0\x34\0\1\0\0\0\5\0\5\3\1\1\xab\xcd"
	    "\xc0\x0c\0\x34\0\1\0\0\0\5\0\3\1\0\2", DNS_TLSA);
	is_str(a->rr.v[0], "3 1 1 abcd", "TLSA");
	is_str(a->rr.v[1], "1 0 2 ", "TLSA without data");
	answer_drop(a);
	a = ANSWER(HEAD "\xc0\x0c\0\x0f\0\1\0\0\0\5\0\3\0\0\0"
	    "\xc0\x0c\0\x0f\0\1\0\0\0\5\0\7\0\x0a\3x.y\0", DNS_MX);
	is_str(a->rr.v[0], "0 .", "null MX");
	is_int((int)a->rr.n, 2, "and another");
	is_str(a->rr.n == 2 ? a->rr.v[1] : NULL, "10 x\\046y",
	    "a dot inside a label");
	answer_drop(a);
}

static void
test_bad(void)
{
	static const char soa[] = "\0\0\x84\3\0\1\0\0\0\1\0\0\1a\1b\0\0\1\0\1"
	    "\xc0\x0e\0\6\0\1\0\0\0\x3c\0\x16\0\0\0\0\0\1\0\0\0\1\0\0\0\1"
	    "\0\0\0\1\0\0\0\x1e";
	struct answer *a = answer(soa, sizeof(soa) - 1, DNS_A);
	size_t n;

	is_int(a->status, DNS_NXDOMAIN, "no such name");
	is_int(a->ttl, 30, "for how long");
	answer_drop(a);
	for (n = 0; n < sizeof(soa) - 1; n++) {
		a = answer(soa, n, DNS_A);
		if (a->status != DNS_SERVFAIL || a->why[0] == '\0')
			break;
		answer_drop(a);
	}
	is_int((int)n, sizeof(soa) - 1, "each part of it alone is malformed");
	a = ANSWER(HEAD "\xc0\x19\0\1\0\1\0\0\0\5\0\0", DNS_A);
	is_int(a->status, DNS_SERVFAIL, "a pointer forwards");
	answer_drop(a);
	a = ANSWER(HEAD "\xc0\x15\0\1\0\1\0\0\0\5\0\0", DNS_A);
	is_int(a->status, DNS_SERVFAIL, "a pointer to itself");
	answer_drop(a);
	a = ANSWER(HEAD "\xc0\x0c\0\1\0\1\0\0\0\5\0\5\x7f\0\0\1\1"
	    "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1", DNS_A);
	is_int(a->status, DNS_SERVFAIL, "an address that is too long");
	is_int((int)a->rr.n, 0, "leaves no records");
	answer_drop(a);
}

static void
test_caller(void)
{
	static const struct { enum dns_status status; enum err_kind kind;
	    const char *dsn; } rows[] = {
		{ DNS_NODATA, ERR_PERM, "5.1.2" },
		{ DNS_NXDOMAIN, ERR_PERM, "5.1.2" },
		{ DNS_SERVFAIL, ERR_TEMP, "4.4.3" },
		{ DNS_BOGUS, ERR_TEMP, "4.4.3" },
		{ DNS_TIMEOUT, ERR_TEMP, "4.4.3" },
	};
	struct dns_question q = { .name = "example.org", .type = DNS_MX };
	struct arena arena = { 0 };
	enum dns_type type;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		q.a = (struct dns_answer){ .status = rows[i].status,
			.why = "x" };
		is_int(dns_err(&q, &err), -1, "%s", err.text);
		is_int(err.kind, rows[i].kind, "its kind");
		is_str(err.dsn, rows[i].dsn, "its code");
		ok(strstr(err.text, "example.org") != NULL, "its name");
	}
	ok(dns_type_find("tlsa", &type) && type == DNS_TLSA, "a type");
	ok(dns_type_find("TYPE257", &type) && (int)type == 257, "by number");
	ok(!dns_type_find("TYPE", &type) && !dns_type_find("65536", &type) &&
	    !dns_type_find("0", &type), "no types");
	common.run_dir = tap_dir();
	err = (struct err)ERR_INIT;
	is_int(dns_ask(&q, 1, 1000, "", &arena, &err), -1, "no dnsd");
	is_int(err.kind, ERR_TEMP, "is trouble that passes");
	is_str(err.dsn, "4.4.3", "of names: %s", err.text);
	is_int(q.a.status, DNS_TIMEOUT, "nothing is known");
	arena_free(&arena);
}

int
main(void)
{
	test_names();
	test_reverse();
	test_records();
	test_bad();
	test_caller();
	return tap_done();
}
