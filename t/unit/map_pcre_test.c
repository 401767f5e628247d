/* map_pcre_test.c - tables of regular expressions: what they find, what they
 * refuse, where they give up, and how their code comes into a jail */
#include "base/clock.h"
#include "map/jit.h"
#include "map/map.h"
#include "serve/jail.h"
#include "test/tap.h"

#include <fcntl.h>
#include <sys/wait.h>

static char *path, *spec;

static void
put(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) != 0)
		die("%s: %s", path, strerror(errno));
	close_fd(fd);
}

/* what is behind the path in an error */
static const char *
without_path(const char *text)
{
	size_t n = strlen(path);

	return strncmp(text, path, n) == 0 ? text + n : text;
}

static void
look(struct map *m, const char *key, struct str *out)
{
	struct err err = ERR_INIT;
	int r;

	str_reset(out);
	r = map_get(m, key, out, &err);
	if (r == 0)
		str_adds(out, "-");
	if (r < 0)
		str_addf(out, "%s%s", err.kind == ERR_TEMP ? "" : "not temp: ",
		    without_path(err.text));
}

static const struct {
	const char *name, *text, *key, *want;
} rows[] = {
	{ "the first that matches", "/b/ 1\n/a/ 2\n/ab/ 3\n", "xa", "2" },
	{ "none", "/b/ 1\n", "a", "-" },
	{ "case does not matter", "/^ann@X$/ 1\n", "ANN@x", "1" },
	{ "unless i is taken away", "/^ann@X$/i 1\n", "ANN@x", "-" },
	{ "nor for other letters", "/\xc3\xa4/ 1\n", "\xc3\x84", "1" },
	{ "given twice it is as before", "/A/ii 1\n", "a", "1" },
	{ "m", "/^b$/m 1\n", "a\nb\nc", "1" },
	{ "without m", "/^b$/ 1\n", "a\nb\nc", "-" },
	{ "a dot is a newline", "/a.b/ 1\n", "a\nb", "1" },
	{ "s takes that away", "/a.b/s 1\n", "a\nb", "-" },
	{ "x", "/a b # c/x 1\n", "ab", "1" },
	{ "A", "/b/A 1\n", "ab", "-" },
	{ "E", "/a$/E 1\n", "a\n", "-" },
	{ "without E", "/a$/ 1\n", "a\n", "1" },
	{ "U", "/^(a+)/U x$1\n", "aaa", "xa" },
	{ "X is nothing", "/a/X 1\n", "a", "1" },
	{ "another delimiter", "|^/a|  1\n", "/a", "1" },
	{ "an escaped one", "/^\\/a/ 1\n", "/a", "1" },
	{ "no value", "/a/\n", "a", "" },
	{ "a blank within", "/a b/ c d\n", "a b", "c d" },
	{ "a value over lines", "/a/ b,\n  c\n", "a", "b, c" },
	{ "comments", "# /a/ 1\n\n/a/ 2\n# 3\n", "a", "2" },
	{ "negation", "!/a/ 1\n/./ 2\n", "b", "1" },
	{ "which does not hold", "!/a/ 1\n/./ 2\n", "a", "2" },

	{ "groups", "/^(.*)-(.*)@(.*)$/ ${2}.$1@$(3) $$1\n", "a-b@c",
	    "b.a@c $1" },
	{ "of ten", "/(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)/ $10${1}0\n",
	    "abcdefghij", "ja0" },
	{ "one that took no part", "/a(b)?(c)/ x$1y$2\n", "ac", "xyc" },
	{ "a name that is no letter of ASCII", "/^(.*)@/ $1\n",
	    "\xc3\xa4@x", "\xc3\xa4" },
	{ "a comma is not put in", "/^(.*)@x$/ $1@y\n", "a@z,b@x",
	    ":1: what matched as $1 can not be put into a value" },
	{ "nor a quote", "#\n/^(.*)@x$/ $1@y\n", "\"a\"@x",
	    ":2: what matched as $1 can not be put into a value" },
	{ "nor a blank", "/^(.*)@x$/ $1@y\n", "a b@x",
	    ":1: what matched as $1 can not be put into a value" },
	{ "nor what begins a command", "/^(.*)@x$/ ann, $1@y\n", "|id@x",
	    ":1: what matched as $1 can not be put into a value" },
	{ "or a path", "/^(a)?(.*)@x$/ $1$2@y\n", "/etc/x@x",
	    ":1: what matched as $2 can not be put into a value" },
	{ "or a list", "/^(.*)@x$/ $1\n", ":include:y@x",
	    ":1: what matched as $1 can not be put into a value" },
	{ "but within a word", "/^(.*)@x$/ a$1@y\n", "|id@x", "a|id@y" },
	{ "nor half a letter", "/^(\\xC3).*@x$/ $1@y\n", "\xc3@x", "-" },
	{ "but matched it may be", "/^.*@x$/ y\n", "a@z,b@x", "y" },

	{ "if", "if /a/\n/b/ 1\n/c/ 2\nendif\n/c/ 3\n", "ac", "2" },
	{ "if not so", "if /a/\n/b/ 1\n/c/ 2\nendif\n/c/ 3\n", "bc", "3" },
	{ "nothing in it", "if /a/\n/b/ 1\nendif\n/a/ 3\n", "a", "3" },
	{ "if not", "if !/a/\n/b/ 1\nendif\n/b/ 2\n", "b", "1" },
	{ "if not, not so", "if !/a/\n/b/ 1\nendif\n/b/ 2\n", "ab", "2" },
	{ "if in if", "if /a/\nif /b/\n/c/ 1\nendif\n/c/ 2\nendif\n/c/ 3\n",
	    "abc", "1" },
	{ "inner not so", "if /a/\nif /b/\n/c/ 1\nendif\n/c/ 2\nendif\n"
	    "/c/ 3\n", "ac", "2" },
	{ "outer not so", "if /a/\nif /b/\n/c/ 1\nendif\n/c/ 2\nendif\n"
	    "/c/ 3\n", "bc", "3" },

	{ "what is no UTF-8 matches nothing", "/^.$/ 1\n", "\xff", "-" },
	{ "but what is around it", "/^a/ 1\n", "a\xff", "1" },

	/* nobody waits for an expression */
	{ "steps", "#\n/(*NO_JIT)^(a+)+$/ 1\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaab", ":2: the match was given up: match limit "
	    "exceeded" },
	{ "steps of code", "#\n/^(a+)+$/ 1\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaab", ":2: the match was given up: match limit "
	    "exceeded" },
	{ "steps in an if", "if !/^(a+)+$/\n/./ 1\nendif\n/./ 2\n",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
	    ":1: the match was given up: match limit exceeded" },
};

