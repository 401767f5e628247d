/*
 * mbox_state.c - the array of messages.  Freshly loaded it lies in a private
 * mapping of the snapshot with some room behind it; when that is used up it
 * moves to the heap.
 */
#include "store/mbox.h"

#include <sys/mman.h>

#include "base/fault.h"

enum { ARRAY_SMALL = 1 << 14 };	/* messages: doubled up to here */

void
mbox_state_free(struct mailbox *mb)
{
	struct mbox_state *st = &mb->in->st;

	if (st->map != NULL)
		fault_unmap(st->map, st->map_len);
	else
		free(mb->msg);
	if (st->names != NULL)
		fault_unmap(st->names, st->names_len);
	str_free(&st->more);
	mbox_kw_free(&st->kw);
	free(st->doom);
	memset(st, 0, sizeof(*st));
	st->more = (struct str)STR_INIT;
	mb->msg = NULL;
	mb->n = mb->gone = 0;
}

/* v (malloced) takes the place of mb->msg */
void
mbox_set_array(struct mailbox *mb, struct mailbox_msg *v, size_t cap)
{
	struct mbox_state *st = &mb->in->st;

	if (st->map != NULL)
		fault_unmap(st->map, st->map_len);
	else
		free(mb->msg);
	st->map = NULL;
	mb->msg = v;
	st->cap = cap;
}

void
mbox_populate(void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t from = ((uintptr_t)p + page) & ~page;
	uintptr_t to = ((uintptr_t)p + n) & ~page;

	if (to > from)
		madvise((void *)from, to - from, MADV_POPULATE_WRITE);
}

void
mbox_make_room(struct mailbox *mb, size_t n)
{
	size_t size = n * sizeof(*mb->msg);

	if (mb->msg != NULL || n == 0)
		return;
	mbox_set_array(mb, xmalloc(size), n);
	mbox_populate(mb->msg, size);
}

struct mailbox_msg *
mbox_append_msg(struct mailbox *mb)
{
	struct mbox_state *st = &mb->in->st;
	struct mailbox_msg *v;
	size_t cap;

	if (mb->n == st->cap) {
		cap = st->cap + st->cap / (st->cap < ARRAY_SMALL ? 1 : 4) +
		    64;
		if (st->map != NULL) {
			v = xcalloc(cap, sizeof(*v));
			memcpy(v, mb->msg, mb->n * sizeof(*v));
			mbox_set_array(mb, v, cap);
		} else {
			mb->msg = xrealloc(mb->msg, cap * sizeof(*v));
			st->cap = cap;
		}
	}
	v = &mb->msg[mb->n++];
	memset(v, 0, sizeof(*v));
	return v;
}

void
mbox_dirty(struct mbox_state *st, size_t i)
{
	if (st->dirty_lo >= st->dirty_hi) {
		st->dirty_lo = i;
		st->dirty_hi = i + 1;
		return;
	}
	st->dirty_lo = MIN(st->dirty_lo, i);
	st->dirty_hi = MAX(st->dirty_hi, i + 1);
}

void
mbox_wait(struct mbox_state *st, size_t i)
{
	if (st->wait_lo >= st->wait_hi) {
		st->wait_lo = i;
		st->wait_hi = i + 1;
		return;
	}
	st->wait_lo = MIN(st->wait_lo, i);
	st->wait_hi = MAX(st->wait_hi, i + 1);
}

void
mbox_doom_add(struct mbox_state *st, const struct mailbox_msg *m)
{
	if (st->ndoom == st->doom_cap) {
		st->doom_cap = st->doom_cap ? st->doom_cap * 2 : 64;
		st->doom = xrealloc(st->doom,
		    st->doom_cap * sizeof(*st->doom));
	}
	st->doom[st->ndoom++] = (struct mbox_doom){ m->uid, m->name,
		m->flags & MSG_KEPT, m->file_flags };
}

size_t
mailbox_find(const struct mailbox *mb, uint32_t uid)
{
	size_t lo = 0, hi = mb->n, mid;

	/* mostly UIDs have few gaps: index is at most uid - first */
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (mb->msg[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* the same message behind a purge of those before it */
static size_t
moved(const struct mailbox *mb, size_t i)
{
	size_t k, gone = 0;

	for (k = 0; k < i && k < mb->n; k++)
		gone += (mb->msg[k].flags & MSG_GONE) != 0;
	return i - gone;
}

void
mailbox_purge(struct mailbox *mb, mailbox_gone_fn *fn, void *ctx)
{
	struct mbox_state *st = &mb->in->st;
	size_t i, k = 0;

	if (mb->gone == 0)
		return;
	st->unsettled = moved(mb, MIN(st->unsettled, mb->n));
	st->dirty_lo = moved(mb, MIN(st->dirty_lo, mb->n));
	st->dirty_hi = moved(mb, MIN(st->dirty_hi, mb->n));
	st->wait_lo = moved(mb, MIN(st->wait_lo, mb->n));
	st->wait_hi = moved(mb, MIN(st->wait_hi, mb->n));
	for (i = 0; i < mb->n; i++) {
		if (mb->msg[i].flags & MSG_GONE) {
			if (fn != NULL)
				fn(ctx, (uint32_t)k + 1, mb->msg[i].uid);
			continue;
		}
		if (i != k)
			mb->msg[k] = mb->msg[i];
		k++;
	}
	mb->n = k;
	mb->gone = 0;
}
