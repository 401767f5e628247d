/*
 * mbox_flags.c - STORE: one record for all messages, one sync.  Messages
 * that would stay as they are get no new modseq.
 */
#include "store/mbox.h"

#include "store/quota.h"

struct writing {
	struct mailbox *mb;
	char type;
	uint64_t modseq;
	const char *tail;
	struct str set;
};

static void
end_record(struct writing *w)
{
	if (w->set.len == 0)
		return;
	mbox_log_addf(&w->mb->in->out, "%c %llu %s%s", w->type,
	    (unsigned long long)w->modseq, w->set.s, w->tail);
	str_reset(&w->set);
}

static void
add_range(struct writing *w, uint32_t first, uint32_t last)
{
	if (w->set.len > 0)
		str_addc(&w->set, ',');
	str_addf(&w->set, "%lu", (unsigned long)first);
	if (last > first)
		str_addf(&w->set, ":%lu", (unsigned long)last);
	if (w->set.len > MBOX_SET_MAX)
		end_record(w);
}

void
mbox_record_set(struct mailbox *mb, char type, uint64_t modseq,
    const uint32_t *idx, size_t n, const char *tail)
{
	struct writing w = { mb, type, modseq, tail, STR_INIT };
	uint32_t first = 0, last = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		uint32_t uid = mb->msg[idx[i]].uid;

		/* flags: over UIDs that nobody has; what is expunged is told
		 * exactly */
		if (i > 0 && (uid == last + 1 ||
		    (type == 'F' && idx[i] == idx[i - 1] + 1))) {
			last = uid;
			continue;
		}
		if (i > 0)
			add_range(&w, first, last);
		first = last = uid;
	}
	if (n > 0)
		add_range(&w, first, last);
	end_record(&w);
	str_free(&w.set);
}

/* --- STORE ---------------------------------------------------------------- */

struct store {
	struct mailbox *mb;
	char op;
	unsigned flags;
	uint16_t num[KEYWORDS_MAX];
	int n;
	int64_t bytes, count;	/* change of the quota */
	uint32_t from, to;
};

static unsigned
new_flags(const struct store *s, unsigned kept)
{
	return s->op == '=' ? s->flags : s->op == '+' ? kept | s->flags :
	    kept & ~s->flags;
}

/* would the message change? */
static bool
changes(struct store *s, const struct mailbox_msg *m)
{
	unsigned was = m->flags & MSG_KEPT, is = new_flags(s, was);

	if (m->kw != s->from) {
		s->from = m->kw;
		s->to = mbox_kw_change(&s->mb->in->st.kw, m->kw, s->op,
		    s->num, (size_t)s->n);
	}
	if ((was ^ is) & MSG_DELETED) {
		s->bytes += is & MSG_DELETED ? -(int64_t)m->size :
		    (int64_t)m->size;
		s->count += is & MSG_DELETED ? -1 : 1;
	}
	return was != is || s->to != m->kw;
}

static size_t
choose(struct store *s, const uint32_t *idx, size_t n,
    const struct flags_change *c, bool *modified, uint32_t *out)
{
	const struct mailbox_msg *m;
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		m = &s->mb->msg[idx[i]];
		if (modified != NULL)
			modified[i] = false;
		if (m->flags & MSG_GONE)
			continue;
		if (c->conditional && m->modseq > c->unchanged_since) {
			if (modified != NULL)
				modified[i] = true;
			continue;
		}
		if (changes(s, m))
			out[k++] = idx[i];
	}
	return k;
}

static int
store_locked(struct mailbox *mb, const uint32_t *idx, size_t n,
    const struct flags_change *c, bool *modified, struct err *err)
{
	struct mailbox_impl *in = mb->in;
	struct store s = { .mb = mb, .flags = c->flags & MSG_KEPT,
		.from = UINT32_MAX, .op = c->op == FLAGS_SET ? '=' :
		c->op == FLAGS_ADD ? '+' : '-' };
	struct str tail = STR_INIT;
	uint32_t *out;
	size_t k;
	int r;

	s.n = mbox_kw_numbers(mb, c->kw, c->nkw, s.num, &s.flags,
	    c->op != FLAGS_REMOVE, err);
	if (s.n < 0)
		return -1;
	out = xcalloc(n + 1, sizeof(*out));
	k = choose(&s, idx, n, c, modified, out);
	str_addf(&tail, " %c", s.op);
	mbox_flagspec_add(&tail, s.flags, s.num, (size_t)s.n);
	mbox_record_set(mb, 'F', mbox_next_modseq(mb), out, k, tail.s);
	r = mbox_commit(mb, true, err);
	if (r == 0 && s.count != 0 && in->maildir >= 0 && in->quota > 0)
		quota_add(in->maildir, s.bytes, s.count);
	str_free(&tail);
	free(out);
	return r;
}

int
mailbox_flags(struct mailbox *mb, const uint32_t *idx, size_t n,
    const struct flags_change *c, bool *modified, struct err *err)
{
	int r;

	if (mb->readonly)
		return err_perm(err, "5.7.8", "mailbox is read-only");
	if (mbox_lock(mb, err) < 0)
		return -1;
	r = store_locked(mb, idx, n, c, modified, err);
	if (r < 0)
		mbox_abandon(mb);
	mbox_checkpoint_if_due(mb);
	mbox_unlock(mb);
	return r;
}
