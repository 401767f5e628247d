/*
 * report.c - failure, success and delay reports.  A recipient that failed
 * keeps its row until bounce has said that the report is queued; what is in
 * the list here is found again in the database after a crash.
 */
#include "qmgr.h"
#include "smtp/verp.h"

enum { LISTED_MAX = 1000, UNDER_WAY_MAX = 10, BYTES_MAX = 52 << 10,
	DUE_MAX = 100 };

struct report {
	TAILQ_ENTRY(report) link;
	struct request request;
	int64_t id, created;
	bool delay;
	int kind;		/* enum bounce_kind */
	int64_t *n;		/* numbers of its recipients */
	size_t nrcpts;
	struct op op;
	int64_t due;		/* where it is put off */
	bool alone;		/* about one of those who have senders of
				 * their own */
	int64_t after;		/* the last of these, of a delay */
	bool ended;
	bool told;		/* it is queued, which is not written down */
};

static TAILQ_HEAD(, report) list = TAILQ_HEAD_INITIALIZER(list);
static size_t listed, under_way;
static struct arena arena;

size_t
report_under_way(void)
{
	return under_way;
}

static void
want(int64_t id, bool delay)
{
	struct report *r;

	if (listed >= LISTED_MAX)
		return;
	TAILQ_FOREACH(r, &list, link)
		if (r->id == id)
			return;
	r = xcalloc(1, sizeof(*r));
	r->id = id;
	r->delay = delay;
	TAILQ_INSERT_TAIL(&list, r, link);
	listed++;
	report_tick(0);
}

void
report_want(int64_t id)
{
	want(id, false);
}

void
report_delay(int64_t id)
{
	want(id, true);
}

static void
forget(struct report *r)
{
	TAILQ_REMOVE(&list, r, link);
	listed--;
	free(r->n);
	free(r);
}

static int
apply_sent(struct op *op, struct err *err)
{
	struct report *r = (struct report *)((char *)op -
	    offsetof(struct report, op));
	size_t i;
	int rc;

	r->ended = false;
	if (r->kind == BOUNCE_DELAY)
		return qdb_message_warned(qmgr.db, r->id, err);
	for (i = 0; i < r->nrcpts; i++)
		if (qdb_rcpt_del(qmgr.db, r->id, r->n[i], err) != 0)
			return -1;
	rc = qdb_message_done(qmgr.db, r->id, err);
	r->ended = rc == 1;
	/* the journal may still have it */
	if (rc == 1)
		rc = epoch_left(r->id, 0, err);
	return MIN(rc, 0);
}

static int
apply_later(struct op *op, struct err *err)
{
	struct report *r = (struct report *)((char *)op -
	    offsetof(struct report, op));

	return qdb_report_later(qmgr.db, r->id, r->due, err);
}

/* A report that bounce has queued and that could not be written down is not
 * made again, it is written down by a later tick.  Who ends before that makes
 * it twice. */
static void
done(struct op *op, const struct err *err)
{
	struct report *r = (struct report *)((char *)op -
	    offsetof(struct report, op));
	struct msg *m = msg_find(r->id);
	int64_t id = r->id;
	bool more = !r->delay && !r->ended && err == NULL && r->due == 0;

	if (err != NULL && op->apply == apply_sent) {
		r->told = true;
		op->done = NULL;
		return;
	}
	if (err == NULL && r->kind == BOUNCE_DELAY && m != NULL)
		m->m.delay_warned = true;
	if (err == NULL && r->ended)
		message_gone(id, qid_time_us(id), "", NULL);
	forget(r);
	if (more)	/* of another kind, or more than one report takes */
		report_want(id);
}

static void
finish(struct report *r, int (*apply)(struct op *, struct err *))
{
	r->op.apply = apply;
	r->op.done = done;
	commit_op(&r->op);
}

static void
on_ok(struct request *q)
{
	struct report *r = (struct report *)((char *)q -
	    offsetof(struct report, request));

	under_way--;
	/* A delay is told once of a message: of all before that is written
	 * down.  Who ends meanwhile tells some of them twice. */
	if (r->kind == BOUNCE_DELAY && r->alone) {
		r->after = r->n[0];
		r->request = (struct request){ 0 };
		report_tick(0);
		return;
	}
	finish(r, apply_sent);
}

static void
put_off(struct report *r)
{
	under_way--;
	if (r->delay) {
		forget(r);
		return;
	}
	r->due = wall_s() + MS(qmgr.conf.transport_retry);
	finish(r, apply_later);
}

static void
on_failed(struct request *q, const struct err *why)
{
	struct report *r = (struct report *)((char *)q -
	    offsetof(struct report, request));
	char id[QID_SIZE];

	qid_print(r->id, id);
	log_event(LOG_ERROR, "report-failed", KS("q", id), KERR(why), KEND);
	if (why->kind == ERR_PERM)
		hold_message(r->id, "bounce refuses to report");
	put_off(r);
}

static void
on_lost(struct request *q, bool head UNUSED)
{
	put_off((struct report *)((char *)q -
	    offsetof(struct report, request)));
}

static void
add_rcpt(struct bounce_report_in *in, const struct queue_rcpt *q)
{
	strlist_add(&in->addr, &arena, q->addr);
	strlist_add(&in->orig, &arena, q->orig);
	strlist_add(&in->orcpt, &arena, q->orcpt);
	strlist_add(&in->dsn, &arena, q->dsn);
	strlist_add(&in->text, &arena, q->text);
	strlist_add(&in->peer, &arena, q->peer);
}

