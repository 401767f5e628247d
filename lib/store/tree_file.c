/*
 * tree_file.c - small files of the tree, replaced as a whole, and removing
 * directories.  A file's new text is on the disk before it gets its name.
 */
#include "store/tree_part.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/dir.h"

enum { NEST_MAX = 16 };		/* directories in each other, to remove */

int
tree_sync(int dir, const char *path, struct err *err)
{
	int fd = dir_open(dir, path, O_RDONLY | O_DIRECTORY, 0), r;

	if (fd < 0)
		return err_sys(err, "open %s", path);
	r = fsync(fd) < 0 ? err_sys(err, "sync %s", path) : 0;
	close(fd);
	return r;
}

static int
read_all(int fd, size_t max, struct str *out)
{
	size_t start = out->len;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		errno = EFBIG;
		return -1;
	}
	do {
		str_grow(out, 4096);
		n = read(fd, out->s + out->len, 4096);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			out->len += (size_t)n;
		if (out->len - start > max) {
			errno = EFBIG;
			return -1;
		}
	} while (n != 0);
	out->s[out->len] = '\0';
	return 0;
}

int
tree_read(int dir, const char *path, size_t max, struct str *out,
    struct err *err)
{
	int fd = dir_open(dir, path, O_RDONLY | O_NONBLOCK, 0), r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_sys(err, "open %s", path);
	r = read_all(fd, max, out) < 0 ? err_sys(err, "read %s", path) : 1;
	close(fd);
	return r;
}

static int
put(int dir, const char *path, const struct str *text)
{
	int fd, r;

	if (unlinkat(dir, path, 0) < 0 && errno != ENOENT)
		return -1;
	fd = dir_open(dir, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -1;
	r = full_write(fd, text->s, text->len) < 0 || fsync(fd) < 0 ? -1 : 0;
	close_fd(fd);
	return r;
}

int
tree_write(int dir, const char *path, const char *name,
    const struct str *text, struct err *err)
{
	struct str to = STR_INIT, tmp = STR_INIT;
	int r;

	str_addf(&to, "%s/%s", path, name);
	str_addf(&tmp, "%s.new", to.s);
	if (text->len == 0)
		r = unlinkat(dir, to.s, 0) < 0 && errno != ENOENT ? -1 : 0;
	else
		r = put(dir, tmp.s, text) < 0 ||
		    renameat(dir, tmp.s, dir, to.s) < 0 ? -1 : 0;
	if (r < 0) {
		err_sys(err, "write %s", to.s);
		unlinkat(dir, tmp.s, 0);
	} else {
		r = tree_sync(dir, path, err);
	}
	str_free(&to);
	str_free(&tmp);
	return r;
}

struct removal {
	int dir;
	struct str path;	/* the directory at work */
	int nest;
	bool removed;		/* something: read it again */
};

static void remove_in(struct removal *m);

static int
remove_entry(void *ctx, const char *name, int type)
{
	struct removal *m = ctx;
	size_t len = m->path.len;
	bool before = m->removed;

	str_addf(&m->path, "/%s", name);
	if (type != DT_DIR && unlinkat(m->dir, m->path.s, 0) == 0) {
		before = true;
	} else if (type == DT_DIR || type == DT_UNKNOWN) {
		if (m->nest++ < NEST_MAX)
			remove_in(m);
		m->nest--;
	}
	m->removed = m->removed || before;
	str_trunc(&m->path, len);
	return 0;
}

/* What can not be removed stays for the next one; m->removed says whether
 * all was. */
static void
remove_in(struct removal *m)
{
	/* m->path moves when it grows */
	char *path = xstrdup(m->path.s);
	struct err err = ERR_INIT;
	bool some;

	do {
		m->removed = false;
		(void)dir_each(m->dir, path, true, remove_entry, m, &err);
		some = m->removed;
		m->removed = unlinkat(m->dir, path, AT_REMOVEDIR) == 0;
	} while (some && !m->removed);
	free(path);
}

struct sweep { struct tree *t; bool new; };

static int
sweep_entry(void *ctx, const char *name, int type UNUSED)
{
	struct sweep *s = ctx;
	struct removal m = { .dir = s->t->maildir, .path = STR_INIT };

	if (strncmp(name, s->new ? "new-" : "gone-", s->new ? 4 : 5) != 0)
		return 0;
	str_addf(&m.path, TREE_WORK "/%s", name);
	remove_in(&m);
	str_free(&m.path);
	return 0;
}

void
tree_sweep(struct tree *t, bool new)
{
	struct sweep s = { t, new };
	struct err err = ERR_INIT;

	(void)dir_each(t->maildir, TREE_WORK, true, sweep_entry, &s, &err);
}
