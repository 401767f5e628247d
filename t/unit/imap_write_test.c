/* what the server says is right syntax, whatever it is made of */
#include "imap/write.h"
#include "test/tap.h"

typedef void put_fn(struct str *out, struct slice s, bool utf8);

#define S(lit) lit, sizeof(lit) - 1

static const struct {
	put_fn *fn;
	const char *in;
	size_t n;
	const char *seven, *utf8;
} strings[] = {
	{ imap_put_string, S(""), "\"\"", "\"\"" },
	{ imap_put_string, S("a b"), "\"a b\"", "\"a b\"" },
	{ imap_put_string, S("NIL"), "\"NIL\"", "\"NIL\"" },
	{ imap_put_string, S("\"\\\""), "\"\\\"\\\\\\\"\"",
	    "\"\\\"\\\\\\\"\"" },
	{ imap_put_string, S("a\nb"), "{3}\r\na\nb", "{3}\r\na\nb" },
	{ imap_put_string, S("a\rb"), "{3}\r\na\rb", "{3}\r\na\rb" },
	{ imap_put_string, S("\xc3\xa9"), "{2}\r\n\xc3\xa9", "\"\xc3\xa9\"" },
	{ imap_put_string, S("\xc3"), "{1}\r\n\xc3", "{1}\r\n\xc3" },
	{ imap_put_string, S("a\0b"), "{3}\r\na\x80" "b",
	    "{3}\r\na\x80" "b" },
	{ imap_put_nstring, NULL, 0, "NIL", "NIL" },
	{ imap_put_nstring, S("x"), "\"x\"", "\"x\"" },
	{ imap_put_astring, S("a]b"), "a]b", "a]b" },
	{ imap_put_astring, S("nil"), "\"nil\"", "\"nil\"" },
	{ imap_put_astring, S(""), "\"\"", "\"\"" },
	{ imap_put_astring, S("a{3}"), "\"a{3}\"", "\"a{3}\"" },
	{ imap_put_astring, S("a*"), "\"a*\"", "\"a*\"" },
	{ imap_put_astring, S("a\\b"), "\"a\\\\b\"", "\"a\\\\b\"" },
	{ imap_put_mailbox, S("INBOX"), "INBOX", "INBOX" },
	{ imap_put_mailbox, S("a&b"), "a&-b", "a&b" },
	{ imap_put_mailbox, S("\xe5\x8f\xb0\xe5\x8c\x97"), "&U,BTFw-",
	    "\"\xe5\x8f\xb0\xe5\x8c\x97\"" },
	{ imap_put_mailbox, S("a b"), "\"a b\"", "\"a b\"" },
};

static void
check_strings(void)
{
	struct str out = STR_INIT;
	struct slice s;
	size_t i;
	int u;

	for (i = 0; i < ARRAY_LEN(strings); i++)
		for (u = 0; u < 2; u++) {
			str_reset(&out);
			s = (struct slice){ strings[i].in, strings[i].n };
			strings[i].fn(&out, s, u);
			is_str(out.s, u ? strings[i].utf8 : strings[i].seven,
			    "string %zu%s", i, u ? " in UTF-8" : "");
		}
	str_reset(&out);
	imap_put_string8(&out, (struct slice){ S("a\0b") }, false);
	ok(slice_eq(slice_str(&out), (struct slice){ S("~{3}\r\na\0b") }),
	    "a literal8");
	str_reset(&out);
	imap_put_string8(&out, SLICE_LIT("ab"), false);
	is_str(out.s, "\"ab\"", "none without need");
	str_free(&out);
}

static void
check_rest(void)
{
	const struct slice k[] = { SLICE_LIT("$Junk"), SLICE_LIT("a b"),
		SLICE_LIT("x") };
	struct str out = STR_INIT;

	imap_put_flags(&out, IMAP_SEEN | IMAP_ANSWERED | IMAP_RECENT, k, 3);
	is_str(out.s, "(\\Answered \\Seen \\Recent $Junk x)", "flags");
	str_reset(&out);
	imap_put_flags(&out, 0, NULL, 0);
	imap_put_separator(&out, '/');
	imap_put_separator(&out, '\\');
	imap_put_separator(&out, '\0');
	is_str(out.s, "()\"/\"\"\\\\\"NIL", "no flags; separators");
	str_reset(&out);
	imap_put_status(&out, SLICE_LIT("a1"), "OK", "READ-WRITE", "done");
	imap_put_status(&out, SLICE_LIT("*"), "NO", NULL, "a\r\nb\xc3");
	imap_put_status(&out, SLICE_LIT("+"), NULL, "", "");
	imap_put_status(&out, SLICE_LIT("b"), "NO", "", "[x]");
	is_str(out.s, "a1 OK [READ-WRITE] done\r\n* NO a??b?\r\n+ -\r\n"
	    "b NO  [x]\r\n", "status lines");
	ok(imap_is_atom(SLICE_LIT("$a.b}")) && !imap_is_atom(SLICE_LIT("a]"))
	    && !imap_is_atom(SLICE_LIT("\xc3")) && !imap_is_atom(SLICE_LIT(""))
	    && imap_is_astring_atom(SLICE_LIT("a]")), "atoms");
	is_int(imap_flag_bit(SLICE_LIT("\\seen")), IMAP_SEEN, "a flag");
	is_int(imap_flag_bit(SLICE_LIT("seen")), 0, "no flag");
	str_free(&out);
}

