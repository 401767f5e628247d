/* map_text_test.c - text and inline tables: what they hold, what they refuse */
#include "map/map.h"
#include "test/tap.h"

#include <fcntl.h>

static const char *path;

static void
put(const char *name, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, p, n) != 0)
		die("%s: %s", name, strerror(errno));
	close_fd(fd);
}

/* "key=value|" of every row in order of the keys, or the error's text */
static int
show(void *ctx, struct slice key, struct slice value)
{
	struct str *out = ctx;

	str_addsl(out, key);
	str_addc(out, '=');
	str_addsl(out, value);
	str_addc(out, '|');
	return 0;
}

static void
dump(const char *spec, struct str *out)
{
	struct err err = ERR_INIT;
	struct map *m;

	str_reset(out);
	if (map_open(spec, &m, &err) != 0) {
		ok(m == NULL && err.kind == ERR_TEMP,
		    "an error is temporary and gives no map");
		str_adds(out, err.text);
		return;
	}
	is_int(map_each(m, show, out, &err), 0, "listed to the end");
	map_close(m);
}

struct row {
	const char *name, *text, *want;
};

/* in errors, FILE is the path */
static const struct row texts[] = {
	{ "an empty file", "", "" },
	{ "blanks part key and value", "a  b\nc\t \td e  \n", "a=b|c=d e|" },
	{ "so does a colon", "a:b\nc: d\ne:\tf:g\n", "a=b|c=d|e=f:g|" },
	{ "a colon later is the value's", "x.org smtp:[h]:25\n",
	    "x.org=smtp:[h]:25|" },
	{ "a value may begin with a colon", "l :include:/f\nm :\n",
	    "l=:include:/f|m=:|" },
	{ "a value may be empty", "a\nb:\nc \n", "a=|b=|c=|" },
	{ "comments and empty lines", "#c\n\n \t\na b#c\n#\n", "a=b#c|" },
	{ "continuation", "a b\n  c\n\n# no\n\td  \ne f\n", "a=b c d|e=f|" },
	{ "continuation of nothing yet", "a\n b\nc:\n d\n", "a=b|c=d|" },
	{ "quoted keys", "\"2001:DB8::1\" x\n\"a \\\"b\\\\\": y\n\"#k\"\n",
	    "#k=|2001:db8::1=x|a \"b\\=y|" },
	{ "in brackets a colon parts nothing", "[IPv6:2001:db8::1] x\n"
	    "[IPv6:::1]:25 y\nann@[IPv6:::1]: z\n[h]:587 a:b\n[h]: c\n"
	    "[i]:x\n[j]:1x\n[k]:25\n[a:b\n",
	    "[a=b|[h]=c|[h]:587=a:b|[i]=x|[ipv6:2001:db8::1]=x|"
	    "[ipv6:::1]:25=y|[j]=1x|[k]:25=|ann@[ipv6:::1]=z|" },
	{ "values keep their quotes", "a \"b  c\"\n", "a=\"b  c\"|" },
	{ "keys are folded, UTF-8 is not", "ANN@X b\n\xc3\x84 c\n",
	    "ann@x=b|\xc3\x84=c|" },
	{ "CRLF", "a b\r\n c\r\n\r\n", "a=b c|" },
	{ "no newline at the end", "a b", "a=b|" },
	{ "nor in a continuation", "a b\n c", "a=b c|" },

	{ "duplicate", "a b\n#\nB c\nA d\n",
	    "FILE:4: duplicate key \"a\", first at FILE:1" },
	{ "duplicate by quoting", "x:1\n\"x\":2\n",
	    "FILE:2: duplicate key \"x\", first at FILE:1" },
	{ "continues nothing", "# c\n a b\n",
	    "FILE:2: the line continues nothing (it begins with a blank)" },
	{ "indented comment", "a b\n  # c\n",
	    "FILE:2: a comment begins in the first column" },
	{ "open quote", "a b\n\"c d\n",
	    "FILE:2: a quoted key without its closing quote" },
	{ "escaped last quote", "\"c\\\"\n",
	    "FILE:1: a quoted key without its closing quote" },
	{ "text after a quote", "\"c\"d e\n",
	    "FILE:1: expected a blank or a colon after a quoted key" },
	{ "blank before the colon", "root : ann\n",
	    "FILE:1: the colon belongs directly after the key" },
	{ "no key", ":b\n",
	    "FILE:1: no key (a key that holds a colon is quoted)" },
	{ "no key, quoted", "\"\" b\n",
	    "FILE:1: no key (a key that holds a colon is quoted)" },
	{ "control character", "a b\nc \x01\n",
	    "FILE:2: control character 0x01" },
	{ "CR inside", "a b\rc\n", "FILE:1: control character 0x0d" },
	{ "key not UTF-8", "a b\n\xc3 c\n",
	    "FILE:2: a key that is not UTF-8" },
	{ "byte order mark", "\xef\xbb\xbf" "a b\n",
	    "FILE:1: the file begins with a byte order mark" },
};

