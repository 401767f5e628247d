/* where to connect: next hops, MX rules, the order of addresses, ourselves */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "../../smtp/target_part.h"
#include "conf/common.h"
#include "map/live.h"
#include "test/tap.h"

/* --- the zone, instead of dnsd --- */

static const struct record {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	bool secure;
	const char *canon;
	const char *rr[12];
} zone[] = {
	{ "one.test", DNS_MX, DNS_OK, true, "one.test",
	    { "20 b.test", "10 a.test" } },
	{ "a.test", DNS_A, DNS_OK, true, "a.test", { "233.252.0.1" } },
	{ "b.test", DNS_A, DNS_OK, true, "b.test", { "233.252.0.2" } },
	{ "equal.test", DNS_MX, DNS_OK, false, "",
	    { "10 a.test", "10 b.test", "10 c.test" } },
	{ "c.test", DNS_A, DNS_OK, true, "c.test", { "233.252.0.3" } },
	{ "six.test", DNS_MX, DNS_OK, false, "", { "10 many.test" } },
	{ "many.test", DNS_A, DNS_OK, false, "",
	    { "233.252.0.10", "233.252.0.11" } },
	{ "many.test", DNS_AAAA, DNS_OK, false, "",
	    { "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4" } },
	{ "bare.test", DNS_A, DNS_OK, true, "bare.test", { "233.252.0.4" } },
	{ "baresec.test", DNS_MX, DNS_NODATA, true, "", { 0 } },
	{ "baresec.test", DNS_A, DNS_OK, true, "x.test", { "233.252.0.4" } },
	{ "gone.test", DNS_MX, DNS_NXDOMAIN, true, "", { 0 } },
	{ "fail.test", DNS_MX, DNS_SERVFAIL, false, "", { 0 } },
	{ "fail.test", DNS_A, DNS_OK, false, "", { "233.252.0.5" } },
	{ "bogus.test", DNS_MX, DNS_BOGUS, false, "", { 0 } },
	{ "slow.test", DNS_MX, DNS_TIMEOUT, false, "", { 0 } },
	{ "null.test", DNS_MX, DNS_OK, false, "", { "0 ." } },
	{ "dots.test", DNS_MX, DNS_OK, false, "", { "0 .", "10 a.test" } },
	{ "self.test", DNS_MX, DNS_OK, false, "",
	    { "10 a.test", "20 mx.own.test", "20 b.test", "30 c.test" } },
	{ "ownip.test", DNS_MX, DNS_OK, false, "",
	    { "10 a.test", "20 us.test", "30 c.test" } },
	{ "us.test", DNS_A, DNS_OK, false, "", { "198.51.100.7" } },
	{ "best.test", DNS_MX, DNS_OK, false, "", { "5 us.test", "9 a.test" } },
	{ "local.test", DNS_MX, DNS_OK, false, "", { "5 localhost" } },
	{ "loop.test", DNS_A, DNS_OK, false, "", { "127.0.0.9" } },
	{ "map6.test", DNS_AAAA, DNS_OK, false, "",
	    { "::ffff:198.51.100.7" } },
	{ "noaddr.test", DNS_MX, DNS_OK, false, "", { "5 nowhere.test" } },
	{ "half.test", DNS_MX, DNS_OK, false, "", { "5 half.test" } },
	{ "half.test", DNS_A, DNS_SERVFAIL, false, "", { 0 } },
	{ "some.test", DNS_MX, DNS_OK, false, "",
	    { "5 half.test", "10 a.test" } },
	{ "alias.test", DNS_MX, DNS_OK, true, "real.test",
	    { "5 name.test" } },
	{ "name.test", DNS_A, DNS_OK, true, "a.test", { "233.252.0.1" } },
	{ "out.test", DNS_MX, DNS_OK, true, "", { "5 cdn.test" } },
	{ "cdn.test", DNS_A, DNS_OK, false, "far.example", { "233.252.0.1" } },
	{ "cdn.test", DNS_CNAME, DNS_OK, true, "", { "far.example" } },
	{ "cut.test", DNS_MX, DNS_OK, true, "", { "5 cutoff.test" } },
	{ "cutoff.test", DNS_A, DNS_OK, false, "far.example",
	    { "233.252.0.1" } },
	{ "cutoff.test", DNS_CNAME, DNS_SERVFAIL, false, "", { 0 } },
	{ "xn--bcher-kva.test", DNS_A, DNS_OK, false, "", { "233.252.0.6" } },
};

