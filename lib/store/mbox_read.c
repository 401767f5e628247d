/*
 * mbox_read.c - reading the log, appending to it, and the lock.
 *
 * Readers take no lock: they stop at the last good line, and notice a new log
 * (a checkpoint) by the old one having lost its name.  Whoever holds the lock
 * has read all of the log; a torn end is cut off then, and where good lines
 * follow a bad one (a bad disk) they are used and the log is written anew.
 *
 * A reader without the lock may see records that their writer then takes back,
 * because the disk is full or a sync failed, and others may stand there since.
 * So whoever locks compares the checksum before the place that it has read to.
 */
#include "store/mbox.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/dir.h"

enum { LOCK_WAIT_MS = 30000, LOCK_POLL_MS = 20 };

uint64_t
mbox_next_modseq(const struct mailbox *mb)
{
	return MAX(mb->modseq + 1, (uint64_t)wall_us());
}

bool
mbox_log_current(const struct mailbox *mb)
{
	struct stat st;

	return mb->in->log >= 0 && mb->in->log_ino != 0 &&
	    fstat(mb->in->log, &st) == 0 && st.st_nlink > 0;
}

void
mbox_note_end(struct mbox_state *st, struct slice records)
{
	st->has_end = records.n > sizeof(st->end);
	if (st->has_end)
		memcpy(st->end, records.p + records.n - sizeof(st->end) - 1,
		    sizeof(st->end));
}

/* is the record before st.off still there? */
static bool
end_stands(const struct mailbox_impl *in)
{
	const struct mbox_state *st = &in->st;
	char end[sizeof(st->end)];

	return !st->has_end || (pread(in->log, end, sizeof(end), st->off -
	    (int64_t)sizeof(end) - 1) == (ssize_t)sizeof(end) &&
	    memcmp(end, st->end, sizeof(end)) == 0);
}

/* Apply what follows st.off.  *left_r: bytes that are no good records */
static int
read_on(struct mailbox *mb, int64_t *left_r, struct err *err)
{
	struct mbox_state *st = &mb->in->st;
	struct stat sb;
	size_t want, used;
	ssize_t got;
	char *buf;
	bool bad = false;

	if (fstat(mb->in->log, &sb) < 0)
		return err_sys(err, "stat .state/log");
	*left_r = sb.st_size - st->off;
	if (*left_r < 0)
		/* a writer whose sync failed took its records back */
		mb->in->log_ino = 0;
	if (*left_r <= 0)
		return 0;
	want = (size_t)MIN(*left_r, MBOX_LINE_MAX);
	buf = xmalloc(want);
	while (!bad && *left_r > 0) {
		got = pread(mb->in->log, buf, want, st->off);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(buf);
			return err_sys(err, "read .state/log");
		}
		used = mbox_apply(mb, (struct slice){ buf, (size_t)got },
		    &bad);
		st->off += (int64_t)used;
		*left_r -= (int64_t)used;
		if (used == 0)
			break;
		mbox_note_end(st, (struct slice){ buf, used });
	}
	free(buf);
	return 0;
}

int
mbox_tail(struct mailbox *mb, struct err *err)
{
	int64_t left;

	if (mb->in->log < 0)
		return 0;
	if (read_on(mb, &left, err) < 0)
		return -1;
	return left != 0;
}

/* --- the end of the log, under the lock ----------------------------------- */

/* Use the good lines among bad ones.  How many were bad before the last good
 * one. */
static size_t
salvage(struct mailbox *mb, struct slice rest, bool use)
{
	struct slice rec, all;
	size_t bad = 0, before = 0;
	bool ignored;
	int r;

	for (;;) {
		all = rest;
		r = mbox_log_next(&rest, &rec);
		if (r == 0)
			return before;
		if (r < 0) {
			bad++;
			continue;
		}
		before = bad;
		if (use)
			mbox_apply(mb, slice_sub(all, 0, all.n - rest.n),
			    &ignored);
	}
}

static int
mend(struct mailbox *mb, int64_t left, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct slice rest;
	char *buf;
	int r = 0;

	buf = xmalloc((size_t)left);
	rest = (struct slice){ buf, (size_t)left };
	if (pread(in->log, buf, rest.n, in->st.off) != (ssize_t)left) {
		r = err_sys(err, "read .state/log");
	} else if (in->st.have_head && salvage(mb, rest, false) == 0) {
		if (ftruncate(in->log, in->st.off) < 0)
			r = err_sys(err, "truncate .state/log");
	} else {
		in->damaged = true;
		in->rescan = true;
		salvage(mb, rest, true);
		if (!in->st.have_head)
			r = mbox_create_log(mb, err);
		else
			r = mbox_checkpoint(mb, err);
	}
	free(buf);
	return r;
}

/* --- the lock ------------------------------------------------------------- */

