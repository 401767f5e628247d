/* how much TLS: rows of the table, DANE, MTA-STS, REQUIRETLS */
#include "../../smtp/policy_part.h"
#include "../../smtp/target_part.h"
#include "conf/common.h"
#include "test/tap.h"

#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TLSA_EE "3 1 1 " H64
#define TLSA_TA "2 0 2 " H64 H64

/* --- the zone, instead of dnsd --- */

static const struct record {
	const char *name;
	enum dns_status status;
	bool secure;
	const char *rr[4];
} zone[] = {
	{ "_25._tcp.dane.test", DNS_OK, true, { TLSA_EE, TLSA_TA } },
	{ "_26._tcp.dane.test", DNS_OK, true, { TLSA_TA } },
	{ "_25._tcp.insecure.test", DNS_OK, false, { TLSA_EE } },
	{ "_25._tcp.bogus.test", DNS_BOGUS, false, { 0 } },
	{ "_25._tcp.fail.test", DNS_SERVFAIL, false, { 0 } },
	{ "_25._tcp.gone.test", DNS_NXDOMAIN, true, { 0 } },
	{ "_25._tcp.bad.test", DNS_OK, true, { "0 1 1 " H64, "1 1 1 " H64,
	    "3 1 1 abcd" } },
	{ "_25._tcp.new.test", DNS_OK, true, { "3 2 1 " H64, "3 1 9 " H64,
	    "3 0 2 " H64 } },
	{ "_25._tcp.canon.test", DNS_OK, true, { TLSA_TA } },
	{ "_25._tcp.nocanon.test", DNS_NODATA, true, { 0 } },
	{ "_25._tcp.alias.test", DNS_OK, true, { TLSA_EE } },
};

int
dns_ask(struct dns_question *q, size_t n, int timeout_ms UNUSED,
    const char *session UNUSED, struct arena *a, struct err *err UNUSED)
{
	struct strlist l;
	size_t i, j, k;

	for (i = 0; i < n; i++) {
		q[i].a = (struct dns_answer){ .status = DNS_NODATA,
			.canon = "", .why = "" };
		for (j = 0; j < ARRAY_LEN(zone); j++) {
			if (strcmp(zone[j].name, q[i].name) != 0)
				continue;
			l = (struct strlist){ 0 };
			for (k = 0; zone[j].rr[k] != NULL; k++)
				strlist_add(&l, a, zone[j].rr[k]);
			q[i].a.status = zone[j].status;
			q[i].a.secure = zone[j].secure;
			q[i].a.rr = l.v;
			q[i].a.n = l.n;
		}
	}
	return 0;
}

int
dns_err(const struct dns_question *q, struct err *err)
{
	return err_temp(err, "4.4.3", "trouble with %s", q->name);
}

/* --- */

static struct arena arena;
static struct policy_conf conf = { .level = LEVEL_DANE, .table = "" };
static const struct target_conf target = { .families = "",
	.bind_table = "", .dns_timeout = 1000 };

static const struct { const char *row, *want; } rows[] = {
	{ "may", "1 - -" },
	{ "none", "0 - -" },
	{ " encrypt  min=1.3 ", "2 - - 2" },
	{ "secure match=mail.example.com:.example.net",
	    "4 mail.example.com,.example.net -" },
	{ "verify", "3 - -" },
	{ "fingerprint " H64, "5 - " H64 },
	{ "dane-only min=1.2", "7 - - 1" },
	{ "fingerprint", NULL },
	{ "fingerprint abc", NULL },
	{ "fingerprint " H64 "00", NULL },
	{ "", NULL },
	{ "sometimes", NULL },
	{ "encrypt match=x", NULL },
	{ "secure match=", NULL },
	{ "secure match=a::b", NULL },
	{ "may " H64, NULL },
	{ "none min=1.2", NULL },
	{ "may min=1.1", NULL },
	{ "may may", NULL },
};

static const char *
join(const struct strlist *l)
{
	const char *s = l->n > 0 ? l->v[0] : "-";
	size_t i;

	for (i = 1; i < l->n; i++)
		s = arena_printf(&arena, "%s,%s", s, l->v[i]);
	return s;
}

