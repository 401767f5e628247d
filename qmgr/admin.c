/*
 * admin.c - questions of the admin: list, show, stat.  Nothing is changed.
 */
#include "qmgr.h"

#include <fcntl.h>

enum {
	LIST_MESSAGES = 5000,		/* of an answer */
	LIST_BYTES = 512 << 10,		/* the same, about */
	FRAME_BYTES = 48 << 10		/* of a message, but for one item */
};

/* what goes out with the next message */
struct frame {
	struct call *call;
	struct qmgr_items items;
	struct arena arena;
	size_t bytes, sent;
	/* the destination looked at last */
	struct str dest;
	int64_t until;
	struct str why;
};

static int
send_items(struct frame *f, struct err *err)
{
	int rc = f->items.q.n > 0 ? call_more(f->call, &f->items, err) : 0;

	f->sent += f->bytes;
	f->bytes = 0;
	f->items = (struct qmgr_items){ 0 };
	arena_reset(&f->arena);
	return rc;
}

static const char *
dest_name(const struct queue_rcpt *r, struct arena *a)
{
	size_t t = strlen(r->transport), n = strlen(r->nexthop);
	char *p = arena_alloc(a, t + 1 + n + 1);

	memcpy(p, r->transport, t);
	p[t] = ':';
	memcpy(p + t + 1, r->nexthop, n);
	return p;
}

static void
set_health(struct frame *f, int64_t until, const char *dsn, const char *text)
{
	f->until = until;
	str_addf(&f->why, "%s%s%s", dsn, *dsn && *text ? " " : "", text);
}

/* in memory, or, where it has left, in its row; a list has many of one */
static void
look_at_dest(struct frame *f, const char *name, const struct queue_rcpt *r)
{
	const struct dest *d;
	struct queue_dest row;
	struct err ignored;

	if (strcmp(f->dest.s, name) == 0)
		return;
	str_reset(&f->dest);
	str_adds(&f->dest, name);
	str_reset(&f->why);
	f->until = 0;
	d = dest_find(r->transport, r->nexthop);
	if (d != NULL && d->suspended_until != 0)
		set_health(f, d->suspended_until, d->dsn, d->text);
	else if (d != NULL && d->transport->suspended_until != 0)
		set_health(f, d->transport->suspended_until,
		    d->transport->dsn, d->transport->text);
	else if (d == NULL && qdb_dest_get(qmgr.db, r->transport, r->nexthop,
	    &row, &ignored) == 1 && row.suspended_until > wall_s())
		set_health(f, row.suspended_until, row.dsn, row.text);
}

static void
make_item(const struct walk *w, const struct queue_rcpt *r, int state,
    struct qmgr_item *it)
{
	const struct queue_message *m = &w->m;

	*it = (struct qmgr_item){ .sender = m->sender, .rcpt = r->addr,
		.orig = r->orig, .state = queue_state_name(state),
		.dsn = r->dsn, .text = r->text, .session = m->session,
		.size = (int64_t)m->size, .created = m->created / 1000000,
		.due = r->due, .attempts = r->attempts,
		.priority = m->priority, .rcpts = (int64_t)m->n };
	if (m->hold && *m->reason)
		it->text = m->reason;
	if (state == QSTATE_SCHEDULED)
		it->due = m->release_at;
}

/* The last item may go over the mark: its strings, each a line of SMTP at
 * most, have room up to IPC_MAX. */
static int
add_message(struct frame *f, struct walk *w, struct err *err)
{
	struct qmgr_item it;
	char q[QID_SIZE], *id;
	size_t i;

	qid_print(w->m.id, q);
	id = arena_strdup(&w->arena, q);
	for (i = 0; i < w->m.n; i++) {
		make_item(w, &w->m.rcpt[i], w->state[i], &it);
		it.q = id;
		it.dest = dest_name(&w->m.rcpt[i], &f->arena);
		look_at_dest(f, it.dest, &w->m.rcpt[i]);
		it.until = f->until;
		it.why = f->until != 0 ? arena_strdup(&f->arena, f->why.s) :
		    "";
		f->bytes += qmgr_items_add(&f->items, &it, &f->arena);
		if (f->bytes >= FRAME_BYTES && send_items(f, err) != 0)
			return -1;
	}
	return 0;
}

