/*
 * change.c - when a message goes, and before what: orders of the admin that
 * change the message itself.  Rows first, memory when they are durable.
 */
#include "qmgr.h"

int
change_file(struct msg *m, bool hold, const char *reason, struct err *err)
{
	bool old = m->m.hold;
	const char *old_reason = m->m.reason;
	int rc;

	if (msg_row_now(m) != ROW_FRESH && msg_row_now(m) != ROW_JOURNAL)
		return 0;
	if (qdb_fresh_del(qmgr.db, m->m.id, err) < 0)
		return -1;
	m->m.hold = hold;
	m->m.reason = reason;
	rc = msg_file(m, err);
	m->m.hold = old;
	m->m.reason = old_reason;
	return rc == 0 ? 1 : -1;
}

static void
unload(struct rcpt *r)
{
	r->dest->mem_next = 0;
	rcpt_free(r);
}

void
change_unload(struct msg *m)
{
	msg_set_row(m, ROW_FILED);
	sched_remove(m, unload);
	msg_release(m);
}

/* The rows of its destinations are never later than what waits for them. */
static int
tell_dests(const struct queue_message *m, int64_t at, struct err *err)
{
	struct dest *d;
	size_t i;

	for (i = 0; i < m->n; i++) {
		d = dest_get(m->rcpt[i].transport, m->rcpt[i].nexthop, err);
		if (d == NULL || dest_filed(d, at, false, err) != 0)
			return -1;
	}
	return 0;
}

int
change_schedule(int64_t id, int64_t at, struct err *err)
{
	struct queue_message m;
	struct arena a = { 0 };
	int rc = qdb_message_get(qmgr.db, id, -1, 1, &a, &m, err);

	if (rc == 1)
		rc = qdb_message_schedule(qmgr.db, id, at,
		    message_expires_at(&m, at), err);
	if (rc == 1)
		rc = qdb_message_get(qmgr.db, id, RCPT_WAITING,
		    (size_t)qmgr.conf.message_recipients, &a, &m, err);
	if (rc == 1)
		rc = tell_dests(&m, at, err);
	arena_free(&a);
	return MIN(rc, 0);
}

/* What waits is read from its rows when it is due; what is in an agent's
 * hands waits, if it is deferred, until then. */
void
change_scheduled(struct msg *m, int64_t at)
{
	if (m == NULL)
		return;
	msg_set_row(m, ROW_FILED);
	m->m.hold = m->holding = false;
	m->m.release_at = at;
	m->m.expires = MAX(m->m.expires, message_expires_at(&m->m, at));
	sched_remove(m, rcpt_free);
	msg_release(m);
}

int
change_priority(int64_t id, int64_t priority, struct err *err)
{
	return MIN(qdb_message_priority(qmgr.db, id, priority, err), 0);
}

static struct rcpt_list moved = STAILQ_HEAD_INITIALIZER(moved);

static void
move(struct rcpt *r)
{
	STAILQ_INSERT_TAIL(&moved, r, next);
}

/* out of the jobs of the old priority and into those of the new one */
void
change_prioritized(struct msg *m, int64_t priority)
{
	struct rcpt *r;

	if (m == NULL)
		return;
	msg_set_row(m, ROW_FILED);
	sched_remove(m, move);
	m->m.priority = priority;
	while ((r = STAILQ_FIRST(&moved)) != NULL) {
		STAILQ_REMOVE_HEAD(&moved, next);
		sched_add(r, rcpt_class(r));
	}
}
