/*
 * schedule.h - what goes next?  Messages, recipients and destinations in
 * memory, and the rules by which recipients are picked.  No I/O; the clock is
 * sched_now_us.
 *
 * Recipients wait in their destination, in jobs: those of one message that may
 * go in one request.  A job is fresh (first attempt, and not large) or backlog;
 * each transport has a ring of destinations for either class, so that old mail
 * has its share and fresh mail never waits behind it, and within a class a busy
 * destination waits for its turn like any other.  Higher priority goes first
 * within a destination; then senders take turns (flow.c).
 *
 * A destination's window bounds the places that it has: agents at work for it,
 * or, where agents work for several destinations at a time, requests.  It
 * grows by one when as many requests as it is wide went well, shrinks by one
 * with each trouble, and is one after a suspension.  A site bounds the places
 * of all its destinations together; either may have a rate.  Requests of
 * backlog never take the last fifth of a window or of a transport's limit.
 *
 * A request that waits behind another one of its destination, with the agent
 * that has that, is `ahead`: it has no place of its own.
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
struct flow;
struct site;

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
	enum sched_class waits;	/* as which it waits, or went */
	size_t cost;		/* bytes in a request */
	enum rcpt_place place;
	bool row;		/* has a row of its own in the database */
	bool gone;		/* done with: no row any more */
	bool told;		/* a receipt is the next host's to send */
	bool changed;		/* dirty: not only to leave memory */
	bool moved;		/* its row has another destination */
};
STAILQ_HEAD(rcpt_list, rcpt);

/* where the message lies: in the journal, or in the database */
enum msg_row { ROW_NONE, ROW_JOURNAL, ROW_FRESH, ROW_FILED };
struct msg {
	struct msg *hash_next;
	TAILQ_ENTRY(msg) link;	/* of those that must be written */
	LIST_HEAD(, rcpt) rcpts;
	struct queue_message m;	/* m.rcpt, m.n are not used */
	int64_t domain_key, sender_key;	/* sender_flow */
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
	bool floating;		/* it has no file: fd is sealed (afloat.c) */
	bool spent;		/* ... but is delivered: fd is closed */
	bool stuck;		/* no file could be made for it */
	bool anchored;		/* its file is one that we made */
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
	struct flow *flow;
	struct msg *msg;
	enum sched_class class;
	int slot;		/* priority + 9 */
	struct rcpt_list rcpts;
	size_t n;
};
TAILQ_HEAD(job_list, job);

/* a row of flows, or the jobs of one sender */
struct flow {
	struct flow *hash_next, *parent;
	TAILQ_ENTRY(flow) link;
	TAILQ_HEAD(, flow) flows;
	struct job_list jobs;
	int64_t key;
	size_t n;		/* recipients, where it has jobs */
};

/* so many requests in a time, evenly */
struct rate {
	int64_t interval_us;	/* 0: as many as want */
	int64_t next_us;
};