static int asked;

static void
answer(struct dns_question *q, struct arena *a)
{
	struct strlist l = { 0 };
	size_t i, k;

	asked++;
	q->a = (struct dns_answer){ .status = DNS_NODATA, .canon = "",
		.why = "" };
	for (i = 0; i < ARRAY_LEN(zone); i++) {
		if (strcmp(zone[i].name, q->name) != 0 ||
		    zone[i].type != q->type)
			continue;
		for (k = 0; zone[i].rr[k] != NULL; k++)
			strlist_add(&l, a, zone[i].rr[k]);
		q->a = (struct dns_answer){ .status = zone[i].status,
			.secure = zone[i].secure, .canon = zone[i].canon,
			.rr = l.v, .n = l.n, .why = "" };
	}
}

int
dns_ask(struct dns_question *q, size_t n, int timeout_ms UNUSED,
    const char *session UNUSED, struct arena *a, struct err *err UNUSED)
{
	size_t i;

	for (i = 0; i < n; i++)
		answer(&q[i], a);
	return 0;
}

int
dns_err(const struct dns_question *q, struct err *err)
{
	if (q->a.status == DNS_NXDOMAIN || q->a.status == DNS_NODATA)
		return err_perm(err, "5.1.2", "no %s", q->name);
	return err_temp(err, "4.4.3", "trouble with %s", q->name);
}

/* --- */

static struct { struct target_conf t; } conf;
static const struct field fields[] = {
	TARGET_FIELDS(__typeof__(conf), t),
	F_END
};
static struct arena arena;

static void
set(const char *name, const char *value)
{
	struct err err = ERR_INIT;
	const struct field *f = field_find(fields, slice_of(name));

	if (f->kind == FIELD_LIST)
		*(struct strlist *)(void *)((char *)&conf + f->offset) =
		    (struct strlist){ 0 };
	if (value[0] != '\0' &&
	    field_set(f, &conf, slice_of(value), &arena, &err) < 0)
		die("%s: %s", name, err.text);
}

/* "host[addr]:port pref secure(canon)" of each, or "dsn kind" */
static const char *
find(const char *nexthop, struct targets *t)
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	const char *text;
	size_t i;

	if (targets_find(nexthop, "", &arena, t, &err) < 0)
		return arena_printf(&arena, "%s %s", err.dsn,
		    err.kind == ERR_PERM ? "perm" : "temp");
	for (i = 0; i < t->n; i++)
		str_addf(&s, "%s%s[%s]:%d%s%s", i > 0 ? " " : "",
		    t->v[i].host, t->v[i].addr, t->v[i].port,
		    t->v[i].secure ? "+" : "",
		    strcmp(t->v[i].host, t->v[i].canon) != 0 ?
		    t->v[i].canon : "");
	text = arena_slice(&arena, slice_str(&s));
	str_free(&s);
	return text;
}

