/*
 * mbox_add_commit.c - what was made ready becomes messages.  Under the lock:
 * UIDs are reserved, the files linked into cur/ under their final names, the
 * directory synced, and the records written and synced.  Linking comes before
 * the log, unlike elsewhere: a reader of the log finds the file of each
 * message, and what a crash leaves in between is a file with a free UID above
 * uidnext, which the next scan takes in.  A file of a UID that is in nobody's
 * answer may so appear, but nothing that was answered is missing.
 *
 * A MOVE has both mailboxes locked until the originals are expunged: else two
 * sessions could move one message at once, and the copy of the one that came
 * too late be moved on by a third before it is taken back.  Locks are taken in
 * the order of the directories' numbers, so nobody waits in a circle: not of
 * devices, which are others on each host.  For the unlinking, which may take
 * long, only the originals' mailbox stays locked.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"
#include "store/mbox_add_part.h"
#include "store/quota.h"

enum { ADD_FSYNC = 4, TRIES = 4 };

static int
copy_bytes(int from, int to)
{
	static char buf[ADD_BUFFER];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || full_write(to, buf, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

static int
copy_file(struct mailbox_add *a, struct adding *m, int from, struct err *err)
{
	int r = 0;

	if (mbox_add_tmp(a, m, err) < 0)
		return -1;
	if (copy_bytes(from, a->fd) < 0 || mbox_add_date(a->fd, m->date) < 0 ||
	    fsync(a->fd) < 0)
		r = err_sys(err, "copy a message");
	close(a->fd);
	a->fd = -1;
	return r;
}

static bool
link_named(struct mailbox_add *a, struct adding *m, const char *name,
    unsigned flags)
{
	struct mailbox_impl *f = m->from->in;
	int sub;

	str_reset(&f->path);
	sub = mbox_name_file(mbox_name_get(&f->st,
	    m->from->msg[m->index].name), flags, &f->path);
	if (sub < 0) {
		errno = ENOENT;
		return false;
	}
	return linkat(f->sub[sub], f->path.s, a->mb->in->sub[SUB_CUR], name,
	    0) == 0;
}

/* link the other mailbox's file into cur/ */
static bool
link_from(struct mailbox_add *a, struct adding *m, const char *name)
{
	const struct mailbox_msg *src = &m->from->msg[m->index];

	return link_named(a, m, name, src->file_flags) || (errno == ENOENT &&
	    link_named(a, m, name, src->flags & MSG_KEPT));
}

/* Files that could not be linked are found (the name is another now) or copied
 * to tmp/ (another file system, too many links), without the lock: the other
 * mailbox's may be needed for that.  What shall be moved and is gone is left
 * out by the commit. */
static int
fetch_copies(struct mailbox_add *a, struct err *err)
{
	struct adding *m;
	int fd, r = 0;

	for (m = a->v; m < a->v + a->n && r == 0; m++) {
		if (m->from == NULL || m->fetch == FETCH_NOT)
			continue;
		fd = mailbox_read(m->from, m->index, err);
		if (fd < 0 && a->from != NULL &&
		    (a->from->msg[m->index].flags & MSG_GONE))
			continue;
		r = fd < 0 ? -1 : 0;
		if (r == 0 && m->fetch == FETCH_BYTES) {
			r = copy_file(a, m, fd, err);
			m->from = NULL;
		}
		close_fd(fd);
	}
	return r;
}

/* --- commit --------------------------------------------------------------- */

static int
sync_files(struct mailbox_add *a, struct err *err)
{
	struct mailbox_impl *in = a->mb->in;
	size_t i;
	int fd, r = 0;

	if (a->fresh > ADD_FSYNC)
		return syncfs(in->sub[SUB_CUR]) < 0 ?
		    err_sys(err, "sync the file system") : 0;
	for (i = 0; i < a->n && r == 0; i++) {
		if (a->v[i].tmp == NULL)
			continue;
		fd = dir_open(in->dir, a->v[i].tmp, O_RDONLY, 0);
		if (fd < 0 || fsync(fd) < 0)
			r = err_sys(err, "sync a message");
		close_fd(fd);
	}
	return r;
}

static int
check_quota(struct mailbox_add *a, struct err *err)
{
	struct mailbox_impl *in = a->mb->in;
	struct quota_use use;
	uint64_t sum = mbox_add_sum(a, a->n);
	int r;

	if (in->quota == 0 || in->maildir < 0 || a->within)
		return 0;
	r = quota_fits(in->maildir, in->quota, sum, &use, err);
	return r == 0 ? err_perm(err, "5.2.2", "mailbox is full") :
	    r < 0 ? -1 : 0;
}

