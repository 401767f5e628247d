/*
 * qmgr.h - what the files of the queue manager share.
 *
 * The invariant of memory and disk: what is in memory is in the journal or in
 * the database, too, but for an enqueue that nobody has been told about.  New
 * messages go to the journal (intake.c) and are the database's only if they
 * live longer than an epoch (epoch.c).  All other changes are made in memory,
 * the message is put on the list of those to be written (msg_dirty), and
 * commit.c writes all of them in one transaction; until that has succeeded
 * they stay on the list.  Only then do callers get their answers and files go.
 */
#ifndef QMGR_QMGR_H
#define QMGR_QMGR_H

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "queue/content.h"
#include "queue/db.h"
#include "queue/journal.h"
#include "proto/qmgr.h"
#include "proto/router.h"
#include "policy.h"
#include "schedule.h"
#include "serve/hub.h"

struct qmgr_conf {
	int64_t active_limit, backlog_share, destination_backlog;
	int64_t agents, agent_requests, agent_timeout, relay_timeout;
	int64_t destination_concurrency, initial_concurrency;
	int64_t site_concurrency, failed_cohorts;
	struct strlist transport_limits, shared_agents;
	const char *destinations, *reply_rules;
	uint64_t large_message;
	int64_t sender_active;
	int64_t transport_retry, destination_suspend, suspend_max;
	int64_t first_retry, min_retry, max_retry;
	int64_t lifetime, bounce_lifetime, delay_warning;
	bool double_bounce;
	int64_t message_recipients, result_delay, settle_memory, drain_timeout;
	int64_t sweep_interval, sweep_age;
	uint64_t database_cache, journal_limit;
	int64_t floating_messages;
	uint64_t floating_size;
	int64_t sync_interval;
};
extern const struct field qmgr_fields[];

struct qmgr {
	struct qmgr_conf conf;
	struct queue_db *db;
	int64_t started_us;
	bool draining;
	int64_t doubt;		/* a sync had failed before a start: what was
				 * delivered of ids up to this one need not be
				 * on the disk */
	int64_t last_id;	/* at the start: no id of before is higher,
				 * whatever the clock says now */
	TAILQ_HEAD(, msg) dirty;	/* to be written */
	struct journal *journal;
	TAILQ_HEAD(, msg) taken;	/* to be written to the journal */
	TAILQ_HEAD(, msg) journaled;	/* ROW_JOURNAL, by generation */
	size_t messages;	/* in memory */
	size_t rcpts[CLASSES];	/* in memory, by the way they came */
	int64_t accepted, delivered, bounced, commits;
	int64_t unsure;		/* recipients whose agent was lost */
};
extern struct qmgr qmgr;

#define MS(ms) ((ms) / 1000)	/* options are in ms, times in seconds */

/* ---- active.c: what is in memory ---- */
struct msg *msg_find(int64_t id);
struct msg *msg_new(const struct queue_message *m, enum msg_row row);
void msg_dirty(struct msg *m);
void msg_set_row(struct msg *m, enum msg_row row);
/* free it where nothing of it is in memory and nothing is to be written */
void msg_release(struct msg *m);
void msg_each(bool (*fn)(struct msg *m, void *ctx), void *ctx);
struct rcpt *rcpt_find(int64_t id, int64_t n);
/* q's strings must live as long as the message */
struct rcpt *rcpt_new(struct msg *m, const struct queue_rcpt *q,
    struct dest *d, enum sched_class class);
void rcpt_free(struct rcpt *r);
/* it waits for nothing: it is d's from now on */
void rcpt_move(struct rcpt *r, struct dest *d);
/* r has an outcome, or goes out of memory: to be written */
void rcpt_dirty(struct rcpt *r);
/* as which does it wait?  Large mail has the places of old mail. */
enum sched_class rcpt_class(const struct rcpt *r);
/* in memory, of that sender */
size_t sender_count(const struct msg *m);
/* a string that lives as long as the message, at most max bytes */
const char *msg_string(struct msg *m, const char *z, size_t max);

