/*
 * mbox_expunge.c - expunge: E is on the disk, then the files are unlinked,
 * the directory is synced, and X says so.  Between E and X a message is
 * doomed: whoever has the lock next unlinks its file, and its file is no new
 * message.  Behind X a file of that UID is another's (a backup was restored)
 * and is taken in anew: only what the log dooms is ever unlinked.
 *
 * A file that another program renames may be missed by readdir.  X comes when
 * it is certain that none is left; until then each refresh looks again.
 */
#include "store/mbox.h"

#include <fcntl.h>

#include "store/quota.h"

enum { HUNTS_MAX = 50, WAITS_MAX = 3 };

static bool
unlink_as(struct mailbox_impl *in, const struct mbox_doom *d, unsigned flags)
{
	int sub;

	str_reset(&in->path);
	sub = mbox_name_file(mbox_name_get(&in->st, d->name), flags,
	    &in->path);
	return sub >= 0 && unlinkat(in->sub[sub], in->path.s, 0) == 0;
}

static int
cmp_doom(const void *a, const void *b)
{
	const struct mbox_doom *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* the same base, or, not yet renamed by us, the same unique part and no UID:
 * where the log does not tell a name of ours, only the base counts */
static bool
same_file(struct mailbox_impl *in, const struct mbox_doom *d,
    const struct mbox_file *f)
{
	const char *kt = mbox_name_get(&in->st, d->name);
	struct mail_name a, b;

	if (kt[0] == '\0')
		return false;
	mail_name_parse(slice_of(f->name), &a);
	mail_name_parse(slice_of(kt + 1), &b);
	return slice_eq(a.base, b.base) ||
	    (f->uid == 0 && b.uid != 0 && slice_eq(a.unique, b.unique));
}

struct hunt {
	struct mailbox_impl *in;
	const struct mbox_doom *v;	/* by UID */
	const struct mbox_doom **by_name;	/* by unique part */
	size_t n;
};

static struct slice
unique_of(const struct hunt *h, const struct mbox_doom *d)
{
	return mbox_unique(mbox_name_get(&h->in->st, d->name));
}

static int
cmp_unique(const void *a, const void *b, void *ctx)
{
	struct slice x = unique_of(ctx, *(const struct mbox_doom *const *)a);
	struct slice y = unique_of(ctx, *(const struct mbox_doom *const *)b);
	int r = memcmp(x.p, y.p, MIN(x.n, y.n));

	return r ? r : (x.n > y.n) - (x.n < y.n);
}

/* is that file, which has no UID, one of the doomed? */
static bool
is_named(const struct hunt *h, const struct mbox_file *f)
{
	size_t lo = 0, hi = h->n, mid;
	struct mail_name n;
	struct slice u, d;
	int r;

	mail_name_parse(slice_of(f->name), &n);
	u = n.unique;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		d = unique_of(h, h->by_name[mid]);
		r = memcmp(d.p, u.p, MIN(d.n, u.n));
		if (r < 0 || (r == 0 && d.n < u.n))
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < h->n && slice_eq(unique_of(h, h->by_name[lo]), u); lo++)
		if (same_file(h->in, h->by_name[lo], f))
			return true;
	return false;
}

static bool
is_doomed(const struct hunt *h, const struct mbox_file *f)
{
	const struct mbox_doom key = { .uid = f->uid }, *d;

	if (f->uid == 0)
		return is_named(h, f);
	d = bsearch(&key, h->v, h->n, sizeof(*h->v), cmp_doom);
	return d != NULL && same_file(h->in, d, f);
}

/* 1 some were there, 0 none, -1 */
static int
hunt_once(struct mailbox *mb, const struct hunt *h, struct mbox_scan *scan,
    struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct mbox_file *f;
	int r = 0;

	if (mbox_scan_dirs(mb, scan, true, err) < 0)
		return -1;
	for (f = scan->v; f < scan->v + scan->n; f++) {
		if (!is_doomed(h, f))
			continue;
		r = 1;
		/* ENOENT: it has another name by now */
		if (unlinkat(in->sub[f->sub], f->name, 0) < 0 &&
		    errno != ENOENT)
			return err_sys(err, "unlink in cur");
	}
	return r;
}

static void
hunt_begin(struct hunt *h, struct mailbox *mb, const struct mbox_doom *v,
    size_t n)
{
	size_t i;

	*h = (struct hunt){ mb->in, v, xcalloc(n + 1, sizeof(*h->by_name)),
		n };
	for (i = 0; i < n; i++)
		h->by_name[i] = &v[i];
	qsort_r(h->by_name, n, sizeof(*h->by_name), cmp_unique, h);
}

/* Those that were renamed by others meanwhile: they are looked for until there
 * is none, and nothing changed while that was seen. */