struct dest {
	struct dest *hash_next;
	TAILQ_ENTRY(dest) all;
	TAILQ_ENTRY(dest) idlers, changers;
	TAILQ_ENTRY(dest) ring[CLASSES];
	bool in_ring[CLASSES];
	struct transport *transport;
	char *nexthop;
	struct flow *slots[CLASSES][PRIORITIES];
	unsigned levels[CLASSES];	/* bit set: jobs of that priority */
	int turns[CLASSES], lower[CLASSES];	/* of lower priorities */
	size_t queued[CLASSES];		/* recipients */
	size_t rcpts;			/* all in memory */
	int64_t out[CLASSES];		/* requests under way */
	int64_t busy;			/* places */
	int64_t window, window_max, window_start;
	int64_t gain;			/* good answers since it grew */
	int64_t bad, cohort;		/* trouble without a good answer; so
					 * many were busy when it began */
	struct rate rate;
	struct site *site;		/* NULL: not known */
	TAILQ_ENTRY(dest) blocked;	/* by its site */
	TAILQ_ENTRY(dest) sleeping;	/* for its rate */
	bool is_blocked, is_sleeping;
	int64_t flow_at;		/* loaded last (load.c) */
	bool paused, known;	/* known: its limits are */
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

/* next hops that the same hosts serve */
struct site {
	struct site *next;	/* of those with a limit */
	struct site *hash_next;
	char *name;
	size_t dests;
	int64_t busy, most;	/* places; 0 no limit */
	struct rate rate;
	struct dest_list blocked;
	bool paused, limited;
};

struct transport {
	struct transport *next;
	char *name;
	struct dest_list ring[CLASSES];
	int64_t out[CLASSES];
	int64_t limit;		/* requests under way */
	bool exclusive;		/* an agent works for one destination */
	int64_t dest_max, dest_start;	/* windows */
	int64_t cohorts;	/* that fail before a destination is dead */
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

extern int64_t sched_now_us;	/* monotonic; set before picks */
/* what rates hold back is let go where its time has come; when is the next
 * one's, 0 never */
int64_t sched_wake(void);

void sched_dest_init(struct dest *d, struct transport *t, const char *nexthop);
void sched_dest_free(struct dest *d);	/* nothing queued any more */
void sched_transport_init(struct transport *t, const char *name);

/* --- gate.c --- */
extern struct site *sched_sites;
int64_t sched_without_reserve(int64_t limit);
bool sched_rate_ready(const struct dest *d);
void sched_rate_take(struct dest *d);
/* which site stands behind it (NULL: not known) */
void sched_site(struct dest *d, struct site *s);
/* limits have changed: look whether it may go */
void sched_look(struct dest *d);
void sched_look_site(struct site *s);

/* let a recipient wait in its destination */
void sched_add(struct rcpt *r, enum sched_class class);
/* a recipient that was sent goes to the head of its queue again */
void sched_again(struct rcpt *r);
/* recipients that wait in it, of the sender of m */
size_t sched_waiting(const struct dest *d, const struct msg *m);

struct pick {
	struct dest *dest;
	struct msg *msg;
	enum sched_class class;
	bool place;		/* it has a place of its own */
	struct rcpt_list rcpts;
	size_t n;
};
/* The next request of a transport, at most max recipients and, but for the
 * first of them, so many bytes; it counts as under way until sched_done.
 * false: there is none now. */
bool sched_pick(struct transport *t, size_t max, size_t bytes,
    struct pick *p);
/* The next of this destination: it has its turn before the others; ahead: it
 * needs no place. */
bool sched_pick_dest(struct dest *d, bool ahead, size_t max, size_t bytes,
    struct pick *p);
/* A request ended, and, with place, a place is free again.  1: the destination
 * is dead, as many as were under way had trouble; 0. */
enum sched_end { SCHED_NOTHING, SCHED_GOOD, SCHED_TROUBLE };
bool sched_done(struct dest *d, enum sched_class class, enum sched_end how,
    bool place);
/* trouble: nothing more goes out until sched_resume */
void sched_suspend(struct dest *d);
void sched_resume(struct dest *d);
/* take one waiting recipient out, any class: NULL none */
struct rcpt *sched_take(struct dest *d);
/* take all that wait of one message out of their jobs; fn for each */
void sched_remove(struct msg *m, void (*fn)(struct rcpt *r));
bool sched_idle(const struct dest *d);	/* nothing waits or is under way */

/* --- flow.c --- */
/* the job into which a recipient goes; made where there is none */
struct job *flow_job(struct rcpt *r, enum sched_class c, int slot,
    bool first);
struct job *flow_first(const struct dest *d, enum sched_class c);
struct job *flow_next(struct dest *d, enum sched_class c);
void flow_turn(struct job *j);		/* it had its turn */
void flow_drop(struct dest *d, struct job *j);
struct flow *flow_find(const struct dest *d, enum sched_class c, int slot,
    const struct msg *m);

/* seconds to the next attempt after so many: first, then min doubled each
 * time up to max; jitter by rnd in 0 .. 65535: 15 % either way */
int64_t sched_backoff(int64_t first, int64_t min, int64_t max,
    int64_t attempts, uint16_t rnd);

#endif
