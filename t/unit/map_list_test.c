/* map_list_test.c - several tables under one name */
#include "map/live.h"
#include "test/tap.h"

#include <fcntl.h>

static void
put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, text, strlen(text)) != 0)
		die("%s: %s", name, strerror(errno));
	close_fd(fd);
}

static const struct {
	const char *name, *spec, *key, *want;
} rows[] = {
	{ "the first that has it", "inline:a=1 inline:a=2;b=3", "a", "1" },
	{ "the second", "inline:a=1 inline:a=2;b=3", "b", "3" },
	{ "none", "inline:a=1 inline:a=2;b=3", "c", "-" },
	{ "parted by a comma", "inline:a=1,inline:b=2", "b", "2" },
	{ "and a blank", "inline:a=1 , inline:b=2,", "b", "2" },
	{ "a comma in a value", "inline:a=x@y, z@y inline:b=2", "a",
	    "x@y, z@y" },
	{ "a colon in a value", "inline:a=smtp:h other:x, inline:b=2", "a",
	    "smtp:h other:x" },
	{ "a name of a type in a quoted value",
	    "inline:a=\"x cdb:y\";b=2 inline:c=3", "a", "x cdb:y" },
	{ "of different types", "inline:a=1 text:one", "k", "v" },
	{ "folded for one, not for the other", "inline:ANN=1 pcre:two", "Ann",
	    "1" },
	{ "patterns behind", "inline:a=1 pcre:two", "Bob", "Bob!" },
	{ "trouble behind is not met", "inline:a=1 text:none", "a", "1" },
	{ "trouble ends it", "inline:a=1 text:none inline:b=2", "b",
	    "cannot open table none: No such file or directory" },
};

static void
test_rows(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;
	size_t i;
	int r;

	put("one", "k v\n");
	put("two", "/^(b.*)/ $1!\n");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (map_open(rows[i].spec, &m, &err) != 0)
			die("%s: %s", rows[i].name, err.text);
		str_reset(&out);
		r = map_get(m, rows[i].key, &out, &err);
		is_str(r > 0 ? out.s : r == 0 ? "-" : err.text, rows[i].want,
		    "%s", rows[i].name);
		map_close(m);
	}
	is_int(map_check("inline:a=1 nosuch:x", &err), 0,
	    "an unknown type is text of a row");
	is_int(map_check("cdb:users, pcer:x", &err), -1, "but of no name");
	ok(strstr(err.text, "did you mean pcre?") != NULL, "with a hint");
	is_int(map_check("text:a pcre:b,cidr:c", &err), 0, "three");
	is_int(map_check("text:a socket:b cidr:c", &err), -1, "a bad one");
	ok(strstr(err.text, "socket:inet:HOST:PORT:NAME") != NULL,
	    "with a hint");
	str_free(&out);
}

static void
test_part(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;

	if (map_open("pcre:two inline:b=1", &m, &err) != 0)
		die("%s", err.text);
	is_int(map_get_part(m, "b", &out, &err), 1, "part of a key");
	is_str(out.s, "1", "is for the tables of keys");
	ok(map_is_pattern(m), "one has patterns");
	ok(!map_can_list(m), "so not all can be listed");
	map_close(m);
	str_free(&out);
}

static int
count(void *ctx, struct slice key UNUSED, struct slice value UNUSED)
{
	++*(int *)ctx;
	return 0;
}

static void
test_needs(void)
{
	struct err err = ERR_INIT;
	struct map_needs n;
	const char *spec = "text:one socket:inet:[::1]:25:x pgsql:y cdb:z";

	is_int(map_needs(spec, 0, &n, &err), 1, "a file");
	is_str(n.path.s, "one", "its path");
	str_free(&n.path);
	is_int(map_needs(spec, 1, &n, &err), 1, "a server");
	is_str(n.host, "::1", "its address");
	is_int(n.port, 25, "its port");
	is_int(map_needs(spec, 2, &n, &err), 1, "a table of mapd");
	ok(n.local && n.path.len == 0, "a UNIX socket and no file");
	is_int(map_needs(spec, 3, &n, &err), 1, "the last");
	is_str(n.path.s, "z.cdb", "its path");
	str_free(&n.path);
	is_int(map_needs(spec, 4, &n, &err), 0, "and no more");
}

static void
test_live(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map_live l;
	int n = 0;

	put("one", "a 1\n");
	map_live_init(&l, "text:one text:later");
	is_int(map_live_get(&l, "a", &out, &err), 1, "one is there");
	is_int(map_live_get(&l, "b", &out, &err), -1, "one is not");
	put("later", "b 2\n");
	put("one", "a 11\n");
	l.next_look = 0;
	str_reset(&out);
	is_int(map_live_get(&l, "b", &out, &err), 1, "then it is");
	is_int(map_live_get(&l, "a", &out, &err), 1, "and the first");
	is_str(out.s, "211", "is followed, too");
	put("one", "a 1\na 2\n");
	put("later", "b 222\n");
	l.next_look = 0;
	str_reset(&out);
	is_int(map_live_get(&l, "a", &out, &err), 1, "a bad one");
	is_int(map_live_get(&l, "b", &out, &err), 1, "beside a new one");
	is_str(out.s, "11222", "is left as it was");
	is_int(map_each(l.map, count, &n, &err), 0, "listed");
	is_int(n, 2, "both");
	if (unlink("one") != 0)
		die("one: %s", strerror(errno));
	put("later", "b 3333\n");
	l.next_look = 0;
	str_reset(&out);
	is_int(map_live_get(&l, "b", &out, &err), 1, "one that is gone");
	is_str(out.s, "3333", "does not keep the other");
	map_live_close(&l);
	str_free(&out);
}

int
main(void)
{
	if (chdir(tap_dir()) != 0)
		die("chdir: %s", strerror(errno));
	test_rows();
	test_part();
	test_needs();
	test_live();
	return tap_done();
}
