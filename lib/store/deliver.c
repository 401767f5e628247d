/*
 * deliver.c - a message into new/.  Invariant: a name appears in new/ only
 * by link(2) of a file that is complete and on the disk: the content file
 * itself, or a copy in tmp/.  So a message is never seen half written, and
 * EEXIST means that this very delivery was made before.  Whether it survived
 * a power cut is looked at before it counts (confirm); what did not is replaced
 * by an exchange of names, so that a mailbox program that moves it meanwhile
 * never leaves two.
 */
#include <fcntl.h>

#include "store/dir.h"
#include "store/name.h"
#include "store/store.h"

enum { COPY_CHUNK = 128 * 1024, CONFIRM_TRIES = 3 };

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
	/* what has no name is not there */
	c->linkable = c->path != NULL && st.st_nlink > 0 &&
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

static char buf[COPY_CHUNK];

ssize_t
store_content_pread(const struct store_content *c, char *to, size_t n,
    uint64_t at)
{
	if (at < c->head_len) {
		n = MIN(n, c->head_len - (size_t)at);
		memcpy(to, c->head + at, n);
		return (ssize_t)n;
	}
	return pread(c->fd, to, n, (off_t)(at - c->head_len + c->skip));
}

int
store_content_copy(const struct store_content *c, int to, bool sync)
{
	if (full_write(to, c->head, c->head_len) < 0 || full_copy(c->fd,
	    c->skip, c->size - c->head_len, to) < 0)
		return -1;
	return sync ? fsync(to) : 0;
}

