/*
 * mbox_vanished.c - QRESYNC: what was expunged after a modseq, from the E and
 * V records of the log, or, where these do not reach back so far, all that is
 * not there.
 */
#include <sys/stat.h>

#include "store/mbox.h"

struct ranges { struct uid_range *v; size_t n, cap; };

static void
add_range(struct ranges *r, uint32_t first, uint32_t last)
{
	if (first > last)
		return;
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->v = xrealloc(r->v, r->cap * sizeof(*r->v));
	}
	r->v[r->n++] = (struct uid_range){ first, last };
}

static int
cmp_range(const void *a, const void *b)
{
	const struct uid_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static void
join(struct ranges *r)
{
	size_t i, k = 0;

	if (r->n == 0)
		return;
	qsort(r->v, r->n, sizeof(*r->v), cmp_range);
	for (i = 0; i < r->n; i++) {
		if (k > 0 && r->v[i].first <= (uint64_t)r->v[k - 1].last + 1)
			r->v[k - 1].last = MAX(r->v[k - 1].last,
			    r->v[i].last);
		else
			r->v[k++] = r->v[i];
	}
	r->n = k;
}

static void
complement(const struct mailbox *mb, struct ranges *r)
{
	uint64_t next = 1;
	size_t i;

	for (i = 0; i < mb->n; i++) {
		if (mb->msg[i].flags & MSG_GONE)
			continue;
		if (mb->msg[i].uid > next)
			add_range(r, (uint32_t)next, mb->msg[i].uid - 1);
		next = (uint64_t)mb->msg[i].uid + 1;
	}
	if (mb->uidnext > next)
		add_range(r, (uint32_t)next, mb->uidnext - 1);
}

static void
from_record(struct slice rec, uint64_t modseq, struct ranges *r)
{
	struct uid_range u;
	struct slice set;
	uint64_t at;

	if (rec.n < 3 || (rec.p[0] != 'E' && rec.p[0] != 'V') ||
	    rec.p[1] != ' ')
		return;
	rec = slice_sub(rec, 2, rec.n);
	if (!mbox_word_u64(&rec, &at) || at <= modseq ||
	    !slice_cut(&rec, ' ', &set))
		return;
	while (mbox_set_next(&set, &u))
		add_range(r, u.first, u.last);
}

/* the log up to where the view has read it */
static int
from_log(struct mailbox *mb, uint64_t modseq, struct ranges *r,
    struct err *err)
{
	size_t want = (size_t)mb->in->st.off;
	char *buf = xmalloc(want + 1);
	struct slice rest = { buf, want }, rec;
	int k;

	if (pread(mb->in->log, buf, want, 0) != (ssize_t)want) {
		free(buf);
		return err_sys(err, "read .state/log");
	}
	while ((k = mbox_log_next(&rest, &rec)) != 0)
		if (k > 0)
			from_record(rec, modseq, r);
	free(buf);
	return 0;
}

int
mailbox_vanished(struct mailbox *mb, uint64_t modseq, struct uid_range **out,
    size_t *n, struct err *err)
{
	struct ranges r = { 0 };
	bool known = mb->in->log >= 0 && modseq >= mb->in->st.base_modseq;

	if (!known)
		complement(mb, &r);
	else if (from_log(mb, modseq, &r, err) < 0)
		return -1;
	join(&r);
	*out = r.v;
	*n = r.n;
	return known;
}
