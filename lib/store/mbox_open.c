/*
 * mbox_open.c - opening, refreshing and closing a view.
 */
#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>

#include "store/dir.h"
#include "store/mbox.h"
#include "store/notice.h"
#include "store/tree_part.h"

void
mbox_free(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;

	mbox_state_free(mb);
	close_fd(in->dir);
	close_fd(in->sub[SUB_NEW]);
	close_fd(in->sub[SUB_CUR]);
	close_fd(in->log);
	close_fd(in->lock);
	close_fd(in->index);
	close_fd(in->maildir);
	free(in->host);
	str_free(&in->out);
	str_free(&in->path);
	free(in);
	free(mb);
}

static int
own_dir(int dir)
{
	return dir < 0 ? -1 : openat(dir, ".", O_PATH | O_DIRECTORY |
	    O_CLOEXEC);
}

static int
open_dirs(struct mailbox_impl *in, const struct mailbox_place *p,
    struct err *err)
{
	static const char *const subs[] = { "tmp", "cur", ".state", "new" };
	static const char *const kept[] = { "new", "cur" };
	size_t i;

	in->dir = own_dir(p->dir);
	if (in->dir < 0)
		return err_sys(err, "open the mailbox");
	in->index = own_dir(p->index);
	in->maildir = own_dir(p->maildir);
	for (i = 0; i < ARRAY_LEN(kept); i++) {
		in->sub[i] = dir_open(in->dir, kept[i],
		    O_RDONLY | O_DIRECTORY, 0);
		if (in->sub[i] >= 0 || errno != ENOENT ||
		    (in->flags & MBOX_LOOK))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(subs); k++)
			mkdirat(in->dir, subs[k], 0700);
		in->sub[i] = dir_open(in->dir, kept[i],
		    O_RDONLY | O_DIRECTORY, 0);
	}
	if (in->sub[SUB_CUR] < 0)
		return err_sys(err, "open cur");
	if (in->sub[SUB_NEW] < 0)
		return err_sys(err, "open new");
	in->writable = !(in->flags & MBOX_LOOK) &&
	    faccessat(in->sub[SUB_CUR], ".", W_OK, 0) == 0;
	return 0;
}

struct mailbox *
mbox_open(const struct mailbox_place *p, unsigned flags, struct err *err)
{
	struct mailbox *mb = xcalloc(1, sizeof(*mb));
	struct mailbox_impl *in = xcalloc(1, sizeof(*in));

	mb->in = in;
	*in = (struct mailbox_impl){ .dir = -1, .sub = { -1, -1 }, .log = -1,
		.lock = -1, .index = -1, .maildir = -1, .flags = flags,
		.opening = true, .quota = p->quota, .out = STR_INIT,
		.path = STR_INIT };
	in->st.more = (struct str)STR_INIT;
	in->host = xstrdup(p->hostname != NULL ? p->hostname : "localhost");
	if (open_dirs(in, p, err) < 0 || mbox_load(mb, err) < 0) {
		mbox_free(mb);
		return NULL;
	}
	mb->readonly = (flags & MAILBOX_READONLY) || !in->writable;
	return mb;
}

struct mailbox *
mailbox_open(const struct mailbox_place *p, unsigned flags, struct err *err)
{
	struct mailbox *mb = mbox_open(p, flags, err);

	if (mb == NULL)
		return NULL;
	if (mailbox_refresh(mb, err) < 0) {
		mbox_free(mb);
		return NULL;
	}
	mailbox_purge(mb, NULL, NULL);
	mb->in->changed = mb->in->opening = false;
	return mb;
}

void
mbox_leave(struct mailbox *mb)
{
	mailbox_purge(mb, NULL, NULL);
	if (mbox_snap_due(mb))
		mbox_snap_write(mb);
	mbox_free(mb);
}

void
mailbox_close(struct mailbox *mb)
{
	if (mb == NULL)
		return;
	mailbox_purge(mb, NULL, NULL);
	while (mailbox_settle(mb))
		;
	mbox_free(mb);
}

