/*
 * afloat.c - content without a file.  A short message for one recipient comes
 * with its content in memory, sealed; what is delivered at once never has a
 * file, which would cost more than all else that is done for it.  Invariants:
 *
 * - Content that floats is in the journal, and no generation of the journal
 *   that has it is given up (afloat_limit): after a crash it comes from there
 *   (restore.c).
 * - What has rows has a file: it is anchored before the transaction, which
 *   is behind the journal and needs no sync of it (the next epoch's will
 *   cover it); so is what was with us for some epochs (epoch.c), and what is
 *   more than the limits allow.
 * - What can get no file, on a full disk for instance, floats on, and is tried
 *   again.
 * - What is delivered, and waits for a sync only, needs no content any more but
 *   that in the journal (a sync that fails ends the process): it is spent, has
 *   no descriptor, counts for no limit, and takes no orders.
 */
#include "qmgr.h"

#include <event2/event.h>
#include <sys/stat.h>

enum { RETRY_MS = 1000, RETRY_MAX_MS = 10000 };

static size_t count;
static uint64_t bytes;
static size_t nstuck;
static int64_t retry_ms;	/* 0: none has failed lately */
static struct event *retry_ev;

int
afloat_take(struct msg *m, int *fd, struct err *err)
{
	struct stat st;

	if (*fd < 0 || !content_sealed(*fd))
		return err_perm(err, "5.5.4", "content that is not sealed");
	if (fstat(*fd, &st) < 0 || (uint64_t)st.st_size != m->m.size)
		return err_temp(err, "4.3.0", "content has another length "
		    "than %llu", (unsigned long long)m->m.size);
	m->fd = *fd;
	*fd = -1;
	m->floating = true;
	count++;
	bytes += m->m.size;
	return 0;
}

/* what floats keeps the journal from being overwritten */
static bool
journal_crowded(void)
{
	return (uint64_t)journal_bytes(qmgr.journal) >
	    qmgr.conf.journal_limit / 2;
}

bool
afloat_full(void)
{
	return count > (size_t)qmgr.conf.floating_messages ||
	    bytes > qmgr.conf.floating_size || journal_crowded();
}

void
afloat_round(void)
{
	if (count > 0 && journal_crowded())
		afloat_anchor_to(INT64_MAX);
}

static void
unstick(struct msg *m)
{
	nstuck -= m->stuck;
	m->stuck = false;
}

/* it floats on without a descriptor */
static void
let_go(struct msg *m)
{
	close(m->fd);
	m->fd = -1;
	count--;
	bytes -= m->m.size;
}

void
afloat_spend(struct msg *m)
{
	/* rows for a part of it are to be written, and it needs a file; or
	 * will be, for a sync may cover one of two answers */
	bool rows = m->answered > 1 || (m->listed && m->answered > 0);

	if (!m->floating || m->spent || m->stuck || rows || !epoch_ends(m))
		return;
	let_go(m);
	m->spent = true;
}

void
afloat_drop(struct msg *m)
{
	if (!m->floating)
		return;
	unstick(m);
	if (!m->spent)
		let_go(m);
	m->floating = m->spent = false;
}

int
afloat_anchor(struct msg *m, struct err *err)
{
	int fd;

	if (!m->floating)
		return 0;
	if (m->spent)
		return err_temp(err, "4.3.0", "it is delivered already");
	if (content_anchor(common.spool_dir, m->q, m->fd, m->m.size, &fd,
	    err) < 0)
		return -1;
	close(fd);
	m->anchored = true;
	if (m->stuck)		/* it has waited to be written */
		msg_dirty(m);
	afloat_drop(m);
	retry_ms = 0;
	epoch_unsynced(m->gen);
	log_event(LOG_DEBUG, "anchored", KS("q", m->q), KEND);
	return 0;
}

/* the first of them is enough to hear of */
void
afloat_stuck(struct msg *m, const struct err *why)
{
	struct timeval tv;

	if (!m->stuck)
		nstuck++;
	m->stuck = true;
	if (event_pending(retry_ev, EV_TIMEOUT, NULL))
		return;
	retry_ms = retry_ms ? MIN(2 * retry_ms, RETRY_MAX_MS) : RETRY_MS;
	log_event(LOG_ERROR, "anchor-failed", KS("q", m->q), KERR(why),
	    KEND);
	tv = (struct timeval){ retry_ms / 1000, retry_ms % 1000 * 1000 };
	if (event_add(retry_ev, &tv) < 0)
		die("event_add");
}

bool
afloat_waits(void)
{
	return nstuck > 0 && event_pending(retry_ev, EV_TIMEOUT, NULL);
}

void
afloat_anchor_to(int64_t gen)
{
	struct err err;
	struct msg *m;

	if (count == 0 || afloat_waits())
		return;
	TAILQ_FOREACH(m, &qmgr.journaled, of_journal) {
		if (m->gen > gen)
			break;
		if (!m->floating || epoch_ends(m) ||
		    afloat_anchor(m, &err) == 0)
			continue;
		afloat_stuck(m, &err);
		break;		/* the others fare no better */
	}
}

int64_t
afloat_limit(void)
{
	const struct msg *m;

	if (count > 0)
		TAILQ_FOREACH(m, &qmgr.journaled, of_journal)
			if (m->floating && !epoch_ends(m))
				return m->gen - 1;
	return INT64_MAX;
}

/* those that have something to be written go into the next transaction */
static void
on_retry(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	struct msg *m;

	TAILQ_FOREACH(m, &qmgr.journaled, of_journal)
		if (m->stuck) {
			unstick(m);
			msg_dirty(m);
		}
	commit_results();
	epoch_wanted();
}

void
afloat_doom(struct msg *m)
{
	struct rcpt *r;

	if (!m->stuck)
		return;
	LIST_FOREACH(r, &m->rcpts, of_msg)
		if (r->place == AT_DIRTY)
			r->gone = true;
	unstick(m);
	msg_dirty(m);
	commit_results();
}

void
afloat_init(void)
{
	retry_ev = event_new(hub_base, -1, 0, on_retry, NULL);
	if (retry_ev == NULL)
		die("event_new");
}