static void
test_rows(void)
{
	struct domain_policy p;
	struct err err;
	const char *got;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		p = (struct domain_policy){ 0 };
		rc = row_parse(rows[i].row, &arena, &p, &err);
		got = arena_printf(&arena, "%d %s %s%s", (int)p.level,
		    join(&p.names), join(&p.fingerprints), p.min == 0 ? "" :
		    p.min == 1 ? " 1" : " 2");
		if (rows[i].want == NULL)
			ok(rc < 0 && err.kind == ERR_TEMP, "refused: %s",
			    rows[i].row);
		else
			is_str(rc == 0 ? got : err.text, rows[i].want, "%s",
			    rows[i].row);
	}
	rc = row_parse("fingerprint SHA256:01:23:45:67:89:AB:CD:EF:"
	    "0123456789abcdef0123456789abcdef0123456789abcdef", &arena, &p,
	    &err);
	is_str(rc == 0 ? p.fingerprints.v[p.fingerprints.n - 1] : err.text,
	    H64, "a fingerprint with colons");
}

static const struct { const char *pattern, *host; bool want; } sts[] = {
	{ "mail.example.com", "mail.example.com", true },
	{ "MAIL.example.com", "mail.example.com", true },
	{ "mail.example.com.", "mail.example.com", true },
	{ "mail.example.com", "mail2.example.com", false },
	{ "*.example.net", "mx1.example.net", true },
	{ "*.example.net", "example.net", false },
	{ "*.example.net", "a.b.example.net", false },
	{ "*.example.net", ".example.net", false },
	{ "*.example.net", "mx1.badexample.net", false },
	{ "mx*.example.net", "mx1.example.net", false },
	{ "*", "localhost", false },
	{ "", "mail.example.com", false },
};

static void
test_sts_match(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(sts); i++)
		ok(sts_match(sts[i].pattern, sts[i].host) == sts[i].want,
		    "%s and %s", sts[i].pattern, sts[i].host);
}

/* what holds for one server, as text */
static const char *
policy(const struct domain_policy *d, struct target t, bool mx_secure)
{
	static const char *const verify[] = { "none", "pkix", "fingerprint",
		"dane" };
	struct targets all = { .domain = "next.test", .mx = true,
		.mx_secure = mx_secure };
	struct tls_policy p;
	struct err err = ERR_INIT;

	t.canon = t.canon != NULL ? t.canon : t.host;
	t.addr = "192.0.2.1";
	t.port = t.port != 0 ? t.port : 25;
	if (policy_target(d, &all, &t, "", &arena, &p, &err) == 0)
		return arena_printf(&arena, "no: %s", err.dsn);
	return arena_printf(&arena, "%s %s%s%s%s%s sni=%s %s", p.why,
	    p.level == LEVEL_NONE ? "off " : "",
	    p.starttls ? "must " : "", p.fallback ? "fallback " : "",
	    p.testing && p.in.lenient ? "testing " : "", verify[p.in.verify],
	    p.in.sni, p.in.verify == TLS_DANE ?
	    arena_printf(&arena, "%zu %s", p.in.tlsa.n, join(&p.in.names)) :
	    join(&p.in.names));
}

#define HOST(h) ((struct target){ .host = (h), .secure = true })

static const char *
level(enum tls_level l, const char *host)
{
	struct domain_policy d = { .level = l };

	return policy(&d, HOST(host), false);
}

static void
test_levels(void)
{
	struct domain_policy d = { .level = LEVEL_SECURE };

	is_str(level(LEVEL_NONE, "a.test"), "configured off none sni=a.test -",
	    "none");
	is_str(level(LEVEL_MAY, "dane.test"),
	    "configured fallback none sni=dane.test -", "may");
	is_str(level(LEVEL_MAY, "192.0.2.1"),
	    "configured fallback none sni= -", "an address is no name");
	is_str(level(LEVEL_ENCRYPT, "a.test"),
	    "configured must none sni=a.test -", "encrypt");
	is_str(level(LEVEL_VERIFY, "a.test"),
	    "configured must pkix sni=a.test a.test", "verify");
	is_str(level(LEVEL_SECURE, "a.test"),
	    "configured must pkix sni=a.test next.test,.next.test", "secure");
	is_str(policy(&d, HOST("a.test"), true), "configured must pkix "
	    "sni=a.test next.test,.next.test,a.test",
	    "secure, and the host is proven");
	strlist_add(&d.names, &arena, "hostname");
	strlist_add(&d.names, &arena, "dot-nexthop");
	strlist_add(&d.names, &arena, "x.test");
	is_str(policy(&d, HOST("a.test"), true), "configured must pkix "
	    "sni=a.test a.test,.next.test,x.test", "secure with names");
	is_str(level(LEVEL_FINGERPRINT, "a.test"),
	    "configured must fingerprint sni=a.test -", "fingerprint");
}

