/* sets of numbers: parsing, order, walking, printing */
#include "imap/seqset.h"
#include "test/tap.h"

/* want: as it came, and resolved with last (0: refused) */
static const struct {
	const char *in, *came, *resolved;
	uint32_t last;
} sets[] = {
	{ "1", "1", "1", 5 },
	{ "2,4:7,9,12:*", "2,4:7,9,12:*", "2,4:7,9,12:15", 15 },
	{ "*:4,7:5", "*:4,7:5", "4:7", 7 },
	{ "5,4,3,2:1", "5,4,3,2:1", "1:5", 9 },
	{ "*", "*", "9", 9 },
	{ "*", "*", "", 0 },
	{ "1:*", "1:*", "", 0 },
	{ "4294967295", "4294967295", "", 10 },
	{ "1:4294967295", "1:4294967295", "1:10", 10 },
	{ "4294967295:*", "4294967295:*", "10", 10 },
	{ "20:30,5", "20:30,5", "5", 10 },
	{ "1:4294967295,4294967295:*", "1:4294967295,4294967295:*",
	    "1:4294967295", UINT32_MAX },
	{ "3:3", "3", "3", 3 },
	{ "$", "$", "$", 3 },
	{ "", NULL, NULL, 0 }, { "0", NULL, NULL, 0 },
	{ "01", NULL, NULL, 0 }, { "1,", NULL, NULL, 0 },
	{ ",1", NULL, NULL, 0 }, { "1::2", NULL, NULL, 0 },
	{ "1:2:3", NULL, NULL, 0 }, { ":", NULL, NULL, 0 },
	{ "1:", NULL, NULL, 0 }, { "$,1", NULL, NULL, 0 },
	{ "4294967296", NULL, NULL, 0 }, { "1 ,2", NULL, NULL, 0 },
	{ "**", NULL, NULL, 0 }, { "-1", NULL, NULL, 0 },
	{ "1,2,3,4,5,6,7,8,9", NULL, NULL, 0 },
};

static void
check_sets(struct arena *a)
{
	struct str got = STR_INIT;
	struct imap_seqset s;
	const char *why;
	size_t i;

	for (i = 0; i < ARRAY_LEN(sets); i++) {
		why = imap_seqset_parse(slice_of(sets[i].in), 8, a, &s);
		ok((why == NULL) == (sets[i].came != NULL), "set %s",
		    sets[i].in);
		if (why != NULL)
			continue;
		str_reset(&got);
		imap_seqset_print(&s, &got);
		is_str(got.s, sets[i].came, "  as it came");
		imap_seqset_resolve(&s, sets[i].last);
		str_reset(&got);
		imap_seqset_print(&s, &got);
		is_str(got.s, sets[i].resolved, "  resolved");
	}
	str_free(&got);
}

static void
check_questions(struct arena *a)
{
	struct imap_seqset s;

	imap_seqset_parse(SLICE_LIT("9:7,2,4294967290:*"), 8, a, &s);
	ok(s.star, "a star is seen");
	ok(!imap_seqset_fits(&s, 9), "a number is too big");
	imap_seqset_normalise(&s);
	ok(imap_seqset_contains(&s, 2) && imap_seqset_contains(&s, 8) &&
	    imap_seqset_contains(&s, UINT32_MAX), "contains");
	ok(!imap_seqset_contains(&s, 1) && !imap_seqset_contains(&s, 6) &&
	    !imap_seqset_contains(&s, 10), "does not contain");
	is_int(imap_seqset_count(&s), 10, "counted");
	imap_seqset_parse(SLICE_LIT("*,9:7"), 8, a, &s);
	ok(imap_seqset_fits(&s, 9) && !imap_seqset_fits(&s, 8), "fits");
	imap_seqset_parse(SLICE_LIT("1:*"), 8, a, &s);
	imap_seqset_normalise(&s);
	is_int(imap_seqset_count(&s), UINT32_MAX, "all of them");
}

static void
walk(const char *in, bool uid, const char *want)
{
	static const struct { char x; uint32_t uid; } view[] = { { 0, 5 },
		{ 0, 7 }, { 0, 8 }, { 0, 20 }, { 0, UINT32_MAX } };
	struct arena a = { 0 };
	struct str got = STR_INIT;
	struct imap_seqset s;
	struct imap_seqiter it;
	uint32_t first, last;

	imap_seqset_parse(slice_of(in), 100, &a, &s);
	imap_seqset_resolve(&s, uid ? UINT32_MAX : ARRAY_LEN(view));
	if (uid)
		imap_seqiter_uid(&it, &s, &view[0].uid, sizeof(view[0]),
		    ARRAY_LEN(view));
	else
		imap_seqiter_seq(&it, &s, ARRAY_LEN(view));
	while (imap_seqiter_next(&it, &first, &last))
		str_addf(&got, "%u-%u ", first, last);
	is_str(got.s, want, "%s of %s", uid ? "UIDs" : "numbers", in);
	imap_seqiter_uid(&it, &s, NULL, 8, 0);
	ok(!imap_seqiter_next(&it, &first, &last), "  of none");
	str_free(&got);
	arena_free(&a);
}

static void
check_building(struct arena *a)
{
	static const uint32_t n[] = { 1, 2, 3, 5, 9, 10, 4, UINT32_MAX, 1 };
	struct imap_seqset s = { 0 };
	struct str got = STR_INIT, direct = STR_INIT;
	struct imap_setw w = { .out = &direct };
	size_t i;

	imap_setw_end(&w);
	is_str(direct.s, "", "nothing is written for nothing");
	for (i = 0; i < ARRAY_LEN(n); i++) {
		imap_seqset_add(&s, a, n[i]);
		imap_setw_add(&w, n[i]);
	}
	imap_setw_end(&w);
	imap_seqset_print(&s, &got);
	is_str(got.s, "1:3,5,9:10,4,4294967295,1", "built in order");
	is_str(direct.s, got.s, "the same without storing");
	str_reset(&direct);
	w = (struct imap_setw){ .out = &direct };
	imap_setw_add_range(&w, 1, 3);
	imap_setw_add_range(&w, 4, 9);
	imap_setw_add_range(&w, 11, UINT32_MAX);
	imap_setw_end(&w);
	is_str(direct.s, "1:9,11:4294967295", "ranges");
	str_free(&got);
	str_free(&direct);
}

int
main(void)
{
	struct arena a = { 0 };

	check_sets(&a);
	check_questions(&a);
	walk("1:*", false, "0-4 ");
	walk("2,4:5", false, "1-1 3-4 ");
	walk("*,9", false, "4-4 ");
	walk("1:*", true, "0-4 ");
	walk("5:7,8,9:19,20", true, "0-3 ");
	walk("5,8,9:19,21:4294967294", true, "0-0 2-2 ");
	walk("6,9", true, "");
	walk("*", true, "4-4 ");
	walk("1:4", true, "");
	check_building(&a);
	arena_free(&a);
	return tap_done();
}
