/* keys of SORT and THREAD: base subjects, addresses, message ids, dates */
#include <time.h>

#include "mime/subject.h"
#include "test/tap.h"

static const struct {
	const char *in, *want;
	bool reply;
} subjects[] = {
	{ "hello", "hello", false },
	{ "", "", false },
	{ "  a \t b\n  c  ", "a b c", false },
	{ "Re: hello", "hello", true },
	{ "RE : hello", "hello", true },
	{ "re: Re: RE: hello", "hello", true },
	{ "Fw: a", "a", true },
	{ "Fwd: a", "a", true },
	{ "FWD : a (fwd)", "a", true },
	{ "a (fwd) (FWD) ", "a", true },
	{ "Re[2]: a", "a", true },
	{ "Re [2] : a", "a", true },
	{ "Re: [list] a", "a", true },
	{ "[list] Re: a", "a", true },
	{ "[list] [x] Re: [y] a", "a", true },
	{ "[list] a", "a", false },
	{ "[list]", "[list]", false },
	{ "[a][b]", "[b]", false },
	{ "[a] [b] c", "c", false },
	{ "Re: [list]", "[list]", true },
	{ "Re:", "", true },
	{ "[fwd: a]", "a", true },
	{ "[Fwd: Re: a (fwd)]", "a", true },
	{ "Re: [fwd: [fwd: a]]", "a", true },
	{ "[fwd: a", "[fwd: a", false },
	{ "[fwd: a] b", "b", false },
	{ "[unclosed a", "[unclosed a", false },
	{ "Reply: a", "Reply: a", false },
	{ "Re a", "Re a", false },
	{ "=?utf-8?q?Re=3A_=C3=A4?=", "ä", true },
	{ "Re: =?utf-8?q?[x]_b?=", "b", true },
	{ "AW: a", "AW: a", false },
	{ "(fwd)", "", true },
};

static void
check_subjects(void)
{
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(subjects); i++) {
		struct str got = STR_INIT;

		r = mime_base_subject(slice_of(subjects[i].in), &got);
		is_str(got.s, subjects[i].want, "\"%s\"", subjects[i].in);
		is_int(r, subjects[i].reply, "  whether it is a reply");
		str_free(&got);
	}
}

static const struct { const char *in, *mailbox, *display; } addresses[] = {
	{ "Ann <ann@example.org>", "ann", "Ann" },
	{ "ann@example.org", "ann", "ann@example.org" },
	{ "\"A. B.\" <x@y>, c@d", "x", "A. B." },
	{ "=?utf-8?q?=C3=84nn?= <a@b>", "a", "Änn" },
	{ "a@b (Comment)", "a", "Comment" },
	{ "\"a b\"@c", "a b", "\"a b\"@c" },
	{ "undisclosed-recipients:;", "undisclosed-recipients",
	    "undisclosed-recipients" },
	{ "friends: a@b, c@d;", "friends", "friends" },
	{ "nobody", "nobody", "nobody" },
	{ "<>", "", "" },
	{ "", "", "" },
};

static void
check_addresses(void)
{
	struct str got = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(addresses); i++) {
		struct slice in = slice_of(addresses[i].in);

		str_reset(&got);
		mime_sort_mailbox(in, &got);
		is_str(got.s, addresses[i].mailbox, "mailbox of %s", in.p);
		str_reset(&got);
		mime_sort_display(in, &got);
		is_str(got.s, addresses[i].display, "  its display key");
	}
	str_reset(&got);
	mime_sort_mailbox(SLICE_NULL, &got);
	mime_sort_display(SLICE_NULL, &got);
	is_int(got.len, 0, "no field");
	str_free(&got);
}

static const struct { const char *in, *want; } ids[] = {
	{ "<a@b>", "a@b " },
	{ "<a@b> <c@d>\n <e@f>", "a@b c@d e@f " },
	{ "<a@b><c@d>", "a@b c@d " },
	{ "<\"a\"@b>", "a@b " },
	{ "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>",
	    "01KF8JCEOCBS0045PS@xxx.yyy.com " },
	{ "<\"a@x\"@b>", "\"a@x\"@b " },
	{ "Your message of Monday <a@b> (really)", "a@b " },
	{ "a@b", "a@b " },
	{ "some words@of mine", "" },
	{ "<a\n b@c>", "ab@c " },
	{ "<unclosed@x <a@b>", "a@b " },
	{ "<>", "" },
	{ "<odd\"quote@x> <a@b>", "odd\"quote@x a@b " },
	{ "<no-at>", "no-at " },
	{ "", "" },
};

