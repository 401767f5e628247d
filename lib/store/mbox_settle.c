/*
 * mbox_settle.c - names after flags.  Flags are logged at once and names
 * follow later, all together.  S says that it begins: a name may then have
 * the flags that it had or those that it shall have, and neither is another
 * program's change.  R says that all is done; the directory is synced before,
 * for a name that fell back behind R would look like another's.
 *
 * Files that were taken in under another program's names get ours in slices,
 * each under the lock and behind a record T.  Flags in names stay what they
 * are, so a name that is not there yet, or fell back, is nobody's change: the
 * next scan finds the file by its unique part, and renames it.
 */
#include "store/mbox.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { NAMING_SLICE = 1024 };

/* 1 renamed, 0 nothing to do or no room in the name, -1 not found */
static int
rename_one(struct mailbox *mb, struct mailbox_msg *m)
{
	struct mailbox_impl *in = mb->in;
	const char *kt = mbox_name_get(&in->st, m->name);
	unsigned want = m->flags & MSG_KEPT;
	struct str to = STR_INIT;
	struct stat st;
	int sub, r = 1;

	str_reset(&in->path);
	sub = mbox_name_file(kt, m->file_flags, &in->path);
	if (sub < 0 || mbox_name_file(kt, want, &to) != SUB_CUR ||
	    strcmp(to.s, in->path.s) == 0)
		r = sub < 0 ? -1 : 0;
	else if (mbox_rename(in->sub[sub], in->path.s, in->sub[SUB_CUR],
	    to.s) < 0 &&
	    (errno != ENOENT || fstatat(in->sub[SUB_CUR], to.s, &st,
	    AT_SYMLINK_NOFOLLOW) < 0))
		r = -1;
	str_free(&to);
	return r;
}

static bool
pending(const struct mailbox *mb)
{
	const struct mbox_state *st = &mb->in->st;
	size_t i;

	for (i = st->dirty_lo; i < st->dirty_hi && i < mb->n; i++)
		if (!(mb->msg[i].flags & MSG_GONE) &&
		    (mb->msg[i].flags & MSG_KEPT) !=
		    (mb->msg[i].file_flags & MSG_KEPT))
			return true;
	return st->begun;
}

int
mbox_settle_locked(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct mbox_state *st = &in->st;
	struct mailbox_msg *m;
	struct mbox_own own;
	size_t i, missing = 0;
	int renamed = 0, r;

	if (!in->writable || !pending(mb))
		return 0;
	mbox_log_addf(&in->out, "S %llu", (unsigned long long)mb->modseq);
	if (mbox_commit(mb, true, err) < 0)
		return -1;
	mbox_own_begin(mb, &own);
	for (i = st->dirty_lo; i < st->dirty_hi && i < mb->n; i++) {
		m = &mb->msg[i];
		if ((m->flags & MSG_GONE) ||
		    (m->flags & MSG_KEPT) == (m->file_flags & MSG_KEPT))
			continue;
		r = rename_one(mb, m);
		missing += r < 0;
		renamed += r > 0;
	}
	mbox_own_end(mb, &own);
	if (missing > 0) {
		in->rescan = true;
		return 0;
	}
	if (renamed > 0 && fsync(in->sub[SUB_CUR]) < 0)
		return err_sys(err, "sync cur");
	mbox_log_addf(&in->out, "R %llu", (unsigned long long)mb->modseq);
	if (mbox_commit(mb, false, err) < 0)
		return -1;
	mbox_note_known(mb);
	return 0;
}

/* --- names of what was taken in ------------------------------------------- */

struct waiting { uint32_t i, was; };

static bool
waits(const struct mailbox *mb)
{
	const struct mbox_state *st = &mb->in->st;

	return st->wait_lo < st->wait_hi && st->wait_lo < mb->n;
}

/* the next that wait; wait_lo goes behind them */
static size_t
next_waiting(struct mailbox *mb, struct waiting *v, uint32_t *idx)
{
	struct mbox_state *st = &mb->in->st;
	const struct mailbox_msg *m;
	size_t n = 0;

	for (; waits(mb) && n < NAMING_SLICE; st->wait_lo++) {
		m = &mb->msg[st->wait_lo];
		/* one that was renamed before a crash lost the record may
		 * wait for its date alone */
		if ((m->flags & MSG_GONE) || (m->date != MBOX_NO_DATE &&
		    !mbox_name_waits(mbox_name_get(st, m->name))))
			continue;
		idx[n] = (uint32_t)st->wait_lo;
		v[n++] = (struct waiting){ (uint32_t)st->wait_lo, m->name };
	}
	return n;
}

