/* addresses, paths, literals, keys */
#include <sys/socket.h>

#include "smtp/address.h"
#include "test/tap.h"

enum { ANY = SMTP_ADDR_NULL | SMTP_ADDR_POSTMASTER };

static const struct {
	const char *path;
	const char *want;	/* printed; NULL: refused */
	const char *key;	/* NULL: not looked at */
} paths[] = {
	{ "<ann@example.com>", "ann@example.com", "ann@example.com" },
	{ "<Ann@Example.COM>", "Ann@Example.COM", "ann@example.com" },
	{ "<>", "", NULL },
	{ "<Postmaster>", "Postmaster", "postmaster" },
	{ "<ann>", NULL, NULL },
	{ "<\"ann\"@d.example>", "ann@d.example", "ann@d.example" },
	{ "<\"a\\nn\"@d.example>", "ann@d.example", NULL },
	{ "<\"a b\"@d.example>", "\"a b\"@d.example", "a b@d.example" },
	{ "<\"a@b\"@d.example>", "\"a@b\"@d.example", "a@b@d.example" },
	{ "<\"a>b\"@d.example>", "\"a>b\"@d.example", NULL },
	{ "<\"a\\\"b\\\\\"@d>", "\"a\\\"b\\\\\"@d", "a\"b\\@d" },
	{ "<\"a\".b@d>", "a.b@d", NULL },
	{ "<a\"b\"@d>", NULL, NULL },
	{ "<\"a\"b@d>", NULL, NULL },
	{ "<\"a@d>", NULL, NULL },
	{ "<\"\"@d>", NULL, NULL },
	{ "<a..b@d>", "\"a..b\"@d", "a..b@d" },
	{ "<a.@d>", "\"a.\"@d", NULL },
	{ "<@a,@b:u@d>", "u@d", NULL },
	{ "<@[192.0.2.1],@[IPv6:::1]:u@d>", "u@d", NULL },
	{ "<@a:>", NULL, NULL },
	{ "<@a,b:u@d>", NULL, NULL },
	{ "<@a>", NULL, NULL },
	{ "<u@d.>", "u@d", NULL },
	{ "<u@.d>", NULL, NULL },
	{ "<u@d..e>", NULL, NULL },
	{ "<u@-d>", NULL, NULL },
	{ "<u@d-.e>", NULL, NULL },
	{ "<u@my_host.d>", "u@my_host.d", NULL },
	{ "<u@>", NULL, NULL },
	{ "<@>", NULL, NULL },
	{ "<u@a@b>", NULL, NULL },
	{ "<u@[192.0.2.1]>", "u@[192.0.2.1]", NULL },
	{ "<u@[ipv6:2001:DB8:0:0::1]>", "u@[IPv6:2001:db8::1]",
	    "u@[ipv6:2001:db8::1]" },
	{ "<u@[IPv6:1.2.3.4]>", NULL, NULL },
	{ "<u@[192.0.2.256]>", NULL, NULL },
	{ "<u@[192.0.2.1>", NULL, NULL },
	{ "<u@[]>", NULL, NULL },
	{ "<u@192.0.2.1>", NULL, NULL },
	{ "<j\xc3\xbcrg@b\xc3\xbc" "cher.example>",
	    "j\xc3\xbcrg@b\xc3\xbc" "cher.example", NULL },
	{ "<j\xfcrg@d>", NULL, NULL },
	{ "<a\xc2\x85@d>", NULL, NULL },
	{ "<a\xe2\x80\xa8@d>", NULL, NULL },
	{ "<u@a\xe3\x80\x82" "b>", NULL, NULL },
	{ "<a b@d>", NULL, NULL },
	{ "<a\tb@d>", NULL, NULL },
	{ "<\"a\tb\"@d>", NULL, NULL },
	{ "<a\\b@d>", NULL, NULL },
	{ "<a%b@d>", "a%b@d", NULL },
	{ "<ann@d", NULL, NULL },
	{ "ann@d", "ann@d", NULL },
	{ "", NULL, NULL },
};

static void
check_paths(void)
{
	struct arena a = { 0 };
	struct str got = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		struct slice rest = slice_of(paths[i].path);
		struct smtp_address r, again;
		struct err err = ERR_INIT;
		int rc = smtp_path_parse(&rest, ANY, &a, &r, &err);

		is_int(rc, paths[i].want == NULL ? -1 : 1, "path %zu: %s", i,
		    paths[i].path);
		if (rc < 0) {
			is_str(err.dsn, "5.1.3", "  its code");
			continue;
		}
		is_int(rest.n, 0, "  all of it was taken");
		str_reset(&got);
		smtp_address_print(&r, &got);
		is_str(got.s, paths[i].want, "  printed");
		ok(smtp_address_parse(slice_str(&got), ANY, &a, &again, &err)
		    == 1 && smtp_address_eq(&r, &again),
		    "  reads back as the same");
		str_reset(&got);
		smtp_address_key(&r, &got);
		if (paths[i].key != NULL)
			is_str(got.s, paths[i].key, "  key");
	}
	str_free(&got);
	arena_free(&a);
}

