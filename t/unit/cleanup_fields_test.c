/*
 * cleanup_fields_test.c - changes to a header: where a field goes, which one
 * is meant, and that all others stay as they were, byte for byte.
 */
#include "../../cleanup/cleanup.h"
#include "../../cleanup/fields.h"
#include "test/tap.h"

struct cleanup_conf conf;

#define OURS "Return-Path: <a@b>\nDelivered-To: c@d\nReceived: from x\n by y\n"
enum { A = EDIT_ADD_HEADER, I = EDIT_INSERT_HEADER, C = EDIT_CHANGE_HEADER,
	D = EDIT_DELETE_HEADER };

static const struct {
	const char *name, *header, *want;
	struct edit e[4];
	size_t n;
} cases[] = {
	{ "nothing", "A:  1 \n\t2\nB:\n", "A:  1 \n\t2\nB:\n",
	    { { 0 } }, 0 },
	{ "added", "A: 1\n", "A: 1\nX: 2\n",
	    { { .op = A, .name = "X", .value = "2" } }, 1 },
	{ "added behind a last line without end", "A: 1", "A: 1\nX: 2\n",
	    { { .op = A, .name = "X", .value = "2" } }, 1 },
	{ "added to no header", "", "X: 2\n",
	    { { .op = A, .name = "X", .value = "2" } }, 1 },
	{ "inserted in front", "A: 1\nB: 2\n", "X: y\nA: 1\nB: 2\n",
	    { { .op = I, .n = 1, .name = "X", .value = "y" } }, 1 },
	{ "inserted in the middle", "A: 1\n 2\nB: 2\n",
	    "A: 1\n 2\nX: y\nB: 2\n",
	    { { .op = I, .n = 2, .name = "X", .value = "y" } }, 1 },
	{ "inserted far behind", "A: 1\n", "A: 1\nX: y\n",
	    { { .op = I, .n = INT64_MAX, .name = "X", .value = "y" } }, 1 },
	{ "the second of a name", "X: 1\nY: 1\nx: 2\nX: 3\n",
	    "X: 1\nY: 1\nX: z\nX: 3\n",
	    { { .op = C, .n = 2, .name = "X", .value = "z" } }, 1 },
	{ "no number is the first", "X: 1\nX: 2\n", "X: z\nX: 2\n",
	    { { .op = C, .name = "X", .value = "z" } }, 1 },
	{ "one more than there are", "X: 1\nY: 1\n", "X: 1\nY: 1\nX: z\n",
	    { { .op = C, .n = 2, .name = "X", .value = "z" } }, 1 },
	{ "deleted", "X: 1\nY: 1\nX: 2\n 3\nZ: 4\n", "X: 1\nY: 1\nZ: 4\n",
	    { { .op = D, .n = 2, .name = "x" } }, 1 },
	{ "all of a name, from the first", "X: 1\nY: 1\nX: 2\n", "Y: 1\n",
	    { { .op = D, .n = 1, .name = "x" },
	      { .op = D, .n = 1, .name = "x" } }, 2 },
	{ "deleted, but not there", "Y: 1\n", "Y: 1\n",
	    { { .op = D, .n = 1, .name = "X" } }, 1 },
	{ "our Received is not counted", "Received: z\n", "Received: new\n",
	    { { .op = C, .n = 1, .name = "Received", .value = "new" } }, 1 },
	{ "... nor deleted", "", "",
	    { { .op = D, .n = 1, .name = "Received" },
	      { .op = D, .n = 1, .name = "Return-Path" } }, 2 },
	{ "a fold stays one", "", "X: a\n\tb\n c\n",
	    { { .op = A, .name = "X", .value = "a\n\tb\n c" } }, 1 },
	{ "a value with its own blank", "", "X:\ta\nY:\n b\n",
	    { { .op = A, .name = "X", .value = "\ta" },
	      { .op = A, .name = "Y", .value = "\n b" } }, 2 },
	{ "no empty line at the end of a value", "", "X: a\nY:\n",
	    { { .op = A, .name = "X", .value = "a\n " },
	      { .op = A, .name = "Y", .value = " \n " } }, 2 },
	{ "8-bit", "A: \xc3\xb6\xff\n", "A: \xc3\xb6\xff\nX: \xe4\n",
	    { { .op = A, .name = "X", .value = "\xe4" } }, 1 },
	{ "each step sees the one before", "A: 1\nB: 2\n", "N: 3\nA: 1\n",
	    { { .op = I, .n = 2, .name = "M", .value = "0" },
	      { .op = D, .n = 1, .name = "B" },
	      { .op = I, .n = 1, .name = "N", .value = "3" },
	      { .op = D, .n = 1, .name = "M" } }, 4 },
};

static void
run(struct fields *f, const struct edit *e, size_t n, struct arena *a)
{
	struct err err = ERR_INIT;
	struct edit c;
	size_t i;

	for (i = 0; i < n; i++) {
		c = e[i];
		c.value = c.value == NULL ? "" : c.value;
		ok(fields_edit(f, &c, a, &err) == 0, "edit %zu", i + 1);
	}
}

static void
test_cases(void)
{
	struct str in = STR_INIT, out = STR_INIT, want = STR_INIT;
	struct arena a = { 0 };
	struct fields f;
	size_t i, trace;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		str_reset(&in);
		str_reset(&out);
		str_reset(&want);
		str_addf(&in, OURS "%s", cases[i].header);
		str_addf(&want, OURS "%s", cases[i].want);
		fields_parse(&f, slice_str(&in), sizeof(OURS) - 1);
		run(&f, cases[i].e, cases[i].n, &a);
		fields_print(&f, &out, &trace);
		is_str(out.s, want.s, "%s", cases[i].name);
		is_int((long long)trace, (long long)(sizeof(OURS) - 1),
		    "... and ours end where they did");
		fields_free(&f);
	}
	str_free(&in);
	str_free(&out);
	str_free(&want);
	arena_free(&a);
}

/* in front of our Received, but Return-Path stays the first line */
static void
test_above(void)
{
	static const struct edit e[] = {
		{ .op = I, .name = "X", .value = "1" },
		{ .op = I, .name = "Y", .value = "2" },
		{ .op = I, .n = 1, .name = "Z", .value = "3" },
		{ .op = C, .n = 1, .name = "X", .value = "4" } };
	struct str out = STR_INIT;
	struct arena a = { 0 };
	struct err err = ERR_INIT;
	struct fields f;
	struct edit bad = { .op = D, .n = -1, .name = "X", .value = "" };
	size_t trace;

	fields_parse(&f, slice_of(OURS "A: 1\n\n"), sizeof(OURS) - 1);
	ok(f.blank, "an empty line ends it");
	run(&f, e, ARRAY_LEN(e), &a);
	fields_return_path(&f, "new@sender", false, &a);
	fields_print(&f, &out, &trace);
	is_str(out.s, "Return-Path: <new@sender>\nDelivered-To: c@d\nY: 2\n"
	    "X: 4\nReceived: from x\n by y\nZ: 3\nA: 1\n", "above ours");
	is_str(out.s + trace, "Z: 3\nA: 1\n", "... and so counted");
	ok(fields_edit(&f, &bad, &a, &err) == -1 && err.kind == ERR_TEMP,
	    "a number below zero");
	fields_free(&f);
	str_free(&out);
	arena_free(&a);
}

int
main(void)
{
	test_cases();
	test_above();
	return tap_done();
}