static const struct { const char *nexthop, *want; } found[] = {
	/* next hops */
	{ "[233.252.0.1]", "233.252.0.1[233.252.0.1]:25" },
	{ "[233.252.0.1]:587", "233.252.0.1[233.252.0.1]:587" },
	{ "[IPv6:2001:DB8::0:1]", "2001:db8::1[2001:db8::1]:25" },
	{ "[2001:db8::1]:26", "2001:db8::1[2001:db8::1]:26" },
	{ "unix:/run/x", "/run/x[/run/x]:0" },
	{ "[a.test]", "a.test[233.252.0.1]:25+" },
	{ "[A.Test.]:2525", "a.test[233.252.0.1]:2525+" },
	{ "bare.test:24", "bare.test[233.252.0.4]:24" },
	{ "b\303\274cher.test", "xn--bcher-kva.test[233.252.0.6]:25" },
	{ "[233.252.0.1", "5.1.3 perm" },
	{ "[233.252.0.1]x", "5.1.3 perm" },
	{ "[]", "5.1.3 perm" },
	{ "[a.test]:0", "5.1.3 perm" },
	{ "a.test:99999", "5.1.3 perm" },
	{ "a.test:", "5.1.3 perm" },
	{ "2001:db8::1", "5.1.3 perm" },
	{ "a..test", "5.1.3 perm" },
	{ "a test", "5.1.3 perm" },
	{ "-a.test", "5.1.3 perm" },
	{ "", "5.1.3 perm" },
	{ "unix:relative", "5.1.3 perm" },
	/* MX */
	{ "one.test", "a.test[233.252.0.1]:25+ b.test[233.252.0.2]:25+" },
	{ "One.Test", "a.test[233.252.0.1]:25+ b.test[233.252.0.2]:25+" },
	{ "bare.test", "bare.test[233.252.0.4]:25" },
	{ "baresec.test", "baresec.test[233.252.0.4]:25+x.test" },
	{ "gone.test", "5.1.2 perm" },
	{ "empty.test", "5.1.2 perm" },
	{ "fail.test", "4.4.3 temp" },
	{ "bogus.test", "4.4.3 temp" },
	{ "slow.test", "4.4.3 temp" },
	{ "null.test", "5.1.10 perm" },
	{ "dots.test", "a.test[233.252.0.1]:25" },
	{ "noaddr.test", "4.4.4 temp" },
	{ "[nowhere.test]", "4.4.4 temp" },
	{ "half.test", "4.4.3 temp" },
	{ "some.test", "a.test[233.252.0.1]:25" },
	/* ourselves */
	{ "self.test", "a.test[233.252.0.1]:25" },
	{ "ownip.test", "a.test[233.252.0.1]:25" },
	{ "best.test", "5.4.6 perm" },
	{ "best.test:26", "us.test[198.51.100.7]:26 a.test[233.252.0.1]:26" },
	{ "local.test", "5.4.6 perm" },
	{ "loop.test", "5.4.6 perm" },
	{ "map6.test", "5.4.6 perm" },
	{ "[127.0.0.1]", "5.4.6 perm" },
	{ "[IPv6:::1]", "5.4.6 perm" },
	{ "[0.0.0.0]", "5.4.6 perm" },
	{ "[127.0.0.1]:26", "127.0.0.1[127.0.0.1]:26" },
	/* aliases */
	{ "alias.test", "name.test[233.252.0.1]:25+a.test" },
	{ "out.test", "cdn.test[233.252.0.1]:25+" },
	{ "cut.test", "4.4.3 temp" },
};

static void
test_found(void)
{
	struct targets t;
	size_t i;

	for (i = 0; i < ARRAY_LEN(found); i++)
		is_str(find(found[i].nexthop, &t), found[i].want, "%s",
		    found[i].nexthop);
}

static void
test_facts(void)
{
	struct targets t;

	find("one.test", &t);
	ok(t.mx && t.mx_secure, "MX records, proven");
	is_str(t.site, "a.test", "the site is the best host");
	find("equal.test:26", &t);
	ok(t.mx && !t.mx_secure, "not proven");
	is_str(t.site, "a.test,b.test,c.test:26", "the best hosts, a port");
	find("bare.test", &t);
	ok(!t.mx && !t.mx_secure, "no MX records");
	is_str(t.domain, "bare.test", "the domain");
	find("[A.test]:26", &t);
	is_str(t.nexthop, "[A.test]:26", "as it was given");
	is_str(t.domain, "a.test", "what it means");
	find("[233.252.0.1]", &t);
	is_str(t.site, "[233.252.0.1]:25", "the site of an address");
	is_int(t.v[0].sa.ss_family, AF_INET, "an address to connect to");
}

