/* FETCH arguments: RFC 3501, 9051, 3516, 7162, 8474, 8514, 8970, 9394 */
#include "imap/fetch.h"
#include "test/tap.h"

/* want: what is printed below; NULL: refused.  A leading "UID " is that of
 * the command. */
static const struct { const char *in, *want; } fetches[] = {
	{ "FLAGS", "FLAGS" },
	{ "(FLAGS)", "FLAGS" },
	{ "ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE" },
	{ "fast", "FLAGS INTERNALDATE RFC822.SIZE" },
	{ "FULL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
	{ "(ALL)", NULL },
	{ "UID FULL", "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
	{ "UID (FLAGS UID)", "FLAGS UID" },
	/* RFC 3501 section 6.4.5 */
	{ "(FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
	    "FLAGS BODY[HEADER.FIELDS (DATE FROM)]!" },
	{ "BODY[]", "BODY[]!" },
	{ "BODY[]<0.2048>", "BODY[]<0>=2048!" },
	{ "body.peek[text]<100.1>", "BODY[TEXT]<100>=1" },
	{ "BODY[]<4294967296.9223372036854775807>",
	    "BODY[]<4294967296>=9223372036854775807!" },
	{ "(BODY BODYSTRUCTURE)", "BODY BODYSTRUCTURE" },
	{ "RFC822", "RFC822!" },
	{ "(RFC822.HEADER RFC822.TEXT RFC822.SIZE)",
	    "RFC822.HEADER RFC822.TEXT! RFC822.SIZE" },
	{ "BODY[HEADER]", "BODY[HEADER]!" },
	{ "BODY[TEXT]", "BODY[TEXT]!" },
	{ "BODY[1]", "BODY[1]!" },
	{ "BODY.PEEK[4.2.2.1]", "BODY[4.2.2.1]" },
	{ "BODY[3.HEADER]", "BODY[3.HEADER]!" },
	{ "BODY[3.TEXT]", "BODY[3.TEXT]!" },
	{ "BODY[4.2.MIME]", "BODY[4.2.MIME]!" },
	{ "BODY[4.1.header.fields.not (\"x y\" {3}z)]", NULL },
	{ "BODY[4.1.HEADER.FIELDS.NOT (\"x y\" \"z\")]",
	    "BODY[4.1.HEADER.FIELDS.NOT (\"x y\" z)]!" },
	{ "(BODY[1] BODY[1] FLAGS FLAGS)", "BODY[1]! BODY[1]! FLAGS" },
	{ "BODY[MIME]", NULL }, { "BODY[0]", NULL }, { "BODY[1.]", NULL },
	{ "BODY[1", NULL }, { "BODY[.1]", NULL }, { "BODY[1..2]", NULL },
	{ "BODY[4294967296]", NULL }, { "BODY[1.TEXT.1]", NULL },
	{ "BODY[HEADER.FIELDS]", NULL }, { "BODY[HEADER.FIELDS ()]", NULL },
	{ "BODY[HEADER.FIELD (A)]", NULL }, { "BODY[TEXT]<0.0>", NULL },
	{ "BODY[]<0>", NULL }, { "BODY[]<-1.5>", NULL },
	{ "BODY[]<0.1", NULL }, { "BODY.PEEK", NULL }, { "BODY []", NULL },
	{ "()", NULL }, { "", NULL }, { "FLAGS UID", NULL }, { "FOO", NULL },
	{ "FLAGS[1]", NULL }, { "(FLAGS", NULL }, { "(FLAGS))", NULL },
	/* RFC 3516 section 4.2 to 4.4 */
	{ "BINARY.SIZE[3]", "BINARY.SIZE[3]" },
	{ "BINARY[3.1]", "BINARY[3.1]!" },
	{ "BINARY.PEEK[3]<5.10>", "BINARY[3]<5>=10" },
	{ "BINARY[]", "BINARY[]!" }, { "BINARY.SIZE[]", "BINARY.SIZE[]" },
	{ "BINARY[1.TEXT]", NULL }, { "BINARY.SIZE[1]<0.1>", NULL },
	{ "BINARY", NULL },
	/* RFC 7162 section 3.1.4 and 3.2.6 */
	{ "UID (FLAGS) (CHANGEDSINCE 12345)",
	    "UID MODSEQ FLAGS since 12345" },
	{ "FLAGS (CHANGEDSINCE 0)", "MODSEQ FLAGS since 0" },
	{ "UID (FLAGS) (CHANGEDSINCE 12345 VANISHED)",
	    "UID MODSEQ FLAGS since 12345 vanished" },
	{ "(FLAGS) (CHANGEDSINCE 12345 VANISHED)", NULL },
	{ "UID (FLAGS) (VANISHED)", NULL },
	{ "(FLAGS MODSEQ) (CHANGEDSINCE 1)", "FLAGS MODSEQ since 1" },
	{ "FLAGS (CHANGEDSINCE 9223372036854775808)", NULL },
	/* RFC 9394 section 3.2 */
	{ "UID (UID FLAGS) (PARTIAL -1:-100)", "UID FLAGS page -1:-100" },
	{ "FLAGS (PARTIAL 1:2)", NULL },
	{ "UID FLAGS (PARTIAL 1:-2)", NULL },
	{ "UID FLAGS (PARTIAL 0:2)", NULL },
	/* RFC 8474 section 5, 8514, 8970 section 3.1 */
	{ "(EMAILID THREADID SAVEDATE)", "EMAILID THREADID SAVEDATE" },
	{ "PREVIEW", "PREVIEW" },
	{ "(PREVIEW (LAZY) FLAGS)", "PREVIEW(LAZY) FLAGS" },
	{ "PREVIEW (lazy) (CHANGEDSINCE 5)",
	    "MODSEQ PREVIEW(LAZY) since 5" },
	{ "PREVIEW (CHANGEDSINCE 5)", "MODSEQ PREVIEW since 5" },
	{ "(PREVIEW (BUSY))", NULL },
};

static void
print(const struct imap_fetch *f, struct str *out)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (i > 0)
			str_addc(out, ' ');
		imap_fetch_item_name(&f->v[i], out);
		if (f->v[i].partial)
			str_addf(out, "=%llu",
			    (unsigned long long)f->v[i].length);
		if (f->v[i].lazy)
			str_adds(out, "(LAZY)");
		if (f->v[i].kind == IMAP_FETCH_RFC822 ||
		    f->v[i].kind == IMAP_FETCH_RFC822_TEXT ||
		    ((f->v[i].kind == IMAP_FETCH_SECTION ||
		    f->v[i].kind == IMAP_FETCH_BINARY) && !f->v[i].peek))
			str_addc(out, '!');
	}
	if (f->changed)
		str_addf(out, " since %llu",
		    (unsigned long long)f->changed_since);
	if (f->vanished)
		str_adds(out, " vanished");
	if (f->partial)
		str_addf(out, " page %lld:%lld", (long long)f->page.lo,
		    (long long)f->page.hi);
}

