/*
 * schedule.h - what goes next?  Messages, recipients and destinations in
 * memory, and the rules by which recipients are picked.  No I/O, no clock.
 *
 * Recipients wait in their destination, in jobs: those of one message that may
 * go in one request.  A job is fresh (first attempt) or backlog; each transport
 * has a ring of destinations for either class, so that old mail has its share
 * and fresh mail never waits behind it, and within a class a busy destination
 * waits for its turn like any other.  Higher priority goes first within a
 * destination.
 *
 * A destination's window bounds its requests under way; it starts small
 * after trouble and grows by one with every good answer.  Requests of
 * backlog never take the last fifth of a window or of a transport's limit.
 */
#ifndef QMGR_SCHEDULE_H
#define QMGR_SCHEDULE_H

#include <sys/queue.h>

#include "proto/agent.h"
#include "queue/message.h"

enum sched_class { FRESH, BACKLOG, CLASSES };
enum { PRIORITIES = 19 /* -9 .. 9 */ };

struct msg;
struct dest;
struct transport;
struct agent;

enum rcpt_place { AT_NOTHING, AT_JOB, AT_REQUEST, AT_DIRTY,
	AT_SYNC };		/* delivered, as far as the agent knows */
struct rcpt {
	struct rcpt *hash_next;
	STAILQ_ENTRY(rcpt) next;	/* in the job or the request */
	LIST_ENTRY(rcpt) of_msg;
	struct msg *msg;
	struct dest *dest;
	struct queue_rcpt q;
	enum sched_class class;	/* as which it came into memory */
	size_t cost;		/* bytes in a request */
	enum rcpt_place place;
	bool row;		/* has a row of its own in the database */
	bool gone;		/* done with: no row any more */
	bool changed;		/* dirty: not only to leave memory */
};
STAILQ_HEAD(rcpt_list, rcpt);

/* where the message lies: in the journal, or in the database */
enum msg_row { ROW_NONE, ROW_JOURNAL, ROW_FRESH, ROW_FILED };
struct msg {
	struct msg *hash_next;
	TAILQ_ENTRY(msg) link;	/* of those that must be written */
	LIST_HEAD(, rcpt) rcpts;
	struct queue_message m;	/* m.rcpt, m.n are not used */
	char q[12];
	char *blob;		/* strings of a fresh message: its record */
	size_t blob_len;
	struct arena arena;	/* strings of a filed one */
	size_t n;		/* recipients in memory */
	size_t out;		/* of them in requests, or AT_SYNC */
	size_t answered;	/* of those AT_SYNC */
	TAILQ_ENTRY(msg) of_journal;	/* taken, or ROW_JOURNAL */
	int64_t gen;		/* in the journal; 0 not known, -1 never */
	int fd;			/* of its content, or -1 */
	struct err *why;	/* it was not taken */
	bool taken;		/* to be written to the journal */
	bool unsynced;		/* content that nobody has synced */
	enum msg_row row;
	enum msg_row row_after;	/* once the transaction under way is durable */
	bool ended;		/* by it, no recipient is left */
	bool listed;		/* is in the list of link */
	bool again;		/* may have been delivered in part */
	bool holding;		/* will be held: its content is missing */
	bool doomed;		/* deleted as soon as nothing is under way */
	bool reports;		/* recipients failed: look for reports */
	bool delayed;		/* a delay report may be due */
	int losses;		/* agents that died with it */
	void *deleter;		/* the order that waits for its end */
};

struct job {
	TAILQ_ENTRY(job) link;
	struct msg *msg;
	enum sched_class class;
	int slot;		/* priority + 9 */
	struct rcpt_list rcpts;
	size_t n;
};
TAILQ_HEAD(job_list, job);

struct dest {
	struct dest *hash_next;
	TAILQ_ENTRY(dest) all;
	TAILQ_ENTRY(dest) idlers, changers;
	TAILQ_ENTRY(dest) ring[CLASSES];
	bool in_ring[CLASSES];
	struct transport *transport;
	char *nexthop;
	struct job_list jobs[CLASSES][PRIORITIES];
	unsigned levels[CLASSES];	/* bit set: jobs of that priority */
	size_t queued[CLASSES];		/* recipients */
	size_t rcpts;			/* all in memory */
	int64_t out[CLASSES];		/* requests under way */
	int64_t window, window_max;
	/* health, as the row has it */
	int64_t row, suspended_until, failures;
	char *dsn, *text;
	bool changed;		/* the row must be written */
	bool row_new;		/* made by the transaction under way */
	bool idle, leaving;	/* no recipient is here; leaves memory */
	int64_t row_next;	/* `next` of the row, INT64_MAX none */
	int64_t mem_next;	/* no recipient outside memory is due earlier */
};
TAILQ_HEAD(dest_list, dest);

struct transport {
	struct transport *next;
	char *name;
	struct dest_list ring[CLASSES];
	int64_t out[CLASSES];
	int64_t limit;		/* requests under way */
	int64_t dest_max, dest_start;	/* windows */
	int64_t backlog_share;	/* percent of the picks */
	int64_t share;		/* of the next backlog pick, 0 .. 99 */
	int64_t suspended_until, failures;
	char *dsn, *text;	/* why */
	/* agents.c */
	LIST_HEAD(, agent) agents;
	int64_t agents_max, agent_requests, nagents;
	int64_t open_not_before;	/* mono_ms */
	int64_t timeout_ms;	/* of a request; 0: agent_timeout */
};

void sched_dest_init(struct dest *d, struct transport *t, const char *nexthop);
void sched_dest_free(struct dest *d);	/* nothing queued any more */
void sched_transport_init(struct transport *t, const char *name);

/* let a recipient wait in its destination */
void sched_add(struct rcpt *r, enum sched_class class);
/* a recipient that was sent goes to the head of its queue again */
void sched_again(struct rcpt *r);

struct pick {
	struct dest *dest;
	struct msg *msg;
	enum sched_class class;
	struct rcpt_list rcpts;
	size_t n;
};
/* The next request of a transport, at most max recipients and, but for the
 * first of them, so many bytes; it counts as under way until sched_done.
 * false: there is none now. */
bool sched_pick(struct transport *t, size_t max, size_t bytes,
    struct pick *p);
/* a request ended; good: the destination works */
void sched_done(struct dest *d, enum sched_class class, bool good);
/* trouble: nothing more goes out until sched_resume */
void sched_suspend(struct dest *d);
void sched_resume(struct dest *d);
/* take one waiting recipient out, any class: NULL none */
struct rcpt *sched_take(struct dest *d);
/* take all that wait of one message out of their jobs; fn for each */
void sched_remove(struct msg *m, void (*fn)(struct rcpt *r));
bool sched_idle(const struct dest *d);	/* nothing waits or is under way */

/* seconds to the next attempt after so many: first, then min doubled each
 * time up to max; jitter by rnd in 0 .. 65535: 15 % either way */
int64_t sched_backoff(int64_t first, int64_t min, int64_t max,
    int64_t attempts, uint16_t rnd);

#endif