/* ---- dests.c: destinations and transports in memory ---- */
extern struct transport *transports;
extern struct dest_list dests;
bool transport_name_ok(const char *name);
struct transport *transport_get(const char *name);
/* the one in memory, or read from the database, or new; NULL: err */
struct dest *dest_get(const char *transport, const char *nexthop,
    struct err *err);
struct dest *dest_find(const char *transport, const char *nexthop);
/* an answer that says how the destination is */
void dest_good(struct dest *d);
void dest_trouble(struct dest *d, const char *dsn, const char *text);
#define SUSPENDED_FOR_GOOD (INT64_MAX / 2)	/* paused */
void dest_suspend(struct dest *d, int64_t until, const char *dsn,
    const char *text);
void dest_resume(struct dest *d);
/* the recipient waits there, as nothing goes there now */
void dest_put_back(const struct dest *d, struct rcpt *r);
void dest_site(struct dest *d, const char *site);	/* "" not known */
/* in a transaction: give it a row; a recipient is filed with that time */
int dest_need_row(struct dest *d, struct err *err);
int dest_filed(struct dest *d, int64_t due, bool in_memory, struct err *err);
int dest_write(struct dest *d, struct err *err);
/* all rows as the transaction left them: keep or forget what was noted */
void dests_committed(bool good);
/* those without work leave memory, in bounded steps (in a transaction) */
int dests_leave(int max, struct err *err);
bool dests_to_write(void);
void dest_wanted(struct dest *d);	/* look if it may leave */
/* after an order of the admin: suspensions are as the rows say */
void dests_refresh(void);
void dests_tick(int64_t now);

/* what holds for a transport that the configuration does not name */
#define TRANSPORT_LIMITS "local:2:32:64:64 system:4:8:32:32 smtp:100:2 " \
	"command:20:1:2:2 pipe:10:1:2:2"

/* ---- places.c: connections that a transport's service has room for ---- */
int places_before_jail(struct err *err);
int64_t places_of(const char *transport);	/* INT64_MAX: not known */
/* the transport, or what does its work where it has no service */
const char *places_instead(const char *transport);

/* ---- policy.c: what holds for a destination ---- */
int policy_before_jail(struct err *err);
void policy_apply(struct dest *d);
/* who paused that destination, or its transport, or its site ("" none): NULL
 * nobody */
const struct queue_curb *policy_pause(const char *transport,
    const char *nexthop, const char *site);
void policy_apply_site(struct site *s);
/* seconds that it is tried; r NULL: not known where to */
int64_t policy_lifetime(const struct queue_message *m,
    const struct queue_rcpt *r);

/* ---- rules.c: what others answer ---- */
int rules_before_jail(struct err *err);
/* a recipient was not delivered: a may become another outcome, whose dsn lasts
 * until the next call */
void rules_apply(const struct dest *d, const char *q, struct agent_result *a);

/* ---- sites.c ---- */
struct site *site_find(const char *name);
bool site_set(struct dest *d, const char *name);	/* was it news? */
void site_limited(struct site *s, bool limited);
void site_release(struct site *s);	/* NULL is fine */

/* ---- curbs.c: limits set while we run ---- */
int curbs_load(struct err *err);
const struct queue_curb *curb_find(const char *transport,
    const char *nexthop);		/* "" the whole transport */
const struct queue_curb *curb_find_site(const char *name);
void curbs_each(void (*fn)(const struct queue_curb *c, void *ctx), void *ctx);
int curb_name_check(const char *name, struct err *err);
/* call NULL: nobody is answered.  0, or -1 */
int curb_set(const struct queue_curb *c, struct call *call, struct err *err);
int curb_end(const char *name, struct call *call, struct err *err);
void curbs_tick(int64_t now);

