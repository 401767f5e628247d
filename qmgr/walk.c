/*
 * walk.c - messages that match a filter, fresh ones (all in memory) and filed
 * ones (by index) merged in the order of their ids.  A walk never takes much
 * longer than WALK_MS: the caller goes on after the id it has reached.
 */
#include "qmgr.h"

static bool
collect(struct msg *m, void *ctx)
{
	struct walk *w = ctx;

	if (m->row != ROW_FRESH || !queue_filter_message(&w->f, &m->m))
		return true;
	if (w->nfresh == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 256;
		w->fresh = xrealloc(w->fresh, w->cap * sizeof(*w->fresh));
	}
	w->fresh[w->nfresh++] = m->m.id;
	return true;
}

static int
by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int
walk_open(struct walk *w, const struct qmgr_filter *in, struct arena *a,
    struct err *err)
{
	*w = (struct walk){ .now = wall_s(), .end_ms = mono_ms() + WALK_MS };
	if (queue_filter_read(in, w->now, a, &w->f, err) != 0)
		return -1;
	w->page = w->f;
	w->last = w->f.after;
	msg_each(collect, w);
	if (w->nfresh > 0)
		qsort(w->fresh, w->nfresh, sizeof(*w->fresh), by_id);
	return 0;
}

void
walk_close(struct walk *w)
{
	free(w->fresh);
	arena_free(&w->arena);
}

/* the next filed id, or INT64_MAX */
static int
peek_filed(struct walk *w, int64_t *id, struct err *err)
{
	int n;

	if (w->filed_at == w->nfiled && !w->filed_end) {
		n = qdb_candidates(qmgr.db, &w->page, w->filed,
		    ARRAY_LEN(w->filed), err);
		if (n < 0)
			return -1;
		w->nfiled = n;
		w->filed_at = 0;
		w->filed_end = n < (int)ARRAY_LEN(w->filed);
		if (n > 0)
			w->page.after = w->filed[n - 1];
	}
	*id = w->filed_at < w->nfiled ? w->filed[w->filed_at] : INT64_MAX;
	return 0;
}

static void
match(struct walk *w, const struct queue_rcpt *r, bool active)
{
	int state = queue_state(&w->m, r, active, w->now);

	if (!queue_filter_rcpt(&w->f, r, state))
		return;
	w->state[w->m.n] = state;
	w->m.rcpt[w->m.n++] = *r;
}

/* recipients of a fresh message, first number first */
static void
view_fresh(struct walk *w, const struct msg *m)
{
	const struct rcpt *r, **v;
	size_t i = 0;

	w->m = m->m;
	w->m.n = 0;
	v = arena_alloc(&w->arena, (m->n + 1) * sizeof(*v));
	w->state = arena_alloc(&w->arena, (m->n + 1) * sizeof(*w->state));
	w->m.rcpt = arena_alloc(&w->arena, (m->n + 1) * sizeof(*w->m.rcpt));
	LIST_FOREACH(r, &m->rcpts, of_msg)
		v[i++] = r;
	while (i-- > 0)
		if (!v[i]->gone)
			match(w, &v[i]->q, v[i]->place != AT_DIRTY);
	w->active = m->out > 0;
}

/* 1, 0 it is gone, -1 */
static int
view_filed(struct walk *w, int64_t id, struct err *err)
{
	struct queue_message m;
	const struct msg *in = msg_find(id);
	const struct rcpt *r;
	size_t i;
	int rc = qdb_message_get(qmgr.db, id, -1, WALK_RCPTS, &w->arena, &m,
	    err);

	if (rc != 1 || !queue_filter_message(&w->f, &m))
		return MIN(rc, 0);
	w->m = m;
	w->m.n = 0;
	w->m.rcpt = arena_alloc(&w->arena, (m.n + 1) * sizeof(*m.rcpt));
	w->state = arena_alloc(&w->arena, (m.n + 1) * sizeof(*w->state));
	for (i = 0; i < m.n; i++) {
		r = in != NULL ? rcpt_find(id, m.rcpt[i].n) : NULL;
		if (r == NULL || !r->gone)
			match(w, &m.rcpt[i], r != NULL &&
			    r->place != AT_DIRTY);
	}
	w->active = in != NULL && in->out > 0;
	return 1;
}

static int
view(struct walk *w, int64_t id, struct err *err)
{
	const struct msg *m = msg_find(id);

	arena_reset(&w->arena);
	w->m = (struct queue_message){ 0 };
	if (m != NULL && m->row == ROW_FRESH) {
		view_fresh(w, m);
		return 1;
	}
	return view_filed(w, id, err);
}

int
walk_next(struct walk *w, struct err *err)
{
	int64_t id, filed;

	for (;;) {
		if (w->f.limit > 0 && w->messages >= w->f.limit)
			return 0;
		if (peek_filed(w, &filed, err) != 0)
			return -1;
		id = w->at < w->nfresh ? w->fresh[w->at] : INT64_MAX;
		id = MIN(id, filed);
		if (id == INT64_MAX)
			return 0;
		/* at least one, however slow the disk is */
		if (w->messages >= WALK_MESSAGES ||
		    (w->last != w->f.after && mono_ms() >= w->end_ms))
			return 2;
		if (id == filed)
			w->filed_at++;
		if (w->at < w->nfresh && id == w->fresh[w->at])
			w->at++;
		w->last = id;
		if (view(w, id, err) < 0)
			return -1;
		if (w->m.n > 0) {
			w->messages++;
			return 1;
		}
	}
}
