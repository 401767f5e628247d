/*
 * deliver.c - a message into new/.  Invariant: a name appears in new/ only
 * by link(2) of a file that is complete and on the disk: the content file
 * itself, or a copy in tmp/ that was synced.  So a message is never seen half
 * written, and EEXIST means that this very delivery was made before.
 */
#include <fcntl.h>

#include "store/dir.h"
#include "store/name.h"
#include "store/store.h"

enum { COPY_CHUNK = 128 * 1024 };

int
store_content_check(struct store_content *c, struct err *err)
{
	struct stat st, at;

	c->linkable = false;
	if (fstat(c->fd, &st) < 0)
		return err_sys(err, "content");
	if (!S_ISREG(st.st_mode))
		return err_temp(err, "4.3.0", "content is not a file");
	if ((uint64_t)st.st_size != c->size)
		return err_temp(err, "4.3.0", "content has %lld bytes, "
		    "not %llu", (long long)st.st_size,
		    (unsigned long long)c->size);
	c->linkable = c->path != NULL &&
	    fstatat(c->dir, c->path, &at, AT_SYMLINK_NOFOLLOW) == 0 &&
	    at.st_dev == st.st_dev && at.st_ino == st.st_ino;
	return 0;
}

static void
sub_path(struct str *out, const char *home, const char *sub)
{
	str_addf(out, "%s%sMaildir/%s", home, home[0] ? "/" : "", sub);
}

/* HOME/Maildir/SUB opened for reading, made where it is missing: fd or -1 */
static int
open_sub(struct store_batch *b, const char *home, const char *sub,
    struct err *err)
{
	struct str path = STR_INIT;
	int fd;

	sub_path(&path, home, sub);
	fd = dir_open(b->st->fd, path.s, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOENT && store_make(b->st, home, b, err) == 0)
		fd = dir_open(b->st->fd, path.s, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		err_sys(err, "open %s/%s", b->st->path, path.s);
	str_free(&path);
	return fd;
}

static int
copy_bytes(int from, int to, uint64_t size)
{
	static char buf[COPY_CHUNK];
	off_t at = 0;
	ssize_t r;

	while ((uint64_t)at < size) {
		r = pread(from, buf, sizeof(buf), at);
		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			errno = EIO;
		if (r <= 0 || full_write(to, buf, (size_t)r) < 0)
			return -1;
		at += r;
	}
	return fsync(to);
}

static int
copy_to(int tmp, const char *name, const struct store_content *c)
{
	int fd, r, e;

	fd = dir_open(tmp, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno == EEXIST && unlinkat(tmp, name, 0) == 0)
		/* of an earlier process of this number */
		fd = dir_open(tmp, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -1;
	r = copy_bytes(c->fd, fd, c->size);
	e = errno;
	if (close(fd) < 0 && r == 0) {
		r = -1;
		e = errno;
	}
	if (r < 0)
		unlinkat(tmp, name, 0);
	errno = e;
	return r;
}

/* 1, 0 it is there, -1 */
static int
copy_in(struct store_batch *b, const struct store_content *c,
    const char *home, int new, const char *name, struct err *err)
{
	struct str tmp_name = STR_INIT;
	int tmp = open_sub(b, home, "tmp", err), r;

	if (tmp < 0)
		return -1;
	str_addf(&tmp_name, "%s.%d", name, (int)getpid());
	r = copy_to(tmp, tmp_name.s, c);
	if (r < 0) {
		err_sys(err, "write %s/%s/Maildir/tmp", b->st->path, home);
	} else {
		r = linkat(tmp, tmp_name.s, new, name, 0) == 0 ? 1 :
		    errno == EEXIST ? 0 :
		    err_sys(err, "link in %s/%s/Maildir", b->st->path, home);
		unlinkat(tmp, tmp_name.s, 0);
	}
	close(tmp);
	str_free(&tmp_name);
	return r;
}

static bool
copy_helps(int e)
{
	return e == EXDEV || e == EPERM || e == EMLINK || e == EACCES ||
	    e == EOPNOTSUPP || e == ENOENT;
}

struct find { struct slice unique; };

static int
is_it(void *ctx, const char *name, int type)
{
	struct slice unique = ((struct find *)ctx)->unique;
	struct slice s = slice_of(name);

	(void)type;
	return s.n >= unique.n && memcmp(s.p, unique.p, unique.n) == 0 &&
	    (s.n == unique.n || s.p[unique.n] == ',' ||
	    s.p[unique.n] == ':');
}

int
store_has(struct store *st, const struct store_slot *slot, struct err *err)
{
	static const char *const subs[] = { "new", "cur" };
	struct find f = { slice_of(slot->unique) };
	struct str path = STR_INIT;
	size_t i;
	int r = 0;

	/* new, cur and new again: what is moved meanwhile is not missed */
	for (i = 0; i < 3 && r == 0; i++) {
		str_reset(&path);
		sub_path(&path, slot->home, subs[i % 2]);
		r = dir_each(st->fd, path.s, false, is_it, &f, err);
	}
	str_free(&path);
	return r;
}

static struct batch_dir *
batch_find(struct store_batch *b, const char *home)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (strcmp(b->dir[i].home, home) == 0)
			return &b->dir[i];
	return NULL;
}

static bool
batch_has_dev(const struct store_batch *b, dev_t dev)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->dir[i].dev == dev)
			return true;
	return false;
}