static const struct row inlines[] = {
	{ "nothing", "", "" },
	{ "one", "a=b", "a=b|" },
	{ "several, blanks dropped", " B = c d ;a=x,y@z;; q ;",
	    "a=x,y@z|b=c d|q=|" },
	{ "an equals sign in a value", "a=b=c", "a=b=c|" },
	{ "quoted", "\"a=;b\"=\"c;\\\"d \" ; \"x\"", "a=;b=c;\"d |x=|" },
	{ "empty value", "a=;b=\"\"", "a=|b=|" },
	{ "duplicate", "a=b;A=c",
	    "inline:2: duplicate key \"a\", first at inline:1" },
	{ "no key", "a=b;=c", "inline:2: no key (a key that holds a colon "
	    "is quoted)" },
	{ "open quote", "\"a=b", "inline:1: bad quoting of a key" },
	{ "text after a quote", "a=\"b\"c",
	    "inline:1: bad quoting of a value" },
};

static char *
with_path(const char *z)
{
	struct str s = STR_INIT;
	const char *f;

	for (; (f = strstr(z, "FILE")) != NULL; z = f + 4) {
		str_add(&s, z, (size_t)(f - z));
		str_adds(&s, path);
	}
	str_adds(&s, z);
	return str_steal(&s);
}

static void
test_rows(void)
{
	struct str got = STR_INIT;
	char *spec = xasprintf("text:%s", path), *want;
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++) {
		put(path, texts[i].text, strlen(texts[i].text));
		dump(spec, &got);
		want = with_path(texts[i].want);
		is_str(got.s, want, "text: %s", texts[i].name);
		free(want);
	}
	free(spec);
	for (i = 0; i < ARRAY_LEN(inlines); i++) {
		spec = xasprintf("inline:%s", inlines[i].text);
		dump(spec, &got);
		is_str(got.s, inlines[i].want, "inline: %s", inlines[i].name);
		free(spec);
	}
	str_free(&got);
}

/* a text of `before`, n bytes of c and `after`: does it begin with want? */
static void
limit(const char *before, char c, size_t n, const char *after,
    const char *want)
{
	struct str s = STR_INIT, got = STR_INIT;
	char *spec = xasprintf("text:%s", path), *full = with_path(want);

	str_adds(&s, before);
	for (; n > 0; n--)
		str_addc(&s, c);
	str_adds(&s, after);
	put(path, s.s, s.len);
	dump(spec, &got);
	str_trunc(&got, MIN(got.len, strlen(full)));
	is_str(got.s, full, "limit: %s", want);
	str_free(&s);
	str_free(&got);
	free(spec);
	free(full);
}

static void
test_limits(void)
{
	struct err err = ERR_INIT;
	char *spec = xasprintf("text:%s", path);
	struct map *m;

	limit("k ", 'v', MAP_LINE_MAX - 2, "\n", "k=vvv");
	limit("k ", 'v', MAP_LINE_MAX - 1, "\n",
	    "FILE:1: a line of more than 65536 bytes");
	limit("k v\n ", 'v', MAP_LINE_MAX - 1, "\n",
	    "FILE:2: a row of more than 65536 bytes, begun at line 1");
	limit("", 'k', MAP_KEY_MAX, " v\n", "kkk");
	limit("", 'k', MAP_KEY_MAX + 1, " v\n",
	    "FILE:1: a key of more than 1000 bytes");
	limit("a b\nc ", '\0', 1, "\n", "FILE:2: control character 0x00");

	if (truncate(path, (off_t)MAP_FILE_MAX + 1) != 0)
		die("truncate: %s", strerror(errno));
	is_int(map_open(spec, &m, &err), -1, "a file over 1 GiB is refused");
	ok(strstr(err.text, "at most 1073741824") != NULL, "%s", err.text);
	free(spec);
}