static void
test_shuffle(void)
{
	unsigned first[3] = { 0 };
	struct targets t;
	int i;

	for (i = 0; i < 300; i++) {
		find("equal.test", &t);
		if (t.n == 3)
			first[t.v[0].host[0] - 'a']++;
	}
	ok(first[0] > 20 && first[1] > 20 && first[2] > 20,
	    "hosts of one preference take turns: %u %u %u", first[0],
	    first[1], first[2]);
}

/* the families of the targets: "464666" */
static const char *
families(const char *nexthop)
{
	static char f[32];
	struct targets t;
	size_t i;

	find(nexthop, &t);
	for (i = 0; i < t.n && i < sizeof(f) - 1; i++)
		f[i] = t.v[i].sa.ss_family == AF_INET ? '4' : '6';
	f[i] = '\0';
	return f;
}

static void
test_families(void)
{
	char any[32];

	set("address_family", "ipv4-first");
	is_str(families("six.test"), "464666", "in turn, IPv4 first");
	set("address_family", "ipv6-first");
	is_str(families("six.test"), "646466", "in turn, IPv6 first");
	set("address_family", "ipv4");
	is_str(families("six.test"), "44", "IPv4 only");
	set("address_family", "ipv6");
	is_str(families("six.test"), "6666", "IPv6 only");
	is_str(find("one.test", &(struct targets){ 0 }), "4.4.4 temp",
	    "no address of the family");
	is_str(find("bare.test", &(struct targets){ 0 }), "4.4.4 temp",
	    "nor of a domain without MX");
	set("address_family", "any");
	slice_copy(any, sizeof(any), slice_of(families("six.test")));
	is_str(families("six.test"), any, "any: always the same one first");
	set("families", "inline:six.test=ipv4;.test=ipv6");
	target_start(&conf.t, &(struct err)ERR_INIT);
	is_str(families("six.test"), "44", "a row of the table");
	is_str(families("[many.test]"), "6666", "a row of the parent");
	set("families", "inline:six.test=ipv5");
	target_start(&conf.t, &(struct err)ERR_INIT);
	is_str(find("six.test", &(struct targets){ 0 }), "4.3.5 temp",
	    "a bad row");
	conf.t.families = "";
	set("max_addresses", "3");
	set("address_family", "ipv4-first");
	is_str(families("six.test"), "464", "a limit on addresses");
	set("max_addresses", "20");
	set("max_hosts", "1");
	asked = 0;
	is_str(find("one.test", &(struct targets){ 0 }),
	    "a.test[233.252.0.1]:25+", "a limit on hosts");
	is_int(asked, 3, "only they are looked up");
	set("max_hosts", "10");
	set("address_family", "any");
}

static void
test_site(void)
{
	struct host h[30];
	const char *site;
	size_t i;

	for (i = 0; i < ARRAY_LEN(h); i++)
		h[i] = (struct host){ .pref = 5, .name = arena_printf(&arena,
			"%02zu.some.rather.long.name.test", 29 - i) };
	site = hosts_site(h, ARRAY_LEN(h), &arena);
	ok(strlen(site) <= SITE_MAX, "a site has at most %d bytes", SITE_MAX);
	ok(slice_starts(slice_of(site), "00.some.rather.long.name.test,01."),
	    "sorted");
	h[3].name = "other.test";
	ok(strcmp(hosts_site(h, ARRAY_LEN(h), &arena), site) != 0,
	    "and what is cut off counts");
}

/* a listening socket's port */
static int
listen_on(const char *addr, int *port_r)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, addr, &in.sin_addr);
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(fd, 100) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &n) < 0)
		die("listen: %s", strerror(errno));
	*port_r = ntohs(in.sin_port);
	return fd;
}

