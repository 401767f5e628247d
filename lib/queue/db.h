/*
 * db.h - queue.db: SQLite, WAL, synchronous=FULL, one process at a time.
 *
 * Kinds of rows:
 *   fresh          a message in its first attempt: one record, one b-tree
 *   message, rcpt  what was filed: deferred, held, scheduled, failed; with
 *                  indexes for every question of the admin and of the scheduler
 *   dest           destinations of filed recipients: health, and `next`, never
 *                  later than the time at which one of them is due
 * A message is either fresh or filed; or it has no row yet, and is in the
 * journal (journal.h) only.  Of that, `journal` says which generations are done
 * with, and `gone` which messages of later ones have left the queue.
 *
 * Everything that writes happens between qdb_begin and qdb_commit.  Errors
 * are err_temp (4.3.1 where the disk is full); after one the transaction must
 * be rolled back.  A damaged file sets qdb_corrupt: stop and say so.
 * Not thread-safe.
 */
#ifndef QUEUE_DB_H
#define QUEUE_DB_H

#include "queue/filter.h"
#include "queue/message.h"

struct queue_db;

/* Open or create; waits at most wait_ms for another process to let go.
 * Refuses a file that is not ours, newer than we are, or damaged. */
int qdb_open(const char *path, int64_t cache_kb, int wait_ms,
    struct queue_db **db_r, struct err *err);
void qdb_close(struct queue_db *db);	/* NULL is fine */
bool qdb_corrupt(const struct queue_db *db);

int qdb_begin(struct queue_db *db, struct err *err);
int qdb_commit(struct queue_db *db, struct err *err);	/* durable; -1:
							 * rolled back */
void qdb_rollback(struct queue_db *db);
/* Move the log into the file where it has at least so many pages: outside a
 * transaction.  -1: nothing is lost by that, the next time is another try. */
int qdb_checkpoint(struct queue_db *db, int pages, struct err *err);

/* fresh messages: rec as encoded.  add: 1, 0 where it was there; del: 1, 0 */
int qdb_fresh_add(struct queue_db *db, int64_t id, struct slice rec,
    struct err *err);
int qdb_fresh_del(struct queue_db *db, int64_t id, struct err *err);
int qdb_fresh_has(struct queue_db *db, int64_t id, struct err *err);
/* the next after an id: 1 (rec appended), 0 the end, -1 */
int qdb_fresh_next(struct queue_db *db, int64_t *id, struct str *rec,
    struct err *err);

/* filed messages.  add: without m->rcpt; del: its recipients, too */
int qdb_message_has(struct queue_db *db, int64_t id, struct err *err);
/* the highest id; 0 or -1 */
int qdb_message_last(struct queue_db *db, int64_t *id_r, struct err *err);
int qdb_message_add(struct queue_db *db, const struct queue_message *m,
    struct err *err);
int qdb_message_del(struct queue_db *db, int64_t id, struct err *err);
/* delete it if no recipient is left: 1 deleted, 0 some are left */
int qdb_message_done(struct queue_db *db, int64_t id, struct err *err);
/* 1, 0 there is none; the row and at most max recipients (in that state; -1
 * in any) go to the arena */
int qdb_message_get(struct queue_db *db, int64_t id, int state, size_t max,
    struct arena *a, struct queue_message *m, struct err *err);
/* ids of messages with expires <= now that are not held: how many, or -1 */
int qdb_message_expired(struct queue_db *db, int64_t now, int64_t *ids,
    int max, struct err *err);
int qdb_message_expires(struct queue_db *db, int64_t id, int64_t expires,
    struct err *err);
int qdb_message_warned(struct queue_db *db, int64_t id, struct err *err);
/* hold: waiting recipients are held; release: they are due at `now` and a
 * schedule ends; flush: due at `now`.  1, or 0 where nothing changed */
int qdb_message_hold(struct queue_db *db, int64_t id, const char *reason,
    struct err *err);
int qdb_message_release(struct queue_db *db, int64_t id, int64_t now,
    struct err *err);
int qdb_message_flush(struct queue_db *db, int64_t id, int64_t now,
    struct err *err);
