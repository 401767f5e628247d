/* address lists as they come */
#include "mime/address.h"
#include "test/tap.h"

/* want: "name|addr|group" of each, parted by blanks at the end "; " */
static const struct {
	const char *in, *want;
	size_t bad;
} lists[] = {
	{ "ann@d.example", "|ann@d.example|; ", 0 },
	{ "Ann <ann@d>", "Ann|ann@d|; ", 0 },
	{ "\"B, Ann\" <ann@d>, bob@d", "B, Ann|ann@d|; |bob@d|; ", 0 },
	{ "Ann  B.\n C <ann@d>", "Ann B. C|ann@d|; ", 0 },
	{ "ann@d (Ann B)", "Ann B|ann@d|; ", 0 },
	{ "(a (nested \\) b) c) ann@d", "a (nested ) b) c|ann@d|; ", 0 },
	{ "Us: ann@d, Bob <bob@d>;, cat@d",
	    "|ann@d|Us; Bob|bob@d|Us; |cat@d|; ", 0 },
	{ "undisclosed-recipients:;", "", 0 },
	{ "a . b @ c . d", "|a.b@c.d|; ", 0 },
	{ "\"a b\"@d", "|\"a b\"@d|; ", 0 },
	{ "\"a\\\"b\"@d", "|\"a\\\"b\"@d|; ", 0 },
	{ "X <@a,@b:u@d>", "X|u@d|; ", 0 },
	{ "u@[192.0.2.1]", "|u@[192.0.2.1]|; ", 0 },
	{ ",, ann@d,,", "|ann@d|; ", 0 },
	{ "", "", 0 },
	{ "root", "|root|; ", 0 },
	{ "Ann B, bob@d", "|bob@d|; ", 1 },
	{ "Ann ann@d, bob@d", "|bob@d|; ", 1 },
	{ "<>, bob@d", "|bob@d|; ", 1 },
	{ "<a b@d>, bob@d", "|bob@d|; ", 1 },
	{ "<ann@d, bob@d", "|bob@d|; ", 1 },
	{ "a@, @b, bob@d", "|bob@d|; ", 2 },
	{ "bob@d, \"ann", "|bob@d|; ", 1 },
	{ "bob@d, (ann", "|bob@d|; ", 0 },
	{ "ann@d \\", "", 1 },
	{ "=?UTF-8?Q?J=C3=BCrg?= <j@d>", "=?UTF-8?Q?J=C3=BCrg?=|j@d|; ", 0 },
	{ "J\xc3\xbcrg <j\xc3\xbc@d>", "J\xc3\xbcrg|j\xc3\xbc@d|; ", 0 },
	{ "\"a\\\\\\\001b\"@d", "", 1 },
	{ "\"\" <ann@d>", "|ann@d|; ", 0 },
	{ "ann@d <bob@d>", "ann@d|bob@d|; ", 0 },
	{ "<ann@d> (Ann)", "Ann|ann@d|; ", 0 },
};

static void
check_lists(void)
{
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(lists); i++) {
		struct mime_addresses r = { 0 };
		struct arena a = { 0 };
		struct str got = STR_INIT;

		mime_addresses_parse(slice_of(lists[i].in), 100, &a, &r);
		for (j = 0; j < r.n; j++)
			str_addf(&got, "%s|%s|%s; ", r.v[j].name.p,
			    r.v[j].addr.p, r.v[j].group.p);
		is_str(got.s, lists[i].want, "list: %s", lists[i].in);
		is_int(r.bad, lists[i].bad, "  unreadable ones");
		str_free(&got);
		arena_free(&a);
	}
}

static bool
same(struct slice a, struct slice b)
{
	return slice_eq(a, b) && a.p[a.n] == '\0' && b.p[b.n] == '\0';
}

