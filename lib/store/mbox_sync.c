/*
 * mbox_sync.c - what the directories hold against what the array says.
 *
 * A file is a message's by its UID and base, or by its name; else, where the
 * message is not seen otherwise, by its unique part (a renaming that was not
 * finished, or another program's), or by its UID and size.  What belongs to no
 * message is taken in.  A message whose file is nowhere has vanished (V), but
 * only where the directory did not change while it was read: a file that is
 * being renamed may be missed by readdir.
 */
#include "store/mbox.h"

#include <fcntl.h>

#include "base/clock.h"

enum { SCANS_MAX = 4 };

/* flags that another program changed */
struct foreign { uint32_t i; uint8_t add, remove; };
/* names whose flags the log does not know */
struct named { uint32_t i; uint8_t flags; bool told; };

struct sync {
	struct mailbox *mb;
	struct mbox_scan scan;
	struct mbox_file **seen;	/* by index: the file of a message */
	struct foreign *foreign;
	size_t nforeign, cap;
	struct named *named;
	size_t nnamed, named_cap;
	uint32_t *unseen;	/* indexes, by unique part */
	size_t nunseen;
	struct str name, other;
};

static void
sync_free(struct sync *s)
{
	mbox_scan_free(&s->scan);
	free(s->seen);
	free(s->foreign);
	free(s->named);
	free(s->unseen);
	str_free(&s->name);
	str_free(&s->other);
}

static struct slice
base_of(const char *name)
{
	struct slice s = slice_of(name);

	return slice_sub(s, 0, slice_find(s, ':'));
}

static const char *
kind_text(const struct sync *s, size_t i)
{
	return mbox_name_get(&s->mb->in->st, s->mb->msg[i].name);
}

static void
add_foreign(struct sync *s, size_t i, unsigned was, unsigned is)
{
	if (s->nforeign == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->foreign = xrealloc(s->foreign,
		    s->cap * sizeof(*s->foreign));
	}
	s->foreign[s->nforeign++] = (struct foreign){ (uint32_t)i,
		(uint8_t)(is & ~was), (uint8_t)(was & ~is) };
}

/* Another name than expected: letters that are not ours, an order that is
 * not ours, or another base.  Ours is restored, others' letters are kept. */
static void
other_name(struct sync *s, size_t i, const struct mbox_file *f)
{
	struct mailbox_impl *in = s->mb->in;
	struct mailbox_msg *m = &s->mb->msg[i];
	struct mbox_own own;
	bool done = true;

	str_reset(&s->other);
	mbox_name_final(&s->other, slice_of(f->name), m->file_flags, m);
	str_reset(&s->name);
	if (mbox_name_file(s->other.s, m->file_flags, &s->name) < 0)
		return;
	if (f->sub == SUB_NEW || strcmp(s->name.s, f->name) != 0) {
		mbox_own_begin(s->mb, &own);
		done = in->writable && mbox_rename(in->sub[f->sub], f->name,
		    in->sub[SUB_CUR], s->name.s) == 0;
		mbox_own_end(s->mb, &own);
	}
	if (!done) {
		/* as it is, then */
		str_reset(&s->other);
		str_addc(&s->other, f->sub == SUB_NEW ? 'n' : 'o');
		str_adds(&s->other, f->name);
	}
	if (strcmp(kind_text(s, i), s->other.s) != 0)
		m->name = mbox_name_keep(&in->st, s->other.s);
}

static void
add_named(struct sync *s, size_t i, unsigned is)
{
	if (s->nnamed == s->named_cap) {
		s->named_cap = s->named_cap ? s->named_cap * 2 : 64;
		s->named = xrealloc(s->named,
		    s->named_cap * sizeof(*s->named));
	}
	s->named[s->nnamed++] = (struct named){ (uint32_t)i, (uint8_t)is,
		false };
}

/* The name has these flags.  A change of another program's is what can not
 * come from a renaming of ours, done or only begun. */
static void
name_flags(struct sync *s, size_t i, unsigned is)
{
	struct mailbox_msg *m = &s->mb->msg[i];
	unsigned was = m->file_flags & MSG_KEPT;

	if (is != was && is != (m->flags & MSG_KEPT) &&
	    !((m->file_flags & MBOX_BEGUN) &&
	    is == (m->file_flags >> 8 & MSG_KEPT)))
		add_foreign(s, i, was, is);
	m->file_flags = (uint16_t)is;
	mbox_dirty(&s->mb->in->st, i);
	add_named(s, i, is);
}