void
mailbox_shrink(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;
	struct err ignored;

	while (mailbox_settle(mb))
		;
	str_free(&in->out);
	str_free(&in->path);
	/* messages on the heap: into a mapping again, where they can be had
	 * from the disk */
	if (mb->gone == 0 && in->st.map == NULL && in->index >= 0 &&
	    in->log >= 0 && mb->n > 1000) {
		if (in->st.snap_off != in->st.off)
			mbox_snap_write(mb);
		if (in->st.snap_off == in->st.off)
			mbox_reload(mb, &ignored);
	}
	malloc_trim(0);
}

/* --- refresh -------------------------------------------------------------- */

static void
mark_recent(struct mailbox *mb)
{
	uint32_t from = mb->in->st.recent + 1;
	size_t i;

	for (i = mailbox_find(mb, from); i < mb->n; i++)
		mb->msg[i].flags |= MSG_RECENT;
	if (mb->recent_uid == 0 || from < mb->recent_uid)
		mb->recent_uid = from;
}

/* messages above the watermark are recent; ours, where we may say so */
static int
claim_recent(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	uint32_t last = mb->n > 0 ? mb->msg[mb->n - 1].uid : 0;
	int r;

	if (last <= in->st.recent)
		return 0;
	if (mb->readonly || (in->flags & MAILBOX_NO_RECENT)) {
		mark_recent(mb);
		return 0;
	}
	if (mbox_lock(mb, err) < 0)
		return -1;
	/* another session may have been quicker */
	mark_recent(mb);
	last = mb->msg[mb->n - 1].uid;
	if (last > in->st.recent)
		mbox_log_addf(&in->out, "M recent %lu", (unsigned long)last);
	r = mbox_commit(mb, false, err);
	mbox_unlock(mb);
	return r;
}

/* new/ is read without the lock: mostly nothing is there */
static bool
new_is_empty(struct mailbox *mb)
{
	struct mbox_scan scan = { 0 };
	struct err ignored;
	bool empty;

	empty = mbox_scan_dirs(mb, &scan, false, &ignored) == 0 &&
	    scan.n == 0;
	if (empty && scan.sure[SUB_NEW])
		mb->in->st.known.ns[SUB_NEW] = scan.ns[SUB_NEW];
	mbox_scan_free(&scan);
	return empty;
}

static int
sync_dirs(struct mailbox *mb, struct err *err)
{
	unsigned look = mbox_look(mb);
	bool lock = mb->in->writable;
	int r;

	if (look == 0 || (look == 1 << SUB_NEW &&
	    mb->in->st.unsettled >= mb->n && new_is_empty(mb)))
		return 0;
	if (lock && mbox_lock(mb, err) < 0)
		return -1;
	/* whoever had the lock may have told what we saw */
	look = mbox_look(mb);
	r = look == 0 ? 0 : look == 1 << SUB_NEW ? mbox_sync_new(mb, err) :
	    mbox_sync_all(mb, err);
	if (r < 0)
		mbox_abandon(mb);
	if (lock)
		mbox_unlock(mb);
	return r;
}

bool
mailbox_removed(const struct mailbox *mb)
{
	struct str path = STR_INIT;
	struct stat st;
	bool gone;

	if (fstat(mb->in->dir, &st) < 0)
		return false;
	gone = st.st_nlink == 0 || (notice_path(mb->in->dir, &path) == 0 &&
	    strstr(path.s, "/Maildir/" TREE_WORK "/") != NULL);
	str_free(&path);
	return gone;
}

int
mailbox_refresh(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	int r = 0;

	mbox_kw_compact(mb);
	if (in->log >= 0 && !mbox_log_current(mb))
		r = in->writable ? 1 : mbox_reload(mb, err);
	else
		r = mbox_tail(mb, err);
	if (r < 0)
		return -1;
	/* a new log, a line that is no record, or what a crash left */
	if (in->writable && (r > 0 || in->st.ndoom > 0)) {
		if (mbox_lock(mb, err) < 0)
			return -1;
		mbox_finish_doom(mb);
		mbox_unlock(mb);
	}
	if (sync_dirs(mb, err) < 0 || claim_recent(mb, err) < 0)
		return -1;
	r = in->changed;
	in->changed = false;
	return r;
}

/* --- reading a message ---------------------------------------------------- */