/* a list with an empty element is read octet by octet, a plain one is not */
static void
check_plain(void)
{
	static const char *const plain[] = {
		"ann@d", "<ann@d>", "Ann <ann@d>", "Ann B C<ann@d>",
		"\"B, Ann (x)\" <ann@d>", "=?x?q?y?= <a.b+c@d.e>",
		"a@b,c@d ,\n\tBob <e@f>  ,  \"G\"\t<h@i>", " <a@b> ",
		"J\xc3\xbcrg <j\xc3\xbc@d>, x@y",
	};
	struct str in = STR_INIT;
	size_t i, j, max;

	for (i = 0; i < 2 * ARRAY_LEN(plain); i++) {
		struct mime_addresses r[2] = { { 0 }, { 0 } };
		struct arena a = { 0 };

		max = i % 2 ? 2 : 100;
		str_reset(&in);
		str_adds(&in, plain[i / 2]);
		mime_addresses_parse(slice_str(&in), max, &a, &r[0]);
		str_adds(&in, ",,");
		mime_addresses_parse(slice_str(&in), max, &a, &r[1]);
		for (j = 0; j < r[0].n && j < r[1].n &&
		    same(r[0].v[j].name, r[1].v[j].name) &&
		    same(r[0].v[j].addr, r[1].v[j].addr) &&
		    r[0].v[j].group.n == 0 &&
		    r[0].v[j].from == r[1].v[j].from &&
		    r[0].v[j].to == r[1].v[j].to; j++)
			;
		ok(r[0].n > 0 && r[0].n == r[1].n && j == r[0].n &&
		    r[0].truncated == r[1].truncated && r[0].bad == 0 &&
		    r[0].odd == 0, "plain list: %s", plain[i / 2]);
		arena_free(&a);
	}
	str_free(&in);
}

/* what others may read otherwise */
static void
check_odd(void)
{
	static const struct { const char *in; size_t odd; } t[] = {
		{ "ann@d, Bob <bob@d>, \"c@d\" <bob@d> (x@y)", 0 },
		{ "Us: ann@d, Bob <bob@d>;", 0 },
		{ "ann@d <Ann@D>", 0 },
		{ "ann@d <bob@d>", 1 },
		{ "a @ b <bob@d>, x@y <bob@d>", 2 },
		{ "<ann@d> bob@d", 1 },
		{ "<ann@d> \"b\"", 1 },
		{ "ann@d: bob@d;", 1 },
		{ "<@a,@b:u@d>", 1 },
		{ "ann@d (, bob@d", 1 },
		{ "ann@d, (bob@d", 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct mime_addresses r = { 0 };
		struct arena a = { 0 };

		mime_addresses_parse(slice_of(t[i].in), 10, &a, &r);
		is_int(r.odd, t[i].odd, "odd: %s", t[i].in);
		arena_free(&a);
	}
}

/* 2 MB of what has made others quadratic or recurse */
static void
check_big(void)
{
	static const char *const units[] = { "(", ",", "\"", "<", "a@b,", "a:",
		"((", "\\", ".", "@", "x ", "[", ";", "(a)", "a:;" };
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(units); i++) {
		struct mime_addresses r = { 0 };
		struct arena a = { 0 };
		struct str in = STR_INIT;

		for (j = 0; j < 500000; j++)
			str_adds(&in, units[i]);
		mime_addresses_parse(slice_str(&in), 1000, &a, &r);
		ok(r.n <= 1000, "500 000 times %s", units[i]);
		if (strcmp(units[i], "a@b,") == 0)
			ok(r.n == 1000 && r.truncated, "  are cut at max");
		str_free(&in);
		arena_free(&a);
	}
}

static void
check_print(void)
{
	static const struct { const char *name, *want; } t[] = {
		{ "", "a@d" },
		{ "Ann B", "Ann B <a@d>" },
		{ "B, Ann", "\"B, Ann\" <a@d>" },
		{ "say \"x\"", "\"say \\\"x\\\"\" <a@d>" },
		{ "J\xc3\xbcrg", "=?UTF-8?Q?J=C3=BCrg?= <a@d>" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct mime_addresses r = { 0 };
		struct arena a = { 0 };
		struct str out = STR_INIT;

		mime_address_print(slice_of(t[i].name), SLICE_LIT("a@d"),
		    &out);
		is_str(out.s, t[i].want, "print %s", t[i].name);
		mime_addresses_parse(slice_str(&out), 10, &a, &r);
		ok(r.n == 1 && slice_eqz(r.v[0].addr, "a@d"), "  reads back");
		str_free(&out);
		arena_free(&a);
	}
}

int
main(void)
{
	struct mime_addresses r = { 0 };
	struct arena a = { 0 };

	check_lists();
	check_plain();
	check_odd();
	check_big();
	check_print();
	mime_addresses_parse(SLICE_LIT("a@d"), 10, &a, &r);
	mime_addresses_parse(SLICE_LIT("b@d"), 10, &a, &r);
	is_int(r.n, 2, "two fields make one list");
	arena_free(&a);
	return tap_done();
}
