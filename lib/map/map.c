/*
 * map.c - names of tables, and the way to their types.
 */
#include "map/map.h"

#include "base/field.h"

#include <fcntl.h>

/* TO ADD A TYPE: write map_NAME.c, declare it in map.h, add it here. */
static const struct map_type *const types[] = {
	&map_type_text,
	&map_type_cdb,
	&map_type_inline,
	&map_type_sqlite,
	&map_type_pgsql,
	&map_type_mysql,
	&map_type_ldap,
	&map_type_lmdb,
	&map_type_oauth,
	&map_type_jwks,
	&map_type_refresh,
};

struct map {
	const struct map_type *type;
	void *self;
	char *spec;
	char *path;		/* NULL where the type has no file */
	struct stat st;		/* of what is open */
};

static char *conf_dir;

void
map_set_dir(const char *dir)
{
	free(conf_dir);
	conf_dir = dir != NULL && *dir != '\0' ? xstrdup(dir) : NULL;
}

static int
unknown_type(struct slice type, const char *spec, struct err *err)
{
	const char *names[ARRAY_LEN(types) + 1] = { NULL }, *near;
	struct str known = STR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++) {
		names[i] = types[i]->name;
		str_addf(&known, " %s", names[i]);
	}
	near = nearest_name(names, type);
	if (near != NULL)
		err_temp(err, "4.3.5", "%s: no such type of table; did you "
		    "mean %s? known are:%s", spec, near, known.s);
	else
		err_temp(err, "4.3.5", "%s: no such type of table; "
		    "known are:%s", spec, known.s);
	str_free(&known);
	return -1;
}

static int
parse_spec(const char *spec, const struct map_type **type_r,
    const char **name_r, struct err *err)
{
	struct slice s = slice_of(spec), type;
	size_t i;

	type = slice_sub(s, 0, slice_find(s, ':'));
	if (type.n == s.n)
		return err_temp(err, "4.3.5", "\"%s\": expected TYPE:NAME, "
		    "such as cdb:%s", spec, *spec ? spec : "users");
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (slice_eqz(type, types[i]->name))
			break;
	if (i == ARRAY_LEN(types))
		return unknown_type(type, spec, err);
	*type_r = types[i];
	*name_r = spec + type.n + 1;
	if (types[i]->suffix != NULL && **name_r == '\0')
		return err_temp(err, "4.3.5", "\"%s\": expected the name of "
		    "a file after the colon", spec);
	return 0;
}

int
map_check(const char *spec, struct err *err)
{
	const struct map_type *type;
	const char *name;

	return parse_spec(spec, &type, &name, err);
}

static void
add_path(struct str *out, const struct map_type *type, const char *name)
{
	if (name[0] != '/' && conf_dir != NULL)
		str_addf(out, "%s/", conf_dir);
	str_adds(out, name);
	if (!slice_ends(slice_of(name), type->suffix))
		str_adds(out, type->suffix);
}

int
map_path(const char *spec, struct str *out, struct err *err)
{
	const struct map_type *type;
	const char *name;

	if (parse_spec(spec, &type, &name, err) != 0)
		return -1;
	if (type->suffix != NULL)
		add_path(out, type, name);
	return 0;
}

int
map_open(const char *spec, struct map **map_r, struct err *err)
{
	const struct map_type *type;
	struct str path = STR_INIT;
	const char *name;
	struct map *m;

	*map_r = NULL;
	if (parse_spec(spec, &type, &name, err) != 0)
		return -1;
	m = xcalloc(1, sizeof(*m));
	m->type = type;
	m->spec = xstrdup(spec);
	if (type->suffix != NULL) {
		add_path(&path, type, name);
		m->path = str_steal(&path);
		name = m->path;
	}
	if (type->open(name, &m->self, &m->st, err) != 0) {
		map_close(m);
		return -1;
	}
	*map_r = m;
	return 0;
}

int
map_get(struct map *m, const char *key, struct str *out, struct err *err)
{
	char folded[MAP_KEY_MAX];
	size_t n = strlen(key), i;

	if (m->type->exact)
		return n == 0 || n > MAP_TOKEN_MAX ? 0 : m->type->get(m->self,
		    (struct slice){ key, n }, out, err);
	if (n == 0 || n > sizeof(folded))
		return 0;
	for (i = 0; i < n; i++)
		folded[i] = (char)ascii_lower((unsigned char)key[i]);
	return m->type->get(m->self, (struct slice){ folded, n }, out, err);
}

int
map_changed(struct map *m)
{
	const struct stat *a = &m->st;
	struct stat b;

	if (m->path == NULL)
		return 0;
	if (stat(m->path, &b) != 0)
		return -1;
	/* the change time too: a new file may get the old one's inode number
	 * and, as the compiler copies it, its modification time */
	return a->st_dev != b.st_dev || a->st_ino != b.st_ino ||
	    a->st_size != b.st_size ||
	    a->st_mtim.tv_sec != b.st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != b.st_mtim.tv_nsec ||
	    a->st_ctim.tv_sec != b.st_ctim.tv_sec ||
	    a->st_ctim.tv_nsec != b.st_ctim.tv_nsec;
}

int
map_each(struct map *m, map_each_fn *fn, void *ctx, struct err *err)
{
	if (m->type->each == NULL)
		return err_temp(err, "4.3.5", "%s: a table of type %s can "
		    "not be listed", m->spec, m->type->name);
	return m->type->each(m->self, fn, ctx, err);
}

bool
map_can_list(const struct map *m)
{
	return m->type->each != NULL;
}

const char *
map_spec(const struct map *m)
{
	return m->spec;
}

void
map_close(struct map *m)
{
	if (m == NULL)
		return;
	if (m->self != NULL)
		m->type->close(m->self);
	free(m->path);
	free(m->spec);
	free(m);
}

int
map_open_file(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_sys(err, "cannot open table %s", path);
	if (fstat(fd, st) != 0) {
		err_sys(err, "cannot look at table %s", path);
		close_fd(fd);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		close_fd(fd);
		return err_temp(err, "4.3.5", "table %s is not a file", path);
	}
	return fd;
}
