/*
 * maps.c - which tables an instance has, and compiling them.
 */
#include "conf/common.h"
#include "ctl.h"
#include "map/map.h"
#include "map/users.h"
#include "maps.h"

const struct map_file map_files[] = {
	{ "users", users_stale, users_compile },
	{ "aliases", aliases_stale, aliases_compile },
	{ "domains", domains_stale, domains_compile },
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

/* is it a mailbox that gets mail? */
static int
is_mailbox(void *ctx UNUSED, struct slice key, struct slice value)
{
	struct arena a = { 0 };
	struct user_record u;
	struct err err = ERR_INIT;
	int r;

	r = user_key_valid(key) && user_parse(value, &u, &a, &err) == 0 &&
	    !u.disabled;
	arena_free(&a);
	return r;
}

/* no table: no row; one that can not be read: nobody knows */
static int
any_row(const char *conf_dir, const char *name, map_each_fn *fn)
{
	const char *path = arena_printf(&ctl_arena, "%s/%s", conf_dir, name);
	struct err err = ERR_INIT;
	struct map *m;
	int r;

	if (access(path, R_OK) != 0)
		return errno == ENOENT ? 0 : -1;
	if (map_open(arena_printf(&ctl_arena, "text:%s", path), &m,
	    &err) != 0)
		return -1;
	r = map_each(m, fn, NULL, &err);
	map_close(m);
	return r;
}

static int
is_postmaster(void *ctx UNUSED, struct slice key, struct slice value UNUSED)
{
	return slice_eqz(key, "postmaster") ||
	    slice_starts(key, "postmaster@");
}

void
warn_postmaster(const char *conf_dir)
{
	if (common.postmaster[0] != '\0' ||
	    any_row(conf_dir, "users", is_mailbox) != 0 ||
	    any_row(conf_dir, "aliases", is_postmaster) != 0)
		return;
	fprintf(stderr, "postrider: warning: nobody gets mail for postmaster "
	    "and abuse, and who sends it is told to come again (451): add a "
	    "mailbox (postrider user add), or name one by \"postmaster\" in "
	    "%s/common.conf\n", conf_dir);
}
