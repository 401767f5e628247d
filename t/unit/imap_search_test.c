/* SEARCH, SORT and THREAD arguments, with the RFCs' own examples */
#include "imap/search.h"
#include "test/tap.h"

enum { SEARCH, SORT, THREAD };

static const struct {
	int command;
	const char *in, *want;	/* NULL: refused, with BAD */
} searches[] = {
	/* RFC 3501 section 6.4.4 */
	{ SEARCH, " FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
	    "(AND (FLAG \\Flagged) (SINCE 8797) (NOT (HEADER \"From\" "
	    "\"Smith\")))" },
	{ SEARCH, " TEXT \"string not in mailbox\"",
	    "(TEXT \"string not in mailbox\")" },
	{ SEARCH, " ALL", "(ALL)" },
	{ SEARCH, " all", "(ALL)" },
	{ SEARCH, " 2,4:7,9,12:*", "(SEQ 2,4:7,9,12:*)" },
	{ SEARCH, " UID 5:* $", "(AND (UID 5:*) (SEQ $)) saved" },
	{ SEARCH, " UID $", "(UID $) saved" },
	{ SEARCH, " ANSWERED UNANSWERED DELETED UNDELETED DRAFT UNDRAFT",
	    "(AND (FLAG \\Answered) (NOT (FLAG \\Answered)) (FLAG \\Deleted) "
	    "(NOT (FLAG \\Deleted)) (FLAG \\Draft) (NOT (FLAG \\Draft)))" },
	{ SEARCH, " NEW OLD RECENT SEEN UNSEEN UNFLAGGED",
	    "(AND (AND (FLAG \\Recent) (NOT (FLAG \\Seen))) (NOT (FLAG "
	    "\\Recent)) (FLAG \\Recent) (FLAG \\Seen) (NOT (FLAG \\Seen)) "
	    "(NOT (FLAG \\Flagged)))" },
	{ SEARCH, " KEYWORD $Junk UNKEYWORD x",
	    "(AND (KEYWORD \"$Junk\") (NOT (KEYWORD \"x\")))" },
	{ SEARCH, " BCC a CC b FROM c TO d SUBJECT e BODY f",
	    "(AND (HEADER \"Bcc\" \"a\") (HEADER \"Cc\" \"b\") (HEADER "
	    "\"From\" \"c\") (HEADER \"To\" \"d\") (HEADER \"Subject\" "
	    "\"e\") (BODY \"f\"))" },
	{ SEARCH, " HEADER Message-ID \"\" HEADER \"X Y\" z",
	    "(AND (HEADER \"Message-ID\" \"\") (HEADER \"X Y\" \"z\"))" },
	{ SEARCH, " BEFORE 1-Jan-1970 ON \"2-Jan-1970\" SENTBEFORE 3-Jan-1970"
	    " SENTON 4-Jan-1970 SENTSINCE 5-Jan-1970",
	    "(AND (BEFORE 0) (ON 1) (BEFORE SENT2) (ON SENT3) (SINCE SENT4))"
	    },
	{ SEARCH, " LARGER 0 SMALLER 9223372036854775807",
	    "(AND (LARGER 0) (SMALLER 9223372036854775807))" },
	{ SEARCH, " (ALL)", "(ALL)" },
	{ SEARCH, " (1 2 (3))", "(AND (SEQ 1) (SEQ 2) (SEQ 3))" },
	{ SEARCH, " OR 1 2", "(OR (SEQ 1) (SEQ 2))" },
	{ SEARCH, " OR 1 OR 2 OR (3 4) NOT 5 6", "(AND (OR (SEQ 1) (SEQ 2) "
	    "(AND (SEQ 3) (SEQ 4)) (NOT (SEQ 5))) (SEQ 6))" },
	{ SEARCH, " OR OR 1 2 3", "(OR (OR (SEQ 1) (SEQ 2)) (SEQ 3))" },
	{ SEARCH, " NOT NOT 1", "(NOT (NOT (SEQ 1)))" },
	/* RFC 5032, 7162 section 3.1.5, 8474, 8514, 6203, 5466 */
	{ SEARCH, " UNSEEN YOUNGER 259200 OLDER 1",
	    "(AND (NOT (FLAG \\Seen)) (YOUNGER 259200) (OLDER 1))" },
	{ SEARCH, " MODSEQ \"/flags/\\\\draft\" all 620162338",
	    "(MODSEQ 620162338) modseq" },
	{ SEARCH, " OR NOT MODSEQ 720162338 LARGER 50000",
	    "(OR (NOT (MODSEQ 720162338)) (LARGER 50000)) modseq" },
	{ SEARCH, " EMAILID M6d99ac3275bb4e THREADID T64b478a75b7ea9",
	    "(AND (EMAILID \"M6d99ac3275bb4e\") (THREADID "
	    "\"T64b478a75b7ea9\"))" },
	{ SEARCH, " SAVEDBEFORE 1-Jan-1970 SAVEDON 1-Jan-1970 SAVEDSINCE "
	    "1-Jan-1970 SAVEDATESUPPORTED", "(AND (BEFORE SAVED0) (ON SAVED0)"
	    " (SINCE SAVED0) (SAVEDATESUPPORTED))" },
	{ SEARCH, " FUZZY SUBJECT \"IMAP break\"",
	    "(FUZZY (HEADER \"Subject\" \"IMAP break\"))" },
	/* RFC 6203 */
	{ SEARCH, " RETURN (RELEVANCY ALL) FUZZY TEXT \"Helo\"",
	    "(FUZZY (TEXT \"Helo\")) return 260" },
	{ SORT, " (RELEVANCY) UTF-8 FUZZY SUBJECT \"Helo\"",
	    "(FUZZY (HEADER \"Subject\" \"Helo\")) sort RELEVANCY" },
	{ SORT, " RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY SUBJECT x",
	    "(FUZZY (HEADER \"Subject\" \"x\")) return 260 sort RELEVANCY" },
	{ SEARCH, " FILTER on-the-road SUBJECT x", "(AND (FILTER "
	    "\"on-the-road\") (HEADER \"Subject\" \"x\")) filter" },
	/* charsets */
	{ SEARCH, " CHARSET UTF-8 TEXT \"x\"", "(TEXT \"x\")" },
	{ SEARCH, " CHARSET us-ascii TEXT x", "(TEXT \"x\")" },
	{ SEARCH, " CHARSET \"ISO-8859-1\" TEXT x", "(TEXT \"x\")" },
	/* RFC 4731, 5182, 9394, 5267 */
	{ SEARCH, " RETURN (MIN COUNT) FLAGGED",
	    "(FLAG \\Flagged) return 9" },
	{ SEARCH, " RETURN () FLAGGED", "(FLAG \\Flagged) return 4" },
	{ SEARCH, " RETURN (SAVE) 1", "(SEQ 1) return 16" },
	{ SEARCH, " RETURN (SAVE MIN) CHARSET utf-8 $",
	    "(SEQ $) saved return 17" },
	{ SEARCH, " RETURN (PARTIAL -1:-100 COUNT) 1",
	    "(SEQ 1) return 40 page -1:-100" },
	{ SEARCH, " RETURN (UPDATE CONTEXT max all) 1",
	    "(SEQ 1) return 198" },
	{ SEARCH, " RETURN (PARTIAL 1:2 ALL) 1", NULL },
	{ SEARCH, " RETURN (PARTIAL 1:2 PARTIAL 3:4) 1", NULL },
	{ SEARCH, " RETURN (FOO) 1", NULL }, { SEARCH, " RETURN MIN 1", NULL },
	{ SEARCH, " RETURN (MIN)", NULL },
	/* RFC 5256, 5957 */
	{ SORT, " (SUBJECT) UTF-8 SINCE 1-Feb-1994",
	    "(SINCE 8797) sort SUBJECT" },
	{ SORT, " (REVERSE DATE SUBJECT) US-ASCII ALL",
	    "(ALL) sort -DATE SUBJECT" },
	{ SORT, " RETURN (ALL) (ARRIVAL CC FROM SIZE TO DISPLAYFROM REVERSE "
	    "DISPLAYTO) UTF-8 ALL", "(ALL) return 4 sort ARRIVAL CC FROM SIZE"
	    " TO DISPLAYFROM -DISPLAYTO" },
	{ SORT, " () UTF-8 ALL", NULL }, { SORT, " (FOO) UTF-8 ALL", NULL },
	{ SORT, " (REVERSE) UTF-8 ALL", NULL }, { SORT, " (DATE) ALL", NULL },
	{ SORT, " (DATE) UTF-8", NULL },
	{ THREAD, " ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000",
	    "(SINCE 11021) thread 1" },
	{ THREAD, " REFERENCES US-ASCII TEXT \"gewp\"",
	    "(TEXT \"gewp\") thread 2" },
	{ THREAD, " refs UTF-8 ALL", "(ALL) thread 3" },
	{ THREAD, " FOO UTF-8 ALL", NULL }, { THREAD, " REFS ALL", NULL },
	/* wrong ones */
	{ SEARCH, "", NULL }, { SEARCH, " ", NULL }, { SEARCH, " ()", NULL },
	{ SEARCH, " (1", NULL }, { SEARCH, " 1)", NULL },
	{ SEARCH, " OR 1", NULL }, { SEARCH, " NOT", NULL },
	{ SEARCH, " FOO", NULL }, { SEARCH, " FROM", NULL },
	{ SEARCH, " HEADER x", NULL }, { SEARCH, " BEFORE x", NULL },
	{ SEARCH, " LARGER -1", NULL }, { SEARCH, " YOUNGER 0", NULL },
	{ SEARCH, " UID x", NULL }, { SEARCH, " 0", NULL },
	{ SEARCH, " MODSEQ \"x\" all 1", NULL },
	{ SEARCH, " MODSEQ \"/flags/x\" foo 1", NULL },
	{ SEARCH, " EMAILID \"\"", NULL }, { SEARCH, " EMAILID a*", NULL },
	{ SEARCH, " CHARSET UTF-8", NULL }, { SEARCH, "  ALL", NULL },
	{ SEARCH, " FUZZY", NULL }, { SEARCH, " ALL ", NULL },
};