static const struct { int64_t t; int zone; const char *text; } times[] = {
	/* RFC 3501 section 7.4.2 */
	{ 837596665, -420, "\"17-Jul-1996 02:44:25 -0700\"" },
	{ 0, 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
	{ -1, 0, "\"31-Dec-1969 23:59:59 +0000\"" },
	{ -1, 60, "\" 1-Jan-1970 00:59:59 +0100\"" },
	{ 951782400, 345, "\"29-Feb-2000 05:45:00 +0545\"" },
	{ 4102444799, 0, "\"31-Dec-2099 23:59:59 +0000\"" },
	{ -62135596800, 0, "\" 1-Jan-0001 00:00:00 +0000\"" },
};

static const char *const bad_times[] = { "", "17-Jul-1996 02:44:25",
	"17-Jul-1996 02:44:25 0700", "32-Jul-1996 02:44:25 -0700",
	"17-Foo-1996 02:44:25 -0700", "17-Jul-96 02:44:25 -0700",
	"17-Jul-1996 24:44:25 -0700", "17-Jul-1996 02:60:25 -0700",
	"17-Jul-1996 02:44:61 -0700", "17-Jul-1996 02:44:25 -2400",
	"17-Jul-1996 02:44:25 -0760", "17-Jul-1996  2:44:25 -0700",
	"  1-Jul-1996 02:44:25 -0700", "00-Jul-1996 02:44:25 -0700",
	"17-Jul-1996 02:44:25 -0700 ", "17 Jul 1996 02:44:25 -0700" };

static void
check_dates(void)
{
	struct str out = STR_INIT;
	struct slice s;
	int64_t t;
	int zone;
	size_t i;

	for (i = 0; i < ARRAY_LEN(times); i++) {
		str_reset(&out);
		imap_put_date_time(&out, times[i].t, times[i].zone);
		is_str(out.s, times[i].text, "a time");
		s = slice_sub(slice_str(&out), 1, out.len - 2);
		ok(imap_parse_date_time(s, &t, &zone) && t == times[i].t &&
		    zone == times[i].zone, "  read back");
	}
	for (i = 0; i < ARRAY_LEN(bad_times); i++)
		ok(!imap_parse_date_time(slice_of(bad_times[i]), &t, &zone),
		    "no time: %s", bad_times[i]);
	str_reset(&out);
	imap_put_date_time(&out, INT64_MAX, 0);
	imap_put_date_time(&out, INT64_MIN, 9999);
	is_str(out.s, "\"31-Dec-9999 00:00:00 +0000\""
	    "\" 2-Jan-0000 23:59:00 +2359\"", "times out of the calendar");
	is_int(imap_day(-1, 0), -1, "the day before");
	is_int(imap_day(-1, 1), 0, "in another zone");
	is_int(imap_day(86400, -1), 0, "and west");
	is_int(imap_day(INT64_MAX, 1), INT32_MAX, "the last");
	is_int(imap_day(INT64_MIN, -1), INT32_MIN, "the first");
	str_free(&out);
}

/* any octet at any place of a string, which is looked at eight by eight */
static void
check_octets(void)
{
	struct str out = STR_INIT, want = STR_INIT;
	char in[19];
	size_t i, bad = 0;
	int c;

	for (i = 0; i < sizeof(in); i++)
		for (c = 0; c < 256; c++) {
			memset(in, 'x', sizeof(in));
			in[i] = (char)c;
			str_reset(&out);
			str_reset(&want);
			imap_put_string(&out, (struct slice){ in,
			    sizeof(in) }, false);
			if (c == 0)
				in[i] = (char)0x80;
			if (c == 0 || c == '\r' || c == '\n' || c >= 0x80)
				str_addf(&want, "{%zu}\r\n%.*s",
				    sizeof(in), (int)sizeof(in), in);
			else
				str_addf(&want, "\"%.*s%s%.*s\"", (int)i,
				    in, c == '"' || c == '\\' ? "\\" : "",
				    (int)(sizeof(in) - i), in + i);
			bad += !slice_eq(slice_str(&out), slice_str(&want));
		}
	is_int(bad, 0, "each octet at each place");
	str_free(&out);
	str_free(&want);
}

int
main(void)
{
	check_strings();
	check_octets();
	check_rest();
	check_dates();
	return tap_done();
}