static void
add_quota(struct mailbox_add *a)
{
	struct mailbox_impl *in = a->mb->in;
	int64_t bytes = 0, count = 0;
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!a->v[i].skip && !(a->v[i].flags & MSG_DELETED)) {
			bytes += (int64_t)a->v[i].size;
			count++;
		}
	if (in->quota > 0 && in->maildir >= 0 && count > 0)
		quota_add(in->maildir, bytes, count);
}

/* link it and make its record.  0, 1 it must be fetched before, -1 */
static int
place(struct mailbox_add *a, struct adding *m, uint32_t uid, uint64_t modseq,
    struct err *err)
{
	struct mailbox *mb = a->mb;
	struct mailbox_msg msg = { .uid = uid, .modseq = modseq,
		.size = m->size, .wsize = m->wsize, .date = m->date,
		.saved = wall_s() };
	struct str kind = STR_INIT, name = STR_INIT;
	static uint16_t num[KEYWORDS_MAX];
	unsigned flags = m->flags;
	int n, r;

	n = mbox_kw_numbers(mb, m->kw, m->nkw, num, &flags, true, err);
	if (n < 0)
		return -1;
	msg.flags = msg.file_flags = (uint16_t)flags;
	msg.kw = mbox_kw_set(&mb->in->st.kw, num, (size_t)n);
	mbox_name_final(&kind, slice_of(m->unique), flags, &msg);
	mbox_name_file(kind.s, flags, &name);
	if (m->from != NULL) {
		r = !link_from(a, m, name.s);
		m->fetch = r == 0 ? FETCH_NOT : errno == ENOENT &&
		    m->fetch == FETCH_NOT ? FETCH_NAME : FETCH_BYTES;
	} else {
		r = linkat(mb->in->dir, m->tmp, mb->in->sub[SUB_CUR], name.s,
		    0) < 0 ? err_sys(err, "link in cur") : 0;
	}
	if (r == 0) {
		m->linked = arena_strdup(&a->mem, name.s);
		m->uid = uid;
		mbox_record_add(&mb->in->out, mb, &msg, kind.s);
	}
	str_free(&kind);
	str_free(&name);
	return r;
}

/* Out of cur/ again, also what another program has renamed since: else it would
 * be taken in, and be there twice once it is linked again. */
static void
take_back(struct mailbox_add *a)
{
	struct mailbox_impl *in = a->mb->in;
	struct mbox_doom *v = xcalloc(a->n + 1, sizeof(*v));
	struct str kind = STR_INIT;
	struct adding *m;
	struct err err;
	size_t n = 0;

	for (m = a->v; m < a->v + a->n; m++) {
		if (m->linked == NULL)
			continue;
		if (unlinkat(in->sub[SUB_CUR], m->linked, 0) < 0 &&
		    errno == ENOENT) {
			str_reset(&kind);
			str_addf(&kind, "o%s", m->linked);
			v[n++] = (struct mbox_doom){ m->uid,
				mbox_name_keep(&in->st, kind.s), 0, 0 };
		}
		m->linked = NULL;
	}
	if (n > 0 && mbox_hunt(a->mb, v, n, false, &err) < 0)
		mbox_late(a->mb, &err);
	str_free(&kind);
	free(v);
}

/* 0, 1 some must be fetched before, -1 */
static int
commit_locked(struct mailbox_add *a, uint32_t *first_r, struct err *err)
{
	struct mailbox *mb = a->mb;
	uint32_t uid = mb->uidnext;
	uint64_t modseq = mbox_next_modseq(mb);
	struct mbox_own own;
	bool settled = mb->in->st.unsettled >= mb->n;
	size_t i;
	int r = mbox_reserve(mb, (uint64_t)uid + a->n, err);

	*first_r = uid;
	mbox_own_begin(mb, &own);
	for (i = 0; i < a->n && r >= 0; i++)
		if (!a->v[i].skip)
			r |= place(a, &a->v[i], uid++, modseq, err);
	if (r == 0 && fsync(mb->in->sub[SUB_CUR]) < 0)
		r = err_sys(err, "sync cur");
	if (r == 0)
		r = mbox_commit(mb, true, err);
	if (r != 0) {
		take_back(a);
		mbox_abandon(mb);
		return r;
	}
	mbox_own_end(mb, &own);
	if (settled)
		mbox_note_known(mb);
	return 0;
}

