/*
 * commit.c - group commit: a round begins when the first request or result
 * asks for it and ends after everything that is readable now has been read;
 * then one transaction and one flush serve them all.
 */
#include "qmgr.h"

#include <event2/event.h>

enum { LOG_PAGES = 4096, DIRTY_MAX = 1000, LEAVE_MAX = 500,
	RETRY_MAX_MS = 10000 };

static struct event *round_ev, *later_ev;
static STAILQ_HEAD(, op) ops = STAILQ_HEAD_INITIALIZER(ops);
static bool asked, asked_later;
static bool wanted;		/* a transaction, by the end of the round */
static size_t waiting;		/* results since the last round */
static int64_t retry_ms;	/* 0: the last commit was good */

static void
after(struct event *ev, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (event_add(ev, &tv) < 0)
		die("event_add");
}

/* A timer of zero runs after the descriptors that are ready by then. */
void
commit_round(void)
{
	if (asked)
		return;
	asked = true;
	after(round_ev, 0);
}

void
commit_op(struct op *op)
{
	STAILQ_INSERT_TAIL(&ops, op, next);
	wanted = true;
	commit_round();
}

void
commit_results(void)
{
	int64_t ms = MAX(qmgr.conf.result_delay, retry_ms);

	if (++waiting > DIRTY_MAX && retry_ms == 0) {
		wanted = true;
		commit_round();
	} else if (!asked_later) {
		asked_later = true;
		after(later_ev, ms);
	}
}

bool
commit_pending(void)
{
	return !STAILQ_EMPTY(&ops) || !TAILQ_EMPTY(&qmgr.dirty) ||
	    epoch_to_write();
}

/* Files for what is to have rows.  What can get none stays in the journal and
 * is left out; but who was told nothing yet hears it. */
static int
anchor_all(struct err *err)
{
	struct msg *m, *next;

	for (m = TAILQ_FIRST(&qmgr.dirty); m != NULL; m = next) {
		next = TAILQ_NEXT(m, link);
		if (!m->floating || msg_over(m) || afloat_anchor(m, err) == 0)
			continue;
		if (m->row == ROW_NONE)
			return -1;
		afloat_stuck(m, err);
		TAILQ_REMOVE(&qmgr.dirty, m, link);
		m->listed = false;
	}
	return 0;
}

void
commit_checkpoint(int pages)
{
	static bool failed;
	struct err err;
	int rc = qdb_checkpoint(qmgr.db, pages, &err);

	if (rc < 0 && !failed)
		log_event(LOG_WARN, "checkpoint-failed", KERR(&err), KEND);
	failed = rc < 0;
}

static int
apply_all(struct err *err)
{
	struct msg *m;
	struct op *op;

	if (anchor_all(err) != 0 || intake_sync(err) != 0 ||
	    qdb_begin(qmgr.db, err) != 0)
		return -1;
	TAILQ_FOREACH(m, &qmgr.dirty, link)
		if (msg_write(m, err) != 0)
			return -1;
	STAILQ_FOREACH(op, &ops, next)
		if (op->apply != NULL && op->apply(op, err) != 0)
			return -1;
	if (epoch_write(err) != 0 || dests_leave(LEAVE_MAX, err) != 0)
		return -1;
	return qdb_commit(qmgr.db, err);
}

static void
finish_ops(bool first, const struct err *err)
{
	STAILQ_HEAD(, op) now = STAILQ_HEAD_INITIALIZER(now);
	struct op *op;

	STAILQ_CONCAT(&now, &ops);
	while ((op = STAILQ_FIRST(&now)) != NULL) {
		STAILQ_REMOVE_HEAD(&now, next);
		if (op->first == first)
			op->done(op, err);
		else
			STAILQ_INSERT_TAIL(&ops, op, next);
	}
}

static void
good(void)
{
	TAILQ_HEAD(, msg) written = TAILQ_HEAD_INITIALIZER(written);
	struct msg *m;

	qmgr.commits++;
	waiting = 0;
	if (retry_ms > 0) {	/* later results need not wait so long */
		retry_ms = 0;
		asked_later = false;
		event_del(later_ev);
	}
	dests_committed(true);
	epoch_written();
	TAILQ_CONCAT(&written, &qmgr.dirty, link);
	finish_ops(true, NULL);
	while ((m = TAILQ_FIRST(&written)) != NULL) {
		TAILQ_REMOVE(&written, m, link);
		m->listed = false;
		msg_written(m);
	}
	finish_ops(false, NULL);
}

/* Callers are told; results stay and are tried again. */
static void
bad(struct err *err)
{
	qdb_rollback(qmgr.db);
	dests_committed(false);
	log_event(LOG_ERROR, "commit-failed", KERR(err), KEND);
	if (qdb_corrupt(qmgr.db))
		die("queue.db is damaged: %s", err->text);
	/* a log that was moved into the file is begun anew: that is room */
	commit_checkpoint(1);
	finish_ops(true, err);
	finish_ops(false, err);
	retry_ms = retry_ms ? MIN(2 * retry_ms, RETRY_MAX_MS) : 1000;
	if (commit_pending()) {
		asked_later = true;
		after(later_ev, retry_ms);
	}
}

void
commit_now(void)
{
	struct err err = ERR_INIT;

	wanted = false;
	intake_round();
	if (!commit_pending() && !dests_to_write())
		return;
	if (apply_all(&err) != 0) {
		bad(&err);
		return;
	}
	good();
	commit_checkpoint(LOG_PAGES);
}

static void
on_round(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	bool *which = arg;

	*which = false;
	if (which == &asked_later || wanted)
		commit_now();
	else
		intake_round();
	deliver_all();
}

void
commit_init(void)
{
	TAILQ_INIT(&qmgr.dirty);
	TAILQ_INIT(&qmgr.taken);
	TAILQ_INIT(&qmgr.journaled);
	round_ev = event_new(hub_base, -1, 0, on_round, &asked);
	later_ev = event_new(hub_base, -1, 0, on_round, &asked_later);
	if (round_ev == NULL || later_ev == NULL)
		die("event_new");
}