static const char *const sorts[] = { "ARRIVAL", "CC", "DATE", "FROM", "SIZE",
	"SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "RELEVANCY" };

static void
print(const struct imap_search *s, struct str *out)
{
	size_t i;

	imap_search_print(s->root, out);
	if (s->modseq)
		str_adds(out, " modseq");
	if (s->saved)
		str_adds(out, " saved");
	if (s->has_filter)
		str_adds(out, " filter");
	if (s->esearch)
		str_addf(out, " return %u", s->returns);
	if (s->returns & IMAP_RETURN_PARTIAL)
		str_addf(out, " page %lld:%lld", (long long)s->page.lo,
		    (long long)s->page.hi);
	for (i = 0; i < s->n_sort; i++)
		str_addf(out, "%s %s%s", i == 0 ? " sort" : "",
		    s->sort[i].reverse ? "-" : "", sorts[s->sort[i].key]);
	if (s->thread != IMAP_THREAD_NONE)
		str_addf(out, " thread %d", s->thread);
}

static bool
parse(struct imap_lex *l, int command, struct imap_search *s)
{
	bool good;

	if (command == SEARCH)
		good = imap_search_parse(l, s);
	else if (command == SORT)
		good = imap_sort_parse(l, s);
	else
		good = imap_thread_parse(l, s);
	return imap_lex_end(l) && good;
}

static void
check_searches(void)
{
	struct arena a = { 0 };
	struct str got = STR_INIT;
	struct imap_search s;
	struct imap_lex l;
	size_t i;

	for (i = 0; i < ARRAY_LEN(searches); i++) {
		imap_lex_init_text(&l, slice_of(searches[i].in), &a, 0);
		str_reset(&got);
		if (!parse(&l, searches[i].command, &s)) {
			ok(searches[i].want == NULL &&
			    l.error.kind == IMAP_LEX_BAD, "%s is refused (%s)",
			    searches[i].in, l.error.text);
			continue;
		}
		print(&s, &got);
		is_str(got.s, searches[i].want, "%s", searches[i].in);
		arena_reset(&a);
	}
	arena_free(&a);
	str_free(&got);
}

/* literals in other charsets, as they come */
static const struct {
	const char *in, *want, *code;
	enum imap_lex_kind kind;
} charsets[] = {
	/* RFC 3501 section 6.4.4: a Cyrillic string */
	{ "A284 SEARCH CHARSET UTF-8 TEXT {6+}\r\n\xd0\xb6\xd0\xb6\xd0\xb6"
	    "\r\n", "(TEXT \"\xd0\xb6\xd0\xb6\xd0\xb6\")", "", IMAP_LEX_OK },
	{ "a SEARCH TEXT {2+}\r\n\xc3\xa9\r\n", "(TEXT \"\xc3\xa9\")", "",
	    IMAP_LEX_OK },
	{ "a SEARCH TEXT {1+}\r\n\xe9\r\n", NULL, "", IMAP_LEX_BAD },
	{ "a SEARCH CHARSET US-ASCII TEXT {1+}\r\n\xe9\r\n", NULL, "",
	    IMAP_LEX_BAD },
	{ "a SEARCH CHARSET ISO-8859-1 TEXT {1+}\r\n\xe9 SUBJECT {2+}\r\n"
	    "\xe9z\r\n", "(AND (TEXT \"\xc3\xa9\") (HEADER \"Subject\" "
	    "\"\xc3\xa9z\"))", "", IMAP_LEX_OK },
	{ "a SEARCH CHARSET KOI8-R FROM {1+}\r\n\xd6\r\n",
	    "(HEADER \"From\" \"\xd0\xb6\")", "", IMAP_LEX_OK },
	{ "a SEARCH CHARSET X-FOO TEXT {1+}\r\n\xe9\r\n", NULL,
	    "BADCHARSET (US-ASCII UTF-8)", IMAP_LEX_NO },
	{ "a SEARCH CHARSET UTF-8//TRANSLIT ALL\r\n", NULL,
	    "BADCHARSET (US-ASCII UTF-8)", IMAP_LEX_NO },
	{ "a SEARCH CHARSET {6+}\r\nUTF-16 ALL ALL\r\n", "(AND (ALL) (ALL))",
	    "", IMAP_LEX_OK },
};

static void
check_charsets(void)
{
	struct arena a = { 0 };
	struct str got = STR_INIT;
	struct imap_search s;
	struct imap_lex l;
	struct io io;
	size_t i;

	for (i = 0; i < ARRAY_LEN(charsets); i++) {
		io_init(&io, -1, 0);
		io_unread(&io, charsets[i].in, strlen(charsets[i].in));
		io.eof = true;
		imap_lex_init(&l, &io, &a, &imap_limits_default, 0);
		str_reset(&got);
		is_int(imap_lex_command(&l), 1, "charset, row %zu", i);
		if (parse(&l, SEARCH, &s))
			imap_search_print(s.root, &got);
		is_int(l.error.kind, charsets[i].kind, "  kind of error (%s)",
		    l.error.text);
		is_str(l.error.code, charsets[i].code, "  its code");
		if (charsets[i].want != NULL)
			is_str(got.s, charsets[i].want, "  the tree");
		io_free(&io);
		arena_reset(&a);
	}
	arena_free(&a);
	str_free(&got);
}

static void
bomb(const char *unit, size_t n, const char *end, bool want)
{
	struct arena a = { 0 };
	struct str in = STR_INIT;
	struct imap_search s;
	struct imap_lex l;
	size_t i;

	str_addc(&in, ' ');
	for (i = 0; i < n; i++)
		str_adds(&in, unit);
	str_adds(&in, end);
	imap_lex_init_text(&l, slice_str(&in), &a, 0);
	is_int(parse(&l, SEARCH, &s), want, "%zu times \"%s\" (%s)", n, unit,
	    l.error.text);
	ok(a.total < 10000000, "  in %zu bytes", a.total);
	str_free(&in);
	arena_free(&a);
}

int
main(void)
{
	check_searches();
	check_charsets();
	bomb("(", 1000000, "", false);
	bomb("NOT ", 1000000, "1", false);
	bomb("NOT ", 50, "1", true);
	bomb("OR ", 1000000, "1", false);
	bomb("OR 1 ", 2000, "1", true);		/* Thunderbird's way */
	bomb("OR 1 ", 100000, "1", false);
	bomb("(NOT ", 100000, "1", false);
	bomb("1 ", 100000, "1", false);
	bomb("1,", 100000, "1", false);
	bomb("FUZZY OR 1 ", 1000, "1", false);
	bomb("NEW ", 50000, "1", false);
	return tap_done();
}
