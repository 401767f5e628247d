/*
 * batch.c - commits that arrive together.
 *
 * A commit is prepared at once (judged, completed, made read-only) and then
 * waits for the end of the requests at hand, when all that wait are routed,
 * synced, queued and answered, in this order.  Content up to sync_above is not
 * synced: qmgr is told so, and has it in its journal.  Nobody is answered
 * before the sync of larger content, its entry included, and the queue
 * manager's own; a message leaves the batch before it is answered, so an
 * answer that ends its connection finds nothing here.
 */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "cleanup.h"

enum { SYNCFS_FROM = 3, SYNCFS_SLOW_MS = 200, SYNCFS_PAUSE_MS = 10000 };

static struct job jobs[BATCH_MAX];
static size_t njobs;

static int
sync_files(struct err *err)
{
	size_t i;

	for (i = 0; i < njobs; i++) {
		if (jobs[i].unsynced)
			continue;
		if (fsync(jobs[i].m->fd) < 0)
			return err_sys(err, "fsync content");
		if (spool_sync_dir(jobs[i].m->q, err) < 0)
			return -1;
	}
	return 0;
}

static size_t
to_sync(void)
{
	size_t i, n = 0;

	for (i = 0; i < njobs; i++)
		n += !jobs[i].unsynced;
	return n;
}

/* One syncfs is cheaper than many fsyncs, unless somebody else fills the disk
 * with what it then has to write too. */
static int
sync_all(struct err *err)
{
	static int64_t not_before;
	int64_t start = mono_ms();

	if (to_sync() < SYNCFS_FROM || start < not_before)
		return sync_files(err);
	if (spool_syncfs(err) < 0)
		return -1;
	if (mono_ms() - start > SYNCFS_SLOW_MS)
		not_before = mono_ms() + SYNCFS_PAUSE_MS;
	return 0;
}

static void
answer(struct job *j)
{
	struct message *m = j->m;
	char q[QID_SIZE];
	struct cleanup_commit_out out = { .q = q };

	memcpy(q, m->q, sizeof(q));
	log_set_session(m->session);
	log_set_queue(q);
	if (j->rc < 0)
		say_failed(&j->err);
	log_set_queue(NULL);
	log_set_session(NULL);
	m->job = NULL;
	parts_drop(j);
	if (j->rc == 0 || j->keep)
		message_drop(m, false);
	else
		message_over(m);
	if (j->rc == 0)
		request_ok(j->ticket, &out, -1);
	else if (!j->keep)
		request_err(j->ticket, &j->err);
	else
		/* Nobody knows yet, and "no" might be untrue: who gets no
		 * answer asks (settle). */
		shutdown(j->sock, SHUT_RDWR);
}

/* a message whose parts can not be queued is not either */
static void
queue_all(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		jobs[i].rc = parts_enqueue(&jobs[i], &jobs[i].err);
	enqueue_all(jobs, n);
}

static void
route(struct job *j)
{
	if (j->routed)
		return;
	j->routed = true;
	log_set_session(j->m->session);
	log_set_queue(j->m->q);
	j->rc = message_route(j->m, j, &j->err);
	j->unsynced = j->size <= conf.sync_above;
	log_set_queue(NULL);
	log_set_session(NULL);
}

/* Who can not be routed is answered and leaves; a job keeps its memory. */
static void
route_jobs(void)
{
	struct job *j, last;
	size_t i = 0;

	while (i < njobs) {
		j = &jobs[i];
		route(j);
		if (j->rc == 0) {
			i++;
			continue;
		}
		last = *j;
		memmove(j, j + 1, (njobs - i - 1) * sizeof(*j));
		jobs[--njobs] = last;
		answer(&jobs[njobs]);
	}
}

void
batch_run(void)
{
	struct err err = ERR_INIT;
	size_t i, n;
	int rc;

	route_jobs();
	n = njobs;
	if (n == 0)
		return;
	rc = sync_all(&err);
	for (i = 0; rc < 0 && i < n; i++) {
		jobs[i].rc = rc;
		jobs[i].err = err;
	}
	if (rc == 0)
		queue_all(n);
	njobs = 0;
	for (i = 0; i < n; i++)
		answer(&jobs[i]);
}

int
batch_add(struct message *m, uint64_t size, struct call *c, struct err *err)
{
	struct job *j = &jobs[njobs];

	j->m = m;
	j->rc = 0;
	j->keep = j->routed = false;
	j->err = (struct err)ERR_INIT;
	j->dests.n = 0;
	if (message_prepare(m, size, j, err) < 0)
		return -1;
	if (m->discard)
		return 0;
	j->ticket = request_hold(c);
	j->sock = c->sock;
	m->job = j;
	if (++njobs == BATCH_MAX)
		batch_run();
	return CALL_LATER;
}

void
batch_settle(struct message *m)
{
	if (m->job != NULL)
		batch_run();
}