static int
open_lock(struct mailbox_impl *in, struct err *err)
{
	if (in->lock < 0)
		in->lock = dir_open(in->dir, ".state/lock", O_RDWR | O_CREAT,
		    0600);
	if (in->lock < 0 && errno == ENOENT) {
		if (mkdirat(in->dir, ".state", 0700) < 0 && errno != EEXIST)
			return err_sys(err, "make .state");
		in->lock = dir_open(in->dir, ".state/lock", O_RDWR | O_CREAT,
		    0600);
	}
	if (in->lock < 0)
		return err_sys(err, "open .state/lock");
	return 0;
}

/* 1, or 0 the lock file was replaced: again; -1 */
static int
lock_once(struct mailbox_impl *in, struct err *err)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t end = 0;
	struct stat st;

	if (in->held > 0) {
		in->held++;
		return 1;
	}
	if (open_lock(in, err) < 0)
		return -1;
	while (fcntl(in->lock, F_OFD_SETLK, &fl) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(err, "lock .state/lock");
		if (end == 0)
			end = mono_ms() + LOCK_WAIT_MS;
		else if (mono_ms() >= end)
			return err_temp(err, "4.2.0", "mailbox is locked");
		usleep(500 + random_below(LOCK_POLL_MS * 100));
	}
	if (fstat(in->lock, &st) == 0 && st.st_nlink > 0) {
		in->held = 1;
		return 1;
	}
	close_fd(in->lock);
	in->lock = -1;
	return 0;
}

void
mbox_unlock(struct mailbox *mb)
{
	struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (--mb->in->held == 0)
		fcntl(mb->in->lock, F_OFD_SETLK, &fl);
}