static int
parse(const char *z, size_t n, struct arena *a, struct smtp_address *r)
{
	struct err err = ERR_INIT;

	return smtp_address_parse((struct slice){ z, n }, 0, a, r, &err);
}

static void
check_limits(void)
{
	struct arena a = { 0 };
	struct smtp_address r;
	struct str s = STR_INIT;
	size_t i;

	for (i = 0; i < SMTP_LOCAL_MAX; i++)
		str_addc(&s, 'x');
	str_adds(&s, "@d");
	is_int(parse(s.s, s.len, &a, &r), 1, "a local part of 255");
	is_int(parse("x@d\0y", 5, &a, &r), -1, "NUL in the domain");
	is_int(parse("x\0@d", 4, &a, &r), -1, "NUL in the local part");
	str_reset(&s);
	for (i = 0; i <= SMTP_LOCAL_MAX; i++)
		str_addc(&s, 'x');
	str_adds(&s, "@d");
	is_int(parse(s.s, s.len, &a, &r), -1, "a local part of 256");
	str_reset(&s);
	str_adds(&s, "x@");
	for (i = 0; i < 63; i++)
		str_addc(&s, 'd');
	is_int(parse(s.s, s.len, &a, &r), 1, "a label of 63");
	str_addc(&s, 'd');
	is_int(parse(s.s, s.len, &a, &r), -1, "a label of 64");
	str_reset(&s);
	str_adds(&s, "x@d");
	for (i = 0; i < 127; i++)
		str_adds(&s, ".d");
	is_int(parse(s.s, s.len, &a, &r), 1, "a domain of 255");
	str_adds(&s, "d");
	is_int(parse(s.s, s.len, &a, &r), -1, "a domain of 256");
	str_reset(&s);
	for (i = 0; i < 100000; i++)
		str_adds(&s, "\\\"");
	is_int(parse(s.s, s.len, &a, &r), -1, "200 kB of it");
	str_free(&s);
	arena_free(&a);
}

static void
check_split(void)
{
	static const struct { const char *in, *user, *ext; int rc; } t[] = {
		{ "ann+box", "ann", "box", 1 },
		{ "ann+a+b", "ann", "a+b", 1 },
		{ "ann+", "ann", "", 1 },
		{ "+ann", "+ann", "", 0 },
		{ "ann", "ann", "", 0 },
		{ "ann-x+y", "ann", "x+y", 1 },
	};
	struct slice user, ext;
	char buf[2][64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		is_int(smtp_local_split(slice_of(t[i].in), "+-", &user, &ext),
		    t[i].rc, "split %s", t[i].in);
		is_str(slice_copy(buf[0], 64, user), t[i].user, "  user");
		is_str(slice_copy(buf[1], 64, ext), t[i].ext, "  extension");
	}
	is_int(smtp_local_split(SLICE_LIT("a+b"), "", &user, &ext), 0,
	    "no delimiters, no split");
}

int
main(void)
{
	struct arena a = { 0 }, b = { 0 };
	struct smtp_address x, y;
	unsigned char ip[16];
	struct err err = ERR_INIT;

	check_paths();
	check_limits();
	check_split();
	parse("j\xc3\xbcrg@d", 7, &a, &x);
	ok(x.utf8, "UTF-8 in the local part sets utf8");
	parse("ann@\xc3\xbc.d", 8, &a, &x);
	ok(x.utf8, "UTF-8 in the domain sets utf8");
	parse("ann@D.example", 13, &a, &x);
	parse("ann@d.Example", 13, &a, &y);
	ok(!x.utf8 && smtp_address_eq(&x, &y), "domains differ in case only");
	parse("Ann@d.example", 13, &a, &y);
	ok(!smtp_address_eq(&x, &y), "local parts differ in case");
	smtp_address_copy(&y, &x, &b);
	arena_free(&a);
	is_str(y.domain.p, "D.example", "a copy outlives the first arena");
	arena_free(&b);
	is_int(smtp_literal_parse(SLICE_LIT("[192.0.2.1]"), ip), AF_INET,
	    "literal IPv4");
	ok(ip[0] == 192 && ip[3] == 1, "  its bytes");
	is_int(smtp_literal_parse(SLICE_LIT("[IPv6:::1]"), ip), AF_INET6,
	    "literal IPv6");
	is_int(smtp_address_parse(SLICE_LIT("ann"), SMTP_ADDR_BARE, &a, &x,
	    &err), 1, "a bare local part where it is allowed");
	ok(x.domain.n == 0 && !x.postmaster && !x.null, "  has no domain");
	arena_free(&a);
	return tap_done();
}