/* --- MOVE ----------------------------------------------------------------- */

/* Both locks.  0 or -1 */
static int
lock_both(struct mailbox_add *a, struct err *err)
{
	struct mailbox *one = a->from, *two = a->mb;
	struct stat x, y;

	if (a->from == NULL || a->from == a->mb)
		return mbox_lock(a->mb, err);
	if (fstat(one->in->dir, &x) < 0 || fstat(two->in->dir, &y) < 0)
		return err_sys(err, "stat the mailbox");
	if (x.st_dev == y.st_dev && x.st_ino == y.st_ino)
		return err_perm(err, "5.2.0", "it is the same mailbox");
	if (x.st_ino > y.st_ino || (x.st_ino == y.st_ino &&
	    x.st_dev > y.st_dev)) {
		one = a->mb;
		two = a->from;
	}
	if (mbox_lock(one, err) < 0)
		return -1;
	if (mbox_lock(two, err) < 0) {
		mbox_unlock(one);
		return -1;
	}
	return 0;
}

static void
unlock_both(struct mailbox_add *a)
{
	struct mailbox *last = a->from != NULL ? a->from : a->mb;

	if (last != a->mb) {
		mbox_checkpoint_if_due(a->mb);
		mbox_unlock(a->mb);
	}
	if (a->from != NULL)
		mbox_finish_doom(a->from);
	mbox_checkpoint_if_due(last);
	mbox_unlock(last);
}

/* Which are still there, now that nobody else can take them, and with which
 * flags?  How many. */
static size_t
count_mine(struct mailbox_add *a)
{
	const struct mailbox_msg *src;
	size_t i, n = 0;

	for (i = 0; i < a->n; i++) {
		src = &a->from->msg[a->idx[i]];
		a->mine[i] = !(src->flags & MSG_GONE);
		a->v[i].skip = !a->mine[i];
		n += a->mine[i];
		if (a->mine[i] && a->v[i].as_is &&
		    a->v[i].modseq != src->modseq)
			mbox_add_flags(a, &a->v[i], a->from);
	}
	return n;
}

/* The copies are there: the originals go, or, where that can not be logged,
 * the copies do. */
static int
expunge_originals(struct mailbox_add *a, size_t n, uint32_t first,
    struct err *err)
{
	uint32_t *v = xcalloc(n, sizeof(*v));
	struct err late;
	size_t i, k = 0, at = mailbox_find(a->mb, first);
	int r;

	for (i = 0; i < a->n; i++)
		if (a->mine[i])
			v[k++] = a->idx[i];
	r = mbox_expunge_log(a->from, v, n, err);
	if (r < 0) {
		mbox_abandon(a->from);
		for (i = 0; i < n; i++)
			v[i] = (uint32_t)(at + i);
		if (mbox_expunge_locked(a->mb, v, n, &late) < 0) {
			mbox_abandon(a->mb);
			mbox_late(a->mb, &late);
		}
	}
	free(v);
	return r;
}

/* --- both ----------------------------------------------------------------- */

/* Under the locks.  0, 1 some must be fetched before, -1 */
static int
commit_once(struct mailbox_add *a, uint32_t *first_r, struct err *err)
{
	size_t n = a->from != NULL ? count_mine(a) : a->n;
	int r;

	*first_r = a->mb->uidnext;
	if (n == 0)
		return 0;
	r = commit_locked(a, first_r, err);
	if (r != 0)
		return r;
	/* with what follows: an expunge tells the quota, too */
	add_quota(a);
	return a->from != NULL ? expunge_originals(a, n, *first_r, err) : 0;
}

int
mailbox_add_commit(struct mailbox_add *a, uint32_t *first_r, struct err *err)
{
	int r, tries;

	if (!a->mb->in->writable || (a->from != NULL && a->from->readonly))
		return err_perm(err, "5.7.8", "mailbox is read-only");
	if (check_quota(a, err) < 0 || sync_files(a, err) < 0)
		return -1;
	for (r = 1, tries = 0; r > 0 && tries < TRIES; tries++) {
		if (fetch_copies(a, err) < 0 || lock_both(a, err) < 0)
			return -1;
		r = commit_once(a, first_r, err);
		unlock_both(a);
	}
	if (r > 0)
		return err_temp(err, "4.3.0", "messages can not be copied");
	return r;
}
