/*
 * qmgr.h - the queue: taking messages in (cleanup), and questions and orders
 * of the admin (postrider queue).
 */
#ifndef PROTO_QMGR_H
#define PROTO_QMGR_H

#include "ipc/ipc.h"

/* Recipients travel as parallel lists, all of one length.  More than fit in
 * one message are sent ahead by `rcpt` (no reply). */
struct qmgr_rcpts {
	struct strlist addr;		/* final recipient */
	struct strlist orig;		/* as the client named it */
	struct strlist orcpt, notify;	/* "" none */
	struct strlist transport, nexthop, mailbox;
	struct strlist quota;		/* bytes as text */
	/* dsn "": deliver it; else routing failed: 5 bounce, 4 retry; of an
	 * import: what was said last */
	struct strlist dsn, text;
	/* of an import only, else empty: number in the message, attempts */
	struct strlist number, attempts;
};
struct qmgr_enqueue_in {
	struct qmgr_rcpts r;
	const char *q, *sender, *ret, *envid, *session;
	uint64_t size;		/* of the content file */
	uint64_t wsize;		/* with CRLF line ends */
	int64_t created;	/* unix microseconds */
	bool utf8, internal;
	bool body8;		/* said, or there are octets of 8 bits */
	bool unsynced;		/* the content is not known to be on the disk:
				 * qmgr sees to it */
	bool floating;		/* the content comes along, sealed, and has no
				 * file (queue/content.h) */
	int64_t hold, release_at, priority;
	bool requiretls;	/* RFC 8689 */
	bool tls_optional;	/* its field TLS-Required: No */
	const char *verp;	/* "" or two delimiters */
	/* it comes from another queue, as it was there */
	bool import, warned;
	bool first;		/* it was never sent before: an id that is known
				 * is another message's, err 4.3.0 */
	int64_t expires;	/* unix seconds */
	const char *reason;	/* of the hold */
};
extern const struct verb_def qmgr_rcpt;
/* ok: the envelope is durable.  Twice the same id: ok, queued once. */
extern const struct verb_def qmgr_enqueue;

struct qmgr_settle_in {
	const char *q;
	bool put;	/* no content file may ever have been */
};
struct qmgr_settle_out { bool queued; };
/* Is q queued, or was it within the last minutes?  If not, an enqueue of q
 * that comes later is refused. */
extern const struct verb_def qmgr_settle;

/* which messages: every given filter must hold; patterns with * and ? */
#define QMGR_STATES "any|active|ready|deferred|hold|scheduled"
struct qmgr_filter {
	const char *q;		/* one id */
	const char *from;	/* sender: address, @domain or domain */
	const char *to;		/* recipient: the same */
	const char *dest;	/* transport:nexthop or nexthop */
	int state;		/* index in QMGR_STATES */
	int64_t older, younger;	/* seconds since it came in; 0 any */
	const char *after;	/* paging: only ids after this one; "" start */
	int64_t limit;		/* at most so many messages; 0 no limit */
};
/* one recipient of a message; a message with several comes several times */
struct qmgr_item {
	const char *q, *sender, *rcpt, *orig, *dest, *state, *dsn, *text;
	const char *session;
	int64_t size;
	int64_t created, due;	/* unix seconds */
	int64_t attempts, priority, rcpts;
	/* the destination is suspended until then, 0 it is not; its trouble */
	int64_t until;
	const char *why;
};
/* Items travel as parallel lists, all of one length; numbers as text. */
struct qmgr_items {
	struct strlist q, sender, rcpt, orig, dest, state, dsn, text, session;
	struct strlist size, created, due, attempts, priority, rcpts,
	    until, why;
};
/* Append: strings of the item are borrowed.  The bytes that it takes in a
 * message, at most. */
size_t qmgr_items_add(struct qmgr_items *l, const struct qmgr_item *it,
    struct arena *a);
/* the one at i < l->q.n: 0, or -1 err_perm where the lists do not fit */
int qmgr_items_get(const struct qmgr_items *l, size_t i, struct qmgr_item *it,
    struct err *err);
