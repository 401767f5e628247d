/*
 * epoch.c - everything behind the journal becomes durable together, now and
 * then, while nobody waits.  Invariants:
 *
 * - "delivered" of an agent that did not sync, and of a message that is in the
 *   journal only, is believed when a sync that began after the answer has
 *   ended well.  Until then the recipient counts as with the agent.  But what
 *   left the machine would come twice if it were sent anew: that is believed
 *   at once, and is in the next transaction.
 * - A file of the journal is out of use when such a sync has covered it and a
 *   transaction has given rows to what is left of it, and says so; what leaves
 *   the queue before is noted in `gone` by the transaction in which it leaves
 *   (epoch_left).  So at a start a message has a row, is in the journal, or
 *   is done with.
 * - Content that floats (afloat.c) has no file to sync, and its generation of
 *   the journal is kept for KEEP epochs; most of it is delivered by then.
 *   Where an epoch left nothing to sync, none is done.
 * - A sync that failed counts for nothing, and what it should have written may
 *   be lost although a later one says yes.  The journal gets to know that what
 *   it covered is in doubt, and the process ends: the next one writes content
 *   anew out of the journal (restore.c) and has it delivered again.
 *
 * The sync itself is sync.c.
 */
#include "qmgr.h"

#include <event2/event.h>

enum { SLOW_MS = 10000, NOTES_MS = 20, KEEP = 5 };

static struct rcpt_list answered = STAILQ_HEAD_INITIALIZER(answered);
static struct rcpt_list covered = STAILQ_HEAD_INITIALIZER(covered);
static struct event *timer_ev, *notes_ev;
static bool armed, under_way, notes_armed;
static bool unsynced = true;	/* content was written since a sync began */
static int64_t target;		/* generation that the sync covers, and that
				 * nobody needs then */
static int64_t rotated;		/* the highest that a sync has covered */
static int64_t retire_to;	/* by the next transaction */
static int64_t done_to;		/* as queue.db has it */
static int64_t began_ms, last_ms;	/* a sync: start, duration */

static bool
wanted(void)
{
	/* what has to be kept has no need of another sync */
	int64_t gen = restore_limit() == INT64_MAX && !afloat_waits() ?
	    retire_to : MAX(retire_to, rotated);

	return !STAILQ_EMPTY(&answered) || journal_busy(qmgr.journal, gen);
}

bool
epoch_pending(void)
{
	return under_way || wanted();
}

static void
arm(int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (armed || under_way)
		return;
	if (event_add(timer_ev, &tv) < 0)
		die("event_add");
	armed = true;
}

/* A file system that others keep busy is left alone for longer. */
void
epoch_wanted(void)
{
	if (wanted())
		arm(MAX(qmgr.conf.sync_interval, 2 * MIN(last_ms,
		    (int64_t)SLOW_MS)));
}

/* do agents see what they delivered before, and need no other word of it? */
static bool
repeats_safely(const struct transport *t)
{
	return strcmp(t->name, "local") == 0 || strcmp(t->name, "system") == 0;
}

static bool
all_delivered(const struct msg *m)
{
	const struct rcpt *r;

	if (m->answered != m->out)	/* an agent has some */
		return false;
	LIST_FOREACH(r, &m->rcpts, of_msg)
		if (r->place != AT_SYNC && !(r->place == AT_DIRTY && r->gone))
			return false;
	return true;
}

/* The sync under way does not cover it. */
void
epoch_unsynced(int64_t gen)
{
	unsynced = true;
	if (under_way && gen > 0)
		target = MIN(target, gen - 1);
}

/* a receipt that we send needs the content for longer */
bool
epoch_ends(const struct msg *m)
{
	const struct rcpt *r;

	if (!all_delivered(m))
		return false;
	LIST_FOREACH(r, &m->rcpts, of_msg)
		if (r->place == AT_SYNC &&
		    notify_wants(r->q.notify, "success", false))
			return false;
	return true;
}

/* what has floated for long gets a file; at the end all does */
static void
anchor(void)
{
	static int64_t was[KEEP];
	static size_t at;

	afloat_anchor_to(qmgr.draining ? rotated : was[at]);
	was[at] = rotated;
	at = (at + 1) % KEEP;
}

static void good(void);