int
mbox_hunt(struct mailbox *mb, struct mbox_doom *v, size_t n, bool again,
    struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct mbox_scan scan = { 0 };
	struct hunt h;
	int r, tries = HUNTS_MAX, waits = again ? 0 : WAITS_MAX;

	qsort(v, n, sizeof(*v), cmp_doom);
	hunt_begin(&h, mb, v, n);
	for (;;) {
		r = hunt_once(mb, &h, &scan, err);
		if (r < 0 || tries-- == 0 || (r == 0 &&
		    (scan.sure[SUB_CUR] || waits-- == 0)))
			break;
		if (r == 0)
			usleep((DIR_GRAIN_MS + 5) * 1000);
	}
	if (r == 0 && !scan.sure[SUB_CUR])
		r = 1;
	if (r >= 0 && fsync(in->sub[SUB_NEW]) < 0)
		r = err_sys(err, "sync new");
	mbox_scan_free(&scan);
	free(h.by_name);
	return r;
}

void
mbox_doom_mark(struct mailbox *mb, struct mbox_scan *s)
{
	struct mbox_state *st = &mb->in->st;
	struct mbox_file *f;
	struct hunt h;

	if (st->ndoom == 0)
		return;
	qsort(st->doom, st->ndoom, sizeof(*st->doom), cmp_doom);
	hunt_begin(&h, mb, st->doom, st->ndoom);
	for (f = s->v; f < s->v + s->n; f++)
		f->used |= is_doomed(&h, f);
	free(h.by_name);
}

int
mbox_unlink_doom(struct mailbox *mb, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct mbox_state *st = &in->st;
	struct mbox_own own;
	size_t i, missed = 0;
	int r = 0;

	if (st->ndoom == 0 || !in->writable)
		return 0;
	mbox_own_begin(mb, &own);
	for (i = 0; i < st->ndoom; i++)
		if (!unlink_as(in, &st->doom[i], st->doom[i].file_flags) &&
		    !unlink_as(in, &st->doom[i], st->doom[i].flags))
			st->doom[missed++] = st->doom[i];
	if (missed > 0)
		r = mbox_hunt(mb, st->doom, missed, st->hunted, err);
	if (r >= 0 && fsync(in->sub[SUB_CUR]) < 0)
		r = err_sys(err, "sync cur");
	mbox_own_end(mb, &own);
	st->ndoom = r == 0 ? 0 : missed;
	st->hunted = r > 0;
	return r;
}

/* 0, 1 some may still be there, -1 */
static int
finish(struct mailbox *mb, struct err *err)
{
	int r = mbox_unlink_doom(mb, err);

	if (r != 0)
		return r;
	mbox_log_addf(&mb->in->out, "X %llu", (unsigned long long)mb->modseq);
	return mbox_commit(mb, false, err);
}

void
mbox_finish_doom(struct mailbox *mb)
{
	struct mailbox_impl *in = mb->in;
	struct err late;
	int r;

	if (in->st.ndoom == 0 || !in->writable)
		return;
	r = finish(mb, &late);
	if (r < 0 && !in->doom_late)
		mbox_late(mb, &late);
	in->doom_late = r < 0;
	if (r == 0)
		mbox_note_known(mb);
}

int
mbox_expunge_log(struct mailbox *mb, const uint32_t *idx, size_t n,
    struct err *err)
{
	struct mailbox_impl *in = mb->in;
	uint32_t *out = xcalloc(n + 1, sizeof(*out));
	int64_t bytes = 0, count = 0;
	const struct mailbox_msg *m;
	size_t i, k = 0;
	int r;

	for (i = 0; i < n; i++) {
		m = &mb->msg[idx[i]];
		if (m->flags & MSG_GONE)
			continue;
		out[k++] = idx[i];
		if (!(m->flags & MSG_DELETED)) {
			bytes -= (int64_t)m->size;
			count--;
		}
	}
	mbox_record_set(mb, 'E', mbox_next_modseq(mb), out, k, "");
	r = mbox_commit(mb, true, err);
	if (r == 0 && count != 0 && in->maildir >= 0 && in->quota > 0)
		quota_add(in->maildir, bytes, count);
	free(out);
	return r;
}

int
mbox_expunge_locked(struct mailbox *mb, const uint32_t *idx, size_t n,
    struct err *err)
{
	int r = mbox_expunge_log(mb, idx, n, err);

	if (r == 0)
		mbox_finish_doom(mb);
	return r;
}

int
mailbox_expunge(struct mailbox *mb, const uint32_t *idx, size_t n,
    struct err *err)
{
	int r;

	if (mb->readonly)
		return err_perm(err, "5.7.8", "mailbox is read-only");
	if (mbox_lock(mb, err) < 0)
		return -1;
	r = mbox_expunge_locked(mb, idx, n, err);
	if (r < 0)
		mbox_abandon(mb);
	mbox_checkpoint_if_due(mb);
	mbox_unlock(mb);
	return r;
}