/* ---- load.c: from the database into memory ---- */
/* a fresh message from its record, which it takes; NULL: err */
struct msg *msg_from_record(char *rec, size_t len, enum msg_row row,
    struct err *err);
/* is it the record of this message?  If not, that is logged */
bool record_reads(int64_t id, struct slice rec, struct err *err);
int load_fresh(struct err *err);	/* at start */
/* true: there is more to do soon */
bool load_due(int64_t now);
void expire_due(int64_t now);

/* ---- restore.c: what the journal has at a start ---- */
void restore_before_jail(void);
int restore(struct err *err);
/* What could not be written anew, on a full disk for instance, is tried again
 * from time to time: does this one wait for its content? */
bool restore_waits(int64_t id);
/* the journal has to be kept after this generation; INT64_MAX: not for us */
int64_t restore_limit(void);

/* ---- write.c: a message in memory, and its rows ---- */
/* in a transaction: make the rows say what memory says */
int msg_write(struct msg *m, struct err *err);
bool msg_over(const struct msg *m);	/* none of its recipients is left */
enum msg_row msg_row_now(const struct msg *m);
/* in a transaction: rows for a message that has none but its record */
int msg_file(struct msg *m, struct err *err);
/* what has no attempt behind it begins its first */
void msg_start(struct msg *m);
/* it is durable: forget what is done, start what is new */
void msg_written(struct msg *m);
/* a message leaves: its content, too */
void message_gone(int64_t id, int64_t created, const char *session,
    const char *why);
/* the same, where its content was no file */
void message_left(int64_t id, int64_t created, const char *session,
    const char *why);
/* forget a message that is not in the database */
void msg_forget(struct msg *m);
/* recent.c: ids that left the queue within the last minutes */
void recent_open(void);			/* before all others */
void recent_add(int64_t id);
bool recent_has(int64_t id);

/* ---- commit.c: one transaction for all that came meanwhile ---- */
struct op {
	STAILQ_ENTRY(op) next;
	int64_t id;		/* intake_op: the message */
	/* in the transaction, after the messages; NULL: nothing of its own */
	int (*apply)(struct op *op, struct err *err);
	/* err NULL: it is durable; frees op */
	void (*done)(struct op *op, const struct err *err);
	bool first;	/* done before the messages are looked after: it
			 * answers a caller and touches no message but one
			 * that failed */
};
void commit_init(void);
void commit_op(struct op *op);		/* in the transaction of this round */
void commit_results(void);		/* soon, to share one with callers */
/* the end of this round: the journal, and what it asks for */
void commit_round(void);
void commit_now(void);
/* the log of queue.db into the file, where it has so many pages */
void commit_checkpoint(int pages);
bool commit_pending(void);

/* ---- intake.c: new messages and the journal ---- */
void intake_add(struct msg *m);
/* done when the message of that id is in the journal, or is not */
void intake_op(struct op *op, int64_t id);
void intake_round(void);
/* its content, where it is still open: the caller's; or -1 */
int intake_content(struct msg *m);
/* contents of those that are filed without the journal are durable */
int intake_sync(struct err *err);

/* ---- afloat.c: content without a file ---- */
void afloat_init(void);
/* it came along as fd, which is the message's then: 0, -1 it is not sealed */
int afloat_take(struct msg *m, int *fd, struct err *err);
bool afloat_full(void);
void afloat_round(void);	/* none floats on where the journal gets full */
/* give it a file: 0, or -1 and it floats on; afloat_stuck: with a word in the
 * log, and tried again */
int afloat_anchor(struct msg *m, struct err *err);
void afloat_stuck(struct msg *m, const struct err *why);
/* it may be delivered by now */
void afloat_spend(struct msg *m);
void afloat_drop(struct msg *m);	/* it leaves memory */
void afloat_doom(struct msg *m);	/* what waits there is deleted */
/* anchor those of generations up to gen */
void afloat_anchor_to(int64_t gen);
/* the journal has to be kept after this generation; INT64_MAX: not for us */
int64_t afloat_limit(void);
bool afloat_waits(void);	/* one is stuck, and not to be tried now */