/* the source address of a connection to addr as that next hop */
static const char *
source(int port, const char *domain, const char *sender)
{
	struct targets t;
	const char *local = "none";
	struct err err = ERR_INIT;
	int fd;

	find(arena_printf(&arena, "[127.0.0.1]:%d", port), &t);
	t.domain = domain;
	fd = target_connect(&t.v[0], &t, sender, 5000, &arena, &local, &err);
	if (fd < 0)
		return arena_printf(&arena, "%s %s", err.dsn, err.text);
	close(fd);
	return local;
}

static void
test_sources(void)
{
	bool two = false, three = false;
	const char *first;
	int port, fd = listen_on("127.0.0.1", &port), i;

	is_str(source(port, "a.test", "x@y"), "127.0.0.1", "no choice");
	set("bind_addresses", "127.0.0.2");
	field_set(field_find(fields, slice_of("bind_addresses")), &conf,
	    slice_of("::1"), &arena, &(struct err)ERR_INIT);
	is_str(source(port, "a.test", "x@y"), "127.0.0.2",
	    "the one of the family");
	field_set(field_find(fields, slice_of("bind_addresses")), &conf,
	    slice_of("127.0.0.3"), &arena, &(struct err)ERR_INIT);
	for (i = 0; i < 40; i++) {
		first = source(port, arena_printf(&arena, "%d.test", i), "");
		two = two || strcmp(first, "127.0.0.2") == 0;
		three = three || strcmp(first, "127.0.0.3") == 0;
	}
	ok(two && three, "next hops share a pool");
	is_str(source(port, "39.test", "z"), first, "each has its own of it");
	set("bind_table", "inline:x@y.test=127.0.0.4;@y.test=127.0.0.5;"
	    "b.test=127.0.0.6;.c.test=127.0.0.7;<>=127.0.0.8;bad.test=x");
	target_start(&conf.t, &(struct err)ERR_INIT);
	is_str(source(port, "b.test", "x@y.test"), "127.0.0.4", "a sender");
	is_str(source(port, "b.test", "w@y.test"), "127.0.0.5", "its domain");
	is_str(source(port, "b.test", "w@z.test"), "127.0.0.6", "a next hop");
	is_str(source(port, "x.c.test", "w@z.test"), "127.0.0.7",
	    "its parent");
	is_str(source(port, "b.test", ""), "127.0.0.8", "the null sender");
	is_str(slice_starts(slice_of(source(port, "bad.test", "w@z")),
	    "4.3.5 ") ? "4.3.5" : "", "4.3.5", "a bad row");
	conf.t.bind_table = "";
	set("bind_addresses", "192.0.2.99");
	is_str(slice_starts(slice_of(source(port, "b.test", "w@z")),
	    "4.3.5 bind to 192.0.2.99: ") ? "4.3.5" : "", "4.3.5",
	    "an address that is not ours");
	set("bind_addresses", "");
	close(fd);
	is_str(slice_starts(slice_of(source(port, "b.test", "w@z")),
	    "4.4.1 connect to 127.0.0.1[127.0.0.1]:") ? "4.4.1" : "", "4.4.1",
	    "nobody listens");
}

int
main(void)
{
	struct err err = ERR_INIT;

	common.hostname = "mx.own.test";
	field_defaults(fields, &conf, &arena);
	field_set(field_find(fields, slice_of("own_addresses")), &conf,
	    slice_of("198.51.100.7"), &arena, &err);
	is_int(target_check(&conf.t, &err), 0, "defaults are good");
	is_int(target_start(&conf.t, &err), 0, "start");
	test_found();
	test_facts();
	test_shuffle();
	test_families();
	test_site();
	test_sources();
	set("own_addresses", "198.51.100.7");
	is_str(find("loop.test", &(struct targets){ 0 }),
	    "loop.test[127.0.0.9]:25", "without interfaces");
	is_str(find("best.test", &(struct targets){ 0 }), "5.4.6 perm",
	    "what is listed is ours");
	arena_free(&arena);
	return tap_done();
}