static const struct {
	const char *name, *text, *want;
} bad[] = {
	{ "no delimiter", "/a/ 1\nabc 1\n", ":2: expected /EXPRESSION/FLAGS "
	    "value, if /EXPRESSION/FLAGS or endif" },
	{ "no end", "/a 1\n", ":1: no / at the end of the expression" },
	{ "only an escaped one", "/a\\/ 1\n",
	    ":1: no / at the end of the expression" },
	{ "a flag", "/a/q 1\n", ":1: unknown flag \"q\" behind the "
	    "expression: expected some of imsxAEUX" },
	{ "an expression", "/a/ 1\n/a(b/ 1\n", ":2: octet 4 of the "
	    "expression: missing closing parenthesis" },
	{ "one octet", "/a\\Cb/ 1\n", ":1: octet 4 of the expression: using "
	    "\\C is disabled by the application" },
	{ "no UTF-8", "/\xff/ 1\n", ":1: octet 1 of the expression: UTF-8 "
	    "error: illegal byte (0xfe or 0xff)" },
	{ "a group too many", "/(a)/ $2\n",
	    ":1: $2: the expression has 1 groups" },
	{ "of what does not match", "!/(a)/ $1\n",
	    ":1: what does not match has no groups" },
	{ "a dollar", "/(a)/ x$y\n", ":1: expected $1, ${1} or $$ (a $ that "
	    "stands for itself)" },
	{ "a dollar at the end", "/(a)/ $\n", ":1: expected $1, ${1} or $$ "
	    "(a $ that stands for itself)" },
	{ "a brace", "/(a)/ ${1\n", ":1: expected $1, ${1} or $$ (a $ that "
	    "stands for itself)" },
	{ "number 0", "/(a)/ $0\n", ":1: expected $1, ${1} or $$ (a $ that "
	    "stands for itself)" },
	{ "endif alone", "/a/ 1\nendif\n", ":2: an endif without its if" },
	{ "if alone", "/b/ 1\nif /a/\n/b/ 1\n", ":2: an if without its "
	    "endif" },
	{ "if with a value", "if /a/ 1\nendif\n",
	    ":1: text behind the pattern of if" },
	{ "text behind endif", "if /a/\nendif /a/\n",
	    ":2: text behind endif" },
	{ "only a !", "!\n", ":1: no pattern" },
	{ "if of nothing", "if\nendif\n", ":1: no pattern" },
};