static void
check_ids(void)
{
	struct arena a = { 0 };
	struct strlist l = { 0 };
	struct str many = STR_INIT;
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(ids); i++) {
		struct str got = STR_INIT;

		l = (struct strlist){ 0 };
		mime_message_ids(slice_of(ids[i].in), 100, &a, &l);
		for (k = 0; k < l.n; k++)
			str_addf(&got, "%s ", l.v[k]);
		is_str(got.s, ids[i].want, "ids of %s", ids[i].in);
		str_free(&got);
	}
	for (i = 0; i < 10000; i++)
		str_addf(&many, "<%zu@x> ", i);
	l = (struct strlist){ 0 };
	mime_message_ids(slice_str(&many), 50, &a, &l);
	is_int(l.n, 50, "at most as many as wanted");
	is_str(l.v[0], "0@x", "  the first");
	is_str(l.v[1], "9951@x", "  and of the rest");
	is_str(l.v[49], "9999@x", "  the last");
	str_free(&many);
	arena_free(&a);
}

static const struct { const char *in; int64_t want; } dates[] = {
	{ "Mon, 1 Jan 2024 10:00:00 +0100", 1704099600 },
	{ "1 Jan 2024 10:00:00 GMT", 1704103200 },
	{ "Mon, 1 Jan 2024 10:00:00 EST", 1704121200 },
	{ "Mon, 1 Jan 2024 10:00:00 (no zone)", 1704103200 },
	{ "Mon, 1 Jan 24 10:00 Z", 1704103200 },
	{ "Mon, 1 Jan 2024", 1704067200 },
	{ "Mon, 1 Jan 2024 99:99:99 +0000", 1704067200 },
	{ "Mon Jan  1 10:00:00 2024", 1704103200 },
	{ "Mon Jan  1 10:00:00 2024 +0100", 1704099600 },
	{ "1-Jan-2024 10:00:00 -0100", 1704106800 },
	{ "Monday, 01-Jan-24 10:00:00 GMT", 1704103200 },
	{ "Mon, 32 Jan 2024 10:00:00", 0 },
	{ "Thu, 30 Feb 2024 10:00:00", 0 },
	{ "yesterday", 0 },
	{ "", 0 },
};

static void
check_dates(void)
{
	struct mime_envelope env = { 0 };
	int64_t got;
	size_t i;

	for (i = 0; i < ARRAY_LEN(dates); i++) {
		env.date = slice_of(dates[i].in);
		got = 0;
		ok(mime_sent_date(&env, &got) == (dates[i].want != 0),
		    "date \"%s\"", dates[i].in);
		is_int(got, dates[i].want, "  its seconds");
	}
	env.date = SLICE_NULL;
	ok(!mime_sent_date(&env, &got), "no date");
}

static void
timed(const char *name, const char *piece)
{
	struct str m = STR_INIT, got = STR_INIT;
	struct strlist l = { 0 };
	struct arena a = { 0 };
	clock_t t0;
	double ms;

	while (m.len < 1000000)
		str_adds(&m, piece);
	t0 = clock();
	mime_base_subject(slice_str(&m), &got);
	mime_sort_mailbox(slice_str(&m), &got);
	mime_sort_display(slice_str(&m), &got);
	mime_message_ids(slice_str(&m), 100, &a, &l);
	ms = (double)(clock() - t0) * 1e3 / CLOCKS_PER_SEC;
	tap_diag("%s: %.1f ms for 1 MB", name, ms);
	ok(ms < 2000, "%s: linear time", name);
	str_free(&m);
	str_free(&got);
	arena_free(&a);
}

int
main(void)
{
	check_subjects();
	check_addresses();
	check_ids();
	check_dates();
	timed("blobs", "[a]");
	timed("blobs and replies", "[a] re [b]: ");
	timed("forwards", "[fwd:");
	timed("odd quotes", "<\"a@b> ");
	timed("angles", "<");
	timed("backslashes", "<\"\\");
	return tap_done();
}
