/* conf_test.c - configuration files over a field table */
#include <sys/stat.h>

#include "conf/conf.h"
#include "test/tap.h"

struct rec {
	const char *name;
	int64_t count, wait;
	uint64_t size;
	bool flag;
	int mode;
	struct strlist list;
	const char *lines;
};
static const struct field fields[] = {
	F_STR(struct rec, name, NULL, "a name"),
	F_INT(struct rec, count, "3", "-5", "10", "a number"),
	F_TIME(struct rec, wait, "5m", "1s", "1d", "a time"),
	F_SIZE(struct rec, size, "64K", "1", "1G", "a size"),
	F_BOOL(struct rec, flag, "no", "a flag"),
	F_ENUM(struct rec, mode, "soft", "soft|hard", "a mode"),
	F_LIST_D(struct rec, list, "one two", "a list"),
	F_LINES(struct rec, lines, "lines with their places"),
	F_END
};

static struct arena arena;
static char path[256], other[256];

static void
put(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		die("%s", file);
}

static int
load(const char *text, struct rec *r, struct err *err)
{
	put(path, text);
	return conf_load(path, fields, r, &arena, err);
}

static void
test_good(void)
{
	struct err err = ERR_INIT;
	struct rec r;

	is_int(load("name = x\n", &r, &err), 0, "a minimal file");
	ok(r.count == 3 && r.wait == 300000 && r.size == 65536 && !r.flag &&
	    r.mode == 0 && r.list.n == 2, "defaults");
	is_int(load("# comment\nname = \"a # b\" # c\ncount=-5\nwait = 90\n"
	    "size = 1M\nflag = Yes\nmode = hard\nlist = a, b\n\tc d\n", &r,
	    &err), 0, "every kind");
	is_str(r.name, "a # b", "quotes keep blanks and #");
	ok(r.count == -5 && r.wait == 90000 && r.size == 1 << 20 && r.flag &&
	    r.mode == 1, "values");
	ok(r.list.n == 4 && strcmp(r.list.v[3], "d") == 0,
	    "a list over two lines replaces the default");
	put(other, "count = 7\n");
	is_int(load("name = x\ninclude other.conf\n", &r, &err), 0,
	    "include is relative to the file");
	is_int(r.count, 7, "and takes effect");
}

static void
test_bad(void)
{
	static const struct { const char *text, *want; } t[] = {
		{ "", ": name is not set" },
		{ "name = x\ncuont = 4\n",
		    ":2: unknown option \"cuont\", did you mean \"count\"?" },
		{ "name = x\ncount = 11\n",
		    ":2: count = 11: expected a number between -5 and 10" },
		{ "name = x\nwait = 2d\n",
		    ":2: wait = 2d: expected a time between 1s and 1d" },
		{ "name = x\nflag = maybe\n",
		    ":2: flag = maybe: expected a yes|no" },
		{ "name = x\nmode = odd\n",
		    ":2: mode = odd: expected one of soft|hard" },
		{ "name = x\n\n\nnonsense\n",
		    ":4: expected name = value: nonsense" },
		{ "[section]\n", ":1: no [section] allowed here" },
		{ "name = x\n= y\n", ":2: no name before '='" },
	};
	char want[512];
	struct err err;
	struct rec r;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		snprintf(want, sizeof(want), "%s%s", path, t[i].want);
		is_int(load(t[i].text, &r, &err), -1, "refused: case %zu", i);
		is_str(err.text, want, "says where and why");
	}
	put(other, "count = 99\n");
	is_int(load("name = x\ninclude other.conf\n", &r, &err), -1,
	    "an error in an included file");
	ok(strstr(err.text, "other.conf:1: count = 99") == err.text +
	    strlen(path) - 6, "names that file: %s", err.text);
	is_int(load("name = x\n\ninclude none.conf\n", &r, &err), -1,
	    "a file that is not there");
	ok(strstr(err.text, "a.conf:3: ") != NULL && strstr(err.text,
	    "none.conf: No such file") != NULL, "who wants it: %s", err.text);
	put(other, "include other.conf\n");
	is_int(load("name = x\ninclude other.conf\n", &r, &err), -1,
	    "a file that includes itself");
}

static void
test_lines(void)
{
	struct err err = ERR_INIT;
	struct rec r;

	is_int(load("name = x\nlines =\n    one # c\n\n# c\n    two \"#\"\n"
	    "\t  and more\n     and\n    three\ncount = 4\n", &r, &err), 0,
	    "an option of lines");
	is_str(r.lines, "a.conf:3\tone\na.conf:6\ttwo \"#\" and more and\n"
	    "a.conf:9\tthree", "... with their places");
	is_int(r.count, 4, "... and what follows");
	is_int(load("lines = one\n two\n   more\nname = a\n   b\n", &r,
	    &err), 0, "the first beside its name");
	is_str(r.lines, "a.conf:1\tone\na.conf:2\ttwo more", "... counts");
	is_str(r.name, "a b", "others are one line");
	is_int(conf_pick(path, fields, &r, &arena, &err), 0, "picked");
	put(path, "name = y\nother = 1\n");
	is_int(conf_pick(path, fields, &r, &arena, &err), 0,
	    "what others have is passed over");
	is_str(r.name, "y", "... and ours is there");
	is_int(conf_load(path, fields, &r, &arena, &err), -1,
	    "that is a mistake in our own");
}

int
main(void)
{
	snprintf(path, sizeof(path), "%s/a.conf", tap_dir());
	snprintf(other, sizeof(other), "%s/other.conf", tap_dir());
	test_good();
	test_lines();
	test_bad();
	arena_free(&arena);
	return tap_done();
}
