/*
 * write.c - a message in memory, and its rows.  msg_write changes nothing in
 * memory but what dests_committed(false) and the next msg_write make good
 * again, so a failed transaction is simply tried once more.
 */
#include "qmgr.h"

static bool
is_gone(const struct rcpt *r)
{
	return r->place == AT_DIRTY && r->gone;
}

bool
msg_over(const struct msg *m)
{
	const struct rcpt *r;

	LIST_FOREACH(r, &m->rcpts, of_msg)
		if (!is_gone(r))
			return false;
	return true;
}

static bool
none_dirty(const struct msg *m)
{
	const struct rcpt *r;

	LIST_FOREACH(r, &m->rcpts, of_msg)
		if (r->place == AT_DIRTY)
			return false;
	return true;
}

/* the row of one recipient of a message that is being filed */
static int
file_rcpt(struct rcpt *r, int64_t now, struct err *err)
{
	bool dirty = r->place == AT_DIRTY;
	struct queue_rcpt q = r->q;

	if (dest_need_row(r->dest, err) != 0)
		return -1;
	q.dest = r->dest->row;
	q.flow = r->msg->sender_key;
	if (!dirty) {
		q.state = r->msg->m.hold ? RCPT_HELD : RCPT_WAITING;
		q.due = now;
	}
	if (qdb_rcpt_add(qmgr.db, r->msg->m.id, &q, err) != 0)
		return -1;
	return q.state == RCPT_WAITING ? dest_filed(r->dest, q.due, !dirty,
	    err) : 0;
}

/* in a transaction, after msg_write: what it is by then */
enum msg_row
msg_row_now(const struct msg *m)
{
	return m->listed ? m->row_after : m->row;
}

int
msg_file(struct msg *m, struct err *err)
{
	int64_t now = wall_s();
	struct rcpt *r;

	/* what has rows has a file */
	if (afloat_anchor(m, err) != 0)
		return -1;
	if (qdb_message_add(qmgr.db, &m->m, err) != 0)
		return -1;
	LIST_FOREACH(r, &m->rcpts, of_msg)
		if (!is_gone(r) && file_rcpt(r, now, err) != 0)
			return -1;
	m->row_after = ROW_FILED;
	return 0;
}

static int
write_moved(struct rcpt *r, struct err *err)
{
	if (dest_need_row(r->dest, err) != 0)
		return -1;
	r->q.dest = r->dest->row;
	return qdb_rcpt_move(qmgr.db, r->msg->m.id, &r->q, err);
}

static int
write_filed(struct msg *m, struct err *err)
{
	struct rcpt *r;
	int rc;

	LIST_FOREACH(r, &m->rcpts, of_msg) {
		if (r->place != AT_DIRTY || !r->changed)
			continue;
		if (r->gone)
			rc = qdb_rcpt_del(qmgr.db, m->m.id, r->q.n, err);
		else if (r->moved)
			rc = write_moved(r, err);
		else
			rc = qdb_rcpt_set(qmgr.db, m->m.id, &r->q, err);
		if (rc == 0 && !r->gone && r->q.state == RCPT_WAITING)
			rc = dest_filed(r->dest, r->q.due, false, err);
		if (rc != 0)
			return -1;
	}
	if (!msg_over(m))
		return 0;
	if (m->doomed) {
		rc = qdb_message_del(qmgr.db, m->m.id, err);
		m->ended = rc == 0;
		return rc;
	}
	rc = qdb_message_done(qmgr.db, m->m.id, err);
	m->ended = rc == 1;
	return rc < 0 ? -1 : 0;
}

static int
write_rows(struct msg *m, struct err *err)
{
	struct slice rec = { m->blob, m->blob_len };

	if (m->row == ROW_FILED)
		return write_filed(m, err);
	if (m->row == ROW_NONE || m->row == ROW_JOURNAL) {
		m->ended = msg_over(m);
		if (m->ended)
			return 0;
		if (m->m.hold || !none_dirty(m))
			return msg_file(m, err);
		m->row_after = ROW_FRESH;
		if (afloat_anchor(m, err) != 0)
			return -1;
		return qdb_fresh_add(qmgr.db, m->m.id, rec, err) < 0 ? -1 : 0;
	}
	if (qdb_fresh_del(qmgr.db, m->m.id, err) < 0)
		return -1;
	m->ended = msg_over(m);
	return m->ended ? 0 : msg_file(m, err);
}

int
msg_write(struct msg *m, struct err *err)
{
	m->row_after = m->row;
	m->ended = false;
	if (write_rows(m, err) != 0)
		return -1;
	if (!m->ended)
		return 0;
	m->row_after = ROW_NONE;
	return epoch_left(m->m.id, m->gen, err);
}

void
msg_start(struct msg *m)
{
	struct rcpt *r;

	LIST_FOREACH(r, &m->rcpts, of_msg)
		if (r->place == AT_NOTHING)
			sched_add(r, rcpt_class(r));
}

void
msg_written(struct msg *m)
{
	struct rcpt *r, *next;
	int64_t id = m->m.id;
	bool new = m->row == ROW_NONE;
	size_t n = 0;

	msg_set_row(m, m->row_after);
	qmgr.accepted += new;
	for (r = LIST_FIRST(&m->rcpts); r != NULL; r = next) {
		next = LIST_NEXT(r, of_msg);
		if (r->place != AT_DIRTY)
			continue;
		rcpt_free(r);
		n++;
	}
	if (m->ended) {
		(m->floating ? message_left : message_gone)(id, m->m.created,
		    m->m.session, m->doomed ? "deleted" : NULL);
		if (m->deleter != NULL)
			admin_deleted(m->deleter, n);
	} else if (new) {
		msg_start(m);
	}
	if (m->n == 0 && !m->ended && m->reports)
		report_want(id);
	if (m->n == 0 && !m->ended && m->delayed)
		report_delay(id);
	msg_release(m);
}

void
message_gone(int64_t id, int64_t created, const char *session,
    const char *why)
{
	char q[QID_SIZE];
	struct err err;

	qid_print(id, q);
	if (content_remove(common.spool_dir, q, &err) < 0)
		log_event(LOG_WARN, "unlink", KS("q", q), KERR(&err), KEND);
	message_left(id, created, session, why);
}

void
message_left(int64_t id, int64_t created, const char *session,
    const char *why)
{
	char q[QID_SIZE];

	qid_print(id, q);
	log_event(LOG_INFO, "removed", KS("q", q),
	    KS("s", *session ? session : NULL),
	    KI("age_ms", (wall_us() - created) / 1000),
	    KS("reason", why), KEND);
}

void
msg_forget(struct msg *m)
{
	struct rcpt *r;
	struct err err;

	/* who sent it knows of no file */
	if (m->anchored && content_remove(common.spool_dir, m->q, &err) < 0)
		log_event(LOG_WARN, "unlink", KS("q", m->q), KERR(&err), KEND);
	if (m->listed) {
		TAILQ_REMOVE(&qmgr.dirty, m, link);
		m->listed = false;
	}
	while ((r = LIST_FIRST(&m->rcpts)) != NULL)
		rcpt_free(r);
	msg_release(m);
}
