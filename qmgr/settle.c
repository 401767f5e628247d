/*
 * settle.c - "did my message get in?"  No is a promise: an enqueue of that id
 * that comes later is refused, also after a restart.
 */
#include "qmgr.h"

enum { REFUSED_MAX = 4096 };

struct settle_op {
	struct op op;
	struct hub_ticket ticket;
	int64_t id, until;
	bool queued;		/* waits for the commit of its enqueue */
};

static struct { int64_t id, until; } refused[REFUSED_MAX];
static size_t nrefused;

bool
settle_refused(int64_t id)
{
	size_t i;

	for (i = 0; i < nrefused; i++)
		if (refused[i].id == id)
			return true;
	return false;
}

static void
expire(int64_t now)
{
	size_t i = 0;

	while (i < nrefused)
		if (refused[i].until <= now)
			refused[i] = refused[--nrefused];
		else
			i++;
}

int
settle_load(struct err *err)
{
	int64_t id = -1, until = 0;
	int rc;

	while ((rc = qdb_refused_next(qmgr.db, &id, &until, err)) == 1 &&
	    nrefused < REFUSED_MAX) {
		refused[nrefused].id = id;
		refused[nrefused++].until = until;
	}
	return MIN(rc, 0);
}

/* An id older than this process whose content is gone was delivered: content
 * goes only after its envelope, or as an orphan, but not so soon.  Of a put
 * that proves nothing: recent.c knows it, or else rather twice than never. */
static int
was_here(int64_t id, struct err *err)
{
	int64_t us = qid_time_us(id);
	char q[QID_SIZE];
	int fd = -1, rc;

	if (us >= qmgr.started_us ||
	    us <= wall_us() - qmgr.conf.sweep_age * 1000)
		return 0;
	qid_print(id, q);
	rc = content_open(common.spool_dir, q, &fd, err);
	close_fd(fd);
	return rc < 0 ? -1 : rc == 0;
}

int
settle_known(int64_t id, struct err *err)
{
	return recent_has(id) ? 1 : qdb_message_has(qmgr.db, id, err);
}

static int
apply(struct op *op, struct err *err)
{
	struct settle_op *s = (struct settle_op *)op;

	if (s->queued)
		return 0;
	if (qdb_refused_expire(qmgr.db, wall_s(), err) != 0)
		return -1;
	return qdb_refuse(qmgr.db, s->id, s->until, err);
}

static void
done(struct op *op, const struct err *err)
{
	struct settle_op *s = (struct settle_op *)op;
	struct qmgr_settle_out out = { .queued = s->queued };

	if (err != NULL)
		hub_err(s->ticket, err);
	else
		hub_ok(s->ticket, &out);
	free(s);
}

static int
later(struct call *c, int64_t id, bool queued)
{
	struct settle_op *s = xcalloc(1, sizeof(*s));
	const struct msg *m = msg_find(id);

	s->op.apply = apply;
	s->op.done = done;
	s->op.first = true;
	s->ticket = hub_hold(c);
	s->id = id;
	s->until = wall_s() + MS(qmgr.conf.settle_memory);
	s->queued = queued;
	if (m != NULL && m->taken)
		intake_op(&s->op, id);
	else
		commit_op(&s->op);
	return CALL_LATER;
}

int
settle(struct call *c, const void *in_, void *out_, struct err *err)
{
	const struct qmgr_settle_in *in = in_;
	struct qmgr_settle_out *out = out_;
	struct msg *m;
	int64_t id;
	int rc;

	if (!qid_parse(in->q, &id))
		return err_perm(err, "5.5.4", "no queue id: %.40s", in->q);
	m = msg_find(id);
	if (m != NULL && m->row == ROW_NONE)
		return later(c, id, true);
	rc = m != NULL ? 1 : settle_known(id, err);
	if (rc == 0 && !in->put)
		rc = was_here(id, err);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		out->queued = true;
		return 0;
	}
	if (!settle_refused(id)) {
		expire(wall_s());
		if (nrefused == REFUSED_MAX)
			return err_temp(err, "4.3.2", "too many questions of "
			    "this kind");
		refused[nrefused].id = id;
		refused[nrefused++].until = wall_s() +
		    MS(qmgr.conf.settle_memory);
	}
	return later(c, id, false);
}
