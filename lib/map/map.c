/*
 * map.c - look-ups in one table or in several, and following their files.
 */
#include "map/map.h"

#include "base/log.h"
#include "map/spec.h"

#include <fcntl.h>

/* one table, and the next that is asked */
struct map {
	const struct map_type *type;
	void *self;		/* NULL: could not be opened, for `why' */
	char *spec;
	char *path;		/* NULL where the type has no file */
	struct stat st;		/* of what is open */
	struct err why;
	struct map *next;
};

/* opened by map_ahead, not yet taken */
static struct map *ahead;

/* what is open becomes that of the path: 0, or -1 and m is as it was */
static int
open_self(struct map *m, struct err *err)
{
	const char *name = m->path != NULL ? m->path :
	    strchr(m->spec, ':') + 1;
	struct stat st = { 0 };
	void *self = NULL;

	if (m->type->open(name, &self, &st, err) != 0)
		return -1;
	if (m->self != NULL)
		m->type->close(m->self);
	m->self = self;
	m->st = st;
	return 0;
}

static int
new_map(struct slice one, struct map **map_r, struct err *err)
{
	const struct map_type *type;
	struct str path = STR_INIT;
	const char *name;
	struct map *m;

	m = xcalloc(1, sizeof(*m));
	m->spec = slice_dup(one);
	*map_r = m;
	if (spec_parse(m->spec, &type, &name, err) != 0)
		return -1;
	m->type = type;
	if (type->suffix != NULL) {
		spec_path(&path, type, name);
		m->path = str_steal(&path);
	}
	return 0;
}

/* is its file another one?  1, 0, or -1 with errno */
static int
one_changed(const struct map *m)
{
	const struct stat *a = &m->st;
	struct stat b;

	if (m->self == NULL)
		return 1;
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

/* the one that was opened ahead, where it still is what its file is */
static struct map *
take_ahead(struct slice one)
{
	struct map **p, *m;

	for (p = &ahead; (m = *p) != NULL; p = &m->next) {
		if (!slice_eqz(one, m->spec))
			continue;
		*p = m->next;
		m->next = NULL;
		if (one_changed(m) == 0)
			return m;
		map_close(m);
		return NULL;
	}
	return NULL;
}

/* Where it is one of several it may stay closed: the others are asked. */
static int
open_one(struct slice one, bool alone, struct map **map_r, struct err *err)
{
	int r;

	*map_r = take_ahead(one);
	if (*map_r != NULL)
		return 0;
	r = new_map(one, map_r, err);
	if (r == 0) {
		r = open_self(*map_r, err);
		if (r != 0 && !alone) {
			(*map_r)->why = *err;
			return 0;
		}
	}
	if (r != 0) {
		map_close(*map_r);
		*map_r = NULL;
	}
	return r;
}

int
map_open(const char *spec, struct map **map_r, struct err *err)
{
	struct slice rest = slice_of(spec), one;
	struct map *first = NULL, **end = &first;

	*map_r = NULL;
	do {
		spec_next(&rest, &one);
		if (open_one(one, rest.n == 0 && first == NULL, end,
		    err) != 0) {
			map_close(first);
			return -1;
		}
		end = &(*end)->next;
	} while (rest.n > 0);
	*map_r = first;
	return 0;
}

void
map_ahead(const char *spec)
{
	struct slice rest = slice_of(spec), one;
	struct err err = ERR_INIT;
	struct map *m;

	do {
		spec_next(&rest, &one);
		if (new_map(one, &m, &err) != 0 || !m->type->ahead) {
			map_close(m);
		} else if (open_self(m, &err) != 0) {
			log_event(LOG_WARN, "table", KS("table", m->spec),
			    KERR(&err), KEND);
			map_close(m);
		} else {
			m->next = ahead;
			ahead = m;
		}
	} while (rest.n > 0);
}

static int
get_one(struct map *m, struct slice key, struct str *out, struct err *err)
{
	char folded[MAP_KEY_MAX];
	size_t i;

	if (m->self == NULL) {
		*err = m->why;
		return -1;
	}
	if (m->type->exact)
		return key.n > MAP_TOKEN_MAX ? 0 : m->type->get(m->self, key,
		    out, err);
	if (key.n > sizeof(folded))
		return 0;
	for (i = 0; i < key.n; i++)
		folded[i] = (char)ascii_lower((unsigned char)key.p[i]);
	return m->type->get(m->self, (struct slice){ folded, key.n }, out,
	    err);
}

static int
get(struct map *m, const char *key, bool part, struct str *out,
    struct err *err)
{
	struct slice k = slice_of(key);
	int r = 0;

	for (; m != NULL && r == 0 && k.n > 0; m = m->next)
		if (!part || !m->type->pattern)
			r = get_one(m, k, out, err);
	return r;
}

int
map_get(struct map *m, const char *key, struct str *out, struct err *err)
{
	return get(m, key, false, out, err);
}

int
map_get_part(struct map *m, const char *key, struct str *out,
    struct err *err)
{
	return get(m, key, true, out, err);
}

int
map_get_text(struct map *m, struct slice text, struct str *out,
    bool *gave_up, struct err *err)
{
	int r = 0;

	if (text.n > MAP_TEXT_MAX)
		return 0;
	for (; m != NULL && r == 0 && text.n > 0; m = m->next)
		if (m->self != NULL && m->type->text != NULL)
			r = m->type->text(m->self, text, out, gave_up, err);
		else
			r = get_one(m, text, out, err);
	return r;
}

bool
map_is_pattern(const struct map *m)
{
	for (; m != NULL; m = m->next)
		if (m->type->pattern)
			return true;
	return false;
}

int
map_changed(struct map *m)
{
	int r = 0, one, e = 0;

	for (; m != NULL && r <= 0; m = m->next) {
		one = one_changed(m);
		if (one < 0)
			e = errno;
		if (one != 0)
			r = one;
	}
	errno = e;
	return r;
}

int
map_reopen(struct map *m, bool *any_r, struct err *err)
{
	struct err why = ERR_INIT;
	int r = 0;

	*any_r = false;
	for (; m != NULL; m = m->next) {
		if (one_changed(m) == 0)
			continue;
		if (open_self(m, &why) == 0) {
			*any_r = true;
			continue;
		}
		if (m->self == NULL)
			m->why = why;
		if (r == 0)
			*err = why;
		r = -1;
	}
	return r;
}

int
map_each(struct map *m, map_each_fn *fn, void *ctx, struct err *err)
{
	int r = 0;

	for (; m != NULL && r == 0; m = m->next) {
		if (m->self == NULL) {
			*err = m->why;
			return -1;
		}
		if (m->type->each == NULL)
			return err_temp(err, "4.3.5", "%s: a table of type "
			    "%s can not be listed", m->spec, m->type->name);
		r = m->type->each(m->self, fn, ctx, err);
	}
	return r;
}

bool
map_can_list(const struct map *m)
{
	for (; m != NULL; m = m->next)
		if (m->type->each == NULL || m->type->pattern)
			return false;
	return true;
}

const char *
map_spec(const struct map *m)
{
	return m->spec;
}

void
map_close(struct map *m)
{
	struct map *next;

	for (; m != NULL; m = next) {
		next = m->next;
		if (m->self != NULL)
			m->type->close(m->self);
		free(m->path);
		free(m->spec);
		free(m);
	}
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
