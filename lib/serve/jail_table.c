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
	struct map_needs n;
	size_t i;
	int r;

	for (i = 0; spec[0] != '\0'; i++) {
		r = map_needs(spec, i, &n, err);
		if (r <= 0)
			return r;
		if (n.path.len > 0) {
			jail_need(JAIL_FILES);
			jail_dir_of(n.path.s);
		}
		if (n.local)
			jail_need(JAIL_UNIX);
		if (n.port != 0)
			jail_host(n.host, n.port);
		str_free(&n.path);
		if (i == 0)
			map_ahead(spec);
	}
	return 0;
}