static void
test_rows(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		put(rows[i].text);
		if (map_open(spec, &m, &err) != 0)
			die("%s: %s", rows[i].name, err.text);
		look(m, rows[i].key, &out);
		is_str(out.s, rows[i].want, "%s", rows[i].name);
		map_close(m);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		put(bad[i].text);
		is_int(map_open(spec, &m, &err), -1, "refused: %s",
		    bad[i].name);
		is_str(without_path(err.text), bad[i].want, "why: %s",
		    bad[i].name);
	}
	str_free(&out);
}

static void
test_keys(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;
	char *key = xmalloc(MAP_TOKEN_MAX + 2);

	put("/./ 1\n");
	if (map_open(spec, &m, &err) != 0)
		die("%s", err.text);
	ok(map_is_pattern(m) && map_spec_is_pattern(spec), "are patterns");
	ok(!map_can_list(m), "whose keys nobody knows");
	is_int(map_get(m, "x", &out, &err), 1, "a whole key");
	is_int(map_get_part(m, "x", &out, &err), 0, "not a part of one");
	memset(key, 'x', MAP_TOKEN_MAX + 1);
	key[MAP_TOKEN_MAX + 1] = '\0';
	is_int(map_get(m, key, &out, &err), 0, "a key that is too long");
	is_int(map_get(m, key + 1, &out, &err), 1, "the longest");
	is_int(map_get(m, "", &out, &err), 0, "the empty one");
	map_close(m);
	free(key);
	str_free(&out);
}

static void
on_error(void *ctx, const struct err *err)
{
	struct str *out = ctx;

	str_addf(out, "%s|", without_path(err->text));
}

static void
test_report(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;

	put("/a 1\n/b/ $\n  x\n/c/\nif /d\nendif\n/e/q\n x\n# c\n\x01\n"
	    "if /f/\n");
	map_report_to(on_error, &out);
	is_int(map_open(spec, &m, &err), -1, "a bad table");
	map_report_to(NULL, NULL);
	is_str(out.s, ":1: no / at the end of the expression|"
	    ":2: expected $1, ${1} or $$ (a $ that stands for itself)|"
	    ":5: no / at the end of the expression|"
	    ":7: unknown flag \"q\" behind the expression: expected some of "
	    "imsxAEUX|:10: control character 0x01|"
	    ":11: an if without its endif|", "all its errors");
	is_str(without_path(err.text), ": errors in 6 rows", "and their "
	    "number");
	str_free(&out);
}

/* is there memory that can be written and executed? */
static bool
open_code(FILE *maps)
{
	char line[512];
	bool found = false;

	rewind(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		found |= strstr(line, " rwx") != NULL;
	return found;
}

/* In a child, which ends with what was as it should be; more is another file,
 * which nobody opened before the jail. */
static int
in_jail(const char *more)
{
	const struct jail jail = { 0 };
	FILE *maps = fopen("/proc/self/maps", "re");
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;
	int good;

	if (maps == NULL || jail_table(spec, &err) < 0)
		return 0;
	good = open_code(maps) ? 1 : 0;
	if (jail_enter(&jail, &err) < 0)
		return 0;
	good |= open_code(maps) ? 0 : 2;
	if (map_open(spec, &m, &err) != 0)
		return 0;
	good |= map_get(m, "ann@x", &out, &err) == 1 ? 4 : 0;
	map_close(m);
	if (map_open(more, &m, &err) != 0)
		return 0;
	good |= map_get(m, "bob@x", &out, &err) == 1 ? 8 : 0;
	map_close(m);
	return good;
}

static void
test_jail(void)
{
	char *more = xasprintf("%s.more", spec);
	int status = 0;
	pid_t pid;

	put("/(bob)/ $1\n");
	if (rename(path, strchr(more, ':') + 1) != 0)
		die("rename: %s", strerror(errno));
	put("/(ann)/ $1\n");
	pid = fork();
	if (pid == 0)
		_exit(in_jail(more));
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), 1 | 2 | 4 | 8, "code comes into the "
	    "jail, nothing can write it there, and none is made there");
	free(more);
}

int
main(void)
{
	path = xasprintf("%s/table", tap_dir());
	spec = xasprintf("pcre:%s", path);
	test_rows();
	test_keys();
	test_report();
	test_jail();
	free(path);
	free(spec);
	return tap_done();
}
