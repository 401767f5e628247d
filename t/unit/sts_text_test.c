/*
 * sts_text_test.c - policies and TXT records of others: RFC 8461 section 3,
 * RFC 8460 section 3.
 */
#include "../../stsd/text.h"
#include "test/tap.h"

#define V "version: STSv1\n"
#define GOOD V "mode: enforce\nmx: mail.example.com\nmax_age: 604800\n"

static const struct {
	const char *name, *body;
	const char *want;	/* lines parted by |, or the error */
} policies[] = {
	{ "of the RFC", V "mode: enforce\nmx: mail.example.com\n"
	    "mx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n",
	    "version: STSv1|mode: enforce|mx: mail.example.com|"
	    "mx: *.example.net|mx: backupmx.example.com|max_age: 604800" },
	{ "CRLF, no end of the last line", "version:STSv1\r\nmode: testing"
	    "\r\nmx:a.b\r\nmax_age:  60", "version: STSv1|mode: testing|"
	    "mx: a.b|max_age: 60" },
	{ "any order, unknown fields, blank lines", "max_age: 1\nx-y: z\n\n"
	    "mx: A.B.\nmode: enforce\n" V, "version: STSv1|mode: enforce|"
	    "mx: a.b|max_age: 1" },
	{ "the first of each counts", GOOD "mode: none\nmax_age: 1\n"
	    "version: STSv2\n", "version: STSv1|mode: enforce|"
	    "mx: mail.example.com|max_age: 604800" },
	{ "none needs no mx", V "mode: none\nmax_age: 86400\n",
	    "version: STSv1|mode: none|max_age: 86400" },
	{ "max_age over its bound", V "mode: none\nmax_age: 9999999999\n",
	    "version: STSv1|mode: none|max_age: 31557600" },
	{ "empty", "", "version is missing" },
	{ "no version", "mode: none\nmax_age: 1\n", "version is missing" },
	{ "another version", "version: STSv2\n", "version is not STSv1" },
	{ "no mode", V "mx: a.b\nmax_age: 1\n", "mode is missing" },
	{ "another mode", V "mode: Enforce\n", "mode is none of "
	    STS_MODES },
	{ "no max_age", V "mode: enforce\nmx: a.b\n", "max_age is missing" },
	{ "max_age no number", V "max_age: 1d\n", "max_age is no number of "
	    "seconds" },
	{ "max_age negative", V "max_age: -1\n", "max_age is no number of "
	    "seconds" },
	{ "max_age too long", V "max_age: 00000000001\n",
	    "max_age is no number of seconds" },
	{ "no mx", V "mode: enforce\nmax_age: 1\n", "mx is missing" },
	{ "an address as mx", V "mx: 192.0.2.1\n", "mx is no name of a "
	    "host" },
	{ "a star within", V "mx: a.*.b\n", "mx is no name of a host" },
	{ "a star alone", V "mx: *\n", "mx is no name of a host" },
	{ "a star and a part", V "mx: *a.b.c\n", "mx is no name of a host" },
	{ "HTML", "<!DOCTYPE html>\n<html>\n", "a line without a name" },
	{ "no UTF-8", "version: \xff\n", "no text" },
};

static void
test_policies(void)
{
	struct str got = STR_INIT;
	struct strlist l;
	struct sts_text p;
	struct arena a = { 0 };
	struct err err;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(policies); i++) {
		str_reset(&got);
		l = (struct strlist){ 0 };
		if (policy_parse(slice_of(policies[i].body), &a, &p,
		    &err) < 0) {
			str_adds(&got, err.text);
		} else {
			policy_lines(&p, &a, &l);
			for (k = 0; k < l.n; k++)
				str_addf(&got, "%s%s", k > 0 ? "|" : "",
				    l.v[k]);
		}
		is_str(got.s, policies[i].want, "policy: %s",
		    policies[i].name);
	}
	ok(policy_parse(SLICE_LIT("version: STSv1\n\0mode: none"), &a, &p,
	    &err) < 0, "policy: NUL");
	arena_free(&a);
	str_free(&got);
}

static void
test_many_mx(void)
{
	struct str s = STR_INIT;
	struct arena a = { 0 };
	struct sts_text p;
	struct err err;
	int i;

	str_adds(&s, V "mode: enforce\nmax_age: 1\n");
	for (i = 0; i < STS_MX_MAX; i++)
		str_addf(&s, "mx: mx%d.example.com\n", i);
	is_int(policy_parse(slice_str(&s), &a, &p, &err), 1, "%d mx",
	    STS_MX_MAX);
	str_adds(&s, "mx: one.example.com\n");
	is_int(policy_parse(slice_str(&s), &a, &p, &err), -1, "one more");
	str_free(&s);
	arena_free(&a);
}