static void
check(const char *in, const char *want)
{
	struct slice text = slice_of(in);
	struct arena a = { 0 };
	struct str got = STR_INIT;
	struct imap_fetch f;
	struct imap_lex l;
	bool uid = slice_starts(text, "UID "), good;

	if (uid)
		text = slice_sub(text, 4, text.n);
	imap_lex_init_text(&l, text, &a, 0);
	l.uid = uid;
	good = imap_fetch_parse(&l, &f);
	good = imap_lex_end(&l) && good;
	if (want == NULL) {
		ok(!good && l.error.kind == IMAP_LEX_BAD, "%s is refused (%s)",
		    in, l.error.text);
	} else if (ok(good, "%s is right (%s)", in, l.error.text)) {
		print(&f, &got);
		is_str(got.s, want, "  and means");
		ok(f.sets_seen == (strchr(want, '!') != NULL),
		    "  it sets \\Seen or not");
	}
	str_free(&got);
	arena_free(&a);
}

static void
check_limits(void)
{
	struct str in = STR_INIT;
	int i;

	str_adds(&in, "BODY[1");
	for (i = 0; i < IMAP_PART_DEPTH_MAX; i++)
		str_adds(&in, ".1");
	str_adds(&in, "]");
	check(in.s, NULL);
	str_reset(&in);
	str_adds(&in, "(BODY[1]");
	for (i = 0; i < 2000; i++)
		str_adds(&in, " BODY[1]");
	str_adds(&in, ")");
	check(in.s, NULL);
	str_reset(&in);
	str_adds(&in, "BODY[HEADER.FIELDS (x");
	for (i = 0; i < 2000; i++)
		str_adds(&in, " x");
	str_adds(&in, ")]");
	check(in.s, NULL);
	str_free(&in);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(fetches); i++)
		check(fetches[i].in, fetches[i].want);
	check_limits();
	return tap_done();
}
