/*
 * tree_change.c - creating and deleting folders.  Invariant: a directory
 * .A.B appears and disappears by one rename, so that whoever is killed leaves
 * it whole or not there.
 */
#include "store/tree_part.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "store/dir.h"

enum { NOREPLACE = 1 };

int
tree_move(struct tree *t, const char *from, const char *to)
{
	return (int)syscall(SYS_renameat2, t->maildir, from, t->maildir, to,
	    NOREPLACE);
}

/* a new name in WORK, which is made: "new" or "gone" */
static int
work_name(struct tree *t, const char *what, struct str *out,
    struct err *err)
{
	if (mkdirat(t->maildir, TREE_WORK, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make " TREE_WORK);
	str_addf(out, TREE_WORK "/%s-%08x%08x", what,
	    random_below(UINT32_MAX), random_below(UINT32_MAX));
	return 0;
}

/* a folder below path, complete and on the disk but for its name */
static int
build(struct tree *t, const char *path, const char *special,
    struct err *err)
{
	static const char *const subs[] = { "", "/tmp", "/new", "/cur",
		"/.state" };
	struct str p = STR_INIT, text = STR_INIT;
	int r = 0, fd;
	size_t i;

	for (i = 0; i < ARRAY_LEN(subs) && r == 0; i++) {
		str_reset(&p);
		str_addf(&p, "%s%s", path, subs[i]);
		if (mkdirat(t->maildir, p.s, 0700) < 0)
			r = err_sys(err, "make %s", p.s);
	}
	if (r == 0 && special != NULL) {
		tree_special_text(&text, special);
		r = tree_write(t->maildir, p.s, "meta", &text, err);
	}
	/* tells programs of Maildir++ that this is a folder of another */
	str_reset(&p);
	str_addf(&p, "%s/maildirfolder", path);
	if (r == 0) {
		fd = dir_open(t->maildir, p.s, O_WRONLY | O_CREAT, 0600);
		r = fd < 0 ? err_sys(err, "make %s", p.s) : 0;
		close_fd(fd);
	}
	if (r == 0)
		r = tree_sync(t->maildir, path, err);
	str_free(&p);
	str_free(&text);
	return r;
}

static int
count_folder(void *ctx, const char *name, int type UNUSED)
{
	size_t *n = ctx;

	return name[0] == '.' && ++*n > TREE_FOLDERS_MAX;
}

/* 1 there is such a directory, 0, -1 */
int
tree_is_there(struct tree *t, const char *dir, struct err *err)
{
	struct stat st;

	if (fstatat(t->maildir, dir, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(err, "folder %s", dir);
}

int
tree_taken(const char *name, struct err *err)
{
	return err_perm(err, "5.1.2", "mailbox exists: %.200s", name);
}

/* the lock is held */
static int
create(struct tree *t, const char *name, const char *dir,
    const char *special, struct err *err)
{
	struct str work = STR_INIT;
	size_t n = 0;
	int r = tree_is_there(t, dir, err);

	if (r == 1)
		r = tree_taken(name, err);
	if (r == 0 && special != NULL)
		r = tree_special_free(t, special, dir, err);
	if (r == 0)
		r = dir_each(t->maildir, ".", true, count_folder, &n, err);
	if (r == 1)
		r = err_perm(err, "5.2.2", "there are %d mailboxes, which is "
		    "the most", TREE_FOLDERS_MAX);
	if (r == 0)
		/* of somebody who was killed */
		tree_sweep(t, true);
	if (r == 0)
		r = work_name(t, "new", &work, err);
	if (r == 0)
		r = build(t, work.s, special, err);
	if (r == 0 && tree_move(t, work.s, dir) < 0)
		r = errno == EEXIST ? tree_taken(name, err) :
		    err_sys(err, "make folder %s", dir);
	if (r == 0)
		r = tree_sync(t->maildir, ".", err);
	if (r < 0 && work.len > 0)
		tree_sweep(t, true);
	str_free(&work);
	return r;
}

int
tree_create(struct tree *t, const char *name, const char *special,
    struct err *err)
{
	struct str dir = STR_INIT;
	const char *use = NULL;
	int fd, r = 0;

	if (special != NULL && (use = tree_special_name(special)) == NULL)
		r = err_perm(err, "5.1.4", "no mailbox can be used as %.40s",
		    special);
	if (r == 0)
		r = tree_dir(name, &dir, err);
	if (r == 0) {
		fd = tree_lock(t, err);
		r = fd < 0 ? -1 : create(t, name, dir.s, use, err);
		if (r == 0)
			tree_tell(fd);
		close_fd(fd);
	}
	str_free(&dir);
	return r;
}

/* what the messages of a folder count for is no longer so */
void
tree_forget_quota(struct tree *t)
{
	unlinkat(t->maildir, "maildirsize", 0);
}

static int
delete(struct tree *t, const char *name, const char *dir, struct err *err)
{
	struct str work = STR_INIT;
	int r = tree_is_there(t, dir, err);

	if (r == 0) {
		r = tree_is_name(t, dir, err);
		r = r < 0 ? -1 : r == 0 ? tree_none(name, err) :
		    err_perm(err, "5.1.3", "%.200s is only the name above "
		    "others", name);
	}
	if (r == 1)
		r = work_name(t, "gone", &work, err);
	if (r == 0 && tree_move(t, dir, work.s) < 0)
		r = err_sys(err, "remove folder %s", dir);
	if (r == 0)
		r = tree_sync(t->maildir, ".", err);
	str_free(&work);
	return r;
}

int
tree_delete(struct tree *t, const char *name, struct err *err)
{
	struct str dir = STR_INIT;
	int fd, r = tree_dir(name, &dir, err);

	if (r == 0 && strcmp(dir.s, ".") == 0)
		r = err_perm(err, "5.1.3", "INBOX can not be deleted");
	if (r == 0) {
		fd = tree_lock(t, err);
		r = fd < 0 ? -1 : delete(t, name, dir.s, err);
		if (r == 0)
			tree_tell(fd);
		close_fd(fd);
	}
	if (r == 0) {
		/* others need not wait for this */
		tree_sweep(t, false);
		tree_forget_quota(t);
	}
	str_free(&dir);
	return r;
}