static int
walk_list(struct walk *w, struct frame *f, struct qmgr_count *out,
    struct err *err)
{
	int rc;

	while ((rc = walk_next(w, err)) == 1) {
		if (add_message(f, w, err) != 0)
			return -1;
		out->messages++;
		out->rcpts += (int64_t)w->m.n;
		if (f->items.q.n == 0)
			arena_reset(&w->arena);
		if (f->sent >= LIST_BYTES)
			return 2;
	}
	return rc;
}

static int
list(struct call *c, const struct qmgr_filter *in, struct qmgr_count *out,
    struct err *err)
{
	struct frame f = { .call = c, .dest = STR_INIT, .why = STR_INIT };
	struct walk w = { 0 };
	char q[QID_SIZE];
	int rc;

	if (walk_open(&w, in, LIST_MESSAGES, c->arena, err) != 0)
		return -1;
	rc = walk_list(&w, &f, out, err);
	if (rc >= 0 && send_items(&f, err) != 0)
		rc = -1;
	if (rc == 2) {
		qid_print(w.last, q);
		out->next = arena_strdup(c->arena, q);
	}
	arena_free(&f.arena);
	str_free(&f.dest);
	str_free(&f.why);
	walk_close(&w);
	return rc < 0 ? -1 : 0;
}

int
admin_list(struct call *c, const void *in, void *out, struct err *err)
{
	return list(c, in, out, err);
}

/* as content_open */
static int
open_content(const char *q, int *fd_r, struct err *err)
{
	const struct msg *m;
	int64_t id = 0;

	qid_parse(q, &id);
	m = msg_find(id);
	if (m != NULL && m->spent)
		return err_perm(err, "5.5.4", "%s is delivered", q);
	if (m == NULL || !m->floating)
		return content_open(common.spool_dir, q, fd_r, err);
	*fd_r = fcntl(m->fd, F_DUPFD_CLOEXEC, 3);
	return *fd_r < 0 ? err_sys(err, "dup") : 1;
}

int
admin_show(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct qmgr_filter *in = in_;
	struct qmgr_count *out = out_;
	int rc;

	if (!qid_valid(in->q))
		return err_perm(err, "5.5.4", "show wants a queue id");
	if (list(c, in, out, err) != 0)
		return -1;
	if (out->messages == 0)
		return err_perm(err, "5.5.4", "%s is not in the queue", in->q);
	rc = open_content(in->q, &c->out_fd, err);
	if (rc == 0)
		log_event(LOG_ERROR, "content-missing", KS("q", in->q), KEND);
	return MIN(rc, 0);
}

static bool
count_fresh(struct msg *m, void *ctx)
{
	struct qmgr_stats *s = ctx;
	int64_t t = qid_time_us(m->m.id) / 1000000;

	s->active += (int64_t)m->n;
	if (m->row != ROW_FRESH && m->row != ROW_JOURNAL)
		return true;
	s->messages++;
	s->rcpts += (int64_t)m->n;
	if (s->oldest == 0 || t < s->oldest)
		s->oldest = t;
	return true;
}

int
admin_stat(struct call *c UNUSED, const void *in UNUSED, void *out,
    struct err *err)
{
	struct qmgr_stats *s = out;
	struct qdb_stats db;
	const struct dest *d;
	int64_t t, filed_active;

	if (qdb_stats(qmgr.db, wall_s(), &db, err) != 0)
		return -1;
	*s = (struct qmgr_stats){ .accepted = qmgr.accepted,
		.delivered = qmgr.delivered, .bounced = qmgr.bounced,
		.commits = qmgr.commits, .unsure = qmgr.unsure, .held = db.held,
		.scheduled = db.scheduled, .dests = db.dests,
		.suspended = db.suspended };
	msg_each(count_fresh, s);
	filed_active = s->active - s->rcpts;
	s->deferred = MAX(0, db.rcpts - filed_active);
	s->messages += db.messages;
	s->rcpts += db.rcpts;
	TAILQ_FOREACH(d, &dests, all)
		s->dests += d->row == 0;
	t = qid_time_us(db.oldest) / 1000000;
	if (db.oldest != 0 && (s->oldest == 0 || t < s->oldest))
		s->oldest = t;
	return 0;
}