/* fd now belongs to the batch.  0 or -1 */
static int
batch_touch(struct store_batch *b, const char *home, int fd, struct err *err)
{
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0) {
		close_fd(fd);
		return err_sys(err, "stat %s", home);
	}
	if (b->n < BATCH_FSYNC ||
	    (!batch_has_dev(b, st.st_dev) && b->n < BATCH_DIRS)) {
		b->many |= b->n >= BATCH_FSYNC;
		b->dir[b->n++] = (struct batch_dir){ xstrdup(home), fd,
			st.st_dev };
		return 0;
	}
	b->many = true;
	if (!batch_has_dev(b, st.st_dev) && syncfs(fd) < 0)
		r = err_sys(err, "sync %s", home);
	close(fd);
	return r;
}

void
store_batch_init(struct store_batch *b, struct store *st)
{
	memset(b, 0, sizeof(*b));
	b->st = st;
}

int
store_sync(struct store_batch *b, struct err *err)
{
	size_t i, k;
	int r = 0;

	for (i = 0; i < b->n && r == 0; i++) {
		if (!b->many && fsync(b->dir[i].fd) < 0)
			r = err_sys(err, "sync %s", b->dir[i].home);
		for (k = 0; k < i && b->dir[k].dev != b->dir[i].dev; k++)
			;
		if (b->many && k == i && syncfs(b->dir[i].fd) < 0)
			r = err_sys(err, "sync the file system of %s",
			    b->dir[i].home);
	}
	for (i = 0; i < b->n; i++) {
		close(b->dir[i].fd);
		free(b->dir[i].home);
	}
	store_batch_init(b, b->st);
	return r;
}

int
store_deliver(struct store_batch *b, const struct store_content *c,
    const struct store_slot *slot, struct err *err)
{
	struct batch_dir *known = batch_find(b, slot->home);
	struct str name = STR_INIT;
	int new, r;

	new = known ? known->fd : open_sub(b, slot->home, "new", err);
	if (new < 0)
		return -1;
	mail_name_new(&name, slot->unique, c->size, c->wsize);
	r = slot->again ? store_has(b->st, slot, err) : 0;
	if (r != 0) {
		/* an earlier attempt may have ended before its sync */
		b->many = true;
		r = r > 0 ? 0 : -1;
	} else {
		errno = EXDEV;
		if (c->linkable && linkat(c->dir, c->path, new, name.s, 0) == 0)
			r = 1;
		else if (errno == EEXIST)
			r = 0;
		else if (copy_helps(errno))
			r = copy_in(b, c, slot->home, new, name.s, err);
		else
			r = err_sys(err, "link in %s/%s/Maildir/new",
			    b->st->path, slot->home);
	}
	str_free(&name);
	if (known == NULL && r >= 0 &&
	    batch_touch(b, slot->home, new, err) < 0)
		return -1;
	if (known == NULL && r < 0)
		close(new);
	return r;
}

void
store_undo(struct store *st, const struct store_content *c,
    const struct store_slot *slot)
{
	struct str path = STR_INIT;
	int dir;

	sub_path(&path, slot->home, "new");
	dir = dir_open(st->fd, path.s, O_PATH | O_DIRECTORY, 0);
	str_reset(&path);
	mail_name_new(&path, slot->unique, c->size, c->wsize);
	if (dir >= 0)
		unlinkat(dir, path.s, 0);
	close_fd(dir);
	str_free(&path);
}
