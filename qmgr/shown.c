/*
 * shown.c - destinations and limits for the admin: what they are, and orders
 * about them.
 */
#include "qmgr.h"

enum { PAGE = 500, PAGE_MS = 40, LOOK = 5000 };

/* --- limits --- */

int
admin_limit(struct call *c, const void *in_, void *out UNUSED,
    struct err *err)
{
	const struct qmgr_limit *in = in_;
	struct queue_curb q = { .name = in->name, .reason = in->reason,
		.paused = in->paused, .concurrency = in->concurrency,
		.messages = in->messages, .seconds = in->seconds,
		.since = wall_s(), .until = in->until };

	if (!q.paused && q.concurrency == 0 && q.messages == 0)
		return err_perm(err, "5.5.4", "a limit that limits nothing");
	if ((q.messages == 0) != (q.seconds == 0))
		return err_perm(err, "5.5.4", "a rate needs messages and "
		    "seconds");
	if (q.until != 0 && q.until <= q.since)
		return err_perm(err, "5.5.4", "until: that time has passed");
	if (q.paused && *q.reason == '\0')
		q.reason = "paused by the administrator";
	return curb_set(&q, c, err) != 0 ? -1 : CALL_LATER;
}

/* a suspension that nobody ordered; of what has left memory it is in the row */
static bool
end_suspension(const char *name)
{
	size_t n = strcspn(name, ":");
	char transport[40];
	struct queue_dest row;
	struct dest *d;
	struct err err;

	if (name[n] != ':')
		return false;
	slice_copy(transport, sizeof(transport), (struct slice){ name, n });
	d = dest_find(transport, name + n + 1);
	if (d == NULL && qdb_dest_get(qmgr.db, transport, name + n + 1, &row,
	    &err) == 1)
		d = dest_get(transport, name + n + 1, &err);
	if (d == NULL || d->suspended_until == 0)
		return false;
	d->failures = 0;
	dest_resume(d);
	deliver_soon();
	return true;
}

int
admin_resume(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct qmgr_resume_in *in = in_;
	struct qmgr_count *out = out_;

	if (curb_end(in->name, c, err) == 0)
		return CALL_LATER;
	if (!end_suspension(in->name))
		return -1;
	*out = (struct qmgr_count){ .messages = 1, .next = "" };
	return 0;
}

struct limits_call {
	struct call *call;
	struct err *err;
	int rc;
};

static void
on_curb(const struct queue_curb *q, void *ctx)
{
	struct limits_call *l = ctx;
	struct qmgr_limit m = { .name = q->name, .reason = q->reason,
		.paused = q->paused, .concurrency = q->concurrency,
		.messages = q->messages, .seconds = q->seconds,
		.since = q->since, .until = q->until };

	if (l->rc == 0)
		l->rc = call_more(l->call, &m, l->err);
}

int
admin_limits(struct call *c, const void *in UNUSED, void *out UNUSED,
    struct err *err)
{
	struct limits_call l = { c, err, 0 };

	curbs_each(on_curb, &l);
	return l.rc;
}

/* --- destinations --- */

struct listing {
	struct call *call;
	const struct qmgr_dests_in *in;
	struct err *err;
	struct queue_dest *rows;	/* strings in the call's arena */
	int n, looked;
	int64_t last, end_ms;
};

static bool
wanted(const char *pattern, const char *transport, const char *nexthop)
{
	char *full;
	bool yes;

	if (*pattern == '\0' || glob_match(pattern, nexthop))
		return true;
	full = xasprintf("%s:%s", transport, nexthop);
	yes = glob_match(pattern, full);
	free(full);
	return yes;
}

