/*
 * walk.c - messages that match a filter, fresh ones (all in memory) and filed
 * ones (by index) merged in the order of their ids.  A walk never takes much
 * longer than WALK_MS: the caller goes on after the id it has reached.
 * Nothing is written while it is open.
 */
#include "qmgr.h"

static bool
collect(struct msg *m, void *ctx)
{
	struct walk *w = ctx;

	if ((m->row != ROW_FRESH && m->row != ROW_JOURNAL) ||
	    !queue_filter_message(&w->f, &m->m))
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
walk_open(struct walk *w, const struct qmgr_filter *in, int64_t most,
    struct arena *a, struct err *err)
{
	*w = (struct walk){ .now = wall_s(), .end_ms = mono_ms() + WALK_MS,
		.most = most, .but = w->but };
	if (queue_filter_read(in, w->now, a, &w->f, err) != 0)
		return -1;
	w->f.not_dest = w->but != NULL ? w->but->row : 0;
	if (qdb_list_open(qmgr.db, &w->f, &w->filed, err) != 0)
		return -1;
	w->last = w->f.after;
	msg_each(collect, w);
	if (w->nfresh > 0)
		qsort(w->fresh, w->nfresh, sizeof(*w->fresh), by_id);
	return 0;
}

void
walk_close(struct walk *w)
{
	qdb_list_close(w->filed);
	free(w->fresh);
	arena_free(&w->arena);
}

static void
match(struct walk *w, const struct queue_rcpt *r, bool active)
{
	int state = queue_state(&w->m, r, active, w->now);

	if (!queue_filter_rcpt(&w->f, r, state) || (w->but != NULL &&
	    strcmp(r->nexthop, w->but->nexthop) == 0 &&
	    strcmp(r->transport, w->but->transport->name) == 0))
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

/* recipients of a filed message, those that match moved to the front */
static void
view_filed(struct walk *w)
{
	const struct msg *in = msg_find(w->m.id);
	struct queue_rcpt *v = w->m.rcpt;
	const struct rcpt *r;
	size_t i, n = w->m.n;

	w->m.n = 0;
	if (!queue_filter_message(&w->f, &w->m))
		return;
	w->state = arena_alloc(&w->arena, n * sizeof(*w->state));
	for (i = 0; i < n; i++) {
		r = in != NULL ? rcpt_find(w->m.id, v[i].n) : NULL;
		if (r == NULL || !r->gone)
			match(w, &v[i], r != NULL && r->place != AT_DIRTY);
	}
	w->active = in != NULL && in->out > 0;
}

static int
view(struct walk *w, int64_t id, struct err *err)
{
	const struct msg *m = msg_find(id);

	if (id == qdb_list_id(w->filed) && qdb_list_take(w->filed, WALK_RCPTS,
	    &w->arena, &w->m, err) != 0)
		return -1;
	if (w->at < w->nfresh && id == w->fresh[w->at]) {
		w->at++;
		view_fresh(w, m);
	} else {
		view_filed(w);
	}
	return 0;
}

int
walk_next(struct walk *w, struct err *err)
{
	int64_t id;

	for (;;) {
		if (w->f.limit > 0 && w->messages >= w->f.limit)
			return 0;
		id = qdb_list_id(w->filed);
		if (w->at < w->nfresh)
			id = MIN(id, w->fresh[w->at]);
		if (id == INT64_MAX)
			return 0;
		/* at least one, however slow the disk is */
		if (w->messages >= w->most ||
		    (w->last != w->f.after && mono_ms() >= w->end_ms))
			return 2;
		w->last = id;
		if (view(w, id, err) != 0)
			return -1;
		if (w->m.n > 0) {
			w->messages++;
			return 1;
		}
	}
}