/* ---- sync.c: the file systems ---- */
int sync_before_jail(struct err *err);
/* end: once for each sync_begin, with 0 or an errno */
int sync_start(void (*end)(int e), struct err *err);
void sync_begin(void);
int sync_spool_now(struct err *err);	/* meanwhile all else waits */
uint64_t sync_mail_dev(void);	/* that of the mailboxes; 0 none */

/* ---- epoch.c: the syncs behind the journal ---- */
int epoch_start(int64_t done, struct err *err);
void epoch_wanted(void);	/* soon: there may be something to sync */
/* there is: content of that generation (0 of one to come) was written */
void epoch_unsynced(int64_t gen);
/* is it over once the sync that is under way, or begins now, has ended? */
bool epoch_ends(const struct msg *m);
void epoch_now(void);
bool epoch_pending(void);
/* delivered, once a sync has covered it, and still counts as out; at once
 * where it must not be sent again */
void epoch_delivered(struct rcpt *r);
void epoch_loaded(struct rcpt *r);	/* the same, at a start */
/* in a transaction: generations that it ends; a message that leaves the queue
 * by it (gen 0: not known); and when it is durable */
bool epoch_to_write(void);
int epoch_write(struct err *err);
int epoch_left(int64_t id, int64_t gen, struct err *err);
void epoch_written(void);

/* ---- agents.c: requests to other daemons ---- */
struct request {
	STAILQ_ENTRY(request) next;
	int64_t sent_ms;
	const struct verb_def *def;	/* set by agent_send */
	bool place;	/* its end frees a place: as sent, then as it ended */
	bool keep;	/* the agent stays connected */
	const char *site;	/* in ok: who answered, or "" */
	/* a record of def->more; NULL: not wanted */
	void (*more)(struct request *q, const void *record);
	void (*ok)(struct request *q);
	void (*failed)(struct request *q, const struct err *why);
	void (*lost)(struct request *q, bool head);	/* the agent died */
};
/* 1 sent, 0 all agents are busy, -1 nobody is there, or the request can not
 * be sent (err_perm).  q is the agent's until one of its ends is called.  d:
 * where it goes, for agents that work for one destination; else NULL. */
int agent_send(struct transport *t, const struct dest *d,
    const struct verb_def *v, const void *rec, int fd, struct request *q,
    struct err *err);
bool agent_free(const struct transport *t);	/* one could take a request */
/* destinations that idle agents are connected to, for fn; or (ahead) for which
 * one that is at work could take another request */
void agents_bound(struct transport *t, bool ahead, void (*fn)(struct dest *d));
/* agents connected to it: all, and those at work */
size_t agents_of(const struct dest *d);
void agents_tick(void);

/* ---- deliver.c: requests of recipients ---- */
void deliver_all(void);
void deliver_soon(void);	/* after the events at hand */
void deliver_init(void);
size_t deliver_under_way(void);
void transport_down(struct transport *t, const struct err *why);

/* ---- quota.c: the quota of mail that has waited ---- */
/* Ask router for the present quotas of v, then done(ctx): later, and true; or
 * false: there is nothing to ask, or nobody. */
bool quota_ask(struct rcpt **v, size_t n, void (*done)(void *ctx), void *ctx);

/* ---- results.c: what becomes of a recipient ---- */
void result_delivered(struct rcpt *r);
/* what its agent said of a receipt, before it counts as delivered */
void result_told(struct rcpt *r, const struct agent_result *a);
/* an alias of several: its sender is told so */
void result_expanded(struct rcpt *r, const char *dsn, const char *text);
/* also where the message has expired: then it fails */
void result_deferred(struct rcpt *r, const char *dsn, const char *text,
    const char *peer);
void result_failed(struct rcpt *r, const char *dsn, const char *text,
    const char *peer);
