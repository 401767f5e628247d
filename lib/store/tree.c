/*
 * tree.c - opening a root, its lock, and finding folders.  No path is
 * resolved but below t->maildir through dir_open; names of directories come
 * from tree_dir alone and hold no slash.
 */
#include "store/tree_part.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "store/dir.h"
#include "store/quota.h"
#include "store/store.h"


int
tree_none(const char *name, struct err *err)
{
	return err_perm(err, "5.1.1", "no such mailbox: %.200s", name);
}

static int
open_maildir(struct tree *t, struct err *err)
{
	struct store_batch b;
	struct store st;
	int r;

	r = store_open(&st, t->home, err);
	if (r == 0) {
		store_batch_init(&b, &st);
		r = store_make(&st, "", &b, err);
		if (r == 0 && b.many)
			r = tree_sync(st.fd, ".", err) < 0 ||
			    tree_sync(st.fd, "Maildir", err) < 0 ? -1 : 0;
		if (r == 0 && store_maildir(&st, "", &t->maildir, err) != 1)
			r = -1;
	}
	if (r == 0 && (mkdirat(st.fd, ".index", 0700) == 0 ||
	    errno == EEXIST))
		t->index = dir_open(st.fd, ".index", O_PATH | O_DIRECTORY, 0);
	store_close(&st);
	return r;
}

/* an operation of another process was cut off */
static int
recover(struct tree *t, struct err *err)
{
	struct stat st;
	int fd;

	if (fstatat(t->maildir, TREE_WORK, &st, AT_SYMLINK_NOFOLLOW) == 0)
		tree_sweep(t, false);
	if (fstatat(t->maildir, TREE_JOURNAL, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	fd = tree_lock(t, err);
	close_fd(fd);
	return fd < 0 ? -1 : 0;
}

int
tree_open(struct tree *t, const char *home, uint64_t quota,
    const char *hostname, struct err *err)
{
	*t = (struct tree){ .home = xstrdup(home), .maildir = -1,
		.index = -1, .quota = quota, .hostname = hostname };
	if (open_maildir(t, err) == 0 && recover(t, err) == 0)
		return 0;
	tree_close(t);
	return -1;
}

void
tree_close(struct tree *t)
{
	close_fd(t->maildir);
	close_fd(t->index);
	free(t->home);
	*t = (struct tree){ .maildir = -1, .index = -1 };
}

int
tree_lock(struct tree *t, struct err *err)
{
	int fd = dir_open(t->maildir, TREE_LOCK, O_RDWR | O_CREAT, 0600);

	if (fd < 0 && errno == ENOENT &&
	    mkdirat(t->maildir, ".state", 0700) == 0)
		fd = dir_open(t->maildir, TREE_LOCK, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return err_sys(err, "open " TREE_LOCK);
	if (dir_lock(fd, TREE_LOCK, 2 * DIR_LOCK_MS, err) == 0 &&
	    tree_replay(t, err) == 0)
		return fd;
	close(fd);
	return -1;
}

void
tree_tell(int lock)
{
	/* any byte: what is seen is the write */
	if (lock >= 0 && pwrite(lock, ".", 1, 0) < 0)
		return;
}

int
tree_exists(struct tree *t, const char *name, struct err *err)
{
	struct str dir = STR_INIT;
	struct stat st;
	int r = tree_dir(name, &dir, err);

	if (r == 0)
		r = fstatat(t->maildir, dir.s, &st, AT_SYMLINK_NOFOLLOW) == 0
		    && S_ISDIR(st.st_mode);
	str_free(&dir);
	return r;
}

int
tree_place(struct tree *t, const char *name, struct mailbox_place *p,
    struct err *err)
{
	struct str dir = STR_INIT;
	int r = tree_dir(name, &dir, err);

	*p = (struct mailbox_place){ .dir = -1, .index = t->index,
		.maildir = t->maildir,
		/* Maildir++ does not count what is in there */
		.quota = strcmp(name, "Trash") == 0 ? 0 : t->quota,
		.hostname = t->hostname };
	if (r == 0) {
		p->dir = dir_open(t->maildir, dir.s, O_PATH | O_DIRECTORY, 0);
		if (p->dir < 0)
			r = errno == ENOENT || errno == ENOTDIR ||
			    errno == ELOOP ? tree_none(name, err) :
			    err_sys(err, "open folder %s", dir.s);
	}
	str_free(&dir);
	return r;
}

void
tree_place_end(struct mailbox_place *p)
{
	close_fd(p->dir);
	p->dir = -1;
}

int
tree_quota(struct tree *t, uint64_t *bytes_r, uint64_t *count_r,
    struct err *err)
{
	struct quota_use u;

	if (quota_used(t->maildir, t->quota, &u, err) < 0)
		return -1;
	*bytes_r = u.bytes;
	*count_r = u.count;
	return 0;
}
