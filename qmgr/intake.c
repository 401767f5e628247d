/*
 * intake.c - new messages go to the journal: all that came in a round in one
 * batch, with one flush (in some, where they are large: a batch is in memory);
 * then their callers are answered and the deliveries start.  queue.db hears of
 * them only if they outlive their epoch (epoch.c).
 *
 * What is filed at once (enqueue.c) does not come here: its content is synced
 * before the transaction (intake_sync), and it is not in the journal.
 */
#include "qmgr.h"

#include <fcntl.h>

enum { FDS_MAX = 500, FSYNCS_MAX = 2, BATCH_BYTES = 4 << 20 };

static STAILQ_HEAD(, op) waiting = STAILQ_HEAD_INITIALIZER(waiting);
static size_t kept;		/* descriptors */

void
intake_add(struct msg *m)
{
	TAILQ_INSERT_TAIL(&qmgr.taken, m, of_journal);
	m->taken = true;
	commit_round();
}

void
intake_op(struct op *op, int64_t id)
{
	op->id = id;
	STAILQ_INSERT_TAIL(&waiting, op, next);
	commit_round();
}

static int
open_content(const struct msg *m, int *fd_r, struct err *err)
{
	int rc = content_open(common.spool_dir, m->q, fd_r, err);

	if (rc == 0)
		err_temp(err, "4.3.0", "content file is missing");
	return rc == 1 ? 0 : -1;
}

/* the first delivery wants the content, too */
static void
keep(struct msg *m, int fd)
{
	if (kept >= FDS_MAX) {
		close_fd(fd);
		return;
	}
	m->fd = fd;
	kept++;
}

int
intake_content(struct msg *m)
{
	int fd = m->fd;

	if (fd >= 0)
		kept--;
	m->fd = -1;
	return fd;
}

static void
refuse(struct msg *m, const struct err *why)
{
	m->why = xcalloc(1, sizeof(*m->why));
	*m->why = *why;
}

static void
add(struct msg *m)
{
	struct slice rec = { m->blob, m->blob_len };
	struct err err;
	int fd = -1, rc = 0;

	if (m->floating && afloat_full())
		rc = afloat_anchor(m, &err);
	if (rc == 0 && m->floating) {
		if (journal_add(qmgr.journal, m->m.id, rec, m->fd, m->m.size,
		    &err) != 0)
			refuse(m, &err);
		return;
	}
	if (rc == 0 && m->unsynced) {
		rc = open_content(m, &fd, &err);
		epoch_unsynced(0);
	}
	if (rc == 0)
		rc = journal_add(qmgr.journal, m->m.id, rec, fd, m->m.size,
		    &err);
	if (rc == 0 && fd >= 0) {
		keep(m, fd);
		return;
	}
	close_fd(fd);
	if (rc != 0)
		refuse(m, &err);
}

/* from m on until the batch is full: what is not of it; and the first that
 * the journal has */
static struct msg *
batch(struct msg *m, struct msg **first)
{
	struct msg *next, *end = m;
	struct err err;
	int rc;

	for (; end != NULL && journal_batch(qmgr.journal) < BATCH_BYTES;
	    end = TAILQ_NEXT(end, of_journal))
		add(end);
	rc = journal_commit(qmgr.journal, &err);
	if (rc != 0)
		log_event(LOG_ERROR, "journal-failed", KERR(&err), KEND);
	for (; m != end; m = next) {
		next = TAILQ_NEXT(m, of_journal);
		if (m->why != NULL)
			continue;
		if (rc != 0) {
			refuse(m, &err);
			continue;
		}
		m->gen = journal_current(qmgr.journal);
		msg_set_row(m, ROW_JOURNAL);
		qmgr.accepted++;
		if (*first == NULL)
			*first = m;
	}
	return end;
}

static void
answer(void)
{
	struct msg *m;
	struct op *op;

	while ((op = STAILQ_FIRST(&waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&waiting, next);
		m = msg_find(op->id);
		/* NULL: it is in the journal, or was known before */
		op->done(op, m != NULL && m->row == ROW_NONE ? m->why : NULL);
	}
}

/* those that the journal has begin their first attempt */
static void
start(struct msg *m)
{
	struct msg *next;

	for (; m != NULL; m = next) {
		next = TAILQ_NEXT(m, of_journal);
		msg_start(m);
	}
}

void
intake_round(void)
{
	struct msg *m = TAILQ_FIRST(&qmgr.taken), *first = NULL;

	if (m == NULL) {
		answer();
		return;
	}
	while (m != NULL)
		m = batch(m, &first);
	answer();
	while ((m = TAILQ_FIRST(&qmgr.taken)) != NULL)
		msg_forget(m);
	start(first);
	afloat_round();
	epoch_wanted();
}

static int
sync_one(const struct msg *m, struct err *err)
{
	int fd = -1, rc = open_content(m, &fd, err);

	if (rc == 0 && fsync(fd) < 0)
		rc = err_sys(err, "sync content");
	close_fd(fd);
	return rc == 0 ? content_sync(common.spool_dir, m->q, err) : -1;
}

/* before a transaction that makes them rows without a journal */
int
intake_sync(struct err *err)
{
	struct msg *m;
	size_t n = 0;

	TAILQ_FOREACH(m, &qmgr.dirty, link)
		n += m->row == ROW_NONE && m->unsynced;
	if (n > FSYNCS_MAX)
		return sync_spool_now(err);
	if (n > 0)
		TAILQ_FOREACH(m, &qmgr.dirty, link)
			if (m->row == ROW_NONE && m->unsynced &&
			    sync_one(m, err) != 0)
				return -1;
	return 0;
}