static const struct { const char *host, *canon; bool insecure; int port;
    const char *dane, *only; } danes[] = {
	{ "dane.test", NULL, false, 25,
	    "dane must dane sni=dane.test 2 dane.test,next.test", "" },
	{ "dane.test", NULL, false, 26,
	    "dane must dane sni=dane.test 1 dane.test,next.test", "" },
	{ "dane.test", NULL, true, 25,
	    "configured fallback none sni=dane.test -", "no: 4.7.5" },
	{ "insecure.test", NULL, false, 25,
	    "configured fallback none sni=insecure.test -", "no: 4.7.5" },
	{ "gone.test", NULL, false, 25,
	    "configured fallback none sni=gone.test -", "no: 4.7.5" },
	{ "bogus.test", NULL, false, 25, "no: 4.4.3", "no: 4.4.3" },
	{ "fail.test", NULL, false, 25, "no: 4.4.3", "no: 4.4.3" },
	{ "bad.test", NULL, false, 25, "dane must none sni=bad.test -",
	    "no: 4.7.5" },
	{ "new.test", NULL, false, 25, "dane must none sni=new.test -",
	    "no: 4.7.5" },
	{ "alias.test", "canon.test", false, 25, "dane must dane "
	    "sni=canon.test 1 canon.test,alias.test,next.test", "" },
	{ "alias.test", "nocanon.test", false, 25, "dane must dane "
	    "sni=alias.test 1 alias.test,nocanon.test,next.test", "" },
	{ "alias.test", "fail.test", false, 25, "no: 4.4.3", "no: 4.4.3" },
};

static void
test_dane(void)
{
	struct domain_policy d;
	struct target t;
	size_t i;

	for (i = 0; i < ARRAY_LEN(danes); i++) {
		t = (struct target){ .host = danes[i].host,
			.canon = danes[i].canon, .port = danes[i].port,
			.secure = !danes[i].insecure };
		d = (struct domain_policy){ .level = LEVEL_DANE };
		is_str(policy(&d, t, true), danes[i].dane, "dane: %s %s:%d",
		    t.host, t.canon ? t.canon : "", t.port);
		d.level = LEVEL_DANE_ONLY;
		is_str(policy(&d, t, true), danes[i].only[0] ?
		    danes[i].only : danes[i].dane, "dane-only: the same");
	}
}

static void
test_sts(void)
{
	struct domain_policy d = { .level = LEVEL_DANE };

	strlist_add(&d.sts.mx, &arena, "mx.test");
	strlist_add(&d.sts.mx, &arena, "bad.test");
	d.sts.mode = STS_ENFORCE;
	is_str(policy(&d, HOST("mx.test"), false),
	    "sts must pkix sni=mx.test mx.test", "enforce");
	is_str(policy(&d, HOST("other.test"), false), "no: 4.7.5",
	    "enforce: another host");
	is_str(policy(&d, HOST("dane.test"), true),
	    "dane must dane sni=dane.test 2 dane.test,next.test",
	    "DANE wins, even for a host that is not listed");
	is_str(policy(&d, HOST("bad.test"), true),
	    "sts must pkix sni=bad.test bad.test",
	    "TLSA records that can not be used win nothing");
	is_str(policy(&d, HOST("bogus.test"), true), "no: 4.4.3",
	    "nor are bogus ones passed over");
	d.sts.mode = STS_TESTING;
	is_str(policy(&d, HOST("mx.test"), false),
	    "sts fallback testing pkix sni=mx.test mx.test", "testing");
	is_str(policy(&d, HOST("other.test"), false),
	    "sts fallback none sni=other.test -", "testing: another host");
	d.level = LEVEL_ENCRYPT;
	is_str(policy(&d, HOST("mx.test"), false),
	    "sts must testing pkix sni=mx.test mx.test",
	    "testing, and encryption is demanded");
}

