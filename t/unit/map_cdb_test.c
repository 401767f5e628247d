/* map_cdb_test.c - the compiler, and a reader that survives any damage */
#include "base/clock.h"
#include "map/map.h"
#include "test/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

enum { ROWS = 500, DAMAGES = 3000 };

static char *text, *cdb, *spec;

static void
put(const char *name, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || full_write(fd, p, n) != 0)
		die("%s: %s", name, strerror(errno));
	close_fd(fd);
}

static void
write_rows(int n)
{
	struct str s = STR_INIT;
	int i;

	for (i = 0; i < n; i++)
		str_addf(&s, "User%d@example.com value of %d\n", i, i);
	put(text, s.s, s.len);
	str_free(&s);
}

static int
compile(struct err *err)
{
	size_t count = 9999;
	int r = map_compile_cdb(text, cdb, 0640, (uid_t)-1, (gid_t)-1, &count,
	    err);

	return r == 0 ? (int)count : r;
}

static int
count_rows(void *ctx, struct slice key UNUSED, struct slice value UNUSED)
{
	++*(int *)ctx;
	return 0;
}

static int
stop_at_once(void *ctx, struct slice key UNUSED, struct slice value UNUSED)
{
	++*(int *)ctx;
	return 7;
}

static int
right_rows(struct map *m)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	char key[64], want[64];
	int i, good = 0;

	for (i = 0; i < ROWS; i++) {
		snprintf(key, sizeof(key), "user%d@EXAMPLE.com", i);
		snprintf(want, sizeof(want), "value of %d", i);
		str_reset(&out);
		good += map_get(m, key, &out, &err) == 1 &&
		    strcmp(out.s, want) == 0;
	}
	is_int(map_get(m, "nobody", &out, &err), 0, "an absent key");
	str_free(&out);
	return good;
}

static void
test_lookup(void)
{
	struct err err = ERR_INIT;
	struct map *m;
	struct stat st;
	int n = 0;

	write_rows(ROWS);
	is_int(compile(&err), ROWS, "rows were compiled");
	stat(cdb, &st);
	is_int(st.st_mode & 0777, 0640, "with the mode asked for");
	is_int(map_open(spec, &m, &err), 0, "opened");
	is_int(right_rows(m), ROWS, "every key has its value");
	is_int(map_each(m, count_rows, &n, &err), 0, "listed");
	is_int(n, ROWS, "every row");
	n = 0;
	is_int(map_each(m, stop_at_once, &n, &err), 7, "fn ends the walk");
	is_int(n, 1, "at once");
	is_int(map_changed(m), 0, "not changed");
	is_int(compile(&err), ROWS, "compiled again");
	is_int(map_changed(m), 1, "changed");
	map_close(m);

	put(text, "# none\n", 7);
	is_int(compile(&err), 0, "an empty table");
	is_int(map_open(spec, &m, &err), 0, "opens");
	n = 0;
	is_int(map_each(m, count_rows, &n, &err), 0, "and lists");
	is_int(n, 0, "nothing");
	map_close(m);
}