struct qmgr_count { int64_t messages, rcpts; const char *next; };
extern const struct verb_def qmgr_list;	/* filter -> more items, count */
extern const struct verb_def qmgr_flush;	/* due now -> count */
extern const struct verb_def qmgr_hold;
extern const struct verb_def qmgr_release;	/* from hold or schedule */
extern const struct verb_def qmgr_delete;

/* no attempt before `at`, which ends a hold */
struct qmgr_schedule_in { struct qmgr_filter f; int64_t at; };
extern const struct verb_def qmgr_schedule;
struct qmgr_priority_in { struct qmgr_filter f; int64_t priority; };
extern const struct verb_def qmgr_priority;

/*
 * What becomes of the recipients that match, now; those in an agent's hands
 * are left alone, and not counted.
 */
struct qmgr_fate_in {
	struct qmgr_filter f;
	const char *text;	/* told to the sender; "" ours */
};
extern const struct verb_def qmgr_bounce;	/* failed, with a report */
extern const struct verb_def qmgr_expire;	/* as if their time was over */
struct qmgr_reroute_in {
	struct qmgr_filter f;
	const char *transport, *nexthop;
	const char *addr, *mailbox;	/* addr "": as it is */
};
extern const struct verb_def qmgr_reroute;

/*
 * To another queue: `take` puts a message on hold for it, `envelope` says what
 * it is (more: recipients) with its content, and refuses it while it is being
 * delivered or reported; `transferred` removes it.  There it is an enqueue with
 * `import`; `imported` asks whether it came.
 */
#define QMGR_TAKEN "transfer"		/* the hold's reason begins with it */
#define QMGR_TAKEN_HELD "transfer, held"	/* it had been on hold */
struct qmgr_id { const char *q; };
struct qmgr_known { bool known; };
extern const struct verb_def qmgr_take;
extern const struct verb_def qmgr_envelope;
extern const struct verb_def qmgr_transferred;
extern const struct verb_def qmgr_imported;

/*
 * Limits set while it runs: of "transport:nexthop", "transport:" or
 * "site:name".  count.messages is 1.
 */
struct qmgr_limit {
	const char *name, *reason;
	bool paused;
	int64_t concurrency;		/* 0 as it is */
	int64_t messages, seconds;	/* so many in that time; 0 as it is */
	int64_t since, until;		/* unix seconds; until 0: for good */
};
extern const struct verb_def qmgr_limit;	/* set; the old one goes */
struct qmgr_resume_in { const char *name; };
/* no limit any more; of a destination also its suspension */
extern const struct verb_def qmgr_resume;
extern const struct verb_def qmgr_limits;	/* -> more struct qmgr_limit */

/* destinations with rows or in memory */
struct qmgr_dests_in {
	const char *name;	/* transport:nexthop or nexthop, patterns;
				 * "" all */
	int64_t after;		/* paging: `next` of the answer before */
	bool count;		/* count what waits */
};
struct qmgr_dest {
	const char *transport, *nexthop, *site, *dsn, *text;
	int64_t window, limit, busy;	/* places: now, at most, taken */
	int64_t agents;			/* connected or at work */
	int64_t active, waiting;	/* recipients: in memory, in all (up to
					 * QMGR_COUNT_MAX) */
	int64_t until, failures;	/* suspended */
	bool paused;
	int64_t next;			/* unix seconds; 0 nothing is due */
	int64_t rate_ms;		/* between two messages; 0 no rate */
	int64_t site_busy, site_limit;
};
enum { QMGR_COUNT_MAX = 100000 };
struct qmgr_dests_out { int64_t next; };	/* 0: the end */
extern const struct verb_def qmgr_dests;

/* show: the content descriptor of one message comes along */
extern const struct verb_def qmgr_show;		/* filter.q -> more items, fd */

struct qmgr_stats {
	int64_t messages, rcpts, active, deferred, held, scheduled, dests,
	    suspended, oldest;	/* oldest: unix seconds */
	int64_t accepted, delivered, bounced, commits;	/* since start */
	int64_t unsure;		/* the same: recipients whose agent died */
};
extern const struct verb_def qmgr_stat;
extern const struct verb_def *const qmgr_verbs[];

#endif
