/* ctl_edit_test.c - settings and rows change, everything else stays */
#include "../../ctl/ctl.h"
#include "conf/common.h"
#include "test/tap.h"

static const struct {
	const char *name, *text, *section, *set, *value, *want;
} sets[] = {
	{ "replaced", "# c\na = 1\nb = 2\n", "", "a", "9",
	    "# c\na = 9\nb = 2\n" },
	{ "added", "a = 1\n# end\n", "", "b", "2", "a = 1\nb = 2\n# end\n" },
	{ "into nothing", "", "", "b", "2", "b = 2\n" },
	{ "continuation goes", "a = 1\n  2\n\t3\nb = 2\n", "", "a", "x",
	    "a = x\nb = 2\n" },
	{ "twice becomes once", "a = 1\na = 2\n", "", "a", "3", "a = 3\n" },
	{ "comment is no setting", "#a = 1\n", "", "a", "3",
	    "#a = 1\na = 3\n" },
	{ "a longer name is another", "ab = 1\n", "", "a", "3",
	    "ab = 1\na = 3\n" },
	{ "in its section", "[x]\na = 1\n[y]\na = 1\n", "y", "a", "2",
	    "[x]\na = 1\n[y]\na = 2\n" },
	{ "added to its section", "[x]\na = 1\n\n[y]\na = 1\n", "x", "b", "2",
	    "[x]\na = 1\nb = 2\n\n[y]\na = 1\n" },
	{ "before all sections", "# c\n\n[y]\na = 1\n", "", "b", "2",
	    "# c\n\nb = 2\n[y]\na = 1\n" },
	{ "a new section", "[x]\na = 1\n", "y", "b", "2",
	    "[x]\na = 1\n\n[y]\nb = 2\n" },
};

static void
test_sets(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(sets); i++) {
		struct str s = STR_INIT;

		str_adds(&s, sets[i].text);
		conf_text_set(&s, sets[i].section, sets[i].set,
		    sets[i].value);
		is_str(s.s, sets[i].want, "%s", sets[i].name);
		str_free(&s);
	}
}

static const char table[] =
    "# accounts\n"
    "Ann@X pass=1\n"
    "  quota=2\n"
    "# between\n"
    "\tuid=3\n"
    "\n"
    "bob@x: pass=4\n"
    "\"c d@x\" pass=5";

static const struct {
	const char *key, *row;
} finds[] = {
	{ "ann@x", "Ann@X pass=1\n  quota=2\n# between\n\tuid=3\n" },
	{ "BOB@x", "bob@x: pass=4\n" },
	{ "c d@x", "\"c d@x\" pass=5" },
	{ "nobody@x", NULL },
	{ "#", NULL },
};

static void
test_rows(void)
{
	size_t i, at, len;
	char *row;
	int r;

	for (i = 0; i < ARRAY_LEN(finds); i++) {
		r = row_find(slice_of(table), finds[i].key, &at, &len);
		is_int(r, finds[i].row != NULL, "%s: there?", finds[i].key);
		if (r == 0)
			continue;
		row = slice_dup(slice_sub(slice_of(table), at, len));
		is_str(row, finds[i].row, "%s: its lines", finds[i].key);
		free(row);
	}
}

static void
test_replace(void)
{
	struct err err = ERR_INIT;
	char *path = xasprintf("%s/f", tap_dir()), *text;
	size_t n;

	is_int(file_replace(path, SLICE_LIT("one"), 0600, &err), 0, "written");
	is_int(file_replace(path, SLICE_LIT("two"), 0644, &err), 0,
	    "and again");
	text = read_file(path, 100, &n);
	is_str(text, "two", "the new text");
	free(text);
	free(path);
	is_int(file_replace("/nonexistent/f", SLICE_LIT("x"), 0600, &err), -1,
	    "no directory");
	ok(strstr(err.text, "/nonexistent/f") != NULL, "told");
}

int
main(void)
{
	test_sets();
	test_rows();
	test_replace();
	return tap_done();
}
