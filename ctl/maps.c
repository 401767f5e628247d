/*
 * maps.c - which tables an instance has, and compiling them.
 */
#include "conf/common.h"
#include "ctl.h"
#include "map/users.h"
#include "maps.h"

const struct map_file map_files[] = {
	{ "users", users_stale, users_compile },
	{ "aliases", aliases_stale, aliases_compile },
	{ NULL, NULL, NULL }
};

static bool
there(const char *name)
{
	return access(common_path(common.conf_dir, name), F_OK) == 0;
}

int
map_file_compile(const struct map_file *f, bool quiet, struct err *err)
{
	size_t rows = 0;

	if (f->compile(common.conf_dir, &rows, err) != 0)
		return -1;
	if (!quiet)
		printf("%s: compiled, %zu rows\n", f->name, rows);
	return 0;
}

int
maps_compile(bool all, bool quiet, struct err *err)
{
	const struct map_file *f;
	int r;

	for (f = map_files; f->name != NULL; f++) {
		if (!there(f->name))
			continue;
		r = all ? 1 : f->stale(common.conf_dir, err);
		if (r < 0 || (r > 0 && map_file_compile(f, quiet, err) != 0))
			return -1;
	}
	return 0;
}