/* for COMMAND_SERVICE, in whole or in part */
void result_moved(struct rcpt *r, bool partly);
/* out of memory, no attempt: why may be "" */
void result_put_back(struct rcpt *r, const char *dsn, const char *text);
bool notify_wants(const char *notify, const char *word, bool by_default);
int64_t message_expires(const struct queue_message *m);
/* where it is released at that time */
int64_t message_expires_at(const struct queue_message *m, int64_t at);

/* ---- report.c: reports through bounce ---- */
void report_want(int64_t id);
void report_delay(int64_t id);
void report_tick(int64_t now);
size_t report_under_way(void);

/* ---- walk.c: messages that match a filter, in the order of ids ---- */
enum { WALK_MS = 15, WALK_RCPTS = 1000 };
struct walk {
	const struct dest *but;	/* who goes there is not meant; NULL: none */
	struct queue_filter f;
	int64_t now, end_ms;	/* unix seconds; mono_ms: enough for a call */
	int64_t most;		/* messages that are enough for a call */
	int64_t *fresh;		/* ids in memory that are not filed */
	size_t nfresh, at, cap;
	struct qdb_list *filed;
	struct arena arena;	/* of the messages: the caller resets it */
	/* the message at hand: its recipients that match, and their states */
	struct queue_message m;
	int *state;
	bool active;		/* one of them is in an agent's hands */
	int64_t messages, last;	/* that matched; id looked at last */
};
/* w->but is the caller's.  -1: err, nothing to close */
int walk_open(struct walk *w, const struct qmgr_filter *in, int64_t most,
    struct arena *a, struct err *err);
/* 1 a message, 0 no more, 2 enough for one call (go on after last), -1 */
int walk_next(struct walk *w, struct err *err);
void walk_close(struct walk *w);

/* ---- admin.c, orders.c ---- */
verb_fn admin_list, admin_show, admin_stat;
verb_fn admin_flush, admin_hold, admin_release, admin_delete;
verb_fn admin_schedule, admin_priority;
verb_fn admin_bounce, admin_expire, admin_reroute;	/* fates.c */
verb_fn admin_take, admin_transferred;			/* orders.c */
verb_fn admin_envelope, admin_imported;			/* transfer.c */
verb_fn admin_limit, admin_resume, admin_limits, admin_dests;	/* shown.c */
void admin_deleted(void *deleter, size_t rcpts);
/* --- change.c: when a message goes, and before what --- */
/* in a transaction: a fresh message gets rows, held or not: 1; 0 it had */
int change_file(struct msg *m, bool hold, const char *reason,
    struct err *err);
/* what waits of it leaves memory, and comes again from its rows */
void change_unload(struct msg *m);
/* in a transaction, for a message that has rows; then, when it is durable,
 * in memory (m may be NULL) */
int change_schedule(int64_t id, int64_t at, struct err *err);
void change_scheduled(struct msg *m, int64_t at);
int change_priority(int64_t id, int64_t priority, struct err *err);
void change_prioritized(struct msg *m, int64_t priority);
/* keep a message back and say why: its content can not be had */
void hold_message(int64_t id, const char *reason);

/* ---- transfer.c ---- */
/* in a transaction: it came from another queue */
int transfer_note(int64_t id, struct err *err);
/* 1 it came from another queue, 0; -1 also where it is here otherwise */
int transfer_known(int64_t id, struct err *err);

/* ---- enqueue.c, settle.c, sweep.c ---- */
verb_fn enqueue_rcpt, enqueue, settle;
void *enqueue_open(const struct ipc_cred *peer);
void enqueue_close(void *conn);
int settle_load(struct err *err);
bool settle_refused(int64_t id);
/* was it in the queue?  1, 0, -1 */
int settle_known(int64_t id, struct err *err);
/* some content files are looked at; ms until the next step */
int64_t sweep_step(void);

#endif