static const struct {
	const char *rr[3];
	const char *want;	/* id, "" none, "-" unusable */
} ids[] = {
	{ { "v=STSv1; id=20160831085700Z;" }, "20160831085700Z" },
	{ { "v=STSv1;id=1", "v=spf1 -all" }, "1" },
	{ { "v=STSv1; x=y; id=a1 ; id=b2" }, "a1" },
	{ { "v=spf1 -all" }, "" }, { { NULL }, "" },
	{ { "v=stsv1; id=1" }, "" }, { { "v=STSv10; id=1" }, "" },
	{ { "v=STSv1" }, "-" }, { { "v=STSv1; id=" }, "-" },
	{ { "v=STSv1; id=a_b" }, "-" }, { { "v=STSv1; id" }, "-" },
	{ { "v=STSv1; id=123456789012345678901234567890123" }, "-" },
	{ { "v=STSv1; id=1", "v=STSv1; id=1" }, "-" },
};

static void
list(const char *const rr[3], struct strlist *l, struct arena *a)
{
	int i;

	*l = (struct strlist){ 0 };
	for (i = 0; i < 3 && rr[i] != NULL; i++)
		strlist_add(l, a, rr[i]);
}

static void
test_ids(void)
{
	struct arena a = { 0 };
	struct strlist l;
	char id[ID_MAX + 1];
	struct err err;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(ids); i++) {
		list(ids[i].rr, &l, &a);
		r = sts_txt(&l, id, &err);
		is_str(r > 0 ? id : r == 0 ? "" : "-", ids[i].want,
		    "TXT: %s", l.n > 0 ? l.v[0] : "nothing");
	}
	arena_free(&a);
}

static const struct {
	const char *rr[3];
	const char *want;
} ruas[] = {
	{ { "v=TLSRPTv1;rua=mailto:reports@example.com" },
	    "mailto:reports@example.com" },
	{ { "v=TLSRPTv1; rua=https://a.example/x?y=z, mailto:b@c.d" },
	    "https://a.example/x?y=z mailto:b@c.d" },
	{ { "v=TLSRPTv1; rua=ftp://a.b,mailto:b@c.d!10m,mailto:x@y.z" },
	    "mailto:x@y.z" },
	{ { "v=TLSRPTv1; rua=mailto:1@a.b,mailto:2@a.b,mailto:3@a.b,"
	    "mailto:4@a.b,mailto:5@a.b" },
	    "mailto:1@a.b mailto:2@a.b mailto:3@a.b mailto:4@a.b" },
	{ { "v=TLSRPTv1; rua=http://a.b/" }, "-" },
	{ { "v=TLSRPTv1" }, "-" },
	{ { "v=TLSRPTv1;rua=mailto:a@b.c", "v=TLSRPTv1;rua=mailto:a@b.c" },
	    "-" },
	{ { "v=spf1 -all" }, "" },
};

static void
test_ruas(void)
{
	struct str got = STR_INIT;
	struct arena a = { 0 };
	struct strlist l, rua;
	struct err err;
	size_t i, k;
	int r;

	for (i = 0; i < ARRAY_LEN(ruas); i++) {
		list(ruas[i].rr, &l, &a);
		rua = (struct strlist){ 0 };
		str_reset(&got);
		r = tlsrpt_txt(&l, &a, &rua, &err);
		for (k = 0; r > 0 && k < rua.n; k++)
			str_addf(&got, "%s%s", k > 0 ? " " : "", rua.v[k]);
		is_str(r < 0 ? "-" : got.s, ruas[i].want, "rua: %s", l.v[0]);
	}
	arena_free(&a);
	str_free(&got);
}

static void
test_names(void)
{
	static const char *const mailto[][2] = {
		{ "mailto:a@b.c", "a@b.c" }, { "MAILTO:a@b.c?x=y", "a@b.c" },
		{ "mailto:a%2Bb@c.d", "a+b@c.d" }, { "mailto:a%2@c.d", "-" },
		{ "mailto:", "-" }, { "mailto:a", "-" },
		{ "mailto:a@b.c,d@e.f", "-" }, { "mailto:a%00@b.c", "-" },
		{ "mailto:a%0Ab@b.c", "-" }, { "mailto:a%C3@b.c", "-" },
	};
	static const char *const name[][2] = {
		{ "Example.COM.", "example.com" }, { "a_b.c", "a_b.c" },
		{ "localhost", "-" }, { "[192.0.2.1]", "-" },
		{ "192.0.2.1", "-" }, { "", "-" }, { "a..b", "-" },
		{ "-a.b", "-" }, { "a.b/c", "-" }, { "*.a.b", "-" },
	};
	struct arena a = { 0 };
	const char *z;
	size_t i;

	for (i = 0; i < ARRAY_LEN(mailto); i++)
		is_str(mailto_address(mailto[i][0], &a, &z) ? z : "-",
		    mailto[i][1], "%s", mailto[i][0]);
	for (i = 0; i < ARRAY_LEN(name); i++) {
		z = domain_name(name[i][0], &a);
		is_str(z != NULL ? z : "-", name[i][1], "domain '%s'",
		    name[i][0]);
	}
	arena_free(&a);
}

int
main(void)
{
	test_policies();
	test_many_mx();
	test_ids();
	test_ruas();
	test_names();
	return tap_done();
}