/* the log is there, is the one that is open, and is read */
static int
catch_up(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct stat st;
	int64_t left;

	if (fstatat(in->dir, ".state/log", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return err_sys(err, "stat .state/log");
		/* somebody removed it: we know what it held */
		in->rescan = true;
		return in->st.have_head ? mbox_checkpoint(mb, err) :
		    mbox_create_log(mb, err);
	}
	if (in->log < 0 || st.st_ino != in->log_ino || in->log_ino == 0 ||
	    !end_stands(in)) {
		if (in->loading)
			return 1;	/* mbox_load opens it */
		if (mbox_reload(mb, err) < 0)
			return -1;
	}
	if (read_on(mb, &left, err) < 0)
		return -1;
	if (left < 0 && !in->loading)
		return mbox_reload(mb, err);
	return left > 0 ? mend(mb, left, err) : 0;
}

int
mbox_lock(struct mailbox *mb, struct err *err)
{
	int r;

	do {
		r = lock_once(mb->in, err);
	} while (r == 0);
	if (r < 0)
		return -1;
	r = catch_up(mb, err);
	if (r < 0)
		mbox_unlock(mb);
	return r;
}

/* 0, or -1 and errno, also where there was no room for all of it */
static int
write_all(const struct mailbox_impl *in)
{
	const char *p = in->out.s;
	size_t left = in->out.len;
	int64_t at = in->st.off;
	ssize_t n;

	while (left > 0) {
		n = pwrite(in->log, p, left, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

int
mbox_commit(struct mailbox *mb, bool sync, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct mbox_state *st = &in->st;
	bool bad;
	int r = 0;

	if (in->out.len == 0)
		return 0;
	if (in->writable) {
		if (write_all(in) < 0 || (sync && fdatasync(in->log) < 0)) {
			r = err_sys(err, "write .state/log");
			/* what of it is there must not be believed later */
			if (ftruncate(in->log, st->off) < 0)
				err_prefix(err, "truncate");
			in->log_ino = 0;	/* read all again */
		} else {
			st->off += (int64_t)in->out.len;
			mbox_note_end(st, slice_str(&in->out));
		}
	}
	if (r == 0) {
		in->mine = true;
		mbox_apply(mb, slice_str(&in->out), &bad);
		in->mine = false;
	}
	if (in->out.cap > MBOX_LINE_MAX)
		str_free(&in->out);
	else
		str_reset(&in->out);
	return r;
}

void
mbox_abandon(struct mailbox *mb)
{
	if (mb->in->out.len > 0)
		mb->in->log_ino = 0;
	str_reset(&mb->in->out);
}

/* --- loading -------------------------------------------------------------- */

void
mbox_open_log(struct mailbox_impl *in)
{
	struct stat st;
	int e;

	close_fd(in->log);
	in->log = dir_open(in->dir, ".state/log",
	    (in->writable ? O_RDWR : O_RDONLY) | O_NONBLOCK, 0);
	e = errno;
	if (in->log < 0 && in->writable && (e == EACCES || e == EROFS ||
	    e == EPERM)) {
		in->writable = false;
		in->log = dir_open(in->dir, ".state/log",
		    O_RDONLY | O_NONBLOCK, 0);
		e = errno;
	}
	in->log_ino = in->log >= 0 && fstat(in->log, &st) == 0 ? st.st_ino : 0;
	errno = e;
}

/* without a log: make one, or, where nothing can be written, go on with what
 * the names tell */
static int
load_without(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	int r;

	if (errno != ENOENT && in->writable)
		return err_sys(err, "open .state/log");
	/* rights may say one thing, a jail another */
	if (in->writable && open_lock(in, err) < 0) {
		if (errno != EACCES && errno != EPERM && errno != EROFS &&
		    !mbox_may_pass(mb, err))
			return -1;
		in->writable = false;
	}
	if (!in->writable)
		return mbox_passing(mb, err);
	/* makes it where it is still missing */
	if (mbox_lock(mb, err) < 0)
		return -1;
	r = mbox_first(mb, err);
	mbox_unlock(mb);
	if (r < 0)
		return mbox_may_pass(mb, err) ? mbox_passing(mb, err) : -1;
	if (in->log < 0)
		mbox_open_log(in);
	return in->log < 0 ? err_sys(err, "open .state/log") : 0;
}

int
mbox_load(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	int64_t left;

	in->loading = true;
	mbox_kw_init(&in->st.kw);
	mb->uidnext = 1;
	mb->modseq = 1;
	mbox_open_log(in);
	if (in->log < 0 && load_without(mb, err) < 0)
		return -1;
	if (in->log >= 0 && !in->st.have_head) {
		mbox_snap_load(mb);
		if (read_on(mb, &left, err) < 0)
			return -1;
		/* a first line that can not be read: under the lock */
		if (!in->st.have_head && in->writable) {
			if (lock_once(in, err) < 0)
				return -1;
			if (read_on(mb, &left, err) < 0 ||
			    (!in->st.have_head && mend(mb, left, err) < 0)) {
				mbox_unlock(mb);
				return -1;
			}
			mbox_unlock(mb);
		}
		if (!in->st.have_head)
			return err_temp(err, "4.3.0", "the log is damaged");
	}
	mailbox_purge(mb, NULL, NULL);
	mbox_kw_compact(mb);
	in->loading = false;
	return 0;
}

/* --- loading with a view open --------------------------------------------- */

/* the same messages: only what the view noted is to be kept, and the mapping
 * stays one */
static bool
merge_same(struct mailbox *mb, const struct mailbox *old)
{
	const unsigned bits = MSG_RECENT | MSG_TOUCHED;
	size_t i;

	mb->touched = true;
	if (old->gone > 0 || old->n != mb->n)
		return false;
	for (i = 0; i < mb->n; i++)
		if (mb->msg[i].uid != old->msg[i].uid)
			return false;
	for (i = 0; i < mb->n; i++) {
		if (old->msg[i].flags & bits)
			mb->msg[i].flags |= old->msg[i].flags & bits;
		if (mb->msg[i].modseq != old->msg[i].modseq) {
			mb->msg[i].flags |= MSG_TOUCHED;
			mb->in->changed = true;
		}
	}
	return true;
}

/* put the messages of the old view that are gone between those of the new */
static void
merge(struct mailbox *mb, const struct mailbox *old)
{
	struct mailbox_impl *in = mb->in;
	size_t i = 0, k = 0, n = 0, cap = old->n + mb->n;
	struct mailbox_msg *v = xcalloc(cap ? cap : 1, sizeof(*v));
	const struct mailbox_msg *o, *m;

	while (i < old->n || k < mb->n) {
		o = &old->msg[i];
		m = &mb->msg[k];
		if (i < old->n && (k == mb->n || o->uid < m->uid)) {
			v[n] = *o;
			v[n].name = 0;
			v[n].kw = 0;
			v[n].flags |= MSG_GONE;
			in->changed |= !(o->flags & MSG_GONE);
			mb->gone++;
			i++;
		} else if (i < old->n && o->uid == m->uid) {
			v[n] = *m;
			v[n].flags |= o->flags & (MSG_RECENT | MSG_TOUCHED);
			if (m->modseq != o->modseq) {
				v[n].flags |= MSG_TOUCHED;
				in->changed = true;
			}
			i++;
			k++;
		} else {
			v[n] = *m;
			in->changed = true;
			k++;
		}
		n++;
	}
	mbox_set_array(mb, v, cap);
	mb->n = n;
	in->st.dirty_lo = in->st.wait_lo = 0;
	in->st.dirty_hi = in->st.wait_hi = n;
	in->st.unsettled = 0;
}

int
mbox_reload(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct mailbox old = *mb;
	struct mbox_state st = in->st, fresh;
	int r;

	memset(&in->st, 0, sizeof(in->st));
	in->st.more = (struct str)STR_INIT;
	mb->msg = NULL;
	mb->n = mb->gone = 0;
	r = mbox_load(mb, err);
	in->loading = false;
	if (r == 0 && mb->uidvalidity != old.uidvalidity)
		r = err_temp(err, "4.2.0", "the mailbox was made anew");
	if (r == 0 && !merge_same(mb, &old))
		merge(mb, &old);
	/* free that which is not used any more */
	fresh = in->st;
	if (r == 0) {
		struct mailbox now = *mb;

		in->st = st;
		*mb = old;
		mbox_state_free(mb);
		*mb = now;
		in->st = fresh;
	} else {
		mbox_state_free(mb);
		*mb = old;
		in->st = st;
		in->log_ino = 0;
	}
	return r;
}