static int
files_in_dir(void)
{
	DIR *d = opendir(tap_dir());
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static int
fail_at_7(void *ctx UNUSED, struct slice key, struct slice value,
    struct str *out, struct err *err)
{
	if (slice_starts(key, "user7@"))
		return err_perm(err, "5.0.0", "no sevens");
	if (slice_starts(key, "user8@"))
		return 0;
	str_addf(out, "<%.*s>", (int)value.n, value.p);
	return 1;
}

/* a row's record is read with some of its value, the rest apart */
static void
test_sizes(void)
{
	static const size_t sizes[] = { 0, 1, 247, 248, 249, 255, 256, 257,
		511, 512, 513, 2000, 60000 };
	struct err err = ERR_INIT;
	struct str s = STR_INIT, out = STR_INIT;
	char key[32];
	size_t i, k, good = 0;
	struct map *m;

	/* each of them as the last row, too */
	for (k = 0; k < ARRAY_LEN(sizes); k++) {
		str_reset(&s);
		for (i = 0; i <= k; i++) {
			str_addf(&s, "key%zu ", sizes[i]);
			str_grow(&s, sizes[i] + 1);
			memset(s.s + s.len, 'v', sizes[i]);
			s.len += sizes[i];
			str_addc(&s, '\n');
		}
		put(text, s.s, s.len);
		if (compile(&err) < 0 || map_open(spec, &m, &err) != 0)
			die("%s", err.text);
		for (i = 0; i <= k; i++) {
			snprintf(key, sizeof(key), "key%zu", sizes[i]);
			str_reset(&out);
			good += map_get(m, key, &out, &err) == 1 &&
			    out.len == sizes[i];
		}
		good += map_get(m, "key", &out, &err) == 0;
		map_close(m);
	}
	is_int(good, k * (k + 1) / 2 + k, "values of all lengths");
	str_free(&s);
	str_free(&out);
}

static void
test_filter(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;
	size_t count;
	char *want = xasprintf("%s:8: no sevens", text);
	int files;

	write_rows(ROWS);
	is_int(compile(&err), ROWS, "the table before");
	files = files_in_dir();
	is_int(map_compile_cdb_with(text, cdb, 0600, (uid_t)-1, (gid_t)-1,
	    fail_at_7, NULL, &count, &err), -1, "a filter that fails");
	is_str(err.text, want, "its error has the place");
	is_int(files_in_dir(), files, "no file is left over");
	is_int(map_open(spec, &m, &err), 0, "the old table is there");
	is_int(right_rows(m), ROWS, "whole");
	map_close(m);

	put(text, "user8@x a\nuser9@x b\n", 20);
	is_int(map_compile_cdb_with(text, cdb, 0600, (uid_t)-1, (gid_t)-1,
	    fail_at_7, NULL, &count, &err), 0, "a filter that drops a row");
	is_int(count, 1, "one row of two");
	is_int(map_open(spec, &m, &err), 0, "opened");
	is_int(map_get(m, "user8@x", &out, &err), 0, "it was dropped");
	is_int(map_get(m, "user9@x", &out, &err), 1, "the other");
	is_str(out.s, "<b>", "has the value of the filter");
	map_close(m);
	str_free(&out);
	free(want);
}

static void
test_failures(void)
{
	struct err err = ERR_INIT;
	struct map *m;

	write_rows(ROWS);
	is_int(map_stale(text, cdb, &err), 1, "the text is newer");
	is_int(compile(&err), ROWS, "compiled");
	is_int(map_stale(text, cdb, &err), 0, "fresh now");
	put(text, "a b\na c\n", 8);
	is_int(map_stale(text, cdb, &err), 1, "stale again");
	is_int(compile(&err), -1, "a bad text");
	ok(strstr(err.text, "duplicate key") != NULL, "%s", err.text);
	is_int(map_open(spec, &m, &err), 0, "the old table is there");
	is_int(right_rows(m), ROWS, "whole");
	map_close(m);

	is_int(map_compile_cdb(text, "/nonexistent/x.cdb", 0600, (uid_t)-1,
	    (gid_t)-1, NULL, &err), -1, "nowhere to write");
	unlink(text);
	is_int(compile(&err), -1, "no text");
	ok(err.kind == ERR_TEMP, "is temporary: %s", err.text);
	is_int(map_stale(text, cdb, &err), -1, "nor can it be compared");
	unlink(cdb);
	is_int(map_open(spec, &m, &err), -1, "no cdb");
	ok(err.kind == ERR_TEMP, "is temporary: %s", err.text);
}

/* a disk that is full after n bytes, as far as a process can play that */
static void
test_full_disk(void)
{
	struct rlimit old, small;
	struct err err = ERR_INIT;
	struct map *m;
	rlim_t n;
	int files, good = 0, all = 0;

	write_rows(ROWS);
	is_int(compile(&err), ROWS, "a table before the disk is full");
	files = files_in_dir();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	for (n = 0; n < 20000; n += 1000, all++) {
		small.rlim_cur = n;
		setrlimit(RLIMIT_FSIZE, &small);
		good += compile(&err) == -1 && err.kind == ERR_TEMP;
	}
	setrlimit(RLIMIT_FSIZE, &old);
	is_int(good, all, "each time a temporary error: %s", err.text);
	is_int(files_in_dir(), files, "no file is left over");
	is_int(map_open(spec, &m, &err), 0, "the old table is there");
	is_int(right_rows(m), ROWS, "whole");
	map_close(m);
}

/* Whatever comes out of a damaged file: an answer or a temporary error. */
static bool
survives(void)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct map *m;
	bool good = true;
	char key[64];
	int i, r, n = 0;

	if (map_open(spec, &m, &err) != 0)
		return m == NULL && err.kind == ERR_TEMP;
	for (i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "user%d@example.com", i * 25);
		str_reset(&out);
		r = map_get(m, key, &out, &err);
		good &= r == 1 || out.len == 0;
		good &= r >= 0 || err.kind == ERR_TEMP;
	}
	r = map_each(m, count_rows, &n, &err);
	good &= r == 0 || (r == -1 && err.kind == ERR_TEMP);
	map_close(m);
	str_free(&out);
	return good;
}

static void
test_damage(void)
{
	struct err err = ERR_INIT;
	char *whole, *bad;
	size_t n, at, len;
	int i, j, good = 0;

	write_rows(ROWS);
	is_int(compile(&err), ROWS, "a table to be damaged");
	whole = read_file(cdb, 1 << 20, &n);
	bad = xmalloc(n);
	for (i = 0; i < DAMAGES; i++) {
		memcpy(bad, whole, n);
		len = i % 3 == 0 ? random_below((uint32_t)n) : n;
		for (j = 0; j <= i % 16; j++) {
			/* half of it in the head, where the numbers are */
			at = random_below(i & 1 ? 2048 : (uint32_t)n);
			bad[at] = (char)(i & 2 ? 0xff : random_below(256));
		}
		put(cdb, bad, len);
		good += survives();
	}
	is_int(good, DAMAGES, "every damage ends in an answer or an error");
	free(whole);
	free(bad);
}

static void
test_truncated_while_open(void)
{
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	struct map *m;

	write_rows(ROWS);
	is_int(compile(&err), ROWS, "a table to be cut");
	is_int(map_open(spec, &m, &err), 0, "opened");
	if (truncate(cdb, 2100) != 0)
		die("truncate: %s", strerror(errno));
	is_int(map_get(m, "user1@example.com", &out, &err), -1,
	    "cut while it is open");
	ok(err.kind == ERR_TEMP && strstr(err.text, "corrupted") != NULL,
	    "is a temporary error: %s", err.text);
	map_close(m);
	str_free(&out);
}

int
main(void)
{
	text = xasprintf("%s/users", tap_dir());
	cdb = xasprintf("%s.cdb", text);
	spec = xasprintf("cdb:%s", text);
	test_lookup();
	test_sizes();
	test_filter();
	test_full_disk();
	test_failures();
	test_damage();
	test_truncated_while_open();
	free(text);
	free(cdb);
	free(spec);
	return tap_done();
}
