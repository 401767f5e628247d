/* mailbox names: modified UTF-7, what a name may be, LIST patterns */
#include "imap/match.h"
#include "imap/mutf7.h"
#include "test/tap.h"

/* RFC 3501 section 5.1.3 and others; utf8 NULL: malformed */
static const struct { const char *name, *utf8; } names[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xe5\x8f\xb0\xe5"
	    "\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&Jjo-!", "\xe2\x98\xba!" },
	{ "&U,BTFw-", "\xe5\x8f\xb0\xe5\x8c\x97" },
	{ "A&-B", "A&B" },
	{ "&-&-", "&&" },
	{ "&AOk-&-&AOk-", "\xc3\xa9&\xc3\xa9" },
	{ "Hat&APw-rde", "Hat\xc3\xbcrde" },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
	{ "x&2D3eAABh-", NULL },		/* printable "a" in it */
	{ "&AAo-", "\n" },
	{ "&AH8-", "\x7f" },
	{ "&Jjo!", NULL },			/* RFC 3501: no - */
	{ "&U,BTFw-&ZeVnLIqe-", NULL },		/* RFC 3501: two in a row */
	{ "&", NULL },
	{ "a&", NULL },
	{ "&AOk", NULL },
	{ "&AO-", NULL },			/* half a unit */
	{ "&AOl-", NULL },			/* bits left over */
	{ "&AOkA-", NULL },			/* six of them */
	{ "&AOkAA-", NULL },
	{ "&AOk=-", NULL },
	{ "&AO/-", NULL },			/* / instead of , */
	{ "&AGE-", NULL },			/* a */
	{ "&ACY-", NULL },			/* & */
	{ "&AAA-", NULL },			/* NUL */
	{ "&2D0-", NULL },			/* half a pair */
	{ "&3gA-", NULL },
	{ "&2D3YPQ-", NULL },
	{ "&3gDYPQ-", NULL },
	{ "&2D0A6Q-", NULL },
	{ "\xc3\xa9", NULL },
	{ "a\x01", NULL },
	{ "a\x7f", NULL },
};

static void
check_mutf7(void)
{
	struct str out = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		str_reset(&out);
		str_adds(&out, "x");
		if (names[i].utf8 == NULL) {
			ok(imap_mutf7_decode(slice_of(names[i].name), &out) ==
			    0 && out.len == 1, "%s is malformed",
			    names[i].name);
			continue;
		}
		imap_mutf7_decode(slice_of(names[i].name), &out);
		is_str(out.s + 1, names[i].utf8, "%s", names[i].name);
		str_reset(&out);
		imap_mutf7_encode(slice_of(names[i].utf8), &out);
		is_str(out.s, names[i].name, "  and back");
	}
	str_reset(&out);
	ok(!imap_mutf7_encode(SLICE_LIT("a\xff"), &out) && out.len == 0,
	    "no UTF-8 is no name");
	ok(!imap_mutf7_encode(SLICE_LIT("a\0b"), &out), "nor is NUL");
	str_free(&out);
}

static const struct { const char *name; bool good; } checks[] = {
	{ "INBOX", true }, { "a/b", true }, { "a.b", true }, { "...", true },
	{ "\xe5\x8f\xb0/x", true }, { "a b", true }, { "~root", true },
	{ "", false }, { "/a", false }, { "a/", false }, { "a//b", false },
	{ "..", false }, { "a/..", false }, { "../a", false },
	{ "a/./b", false }, { "a\nb", false }, { "a\x7f", false },
	{ "a\xc2\x85", false }, { "a\xe2\x80\xa8", false },
	{ "\xef\xbb\xbf" "a", false }, { "\xff", false },
	{ "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/a/b/c/d/e/f/g/"
	    "h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z", false },
};

static void
check_names(void)
{
	struct str big = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(checks); i++)
		ok((imap_name_check(slice_of(checks[i].name), '/', 0) ==
		    NULL) == checks[i].good, "name \"%s\"", checks[i].name);
	ok(imap_name_check(SLICE_LIT("a*"), '/', 0) == NULL &&
	    imap_name_check(SLICE_LIT("a*"), '/', IMAP_NAME_NEW) != NULL &&
	    imap_name_check(SLICE_LIT("a%"), '/', IMAP_NAME_NEW) != NULL,
	    "wildcards are for old names");
	ok(imap_name_check(SLICE_LIT("a/b"), '.', 0) != NULL,
	    "no / where it does not part");
	while (big.len <= IMAP_NAME_MAX)
		str_addc(&big, 'a');
	ok(imap_name_check(slice_str(&big), '/', 0) != NULL, "too long");
	ok(imap_name_in_inbox(SLICE_LIT("inbox/x"), '/') &&
	    !imap_name_in_inbox(SLICE_LIT("inboxes"), '/'), "below INBOX");
	str_free(&big);
}

