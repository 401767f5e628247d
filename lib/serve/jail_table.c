/*
 * jail_table.c - what a table of the configuration needs of the jail.
 */
#include "map/map.h"
#include "serve/jail.h"

void
jail_dir_of(const char *path)
{
	struct str dir = STR_INIT;
	size_t slash;

	str_adds(&dir, path);
	slash = slice_rfind(slice_str(&dir), '/');
	if (slash < dir.len) {
		str_trunc(&dir, MAX(slash, (size_t)1));
		jail_path(dir.s, PATH_READ);
	}
	str_free(&dir);
}

int
jail_table(const char *spec, struct err *err)
{
	struct str path = STR_INIT;
	int r = spec[0] != '\0' ? map_path(spec, &path, err) : 0;

	if (r == 0 && path.len > 0)
		jail_dir_of(path.s);
	str_free(&path);
	return r < 0 ? -1 : 0;
}