/* file f is that of message i: is its name as it should be? */
static void
compare_name(struct sync *s, size_t i, const struct mbox_file *f)
{
	struct mailbox_msg *m = &s->mb->msg[i];
	struct mail_name n;
	unsigned is;
	int sub;

	str_reset(&s->name);
	sub = mbox_name_file(kind_text(s, i), m->file_flags, &s->name);
	if (sub == f->sub && strcmp(s->name.s, f->name) == 0 &&
	    !(m->file_flags & MBOX_BEGUN))
		return;
	mail_name_parse(slice_of(f->name), &n);
	is = mbox_letters_parse(n.flags);
	if (f->sub == SUB_NEW && n.flags.n == 0)
		is = m->file_flags & MSG_KEPT;
	if (is != m->file_flags) {
		name_flags(s, i, is);
		str_reset(&s->name);
		sub = mbox_name_file(kind_text(s, i), is, &s->name);
		if (sub == f->sub && strcmp(s->name.s, f->name) == 0)
			return;
	}
	other_name(s, i, f);
}

static void
match(struct sync *s, size_t i, struct mbox_file *f)
{
	f->used = true;
	s->seen[i] = f;
}

static void
match_by_uid(struct sync *s)
{
	struct mailbox *mb = s->mb;
	struct mbox_file *f;
	size_t i;

	for (f = s->scan.v; f < s->scan.v + s->scan.n; f++) {
		if (f->uid == 0)
			continue;
		i = mailbox_find(mb, f->uid);
		if (i < mb->n && mb->msg[i].uid == f->uid && !s->seen[i] &&
		    !(mb->msg[i].flags & MSG_GONE) &&
		    slice_eq(base_of(kind_text(s, i) + 1), base_of(f->name)))
			match(s, i, f);
	}
}

/* names without a UID: as the log tells them */
static void
match_by_name(struct sync *s)
{
	struct mailbox *mb = s->mb;
	struct mbox_index x;
	struct mbox_file *f;
	size_t k, i;
	int sub;

	mbox_index_make(&x, &s->scan);
	for (k = 0; k < s->nunseen; k++) {
		i = s->unseen[k];
		str_reset(&s->name);
		sub = mbox_name_file(kind_text(s, i), mb->msg[i].file_flags,
		    &s->name);
		f = sub < 0 ? NULL : mbox_index_find(&x, &s->scan, sub,
		    s->name.s);
		if (f != NULL && !f->used)
			match(s, i, f);
	}
	free(x.slot);
}

/* --- what is left --------------------------------------------------------- */

static int
slice_cmp(struct slice a, struct slice b)
{
	int r = memcmp(a.p, b.p, MIN(a.n, b.n));

	return r ? r : (a.n > b.n) - (a.n < b.n);
}

static int
cmp_unseen(const void *a, const void *b, void *ctx)
{
	const struct sync *s = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int r = slice_cmp(mbox_unique(kind_text(s, x)),
	    mbox_unique(kind_text(s, y)));

	return r ? r : (x > y) - (x < y);
}

static void
list_unseen(struct sync *s)
{
	struct mailbox *mb = s->mb;
	size_t i;

	s->nunseen = 0;
	free(s->unseen);
	s->unseen = xcalloc(mb->n + 1, sizeof(*s->unseen));
	for (i = 0; i < mb->n; i++)
		if (!s->seen[i] && !(mb->msg[i].flags & MSG_GONE))
			s->unseen[s->nunseen++] = (uint32_t)i;
}

