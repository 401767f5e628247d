/*
 * map_query.c - postrider map query, list and check: what tables of any type
 * say, by the library that the programs use.
 */
#include "conf/common.h"
#include "ctl.h"
#include "map/map.h"
#include "map_query.h"
#include "maps.h"
#include "proto/lookup.h"

enum { CHECK_MS = 60000 };

/* a bare name is the compiled table */
static const char *
full_spec(const char *spec)
{
	return strchr(spec, ':') != NULL ? spec :
	    arena_printf(&ctl_arena, "cdb:%s", spec);
}

/* trouble is not "absent": to be tried again */
static int
deferred(const struct err *err)
{
	fail_err(err);
	return EXIT_DEFERRED;
}

struct query {
	struct map *m;
	const char *spec;
	bool many;		/* the key before each value */
	int found, trouble;
};

static void
query_one(struct query *q, const char *key)
{
	struct err err = ERR_INIT;
	struct str value = STR_INIT;
	int r = map_get(q->m, key, &value, &err);

	if (r > 0 && q->many)
		printf("%s\t%s\n", key, value.s);
	else if (r > 0)
		printf("%s\n", value.s);
	else if (r < 0)
		fail_err(&err);
	else if (!q->many)
		fail("%s: no %s", q->spec, key);
	q->found += r > 0;
	q->trouble += r < 0;
	str_wipe(&value);
}

/* a key a line */
static void
query_lines(struct query *q, FILE *f)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		query_one(q, line);
	}
	free(line);
}

int
map_query(int argc, char **argv)
{
	struct query q = { .many = argc > 2 };
	struct err err = ERR_INIT;
	int i;

	if (argc < 2)
		return fail_usage("usage: postrider map query TABLE KEY..., "
		    "or - for keys from standard input");
	q.many |= strcmp(argv[1], "-") == 0;
	q.spec = full_spec(argv[0]);
	if (map_open(q.spec, &q.m, &err) != 0)
		return deferred(&err);
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-") == 0)
			query_lines(&q, stdin);
		else
			query_one(&q, argv[i]);
	}
	map_close(q.m);
	if (q.trouble > 0)
		return EXIT_DEFERRED;
	return q.found > 0 ? EXIT_OK : EXIT_FAILED;
}

static int
print_row(void *ctx UNUSED, struct slice key, struct slice value)
{
	printf("%.*s\t%.*s\n", (int)key.n, key.p, (int)value.n, value.p);
	return 0;
}

int
map_list(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct map *m;
	int r;

	if (argc != 1)
		return fail_usage("usage: postrider map list TABLE");
	r = map_open(full_spec(argv[0]), &m, &err);
	if (r == 0)
		r = map_each(m, print_row, NULL, &err);
	map_close(m);
	return r == 0 ? EXIT_OK : deferred(&err);
}

static void
on_error(void *ctx, const struct err *err)
{
	fail_err(err);
	++*(int *)ctx;
}

static int
on_table(void *ctx, const void *more, struct err *err UNUSED)
{
	const struct lookup_check_more *m = more;

	if (!m->good) {
		fail("%s: %s", m->map, m->text);
		++*(int *)ctx;
	}
	return 0;
}

/* mapd asks for a key that nobody has */
static int
check_remote(const char *spec, int *bad, struct err *err)
{
	struct lookup_check_in in = { spec };
	struct ipc c;
	int r;

	ipc_init(&c, socket_path("mapd"), CHECK_MS);
	r = ipc_call_more(&c, &lookup_check, &in, -1, on_table, bad, NULL,
	    err);
	ipc_free(&c);
	return r;
}

static int
ignore_row(void *ctx, struct slice key UNUSED, struct slice value UNUSED)
{
	++*(size_t *)ctx;
	return 0;
}

/* a cdb is read whole; a server is asked */
static int
check_open(struct map *m, size_t *rows, struct err *err)
{
	struct str value = STR_INIT;
	int r;

	if (map_can_list(m) || map_is_pattern(m))
		return map_each(m, ignore_row, rows, err);
	r = map_get(m, "postrider-check@postrider.invalid", &value, err);
	str_wipe(&value);
	return MIN(r, 0);
}

static void
check_one(const char *spec, int *bad)
{
	struct err err = ERR_INIT;
	struct map_needs n;
	struct map *m = NULL;
	size_t rows = 0;
	int before = *bad, r = map_needs(spec, 0, &n, &err);

	if (r > 0)
		str_free(&n.path);
	if (r > 0 && n.mapd) {
		r = check_remote(spec, bad, &err);
	} else if (r > 0) {
		map_report_to(on_error, bad);
		r = map_open(spec, &m, &err);
		map_report_to(NULL, NULL);
		if (r == 0)
			r = check_open(m, &rows, &err);
	}
	map_close(m);
	/* what was told row by row needs no sum */
	if (r < 0 && *bad == before) {
		fail_err(&err);
		++*bad;
	}
	if (*bad == before && rows > 0)
		printf("%s is good, %zu rows\n", spec, rows);
	else if (*bad == before)
		printf("%s is good\n", spec);
}

/* several, parted by commas, are checked one by one */
static void
check_spec(const char *spec, int *bad)
{
	char *one;
	size_t i;

	for (i = 0; map_spec_nth(spec, i, &one); i++) {
		check_one(one, bad);
		free(one);
	}
}

/* one of the texts that are compiled, and what they have to hold */
static void
check_text(const struct map_file *f, bool quiet, int *bad)
{
	struct err err = ERR_INIT;
	size_t rows = 0;
	int before = *bad, r;

	map_report_to(on_error, bad);
	r = f->compile(common.conf_dir, &rows, &err);
	map_report_to(NULL, NULL);
	if (r != 0 && *bad == before) {
		fail_err(&err);
		++*bad;
	}
	if (*bad == before && !quiet)
		printf("%s is good, %zu rows\n", f->name, rows);
}

int
maps_check(bool quiet)
{
	const struct map_file *f;
	int bad = 0;

	for (f = map_files; f->name != NULL; f++)
		if (access(common_path(common.conf_dir, f->name), R_OK) == 0)
			check_text(f, quiet, &bad);
		else if (errno != ENOENT)
			printf("%s was not looked at: %s\n", f->name,
			    strerror(errno));
	return bad == 0 ? EXIT_OK : EXIT_FAILED;
}

static const struct map_file *
find_text(const char *name)
{
	const struct map_file *f;

	for (f = map_files; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

int
map_check_tables(int argc, char **argv)
{
	const struct map_file *f;
	int i, bad = 0;

	if (argc == 0)
		return maps_check(false);
	for (i = 0; i < argc; i++) {
		f = find_text(argv[i]);
		if (f != NULL)
			check_text(f, false, &bad);
		else
			check_spec(strchr(argv[i], ':') != NULL ? argv[i] :
			    arena_printf(&ctl_arena, "text:%s", argv[i]),
			    &bad);
	}
	return bad == 0 ? EXIT_OK : EXIT_FAILED;
}