/* below the mail root, where files are shared, as read-only as the content */
static int
copy_to(int tmp, const char *name, const struct store_content *c, bool sync)
{
	mode_t mode = c->path != NULL ? 0440 : 0600;
	int fd, r, e;

	fd = dir_open(tmp, name, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0 && errno == EEXIST && unlinkat(tmp, name, 0) == 0)
		/* of an earlier process of this number */
		fd = dir_open(tmp, name, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return -1;
	r = store_content_copy(c, fd, sync);
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

/* where a delivery goes */
struct place {
	struct store_batch *b;
	const struct store_content *c;
	const struct store_slot *slot;
	int new;
	dev_t dev;		/* of new */
	bool covered;		/* somebody else syncs it */
};

/* a copy in tmp/, or with `link` the content itself if that can be; its name
 * there and the descriptor of tmp/, or -1 */
static int
make_tmp(const struct place *p, const char *name, bool link,
    struct str *tmp_name, struct err *err)
{
	const struct store_content *c = p->c;
	int tmp = open_sub(p->b, p->slot->home, "tmp", err);

	if (tmp < 0)
		return -1;
	str_addf(tmp_name, "%s.%d", name, (int)getpid());
	if (link && c->linkable) {
		unlinkat(tmp, tmp_name->s, 0);
		if (linkat(c->dir, c->path, tmp, tmp_name->s, 0) == 0)
			return tmp;
	}
	if (copy_to(tmp, tmp_name->s, c, !p->covered) == 0)
		return tmp;
	err_sys(err, "write %s/%s/Maildir/tmp", p->b->st->path,
	    p->slot->home);
	close(tmp);
	return -1;
}

/* 1, 0 it is there, -1.  One rename where the file system can do it without
 * taking another's place. */
static int
move_in(const struct place *p, int tmp, const char *from, const char *name,
    struct err *err)
{
	int r = renameat2(tmp, from, p->new, name, RENAME_NOREPLACE);

	if (r < 0 && errno == EINVAL)
		r = linkat(tmp, from, p->new, name, 0);
	else if (r == 0)
		return 1;
	if (r == 0 || errno == EEXIST)
		r = r == 0;
	else
		err_sys(err, "link in %s/%s/Maildir", p->b->st->path,
		    p->slot->home);
	unlinkat(tmp, from, 0);
	return r;
}

static int
copy_in(const struct place *p, const char *name, struct err *err)
{
	struct str tmp_name = STR_INIT;
	int tmp = make_tmp(p, name, false, &tmp_name, err), r = -1;

	if (tmp >= 0) {
		r = move_in(p, tmp, tmp_name.s, name, err);
		close(tmp);
	}
	str_free(&tmp_name);
	return r;
}

static bool
copy_helps(int e)
{
	return e == EXDEV || e == EPERM || e == EMLINK || e == EACCES ||
	    e == EOPNOTSUPP || e == ENOENT;
}

struct find {
	struct slice unique;
	struct str *name;
};

static int
is_it(void *ctx, const char *name, int type)
{
	struct find *f = ctx;
	struct slice s = slice_of(name), unique = f->unique;

	(void)type;
	if (s.n < unique.n || memcmp(s.p, unique.p, unique.n) != 0 ||
	    (s.n > unique.n && s.p[unique.n] != ',' &&
	    s.p[unique.n] != ':'))
		return 0;
	str_adds(f->name, name);
	return 1;
}

/* 1 and "new/NAME" or "cur/NAME", 0, -1 */
static int
find(struct store *st, const struct store_slot *slot, struct str *found,
    struct err *err)
{
	static const char *const subs[] = { "new", "cur" };
	struct find f = { slice_of(slot->unique), found };
	struct str path = STR_INIT;
	size_t i;
	int r = 0;

	/* new, cur and new again: what is moved meanwhile is not missed */
	for (i = 0; i < 3 && r == 0; i++) {
		str_reset(&path);
		str_reset(found);
		str_addf(found, "%s/", subs[i % 2]);
		sub_path(&path, slot->home, subs[i % 2]);
		r = dir_each(st->fd, path.s, false, is_it, &f, err);
	}
	str_free(&path);
	return r;
}

int
store_has(struct store *st, const struct store_slot *slot, struct err *err)
{
	struct str found = STR_INIT;
	int r = find(st, slot, &found, err);

	str_free(&found);
	return r;
}

static bool
same_file(int fd, const struct place *p)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(p->c->fd, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* is the file the content, or as good? */
static bool
is_whole(int fd, const struct place *p)
{
	static char other[COPY_CHUNK];
	struct stat a;
	uint64_t at = 0;
	ssize_t n;

	if (p->slot->doubt)
		return false;
	if (same_file(fd, p))
		return true;
	if (fstat(fd, &a) < 0 || (uint64_t)a.st_size != p->c->size)
		return false;
	for (; at < p->c->size; at += (uint64_t)n) {
		n = store_content_pread(p->c, other, sizeof(other), at);
		if (n <= 0 || pread(fd, buf, (size_t)n, (off_t)at) != n ||
		    memcmp(buf, other, (size_t)n) != 0)
			return false;
	}
	return true;
}

/* The name stays, whoever may move it; 1 done, 0 it is not there any more.
 * What is the content itself is replaced by a copy, for an exchange with the
 * same file would write nothing. */
static int
replace(const struct place *p, int maildir, const char *found, int fd,
    struct err *err)
{
	struct str tmp_name = STR_INIT;
	int tmp = make_tmp(p, strchr(found, '/') + 1, !same_file(fd, p),
	    &tmp_name, err);
	int r = -1;

	if (tmp >= 0) {
		r = renameat2(tmp, tmp_name.s, maildir, found,
		    RENAME_EXCHANGE);
		if (r < 0 && errno == EINVAL)	/* not known here */
			r = renameat(tmp, tmp_name.s, maildir, found);
		if (r < 0 && errno != ENOENT)
			err_sys(err, "replace in %s/%s/Maildir",
			    p->b->st->path, p->slot->home);
		else
			r = r == 0;
		unlinkat(tmp, tmp_name.s, 0);
		close(tmp);
	}
	str_free(&tmp_name);
	return r;
}

/* what is there: 0 it is the message, 2 it was replaced by it, -1; 1 it has
 * gone meanwhile */
static int
confirm_one(const struct place *p, const char *found, struct err *err)
{
	struct str path = STR_INIT;
	int maildir, fd, r;

	str_addf(&path, "%s%sMaildir", p->slot->home,
	    p->slot->home[0] ? "/" : "");
	maildir = dir_open(p->b->st->fd, path.s, O_RDONLY | O_DIRECTORY, 0);
	fd = maildir < 0 ? -1 : dir_open(maildir, found,
	    O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0 && errno == ENOENT)
		r = 1;
	else if (fd < 0)
		r = err_sys(err, "open %s/%s/%s", p->b->st->path, path.s,
		    found);
	else if (is_whole(fd, p))
		r = 0;
	else if ((r = replace(p, maildir, found, fd, err)) >= 0)
		r = r == 1 ? 2 : 1;
	close_fd(fd);
	close_fd(maildir);
	str_free(&path);
	return r;
}

static int
confirm(const struct place *p, struct str *found, struct err *err)
{
	int i, r = 1, there = 1;

	for (i = 0; i < CONFIRM_TRIES && r == 1 && there == 1; i++) {
		r = confirm_one(p, found->s, err);
		if (r == 1)
			there = find(p->b->st, p->slot, found, err);
	}
	/* whoever owns the mailbox took it away: it was delivered */
	return there < 0 ? -1 : r == 1 ? 0 : r;
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

/* its directory now belongs to the batch.  0 or -1 */
static int
batch_touch(const struct place *p, struct err *err)
{
	struct store_batch *b = p->b;
	const char *home = p->slot->home;
	int r = 0;

	if (p->covered) {
		close(p->new);
		return 0;
	}
	if (b->n < BATCH_FSYNC ||
	    (!batch_has_dev(b, p->dev) && b->n < BATCH_DIRS)) {
		b->many |= b->n >= BATCH_FSYNC;
		b->dir[b->n++] = (struct batch_dir){ xstrdup(home), p->new,
			p->dev };
		return 0;
	}
	b->many = true;
	if (!batch_has_dev(b, p->dev) && syncfs(p->new) < 0)
		r = err_sys(err, "sync %s", home);
	close(p->new);
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

/* 1, 0 there is something of that name, -1 */
static int
put_in(const struct place *p, const char *name, struct err *err)
{
	const struct store_content *c = p->c;

	if (c->linkable) {
		if (linkat(c->dir, c->path, p->new, name, 0) == 0)
			return 1;
		if (errno == EEXIST)
			return 0;
		if (!copy_helps(errno))
			return err_sys(err, "link in %s/%s/Maildir/new",
			    p->b->st->path, p->slot->home);
	}
	return copy_in(p, name, err);
}

/* HOME/Maildir/new, which is open where the batch knows it: 0 or -1 */
static int
find_place(struct place *p, const struct batch_dir *known, struct err *err)
{
	struct stat st;

	if (known != NULL) {
		p->new = known->fd;
		p->dev = known->dev;
	} else {
		p->new = open_sub(p->b, p->slot->home, "new", err);
		if (p->new < 0)
			return -1;
		if (fstat(p->new, &st) < 0) {
			err_sys(err, "stat %s", p->slot->home);
			close(p->new);
			return -1;
		}
		p->dev = st.st_dev;
	}
	p->covered = p->b->synced != 0 && p->dev == p->b->synced;
	return 0;
}

int
store_deliver(struct store_batch *b, const struct store_content *c,
    const struct store_slot *slot, struct err *err)
{
	struct batch_dir *known = batch_find(b, slot->home);
	struct place p = { .b = b, .c = c, .slot = slot };
	struct str name = STR_INIT, found = STR_INIT;
	int r = 0;

	if (find_place(&p, known, err) < 0)
		return -1;
	mail_name_new(&name, slot->unique, c->size, c->wsize);
	if (slot->again)
		r = find(b->st, slot, &found, err);
	if (r == 1) {
		r = confirm(&p, &found, err);
		/* an earlier attempt may have ended before its sync */
		b->many = true;
	} else if (r == 0 && (r = put_in(&p, name.s, err)) == 0) {
		str_reset(&found);
		str_addf(&found, "new/%s", name.s);
		r = confirm(&p, &found, err);
	}
	str_free(&name);
	str_free(&found);
	if (known == NULL && r >= 0 && batch_touch(&p, err) < 0)
		return -1;
	if (known == NULL && r < 0)
		close(p.new);
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