static void
match_by_unique(struct sync *s)
{
	struct mbox_file *f;
	struct mail_name n;
	size_t lo, hi, mid;

	qsort_r(s->unseen, s->nunseen, sizeof(*s->unseen), cmp_unseen, s);
	for (f = s->scan.v; f < s->scan.v + s->scan.n; f++) {
		if (f->used)
			continue;
		mail_name_parse(slice_of(f->name), &n);
		for (lo = 0, hi = s->nunseen; lo < hi; ) {
			mid = (lo + hi) / 2;
			if (slice_cmp(mbox_unique(kind_text(s,
			    s->unseen[mid])), n.unique) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		for (; lo < s->nunseen && slice_eq(mbox_unique(kind_text(s,
		    s->unseen[lo])), n.unique); lo++)
			if (!s->seen[s->unseen[lo]]) {
				match(s, s->unseen[lo], f);
				break;
			}
	}
}

/* renamed by us for POP3, whose UIDLs must differ (drop.c) */
static void
match_by_size(struct sync *s)
{
	struct mailbox *mb = s->mb;
	struct mbox_file *f;
	struct mail_name n;
	size_t i;

	for (f = s->scan.v; f < s->scan.v + s->scan.n; f++) {
		if (f->used || f->uid == 0)
			continue;
		i = mailbox_find(mb, f->uid);
		mail_name_parse(slice_of(f->name), &n);
		if (i < mb->n && mb->msg[i].uid == f->uid && !s->seen[i] &&
		    !(mb->msg[i].flags & MSG_GONE) && n.has_size &&
		    n.size == mb->msg[i].size)
			match(s, i, f);
	}
}

static void
match_all(struct sync *s)
{
	free(s->seen);
	s->seen = xcalloc(s->mb->n + 1, sizeof(*s->seen));
	mbox_doom_mark(s->mb, &s->scan);
	match_by_uid(s);
	list_unseen(s);
	if (s->nunseen > 0) {
		match_by_name(s);
		list_unseen(s);
	}
	if (s->nunseen > 0) {
		match_by_unique(s);
		match_by_size(s);
		list_unseen(s);
	}
}

static bool
strangers(const struct sync *s)
{
	const struct mbox_file *f;

	for (f = s->scan.v; f < s->scan.v + s->scan.n; f++)
		if (!f->used && f->sub == SUB_CUR)
			return true;
	return false;
}

/* Read the directories and match, until it is certain that what is not seen
 * is not there, and that no file was seen by two names.  1, or 0 where it can
 * not be told now, -1 */
static int
look(struct sync *s, struct err *err)
{
	int i;

	for (i = 0; i < SCANS_MAX; i++) {
		if (i > 0)
			usleep((DIR_GRAIN_MS + 5) * 1000);
		if (mbox_scan_dirs(s->mb, &s->scan, true, err) < 0)
			return -1;
		match_all(s);
		if (s->scan.sure[SUB_CUR] ||
		    (s->nunseen == 0 && !strangers(s)))
			return 1;
	}
	return 0;
}

/* --- records -------------------------------------------------------------- */

static void
record_vanished(struct sync *s)
{
	struct mailbox *mb = s->mb;

	mbox_record_set(mb, 'V', mbox_next_modseq(mb), s->unseen,
	    s->nunseen, "");
}

static void
record_foreign(struct sync *s, uint64_t modseq)
{
	uint32_t *idx = xcalloc(s->nforeign + 1, sizeof(*idx));
	struct foreign *f, *g, *end = s->foreign + s->nforeign;
	struct str tail = STR_INIT;
	uint8_t add, remove;
	size_t n;

	for (f = s->foreign; f < end; f++) {
		add = f->add;
		remove = f->remove;
		if ((add | remove) == 0)
			continue;
		for (n = 0, g = f; g < end; g++)
			if (g->add == add && g->remove == remove) {
				idx[n++] = g->i;
				g->add = g->remove = 0;
			}
		if (add) {
			str_reset(&tail);
			str_adds(&tail, " +");
			mbox_flagspec_add(&tail, add, NULL, 0);
			mbox_record_set(s->mb, 'F', modseq, idx, n, tail.s);
		}
		if (remove) {
			str_reset(&tail);
			str_adds(&tail, " -");
			mbox_flagspec_add(&tail, remove, NULL, 0);
			mbox_record_set(s->mb, 'F', modseq, idx, n, tail.s);
		}
	}
	str_free(&tail);
	free(idx);
}

static void
record_named(struct sync *s, uint64_t modseq)
{
	uint32_t *idx = xcalloc(s->nnamed + 1, sizeof(*idx));
	struct str tail = STR_INIT;
	size_t i, k, n;

	for (i = 0; i < s->nnamed; i++) {
		if (s->named[i].told)
			continue;
		for (n = 0, k = i; k < s->nnamed; k++)
			if (!s->named[k].told &&
			    s->named[k].flags == s->named[i].flags) {
				idx[n++] = s->named[k].i;
				s->named[k].told = k > i;
			}
		str_reset(&tail);
		str_addc(&tail, ' ');
		mbox_flagspec_add(&tail, s->named[i].flags, NULL, 0);
		mbox_record_set(s->mb, 'N', modseq, idx, n, tail.s);
	}
	str_free(&tail);
	free(idx);
}

static int
cmp_foreign(const void *a, const void *b)
{
	const struct foreign *x = a, *y = b;

	return (x->i > y->i) - (x->i < y->i);
}

/* commit what others did as others' changes: the view is told */
static int
commit_foreign(struct sync *s, bool vanished, struct err *err)
{
	struct mailbox *mb = s->mb;
	size_t i;

	for (i = 0; i < mb->n; i++)
		if (s->seen[i] != NULL)
			compare_name(s, i, s->seen[i]);
	if (vanished && s->nunseen > 0)
		record_vanished(s);
	if (s->nforeign > 0) {
		qsort(s->foreign, s->nforeign, sizeof(*s->foreign),
		    cmp_foreign);
		for (i = 0; i < s->nforeign; i++)
			mb->msg[s->foreign[i].i].flags |= MSG_TOUCHED;
		mb->touched = true;
		record_foreign(s, mbox_next_modseq(mb) + 1);
	}
	if (mb->in->out.len > 0)
		mb->in->changed = true;
	record_named(s, mb->modseq);
	if (mbox_commit(mb, true, err) < 0)
		return -1;
	mb->in->st.begun = false;
	return 0;
}

static void
note_times(struct sync *s)
{
	struct mbox_known *k = &s->mb->in->st.known;

	k->ns[SUB_NEW] = s->scan.sure[SUB_NEW] ? s->scan.ns[SUB_NEW] : 0;
	k->ns[SUB_CUR] = s->scan.same[SUB_CUR] ? s->scan.ns[SUB_CUR] : 0;
	k->scanned = s->scan.sure[SUB_CUR] ? 0 : wall_s();
}

/* Whatever happened to the snapshot that is mapped: files are not given new
 * UIDs because of it. */
static void
check_order(const struct mailbox *mb)
{
	uint32_t last = 0;
	size_t i;

	for (i = 0; i < mb->n && mb->msg[i].uid > last; i++)
		last = mb->msg[i].uid;
	if (i == mb->n)
		return;
	if (mb->in->index >= 0)
		unlinkat(mb->in->index, mb->id, 0);
	die("the snapshot of a mailbox is damaged");
}

int
mbox_sync_all(struct mailbox *mb, struct err *err)
{
	struct sync s = { .mb = mb, .name = STR_INIT, .other = STR_INIT };
	bool sure = false;
	int r;

	check_order(mb);
	mbox_finish_doom(mb);
	r = look(&s, err);
	if (r >= 0) {
		sure = r > 0;
		note_times(&s);
		if (!sure)
			mb->in->st.known.ns[SUB_CUR] = 0;
		r = commit_foreign(&s, sure, err);
	}
	if (r == 0)
		r = mbox_take_in(mb, &s.scan, sure, err);
	if (r == 0) {
		mb->in->rescan = false;
		if (s.nnamed > 0)
			mbox_settle_locked(mb, err);
		mbox_note_known(mb);
	}
	sync_free(&s);
	return r;
}

int
mbox_sync_new(struct mailbox *mb, struct err *err)
{
	struct sync s = { .mb = mb, .name = STR_INIT, .other = STR_INIT };
	int r;

	if (mb->in->st.unsettled < mb->n || mb->in->st.ndoom > 0)
		return mbox_sync_all(mb, err);
	r = mbox_scan_dirs(mb, &s.scan, false, err);
	if (r == 0) {
		mb->in->st.known.ns[SUB_NEW] = s.scan.sure[SUB_NEW] ?
		    s.scan.ns[SUB_NEW] : 0;
		r = mbox_take_in(mb, &s.scan, false, err);
	}
	if (r == 0)
		mbox_note_known(mb);
	sync_free(&s);
	return r;
}