enum { N = IMAP_MATCH_NO, Y = IMAP_MATCH_YES, C = IMAP_MATCH_CHILDREN };

static const struct { const char *pattern, *name; int want; } matches[] = {
	{ "*", "a/b", Y | C }, { "%", "a", Y }, { "%", "a/b", N },
	{ "%/%", "a", C }, { "%/%", "a/b", Y }, { "%/%", "a/b/c", N },
	{ "a/*", "a", C }, { "a/*", "a/b/c", Y | C }, { "a*", "a", Y | C },
	{ "a%", "a", Y }, { "a%", "ab", Y }, { "a%b", "a/b", N },
	{ "a%b", "axxb", Y }, { "a*b", "a/x/b", Y | C }, { "", "", Y },
	{ "", "a", N }, { "a", "a", Y }, { "a", "b", N }, { "a", "ab", N },
	{ "a/", "a", N }, { "*%", "a/b", Y | C }, { "%*", "a/b", Y | C },
	{ "%%%", "ab", Y }, { "**a**", "bab", Y | C },
	{ "inbox", "INBOX", Y }, { "InBoX/%", "INBOX/a", Y },
	{ "in%", "INBOX", Y }, { "inboxes", "INBOXES", N },
	{ "A", "a", N }, { "*a%b*c", "xaybz/c", Y | C },
	{ "*a%b*c", "xa/ybz/c", C }, { "~/Mail/%", "~/Mail/foo", Y },
	{ "&", "&", Y }, { "\xc3\xa9%", "\xc3\xa9t\xc3\xa9", Y },
	{ "a/b/c", "a", C }, { "a/b/c", "b", N }, { "%b/c", "ab", C },
};

static void
check_match(void)
{
	struct str join = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(matches); i++)
		is_int(imap_match(slice_of(matches[i].pattern),
		    slice_of(matches[i].name), '/'), matches[i].want,
		    "\"%s\" and \"%s\"", matches[i].pattern, matches[i].name);
	is_int(imap_match(SLICE_LIT("%"), SLICE_LIT("a/b"), '\0'), Y,
	    "a flat name space");
	is_int(imap_match_parent(SLICE_LIT("%"), SLICE_LIT("ab/c/d"), '/'), 2,
	    "a parent matches");
	is_int(imap_match_parent(SLICE_LIT("a/%"), SLICE_LIT("a/c/d"), '/'),
	    3, "a parent further down");
	is_int(imap_match_parent(SLICE_LIT("x%"), SLICE_LIT("ab/c/d"), '/'),
	    0, "no parent");
	/* RFC 3501 section 6.3.8 */
	imap_pattern_join(SLICE_LIT("~smith/Mail/"), SLICE_LIT("foo.*"), '/',
	    &join);
	is_str(join.s, "~smith/Mail/foo.*", "reference and pattern");
	str_reset(&join);
	imap_pattern_join(SLICE_LIT("~smith/Mail/"),
	    SLICE_LIT("/usr/doc/foo"), '/', &join);
	is_str(join.s, "/usr/doc/foo", "an absolute pattern");
	str_free(&join);
}

/* what makes a backtracking matcher run for years */
static void
check_bombs(void)
{
	static const char *const units[] = { "*a", "%a", "*%", "*a%a", "a*",
		"%*a*" };
	struct str p = STR_INIT, name = STR_INIT;
	size_t i;

	while (name.len < IMAP_NAME_MAX)
		str_addc(&name, 'a');
	for (i = 0; i < ARRAY_LEN(units); i++) {
		str_reset(&p);
		while (p.len + 8 < IMAP_PATTERN_MAX)
			str_adds(&p, units[i]);
		str_addc(&p, 'b');
		ok(!(imap_match(slice_str(&p), slice_str(&name), '/') & Y),
		    "bomb of %s", units[i]);
	}
	str_adds(&p, "123456789");
	is_int(imap_match(slice_str(&p), slice_str(&name), '/'), 0,
	    "too long a pattern matches nothing");
	str_free(&p);
	str_free(&name);
}

int
main(void)
{
	check_mutf7();
	check_names();
	check_match();
	check_bombs();
	return tap_done();
}