/* What the names did not tell, or told wrong, goes to the log with them. */
static void
record_seen(struct mailbox *mb, const struct waiting *v, size_t n)
{
	struct str *out = &mb->in->out;
	size_t start = out->len, i;
	struct mailbox_msg m;
	struct stat st;

	str_adds(out, "I ");
	mbox_log_number(out, (int64_t)mb->modseq);
	for (i = 0; i < n; i++) {
		m = mb->msg[v[i].i];
		if (m.date != MBOX_NO_DATE ||
		    mbox_stat(mb, v[i].i, &st) < 0)
			continue;
		if ((uint64_t)st.st_size != m.size && mbox_measure(
		    mb->in->sub[SUB_CUR], mb->in->path.s, &m.size,
		    &m.wsize) < 0)
			continue;
		mbox_log_number(out, m.uid);
		mbox_log_number(out, st.st_mtime);
		mbox_log_number(out, (int64_t)m.size);
		mbox_log_number(out, (int64_t)m.wsize);
	}
	str_trunc(out, out->len - 1);
	mbox_log_seal(out, start);
}

static void
name_one(struct mailbox *mb, const struct waiting *w, struct str *to)
{
	struct mailbox_impl *in = mb->in;
	const struct mailbox_msg *m = &mb->msg[w->i];
	unsigned flags = m->file_flags & MSG_KEPT;

	str_reset(&in->path);
	str_reset(to);
	if (m->name == w->was || mbox_name_file(mbox_name_get(&in->st,
	    w->was), flags, &in->path) < 0 || mbox_name_file(mbox_name_get(
	    &in->st, m->name), flags, to) < 0)
		return;
	if (mbox_rename(in->sub[SUB_CUR], in->path.s, in->sub[SUB_CUR],
	    to->s) < 0)
		in->rescan = true;
}

static int
name_slice(struct mailbox *mb, struct err *err)
{
	struct mbox_known known = mb->in->st.known;
	struct waiting *v = xcalloc(NAMING_SLICE, sizeof(*v));
	uint32_t *idx = xcalloc(NAMING_SLICE, sizeof(*idx));
	size_t n = next_waiting(mb, v, idx), i;
	struct str to = STR_INIT;
	struct mbox_own own;
	int r;

	record_seen(mb, v, n);
	mbox_record_set(mb, 'T', mb->modseq, idx, n, "");
	r = mbox_commit(mb, false, err);
	if (r == 0) {
		mb->in->st.known = known;
		mbox_own_begin(mb, &own);
		for (i = 0; i < n; i++)
			name_one(mb, &v[i], &to);
		mbox_own_end(mb, &own);
	}
	str_free(&to);
	free(idx);
	free(v);
	return r;
}

/* --- both ----------------------------------------------------------------- */

/* under the lock; is there more? */
static bool
settle_some(struct mailbox *mb)
{
	struct err late;
	bool more = false;
	int r;

	/* somebody was killed at it: which names are there? */
	if (mb->in->st.begun) {
		r = mbox_sync_all(mb, &late);
	} else if (waits(mb)) {
		r = name_slice(mb, &late);
		more = r == 0 && (waits(mb) || pending(mb));
	} else {
		r = mbox_settle_locked(mb, &late);
	}
	if (r < 0)
		mbox_late(mb, &late);
	mbox_note_known(mb);
	return more;
}

bool
mailbox_settle(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;
	struct err ignored;
	bool more = false;

	if (in->writable && (pending(mb) || waits(mb) ||
	    memcmp(&in->st.known, &in->st.logged, sizeof(in->st.known)) != 0) &&
	    mbox_lock(mb, &ignored) == 0) {
		more = settle_some(mb);
		if (!more)
			mbox_checkpoint_if_due(mb);
		mbox_unlock(mb);
	}
	if (!more && mbox_snap_due(mb))
		mbox_snap_write(mb);
	return more;
}
