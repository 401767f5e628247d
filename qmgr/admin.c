/*
 * admin.c - questions of the admin: list, show, stat.  Nothing is changed.
 */
#include "qmgr.h"

enum { LIST_BYTES = 64 << 10 };

/* one recipient as a record; how many bytes it is, or -1 */
static int
send_item(struct call *c, const struct walk *w, size_t i, struct err *err)
{
	const struct queue_message *m = &w->m;
	const struct queue_rcpt *r = &m->rcpt[i];
	struct qmgr_item it = { .sender = m->sender, .rcpt = r->addr,
		.orig = r->orig, .state = queue_state_name(w->state[i]),
		.dsn = r->dsn, .text = r->text, .size = m->size,
		.created = m->created / 1000000, .due = r->due,
		.attempts = r->attempts, .priority = m->priority,
		.rcpts = (int64_t)m->n, .session = m->session };
	struct str dest = STR_INIT;
	char q[QID_SIZE];
	int rc;

	qid_print(m->id, q);
	it.q = q;
	str_addf(&dest, "%s:%s", r->transport, r->nexthop);
	it.dest = dest.s;
	if (m->hold && *m->reason)
		it.text = m->reason;
	if (w->state[i] == QSTATE_SCHEDULED)
		it.due = m->release_at;
	rc = call_more(c, &it, err);
	str_free(&dest);
	return rc != 0 ? -1 : (int)(200 + strlen(it.sender) +
	    strlen(it.rcpt) + strlen(it.orig) + strlen(it.text));
}

static int
list(struct call *c, const struct qmgr_filter *in, struct qmgr_count *out,
    struct err *err)
{
	struct walk w;
	size_t i, bytes = 0;
	char q[QID_SIZE];
	int rc, n = 0;

	if (walk_open(&w, in, c->arena, err) != 0)
		return -1;
	while ((rc = walk_next(&w, err)) == 1) {
		for (i = 0; i < w.m.n && n >= 0; i++) {
			n = send_item(c, &w, i, err);
			bytes += (size_t)MAX(n, 0);
		}
		out->messages++;
		out->rcpts += (int64_t)w.m.n;
		if (n < 0 || bytes >= LIST_BYTES) {
			rc = n < 0 ? -1 : 2;
			break;
		}
	}
	if (rc == 2) {
		qid_print(w.last, q);
		out->next = arena_strdup(c->arena, q);
	}
	walk_close(&w);
	return rc < 0 ? -1 : 0;
}

int
admin_list(struct call *c, const void *in, void *out, struct err *err)
{
	return list(c, in, out, err);
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
	rc = content_open(common.spool_dir, in->q, &c->out_fd, err);
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
	if (m->row != ROW_FRESH)
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
		.commits = qmgr.commits, .held = db.held,
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