/* no attempt before `at`, also of what is held; it expires not before
 * `expires`.  The caller tells its destinations.  1, 0 or -1 */
int qdb_message_schedule(struct queue_db *db, int64_t id, int64_t at,
    int64_t expires, struct err *err);
int qdb_message_priority(struct queue_db *db, int64_t id, int64_t priority,
    struct err *err);

int qdb_rcpt_add(struct queue_db *db, int64_t msg, const struct queue_rcpt *r,
    struct err *err);
int qdb_rcpt_del(struct queue_db *db, int64_t msg, int64_t n,
    struct err *err);
/* state, due, attempts, dsn, text, peer, quota of r; the rest stays */
int qdb_rcpt_set(struct queue_db *db, int64_t msg, const struct queue_rcpt *r,
    struct err *err);
/* Recipients of a destination due at now, earliest first, at most max; fn
 * says 0, 1 enough, or -1. */
typedef int qdb_rcpt_fn(void *ctx, int64_t msg, const struct queue_rcpt *r,
    struct err *err);
int qdb_rcpt_due(struct queue_db *db, int64_t dest, int64_t now, int max,
    qdb_rcpt_fn *fn, void *ctx, struct err *err);
/* how many are due, counted up to `most` */
int qdb_rcpt_crowd(struct queue_db *db, int64_t dest, int64_t now,
    int64_t most, int64_t *n_r, struct err *err);
/* the same of one flow; and the next flow above *flow that has any that wait:
 * 1, 0 none, -1 */
int qdb_rcpt_flow(struct queue_db *db, int64_t dest, int64_t flow,
    int64_t now, int max, qdb_rcpt_fn *fn, void *ctx, struct err *err);
int qdb_flow_next(struct queue_db *db, int64_t dest, int64_t *flow,
    struct err *err);
/* dest, mailbox, state, due and addr of r; the rest stays */
int qdb_rcpt_move(struct queue_db *db, int64_t msg,
    const struct queue_rcpt *r, struct err *err);
/* earliest due of the destination's waiting recipients: 1, 0 none, -1 */
int qdb_rcpt_next(struct queue_db *db, int64_t dest, int64_t after,
    int64_t *due_r, struct err *err);
/* messages with reports due: ids, distinct, at most max; how many, or -1 */
int qdb_report_due(struct queue_db *db, int64_t now, int64_t *ids, int max,
    struct err *err);
/* put off reports of a message; 0 or -1 */
int qdb_report_later(struct queue_db *db, int64_t msg, int64_t due,
    struct err *err);

struct queue_dest {
	int64_t id;
	const char *transport, *nexthop, *dsn, *text;	/* the last trouble */
	const char *site;	/* who stands behind it; "" not known */
	int64_t next;		/* INT64_MAX: nothing waits */
	int64_t suspended_until, window, failures;
};
/* 1, 0 unknown; strings are valid until the next call for a dest */
int qdb_dest_get(struct queue_db *db, const char *transport,
    const char *nexthop, struct queue_dest *d, struct err *err);
int qdb_dest_add(struct queue_db *db, struct queue_dest *d, struct err *err);
int qdb_dest_set(struct queue_db *db, const struct queue_dest *d,
    struct err *err);
/* only `next`, and only where that makes it earlier */
int qdb_dest_soon(struct queue_db *db, int64_t id, int64_t next,
    struct err *err);
/* remove it where no recipient is left: 1 removed, 0 kept */
int qdb_dest_del(struct queue_db *db, int64_t id, struct err *err);
/* Those with next <= now, in the order of (next, id) after the cursor; fn
 * says 1 taken, 0 not wanted; ends after max taken or look looked at.  1:
 * there may be more (cursor moved), 0 the end (cursor reset), -1. */
struct qdb_cursor { int64_t next, id; };
typedef int qdb_dest_fn(void *ctx, const struct queue_dest *d);
int qdb_dest_due(struct queue_db *db, int64_t now, struct qdb_cursor *c,
    int max, int look, qdb_dest_fn *fn, void *ctx, struct err *err);