static bool
belongs(const struct report *r, const struct queue_rcpt *q)
{
	return r->kind != BOUNCE_DELAY || (*q->dsn != '\0' &&
	    q->n > r->after && notify_wants(q->notify, "delay", true));
}

static const char *
verp_sender(const struct queue_message *m, const struct queue_rcpt *q)
{
	struct str s = STR_INIT;
	const char *z;

	smtp_verp(m->sender, q->addr, m->verp, &s);
	z = arena_slice(&arena, slice_str(&s));
	str_free(&s);
	return z;
}

/* as many recipients as one message between programs takes */
static void
choose_rcpts(struct report *r, const struct queue_message *m,
    struct bounce_report_in *in)
{
	const struct queue_rcpt *q;
	size_t bytes = 0;

	free(r->n);
	r->n = xcalloc(m->n ? m->n : 1, sizeof(*r->n));
	r->nrcpts = 0;
	for (q = m->rcpt; q < m->rcpt + m->n; q++) {
		if (!belongs(r, q))
			continue;
		bytes += 100 + strlen(q->addr) + strlen(q->orig) +
		    strlen(q->orcpt) + strlen(q->text) + strlen(q->peer);
		if (bytes > BYTES_MAX && r->nrcpts > 0)
			break;
		add_rcpt(in, q);
		r->n[r->nrcpts++] = q->n;
		/* one that has a sender of its own */
		if (*m->verp) {
			in->sender = verp_sender(m, q);
			r->alone = true;
			break;
		}
	}
}

/* what is there to report?  1, 0 nothing, -1 */
static int
load(struct report *r, struct queue_message *m, struct err *err)
{
	static const struct { int state, kind; } kinds[] = {
		{ RCPT_FAILED, BOUNCE_FAILURE }, { RCPT_NOTIFY,
		    BOUNCE_SUCCESS }, { RCPT_WAITING, BOUNCE_DELAY } };
	size_t i;
	int rc = 0;

	for (i = r->delay ? 2 : 0; i < (r->delay ? 3 : 2); i++) {
		rc = qdb_message_get(qmgr.db, r->id, kinds[i].state,
		    AGENT_RCPTS, &arena, m, err);
		r->kind = kinds[i].kind;
		if (rc != 1 || m->n > 0)
			break;
	}
	if (rc == 1 && r->delay && m->delay_warned)
		return 0;
	return rc == 1 && m->n > 0 ? 1 : MIN(rc, 0);
}

static bool
post(struct report *r, const struct queue_message *m, int fd)
{
	struct transport *t = transport_get("bounce");
	struct bounce_report_in in = { .kind = r->kind,
		.sender = m->sender,
		.ret = m->ret, .envid = m->envid, .created = m->created,
		.expires = m->expires, .utf8 = m->utf8,
		.requiretls = m->requiretls };
	struct err err = ERR_INIT;
	char id[QID_SIZE];
	int rc;

	qid_print(r->id, id);
	in.q = id;
	choose_rcpts(r, m, &in);
	if (r->nrcpts == 0) {
		if (r->after != 0)
			finish(r, apply_sent);
		else
			forget(r);
		return true;
	}
	r->request = (struct request){ .ok = on_ok, .failed = on_failed,
		.lost = on_lost };
	under_way++;
	rc = agent_send(t, NULL, &bounce_report, &in, fd, &r->request, &err);
	if (rc == 1)
		return true;
	under_way--;
	if (rc < 0 && err.kind == ERR_PERM) {
		under_way++;
		on_failed(&r->request, &err);
		return true;
	}
	if (rc < 0)
		transport_down(t, &err);
	r->request = (struct request){ 0 };
	return false;
}

/* false: bounce can not be reached now */
static bool
send_report(struct report *r)
{
	struct queue_message m;
	struct err err = ERR_INIT;
	char id[QID_SIZE];
	int fd = -1, rc = load(r, &m, &err);
	bool sent = true, found = rc == 1;

	qid_print(r->id, id);
	if (found && restore_waits(r->id)) {	/* a later tick finds it */
		found = false;
		rc = 0;
	}
	if (found)
		rc = content_open(common.spool_dir, id, &fd, &err);
	if (rc < 0)
		log_event(LOG_ERROR, "report-failed", KS("q", id), KERR(&err),
		    KEND);
	if (found && rc == 0)
		hold_message(r->id, "content file is missing");
	if (rc == 1)
		sent = post(r, &m, fd);
	else
		forget(r);
	close_fd(fd);
	arena_reset(&arena);
	return sent;
}

/* now 0: only what is in the list */
void
report_tick(int64_t now)
{
	struct transport *t = transport_get("bounce");
	struct report *r, *next;
	struct err err;
	int64_t ids[DUE_MAX];
	int i, n = 0;

	if (qmgr.draining || t == NULL)
		return;
	if (now != 0 && listed < LISTED_MAX / 2)
		n = qdb_report_due(qmgr.db, now, ids, DUE_MAX, &err);
	for (i = 0; i < n; i++)
		if (msg_find(ids[i]) == NULL)
			report_want(ids[i]);
	for (r = TAILQ_FIRST(&list); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (under_way >= UNDER_WAY_MAX || t->suspended_until != 0 ||
		    !agent_free(t))
			break;
		if (r->request.ok != NULL && !r->told)
			continue;
		if (r->op.done != NULL)
			continue;
		if (r->told)
			finish(r, apply_sent);
		else if (!send_report(r))
			break;
	}
}
