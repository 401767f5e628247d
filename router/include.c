/*
 * include.c - files of addresses that aliases name.
 *
 * A file is read again when it is another one or was changed, and remembered
 * meanwhile.  Who may write it may send mail as the list: it belongs to root or
 * whom the configuration belongs to, and the world can not write it.  It lies
 * in one of include_dirs; anything else is not read, whatever a table says.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "conf/common.h"
#include "map/alias.h"
#include "router.h"

enum { FILES = 64 };

static struct include {
	char *path;
	char *text;		/* as the value of an alias */
	size_t len;
	struct stat st;
	uint64_t used;
} files[FILES];
static uint64_t uses;
static struct strlist dirs;
static struct arena dirs_arena;

void
include_init(void)
{
	const char *dir;
	size_t i;

	dirs.n = 0;
	for (i = 0; i < conf.include_dirs.n; i++) {
		dir = conf.include_dirs.v[i];
		strlist_add(&dirs, &dirs_arena, dir[0] == '/' ? dir :
		    common_path(common.conf_dir, dir));
		jail_path(dirs.v[i], PATH_READ);
	}
}

static void
forget(struct include *f)
{
	free(f->path);
	free(f->text);
	*f = (struct include){ 0 };
}

void
include_forget(void)
{
	size_t i;

	for (i = 0; i < FILES; i++)
		forget(&files[i]);
}

static int
check_path(const char *path, struct err *err)
{
	size_t i, n;
	const char *dir;

	for (i = 0; i < dirs.n; i++) {
		dir = dirs.v[i];
		n = strlen(dir);
		while (n > 1 && dir[n - 1] == '/')
			n--;
		if (strncmp(path, dir, n) == 0 && path[n] == '/' &&
		    strstr(path, "/../") == NULL)
			return 0;
	}
	return err_temp(err, "4.3.5", "%s is in none of include_dirs", path);
}

static int
check_file(const char *path, const struct stat *st, struct err *err)
{
	struct stat conf_st;

	if (!S_ISREG(st->st_mode))
		return err_temp(err, "4.3.5", "%s is no file", path);
	if ((st->st_mode & S_IWOTH) != 0)
		return err_temp(err, "4.3.5", "%s: everybody may write it",
		    path);
	if (st->st_uid != 0 && (stat(common.conf_dir, &conf_st) < 0 ||
	    conf_st.st_uid != st->st_uid))
		return err_temp(err, "4.3.5", "%s belongs to uid %u: expected "
		    "root, or the owner of %s", path, (unsigned)st->st_uid,
		    common.conf_dir);
	if ((uint64_t)st->st_size > conf.include_size)
		return err_temp(err, "4.3.5", "%s: more than include_size",
		    path);
	return 0;
}

/* "Ann <ann@example.com>, <bob@example.com>": what the brackets hold */
static void
add_bracketed(struct slice line, struct str *out)
{
	struct slice part;

	while (slice_cut(&line, '<', &part), line.n > 0) {
		slice_cut(&line, '>', &part);
		str_addf(out, "%.*s,", (int)part.n, part.p);
	}
}

static void
parse(struct slice text, struct str *out)
{
	struct slice line;

	while (slice_cut(&text, '\n', &line)) {
		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (slice_find(line, '<') < line.n)
			add_bracketed(line, out);
		else
			str_addf(out, "%.*s,", (int)line.n, line.p);
	}
}

/* 0, or -1: it is not what fstat said */
static int
read_raw(int fd, char *p, size_t size)
{
	size_t done = 0;
	ssize_t n = 1;

	while (n > 0 && done <= size) {
		n = pread(fd, p + done, size + 1 - done, (off_t)done);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	return n == 0 && done == size && memchr(p, '\0', size) == NULL ?
	    0 : -1;
}

static int
read_list(struct include *f, const char *path, int fd, struct err *err)
{
	struct str text = STR_INIT;
	size_t size = (size_t)f->st.st_size;
	char *raw = xmalloc(size + 1);

	if (read_raw(fd, raw, size) < 0) {
		free(raw);
		return err_temp(err, "4.3.0", "%s can not be read, changes, "
		    "or is no text", path);
	}
	parse((struct slice){ raw, size }, &text);
	free(raw);
	f->path = xstrdup(path);
	f->len = text.len;
	f->text = str_steal(&text);
	return 0;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* where it is, or the place of the one that was not used for longest */
static struct include *
slot_of(const char *path)
{
	struct include *oldest = &files[0];
	size_t i;

	for (i = 0; i < FILES; i++) {
		if (files[i].path != NULL &&
		    strcmp(files[i].path, path) == 0)
			return &files[i];
		if (files[i].used < oldest->used)
			oldest = &files[i];
	}
	return oldest;
}

static int
load(const char *path, int fd, struct include **f_r, struct err *err)
{
	struct include *f = slot_of(path);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "%s", path);
	if (check_file(path, &st, err) < 0)
		return -1;
	if (f->path == NULL || strcmp(f->path, path) != 0 ||
	    !same_file(&f->st, &st)) {
		forget(f);
		f->st = st;
		if (read_list(f, path, fd, err) < 0)
			return -1;
	}
	f->used = ++uses;
	*f_r = f;
	return 0;
}

int
include_get(const char *path, struct slice *text_r, struct err *err)
{
	struct include *f = NULL;
	int fd, r;

	if (check_path(path, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "%s", path);
	r = load(path, fd, &f, err);
	close(fd);
	if (r == 0)
		*text_r = (struct slice){ f->text, f->len };
	return r;
}
