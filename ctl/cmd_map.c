/*
 * cmd_map.c - postrider map: compile tables; the verbs are map_query.c's.
 */
#include "base/field.h"
#include "conf/common.h"
#include "ctl.h"
#include "map/map.h"
#include "map/users.h"
#include "map_query.h"
#include "maps.h"

static int
compile_one(const char *name)
{
	const char *names[16], *near;
	const struct map_file *f;
	struct err err = ERR_INIT;
	char *text, *cdb;
	size_t n = 0, rows;
	int r;

	for (f = map_files; f->name != NULL; f++) {
		names[n++] = f->name;
		if (strcmp(f->name, name) != 0)
			continue;
		return map_file_compile(f, false, &err) == 0 ? EXIT_OK :
		    fail_err(&err);
	}
	names[n] = NULL;
	text = xasprintf("%s/%s", common.conf_dir, name);
	cdb = xasprintf("%s.cdb", text);
	if (access(text, F_OK) != 0 && strchr(name, '/') == NULL) {
		near = nearest_name(names, slice_of(name));
		r = near != NULL ?
		    fail("no table %s; did you mean %s?", name, near) :
		    fail("no table %s in %s", name, common.conf_dir);
	} else if (strchr(name, '/') != NULL) {
		r = fail("%s: expected the name of a table in %s", name,
		    common.conf_dir);
	} else if (map_compile_cdb(text, cdb, 0644, (uid_t)-1, (gid_t)-1,
	    &rows, &err) != 0) {
		r = fail_err(&err);
	} else {
		printf("%s: compiled, %zu rows\n", name, rows);
		r = EXIT_OK;
	}
	free(text);
	free(cdb);
	return r;
}

int
cmd_map(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 }
	};
	static const struct {
		const char *name;
		int (*fn)(int argc, char **argv);
	} verbs[] = { { "query", map_query }, { "get", map_query },
		{ "list", map_list }, { "check", map_check_tables } };
	struct err err = ERR_INIT;
	bool all = false;
	int c, r = EXIT_OK;
	size_t i;

	while ((c = next_option(argc, argv, "+:a", longs)) != -1) {
		if (c != 'a')
			return EXIT_USAGE;
		all = true;
	}
	if (instance_load(&err) != 0)
		return fail_err(&err);
	for (i = 0; optind < argc && i < ARRAY_LEN(verbs); i++)
		if (strcmp(argv[optind], verbs[i].name) == 0)
			return verbs[i].fn(argc - optind - 1,
			    argv + optind + 1);
	if (optind == argc && maps_compile(all, false, &err) != 0)
		return fail_err(&err);
	for (; optind < argc && r == EXIT_OK; optind++)
		r = compile_one(argv[optind]);
	return r;
}

int
newaliases_main(int argc UNUSED, char **argv UNUSED)
{
	struct err err = ERR_INIT;

	if (instance_load(&err) != 0)
		return fail_err(&err);
	return compile_one("aliases");
}