static void
test_get(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	char key[MAP_KEY_MAX + 2];
	struct map *m;

	is_int(map_open("inline:a=1;bc=2;d e=3", &m, &err), 0, "opened");
	str_adds(&out, "x");
	is_int(map_get(m, "BC", &out, &err), 1, "found, folded");
	is_str(out.s, "x2", "appended");
	is_int(map_get(m, "b", &out, &err), 0, "a prefix is absent");
	is_int(map_get(m, "bcd", &out, &err), 0, "a longer one is absent");
	is_int(map_get(m, "", &out, &err), 0, "the empty key is absent");
	memset(key, 'a', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	is_int(map_get(m, key, &out, &err), 0, "an over-long key is absent");
	is_str(out.s, "x2", "out is untouched");
	is_int(map_changed(m), 0, "an inline table never changes");
	is_str(map_spec(m), "inline:a=1;bc=2;d e=3", "it knows its name");
	map_close(m);
	map_close(NULL);
	str_free(&out);
}

static void
test_names(void)
{
	static const struct row specs[] = {
		{ "bare name", "users",
		    "\"users\": expected TYPE:NAME, such as cdb:users" },
		{ "nothing", "",
		    "\"\": expected TYPE:NAME, such as cdb:users" },
		{ "typing error", "txt:users", "txt:users: no such type of "
		    "table; did you mean text? known are: text cdb inline "
		    "pcre cidr socket sqlite pgsql mysql ldap lmdb oauth "
		    "jwks refresh" },
		{ "no file", "cdb:",
		    "\"cdb:\": expected the name of a file after the colon" },
	};
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(specs); i++) {
		is_int(map_check(specs[i].text, &err), -1, "refused: %s",
		    specs[i].name);
		is_str(err.text, specs[i].want, "and the hint");
	}
	is_int(map_check("cdb:no/such/file", &err), 0, "check opens nothing");
	map_set_dir("/conf");
	is_int(map_path("cdb:users", &out, &err), 0, "path of a cdb");
	str_addc(&out, ' ');
	map_path("cdb:/x/u.cdb", &out, &err);
	str_addc(&out, ' ');
	map_path("text:t", &out, &err);
	map_path("inline:t", &out, &err);
	is_str(out.s, "/conf/users.cdb /x/u.cdb /conf/t", "paths");
	str_free(&out);
}

static void
test_files(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	char *other = xasprintf("%s.new", path);
	struct map *m;

	map_set_dir(tap_dir());
	put(path, "a b\n", 4);
	is_int(map_open("text:table", &m, &err), 0, "relative to the dir");
	is_int(map_changed(m), 0, "not changed");
	put(other, "a c\n", 4);
	if (rename(other, path) != 0)
		die("rename: %s", strerror(errno));
	is_int(map_changed(m), 1, "replaced by another of the same size");
	is_int(map_get(m, "a", &out, &err), 1, "what is open stays");
	is_str(out.s, "b", "with its old value");
	unlink(path);
	is_int(map_changed(m), -1, "gone");
	map_close(m);
	is_int(map_open("text:table", &m, &err), -1, "a missing file");
	ok(err.kind == ERR_TEMP && strstr(err.text, "No such file") != NULL,
	    "is a temporary error: %s", err.text);
	is_int(map_open("text:.", &m, &err), -1, "a directory");
	ok(err.kind == ERR_TEMP && strstr(err.text, "is not a file") != NULL,
	    "is a temporary error: %s", err.text);
	free(other);
	str_free(&out);
	map_set_dir(NULL);
}

int
main(void)
{
	char *p = xasprintf("%s/table", tap_dir());

	path = p;
	test_rows();
	test_limits();
	test_get();
	test_names();
	test_files();
	free(p);
	return tap_done();
}