static void
begin(void)
{
	rotated = journal_rotate(qmgr.journal);
	anchor();
	target = MIN(rotated, MIN(restore_limit(), afloat_limit()));
	STAILQ_CONCAT(&covered, &answered);
	began_ms = mono_ms();
	if (!unsynced && STAILQ_EMPTY(&covered)) {
		good();
		return;
	}
	unsynced = false;
	under_way = true;
	sync_begin();
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	armed = false;
	if (!under_way && wanted())
		begin();
}

/* at once, for nothing else comes */
void
epoch_now(void)
{
	if (under_way || !wanted())
		return;
	if (armed)
		event_del(timer_ev);
	armed = false;
	begin();
}

static void
on_notes(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	notes_armed = false;
	journal_flush(qmgr.journal);
}

/* with the next batch, or soon */
static void
note(int64_t id)
{
	static const struct timeval tv = { 0, NOTES_MS * 1000 };

	journal_note(qmgr.journal, id);
	if (!notes_armed && event_add(notes_ev, &tv) < 0)
		die("event_add");
	notes_armed = true;
}

void
epoch_delivered(struct rcpt *r)
{
	struct msg *m = r->msg;

	if (repeats_safely(r->dest->transport)) {
		r->place = AT_SYNC;
		STAILQ_INSERT_TAIL(&answered, r, next);
		m->answered++;
		epoch_wanted();
	} else {
		r->place = AT_NOTHING;
		m->out--;
		result_delivered(r);
	}
	if (m->row != ROW_JOURNAL)
		return;
	if (all_delivered(m))
		note(m->m.id);
	afloat_spend(m);
}

/* at a start: it was answered before the end of another process */
void
epoch_loaded(struct rcpt *r)
{
	r->place = AT_SYNC;
	r->msg->out++;
	r->msg->answered++;
	STAILQ_INSERT_TAIL(&answered, r, next);
}

/* the recipient is nowhere any more */
static struct rcpt *
take(struct rcpt_list *l)
{
	struct rcpt *r = STAILQ_FIRST(l);

	STAILQ_REMOVE_HEAD(l, next);
	r->place = AT_NOTHING;
	r->msg->out--;
	r->msg->answered--;
	return r;
}

/* What lives on gets its row now. */
static void
good(void)
{
	struct msg *m;

	last_ms = mono_ms() - began_ms;
	if (last_ms > SLOW_MS)
		log_event(LOG_WARN, "sync-slow", KI("ms", last_ms), KEND);
	while (!STAILQ_EMPTY(&covered))
		result_delivered(take(&covered));
	target = MIN(target, afloat_limit());
	TAILQ_FOREACH(m, &qmgr.journaled, of_journal) {
		if (m->gen > target)
			break;
		msg_dirty(m);
	}
	if (target > retire_to || commit_pending()) {
		retire_to = MAX(retire_to, target);
		commit_now();
		deliver_all();
	}
	epoch_wanted();
}

static void NORETURN
bad(int e)
{
	struct err err;

	log_event(LOG_ERROR, "sync-failed", KS("reason", strerror(e)), KEND);
	/* what came while it ran may have been written by it, too */
	if (journal_doubt(qmgr.journal, journal_current(qmgr.journal),
	    &err) != 0)
		log_event(LOG_ERROR, "journal-failed", KERR(&err), KEND);
	exit(1);
}

static void
synced(int e)
{
	under_way = false;
	if (e == 0)
		good();
	else
		bad(e);
}

/* ---- for a transaction ---- */
bool
epoch_to_write(void)
{
	return retire_to > done_to;
}

int
epoch_write(struct err *err)
{
	return epoch_to_write() ? qdb_journal_set(qmgr.db, retire_to,
	    qmgr.doubt, err) : 0;
}

void
epoch_written(void)
{
	if (!epoch_to_write())
		return;
	done_to = retire_to;
	journal_retire(qmgr.journal, done_to);
}

int
epoch_left(int64_t id, int64_t gen, struct err *err)
{
	recent_add(id);
	if (gen == 0)
		gen = journal_has(qmgr.journal, id);
	return gen <= retire_to ? 0 : qdb_gone_add(qmgr.db, id, gen, err);
}

/* ---- start ---- */
int
epoch_start(int64_t done, struct err *err)
{
	done_to = retire_to = done;
	timer_ev = event_new(hub_base, -1, 0, on_timer, NULL);
	notes_ev = event_new(hub_base, -1, 0, on_notes, NULL);
	if (timer_ev == NULL || notes_ev == NULL)
		die("event_new");
	epoch_wanted();
	return sync_start(synced, err);
}