static void
test_requiretls(void)
{
	struct domain_policy d = { .level = LEVEL_MAY, .requiretls = true };

	is_str(policy(&d, HOST("mx.test"), false), "requiretls must pkix "
	    "sni=mx.test next.test,.next.test", "REQUIRETLS");
	is_str(policy(&d, HOST("mx.test"), true), "requiretls must pkix "
	    "sni=mx.test next.test,.next.test,mx.test",
	    "REQUIRETLS, proven MX");
	d.level = LEVEL_NONE;
	is_str(policy(&d, HOST("mx.test"), false), "requiretls must pkix "
	    "sni=mx.test next.test,.next.test", "whatever is configured");
	d.level = LEVEL_VERIFY;
	is_str(policy(&d, HOST("mx.test"), false), "configured must pkix "
	    "sni=mx.test next.test,.next.test",
	    "verify: not by a name that nobody has proven");
	is_str(policy(&d, HOST("mx.test"), true), "configured must pkix "
	    "sni=mx.test mx.test", "but by one that DNSSEC has");
	strlist_add(&d.names, &arena, "hostname");
	strlist_add(&d.names, &arena, "x.test");
	is_str(policy(&d, HOST("mx.test"), false), "configured must pkix "
	    "sni=mx.test x.test", "nor where a row says hostname");
	d.names = (struct strlist){ 0 };
	d.level = LEVEL_DANE;
	is_str(policy(&d, HOST("dane.test"), true),
	    "dane must dane sni=dane.test 2 dane.test,next.test", "by DANE");
	is_str(policy(&d, HOST("bad.test"), false), "requiretls must pkix "
	    "sni=bad.test next.test,.next.test", "not by what is unusable");
	d.sts.mode = STS_TESTING;
	strlist_add(&d.sts.mx, &arena, "mx.test");
	is_str(policy(&d, HOST("mx.test"), false), "requiretls must pkix "
	    "sni=mx.test next.test,.next.test", "nor by a policy in testing");
	d.sts.mode = STS_ENFORCE;
	is_str(policy(&d, HOST("mx.test"), false),
	    "sts must pkix sni=mx.test mx.test", "by MTA-STS");
	d.requiretls = false;
	policy_ignore(&d);
	is_str(policy(&d, HOST("dane.test"), true), "configured fallback "
	    "none sni=dane.test -", "TLS-Required: No: neither of them");
	d.level = LEVEL_ENCRYPT;
	policy_ignore(&d);
	is_int(d.level, LEVEL_ENCRYPT, "what is configured stays");
}

static const char *
domain(const char *nexthop, const char *name)
{
	struct targets t = { .nexthop = nexthop, .domain = name, .mx = true };
	struct domain_policy p;
	struct err err = ERR_INIT;

	if (policy_domain(&t, false, "", &arena, &p, &err) < 0)
		return arena_printf(&arena, "%s %s", err.dsn, err.text);
	return arena_printf(&arena, "%d", (int)p.level);
}

static void
test_table(void)
{
	struct err err = ERR_INIT;

	conf.table = "inline:a.test=encrypt;.b.test=may;\"[r.test]:587\"="
	    "secure;c.test=what";
	conf.mta_sts = true;
	is_int(policy_start(&conf, &err), 0, "start %s", err.text);
	is_str(domain("a.test", "a.test"), "2", "a domain");
	is_str(domain("a.test:26", "a.test"), "2", "with a port");
	is_str(domain("x.y.b.test", "x.y.b.test"), "1", "below another");
	is_str(domain("b.test", "b.test"), "6", "which is not meant itself");
	is_str(domain("[R.test]:587", "r.test"), "4", "a whole next hop");
	is_str(domain("c.test", "c.test"), "4.3.5 inline:a.test=encrypt;"
	    ".b.test=may;\"[r.test]:587\"=secure;c.test=what: c.test: not "
	    "understood: what", "a bad row");
}

static const struct { const char *text; enum sts_result want; } results[] = {
	{ TLS_WHY_EXPIRED, STS_EXPIRED },
	{ TLS_WHY_NAME, STS_HOST_MISMATCH },
	{ "certificate: self-signed certificate", STS_NOT_TRUSTED },
	{ TLS_WHY_TLSA, STS_TLSA_INVALID },
	{ "no shared protocol version", STS_VALIDATION },
};

int
main(void)
{
	struct err err = ERR_INIT;
	size_t i;

	common.hostname = "mx.own.test";
	common.run_dir = tap_dir();
	target_conf = &target;
	is_int(policy_start(&conf, &err), 0, "start");
	test_rows();
	test_sts_match();
	test_levels();
	test_dane();
	test_sts();
	test_requiretls();
	test_table();
	for (i = 0; i < ARRAY_LEN(results); i++) {
		err_temp(&err, "4.7.5", "%s", results[i].text);
		is_int(policy_result(NULL, &err), results[i].want, "%s",
		    err.text);
	}
	conf.level = LEVEL_FINGERPRINT;
	ok(policy_check(&conf, &err) < 0, "no fingerprints for everybody");
	arena_free(&arena);
	return tap_done();
}