static int
try_open(struct mailbox *mb, const struct mailbox_msg *m, unsigned flags)
{
	struct mailbox_impl *in = mb->in;
	int sub;

	str_reset(&in->path);
	sub = mbox_name_file(mbox_name_get(&in->st, m->name), flags,
	    &in->path);
	if (sub < 0) {
		errno = ENOENT;
		return -1;
	}
	return dir_open(in->sub[sub], in->path.s, O_RDONLY | O_NONBLOCK, 0);
}

/* as the log says, before or behind the renaming */
static int
open_msg(struct mailbox *mb, size_t i)
{
	const struct mailbox_msg *m = &mb->msg[i];
	int fd = try_open(mb, m, m->file_flags);

	if (fd < 0 && errno == ENOENT)
		fd = try_open(mb, m, m->flags & MSG_KEPT);
	if (fd < 0 && errno == ENOENT && (m->file_flags & MBOX_BEGUN))
		fd = try_open(mb, m, m->file_flags >> 8 & MSG_KEPT);
	return fd;
}

/* Whoever has the lock may be renaming it; else it is looked for.  *fd where
 * it is there, else -1.  0 or -1 */
static int
look_again(struct mailbox *mb, size_t i, int *fd, struct err *err)
{
	int r = 0;

	*fd = -1;
	if (mb->in->writable && mbox_lock(mb, err) < 0)
		return -1;
	if (mb->in->writable && !(mb->msg[i].flags & MSG_GONE))
		*fd = open_msg(mb, i);
	if (*fd < 0)
		r = mbox_sync_all(mb, err);
	if (r < 0)
		mbox_abandon(mb);
	if (mb->in->writable)
		mbox_unlock(mb);
	return r;
}

int
mailbox_read(struct mailbox *mb, size_t i, struct err *err)
{
	int fd, tries;

	for (tries = 0; tries < 3; tries++) {
		if (mb->msg[i].flags & MSG_GONE)
			break;
		fd = open_msg(mb, i);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			return err_sys(err, "open a message");
		if (look_again(mb, i, &fd, err) < 0)
			return -1;
		if (fd >= 0)
			return fd;
	}
	return err_perm(err, "5.2.0", "message is gone");
}

int64_t
mailbox_date(struct mailbox *mb, size_t i)
{
	struct mailbox_msg *m = &mb->msg[i];
	struct err ignored;
	struct stat st;
	int fd;

	if (m->date != MBOX_NO_DATE)
		return m->date;
	if (mbox_stat(mb, i, &st) < 0) {
		fd = mailbox_read(mb, i, &ignored);
		m = &mb->msg[i];
		/* gone, or not to be had now: anything is as good, once */
		if (fd < 0 || fstat(fd, &st) < 0)
			st.st_mtime = m->saved;
		close_fd(fd);
	}
	return st.st_mtime;
}

int
mbox_stat(struct mailbox *mb, size_t i, struct stat *st)
{
	const struct mailbox_msg *m = &mb->msg[i];
	struct mailbox_impl *in = mb->in;
	int sub;

	str_reset(&in->path);
	sub = mbox_name_file(mbox_name_get(&in->st, m->name), m->file_flags,
	    &in->path);
	if (sub < 0 || fstatat(in->sub[sub], in->path.s, st,
	    AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st->st_mode))
		return -1;
	return 0;
}

void
mailbox_emailid(const struct mailbox *mb, size_t i, char out[28])
{
	struct slice u = mbox_unique(mbox_name_get(&mb->in->st,
	    mb->msg[i].name));
	struct str s = STR_INIT;
	size_t k = u.n;

	/* the second copy in a folder: .C and eight hex digits */
	if (u.n > 10 && u.p[u.n - 10] == '.' && u.p[u.n - 9] == 'C')
		for (k = u.n - 8; k < u.n && strchr("0123456789abcdef",
		    u.p[k]) != NULL; k++)
			;
	if (k == u.n && u.n > 10 && u.p[u.n - 10] == '.' &&
	    u.p[u.n - 9] == 'C')
		u.n -= 10;
	str_addc(&s, 'M');
	mail_name_hash(&s, u);
	memcpy(out, s.s, 27);
	out[27] = '\0';
	str_free(&s);
}