static void
fill_memory(struct qmgr_dest *m, const struct dest *d)
{
	const struct transport *t = d->transport;
	bool down = d->suspended_until == 0 && t->suspended_until != 0;

	m->site = d->site != NULL ? d->site->name : "";
	m->site_busy = d->site != NULL ? d->site->busy : 0;
	m->site_limit = d->site != NULL ? d->site->most : 0;
	m->dsn = down ? t->dsn : d->dsn;
	m->text = down ? t->text : d->text;
	m->window = d->window;
	m->limit = d->window_max;
	m->busy = d->busy;
	m->agents = t->exclusive ? (int64_t)agents_of(d) : d->busy;
	m->active = (int64_t)d->rcpts;
	m->until = down ? t->suspended_until : d->paused ? 0 :
	    d->suspended_until;
	m->failures = down ? t->failures : d->failures;
	m->paused = d->paused;
	m->rate_ms = MAX(d->rate.interval_us / 1000, d->rate.interval_us > 0);
}

/* of one that is not in memory: a pause is not in its row until it is */
static void
fill_pause(struct qmgr_dest *m)
{
	const struct queue_curb *c = policy_pause(m->transport, m->nexthop,
	    m->site);

	m->paused = c != NULL;
	if (c == NULL)
		return;
	m->until = 0;
	m->dsn = "4.3.2";
	m->text = c->reason;
}

/* row NULL: in memory only */
static int
show(struct listing *l, const struct queue_dest *row, const struct dest *d)
{
	struct qmgr_dest m = { .transport = row != NULL ? row->transport :
		d->transport->name, .nexthop = row != NULL ? row->nexthop :
		d->nexthop };

	if (row != NULL) {
		m.site = row->site;
		m.dsn = row->dsn;
		m.text = row->text;
		m.failures = row->failures;
		m.until = row->suspended_until > wall_s() &&
		    row->suspended_until < SUSPENDED_FOR_GOOD ?
		    row->suspended_until : 0;
		m.next = row->next < SUSPENDED_FOR_GOOD ? row->next : 0;
		if (l->in->count && qdb_dest_waiting(qmgr.db, row->id,
		    QMGR_COUNT_MAX, &m.waiting, l->err) != 0)
			return -1;
	}
	if (d != NULL)
		fill_memory(&m, d);
	else
		fill_pause(&m);
	m.waiting = MAX(m.waiting, m.active);
	return call_more(l->call, &m, l->err);
}

static int
on_dest(void *ctx, const struct queue_dest *d)
{
	struct listing *l = ctx;
	struct arena *a = l->call->arena;
	struct queue_dest *to;

	if (l->n == PAGE || l->looked++ == LOOK)
		return 0;
	l->last = d->id;
	if (!wanted(l->in->name, d->transport, d->nexthop))
		return 1;
	to = &l->rows[l->n++];
	*to = *d;
	to->transport = arena_strdup(a, d->transport);
	to->nexthop = arena_strdup(a, d->nexthop);
	to->dsn = arena_strdup(a, d->dsn);
	to->text = arena_strdup(a, d->text);
	to->site = arena_strdup(a, d->site);
	return 1;
}

/* with the first page come those that have no row */
static int
show_rowless(struct listing *l)
{
	const struct dest *d;

	TAILQ_FOREACH(d, &dests, all)
		if (d->row == 0 && wanted(l->in->name, d->transport->name,
		    d->nexthop) && show(l, NULL, d) != 0)
			return -1;
	return 0;
}

int
admin_dests(struct call *c, const void *in_, void *out_, struct err *err)
{
	struct qmgr_dests_out *out = out_;
	struct listing l = { .call = c, .in = in_, .err = err,
		.end_ms = mono_ms() + PAGE_MS };
	const struct queue_dest *row;
	int rc, i;

	l.rows = arena_alloc(c->arena, PAGE * sizeof(*l.rows));
	if (l.in->after == 0 && show_rowless(&l) != 0)
		return -1;
	rc = qdb_dest_list(qmgr.db, l.in->after, on_dest, &l, err);
	for (i = 0; rc >= 0 && i < l.n; i++) {
		row = &l.rows[i];
		if (i > 0 && mono_ms() >= l.end_ms) {
			l.last = row->id - 1;
			rc = 1;
			break;
		}
		if (show(&l, row, dest_find(row->transport,
		    row->nexthop)) != 0)
			return -1;
	}
	out->next = rc == 1 ? l.last : 0;
	return MIN(rc, 0);
}