/* All after that id, until fn says 0: 1 (it said so), 0 the end, -1. */
int qdb_dest_list(struct queue_db *db, int64_t after, qdb_dest_fn *fn,
    void *ctx, struct err *err);
/* recipients that wait in it, counted up to `most` */
int qdb_dest_waiting(struct queue_db *db, int64_t dest, int64_t most,
    int64_t *n_r, struct err *err);
/* those suspended until `since` or later look at once: of a transport, a next
 * hop, a site; "" any */
int qdb_dest_resume(struct queue_db *db, const struct queue_dest *which,
    int64_t now, int64_t since, struct err *err);

/* Limits that were set while we ran, by the admin or by a rule: of
 * "transport:", "transport:nexthop" or "site:name". */
struct queue_curb {
	const char *name, *reason;
	bool paused;
	int64_t concurrency;		/* 0 as it is */
	int64_t messages, seconds;	/* so many in that time; 0 as it is */
	int64_t since, until;		/* unix seconds; until 0: for good */
};
int qdb_curb_put(struct queue_db *db, const struct queue_curb *c,
    struct err *err);
/* 1 removed, 0 there was none */
int qdb_curb_del(struct queue_db *db, const char *name, struct err *err);
typedef void qdb_curb_fn(void *ctx, const struct queue_curb *c);
int qdb_curb_all(struct queue_db *db, qdb_curb_fn *fn, void *ctx,
    struct err *err);

/* Messages that came from another queue, for as long as somebody may ask.
 * add: those of before `old` are forgotten.  has: 1, 0, -1 */
int qdb_imported_add(struct queue_db *db, int64_t id, int64_t at,
    int64_t old, struct err *err);
int qdb_imported_has(struct queue_db *db, int64_t id, struct err *err);
int qdb_imported_del(struct queue_db *db, int64_t id, struct err *err);

/*
 * Filed messages that may match, by the best index: ids ascending between
 * f->after and f->before.  The rest of the filter is the caller's
 * (queue_filter_message, queue_filter_rcpt).  Nothing may be written while a
 * list is open, and f must live as long.
 */
struct qdb_list;
int qdb_list_open(struct queue_db *db, const struct queue_filter *f,
    struct qdb_list **l_r, struct err *err);
void qdb_list_close(struct qdb_list *l);	/* NULL is fine */
/* the id of the message that comes next, or INT64_MAX */
int64_t qdb_list_id(const struct qdb_list *l);
/* Take it: what a list shows of it and of its first max (>= 1) recipients
 * goes to the arena, all else is "" or 0.  0, or -1 */
int qdb_list_take(struct qdb_list *l, size_t max, struct arena *a,
    struct queue_message *m, struct err *err);
/* the statement behind it, for tests: text appended; dests are the rows of
 * f's next hop */
void qdb_list_sql(const struct queue_filter *f, const int64_t *dests, int n,
    struct str *out);

/* The journal: generations up to this one are done with; what was delivered of
 * messages with ids up to doubt, and is still in the queue, need not be on the
 * disk (0: none).  set: also forgets what has gone of those generations. */
int qdb_journal_get(struct queue_db *db, int64_t *gen_r, int64_t *doubt_r,
    struct err *err);
int qdb_journal_set(struct queue_db *db, int64_t gen, int64_t doubt,
    struct err *err);
/* this message, which that generation or an earlier one has, left */
int qdb_gone_add(struct queue_db *db, int64_t id, int64_t gen,
    struct err *err);
int qdb_gone_has(struct queue_db *db, int64_t id, struct err *err);

/* ids that settle has refused */
int qdb_refuse(struct queue_db *db, int64_t id, int64_t until,
    struct err *err);
int qdb_refused_next(struct queue_db *db, int64_t *id, int64_t *until_r,
    struct err *err);
int qdb_refused_expire(struct queue_db *db, int64_t now, struct err *err);

struct qdb_stats {
	int64_t messages, rcpts, held, scheduled, dests, suspended;
	int64_t oldest;		/* id, 0 none */
};
int qdb_stats(struct queue_db *db, int64_t now, struct qdb_stats *s,
    struct err *err);

#endif
