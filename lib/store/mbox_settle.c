/*
 * mbox_settle.c - names after flags.  Flags are logged at once and names
 * follow later, all together.  S says that it begins: a name may then have
 * the flags that it had or those that it shall have, and neither is another
 * program's change.  R says that all is done; the directory is synced before,
 * for a name that fell back behind R would look like another's.
 */
#include "store/mbox.h"

#include <fcntl.h>
#include <sys/stat.h>

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

void
mailbox_settle(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;
	struct err ignored;

	if (in->writable && (pending(mb) ||
	    memcmp(&in->st.known, &in->st.logged, sizeof(in->st.known)) != 0) &&
	    mbox_lock(mb, &ignored) == 0) {
		/* somebody was killed at it: which names are there? */
		if (in->st.begun)
			mbox_sync_all(mb, &ignored);
		else
			mbox_settle_locked(mb, &ignored);
		mbox_note_known(mb);
		mbox_checkpoint_if_due(mb);
		mbox_unlock(mb);
	}
	if (mbox_snap_due(mb))
		mbox_snap_write(mb);
}
