/*
 * cleanup.h - the parts of cleanup(8).
 *
 * One struct message per connection.  Its content file exists from begin on
 * and is removed whenever the message ends otherwise than by a commit whose
 * envelope is, or may be, in the queue.  Recipients and strings live in the
 * message's arena.
 */
#ifndef CLEANUP_CLEANUP_H
#define CLEANUP_CLEANUP_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/cleanup.h"
#include "queue/content.h"
#include "serve/request.h"

struct cleanup_conf {
	uint64_t min_free_space;
	int64_t min_free_inodes;
	int64_t recipient_limit;
	int64_t hop_limit;
	uint64_t header_limit;
	int64_t header_fields;
	int64_t service_timeout, qmgr_timeout;
	uint64_t sync_above;
	bool other_authors, keep_bcc, complete_addresses;
	uint64_t body_limit;
	const char *header_checks, *mime_header_checks,
	    *nested_header_checks, *body_checks;	/* "" none */
	uint64_t body_checks_size;
	int64_t checks_time;
};
extern struct cleanup_conf conf;
extern const struct field conf_fields[];

struct rcpt {
	const char *addr, *notify, *orcpt, *orig;
	const char *seal;	/* as it came; "" none */
};

struct content_facts {
	uint64_t lines;		/* line ends */
	bool date, message_id, from, bcc;	/* there is such a field */
	bool tls_optional;	/* TLS-Required: No */
	bool eightbit;		/* octets that are not ASCII */
	bool no_blank;		/* a line that is no field ended the header */
	bool glued;		/* the client's first line goes on with ours */
	size_t body;		/* where the body starts */
};

struct job;
struct router_conn;
struct router_route_more;
struct message {
	struct arena arena;
	struct rcpt *rcpts;	/* malloced, kept from message to message */
	size_t n, cap;
	struct err err;		/* of a recipient: told at begin */
	bool begun;		/* from here on: valid only where begun */
	bool over;		/* refused at commit; its file goes next */
	struct job *job;	/* a commit that is not answered yet */
	struct router_conn *asked;	/* router is; NULL: not yet */
	int64_t asked_at;
	/* by seals, of each recipient, in the arena; NULL: none */
	struct router_route_more *routes;
	int64_t routes_until;	/* mono_ms */
	char q[QID_SIZE];
	int fd;			/* content, read and append */
	uint64_t trace;		/* bytes that we wrote in front */
	struct slice whole;	/* put: what is in the file; p NULL: else */
	bool sealed;		/* which is read-only already */
	bool floating;		/* content without a file (queue/content.h) */
	bool completed;		/* from here on: the content as it is now */
	uint64_t appended;	/* by the client */
	uint64_t total;
	struct content_facts facts;
	int64_t created;	/* unix microseconds */
	const char *sender, *ret, *envid, *session;
	const char *login, *verp;
	bool requiretls, tls_optional, utf8, body8, internal;
	bool normalize, check_from, checks, ours;
	int64_t hold, release_at, priority;
	/* what others want changed; done at commit */
	struct edits edits;
	size_t edit_bytes;
	struct err edit_err;	/* of one: told at commit */
	const char *hold_reason;	/* NULL: none is known */
	const char *transport, *nexthop;	/* of all; NULL: router says */
	bool sender_changed, rcpts_changed;
	bool discard;		/* nobody gets it */
};

/* verbs.c */
extern const struct verb verbs[];
void *conn_open(const struct ipc_cred *peer);
void conn_close(void *conn);
bool conn_busy(void *conn);

/* message.c: the life of a message; each returns 0 or -1 with err */
void message_rcpt(struct message *m, const struct cleanup_rcpt_in *in);
int message_begin(struct message *m, const struct cleanup_begin_in *in,
    struct err *err);
/* of begin and put: the envelope; then, when the file is there, what we write
 * in front, and the content of a put */
int message_check_envelope(const struct message *m,
    const struct cleanup_begin_in *in, struct err *err);
void message_keep_envelope(struct message *m,
    const struct cleanup_begin_in *in);
int message_write_first(struct message *m, const struct cleanup_begin_in *in,
    struct err *err);
/* put.c: begin and content: 1; 0 another has the id, or it is none of now, or
 * edits were told before; -1 */
int message_put(struct message *m, const struct cleanup_begin_in *in,
    struct err *err);
/* all is written, size bytes: judge it, add what is missing, rewrite addresses;
 * from here on nobody else writes to it */
int message_complete(struct message *m, uint64_t size, struct err *err);
/* complete, change, check; where m->discard is set then, it goes nowhere */
int message_prepare(struct message *m, uint64_t size, struct job *j,
    struct err *err);
/* route, make read-only: fills dests and sizes of j */
int message_route(struct message *m, struct job *j, struct err *err);
/* of one that floats, now that its recipients are known: sealed, or a file */
int put_end(struct message *m, const struct job *j, struct err *err);
/* the end of it, logged, whatever comes later; by and why may be "" */
void message_discard(struct message *m, const char *by, const char *why);
/* not queued: room is given back now, the name goes with message_drop */
void message_over(struct message *m);
/* forget it; unlink_it: with its content */
void message_drop(struct message *m, bool unlink_it);

/* trace.c: Return-Path, Delivered-To where rcpt is not NULL, Received */
void trace_headers(struct str *out, const struct cleanup_begin_in *in,
    const char *q, const char *rcpt, int64_t unix_s);
void trace_return_path(struct str *out, const char *sender, bool utf8);

/* check.c */
/* n bytes at offset, all of them: 0, or -1: 4.3.0 */
int content_read(int fd, char *p, size_t n, uint64_t offset, struct err *err);
struct content_limits {
	size_t header;		/* bytes, ours included */
	size_t fields;
	size_t hops;
	size_t trace;		/* bytes of it that we wrote in front */
};
/* a field that is not for all recipients? */
bool content_is_bcc(struct slice name);
/* Read the whole file and judge it.  0; or -1: 5.4.6 too many hops, 5.3.4
 * header too large, 5.6.0 other faults, 4.3.0 not readable. */
int content_check(int fd, uint64_t size, const struct content_limits *l,
    struct content_facts *f, struct err *err);
/* the same where it is in memory */
int content_check_whole(struct slice whole, const struct content_limits *l,
    struct content_facts *f, struct err *err);

/* owner.c: are From and Sender of the header, or the sender where From will be
 * made of it, addresses of m->login?  0; or -1: 5.7.1, 4.3.0. */
void owner_init(void);
int owner_check(const struct message *m, const struct content_facts *f,
    struct err *err);

/* addresses.c: of a message that is ours.  1 done, and the content is another
 * one; 0 there is nothing to change; -1: 4.3.0, 4.3.5 */
void addresses_init(void);
int addresses_rewrite(struct message *m, uint64_t *size, struct err *err);

/* edits.c: one change, to be done at commit; fd: of EDIT_BODY, else -1 */
enum { EDIT_BYTES_MAX = 4 << 20 };	/* of one message */
void edits_take(struct message *m, const struct edit *e, int fd);
/* 1 done, and the content is another one of *size bytes; 0 done, or there are
 * none; -1: 4.3.0 */
int edits_apply(struct message *m, const struct content_facts *f,
    uint64_t *size, struct err *err);

/* envelope.c: an edit of neither header nor body; 0, or -1: 4.3.0 */
int envelope_edit(struct message *m, const struct edit *e, struct err *err);

/* normalize.c: put text in at `at`; *size grows */
int content_insert(int fd, uint64_t at, const struct str *text,
    uint64_t *size, struct err *err);
/* put missing fields in; *size_r and f->lines grow */
int normalize(const struct message *m, struct content_facts *f,
    uint64_t *size_r, struct err *err);
/* take out the fields that are not for all recipients: 1 it did, 0, -1 */
int bcc_drop(struct message *m, uint64_t *size, struct err *err);

/* verbs.c: log what failed, and take our paths out of it; returns -1 */
int say_failed(struct err *err);

/* spool.c: the content directory */
int spool_open(struct err *err);		/* still privileged */
/* is there room for size more bytes?  0, or -1: 4.3.1 */
int spool_space(uint64_t size, struct err *err);
/* the directory entries of q and its neighbours are on disk when this
 * returns 0 */
int spool_sync_dir(const char *q, struct err *err);
/* a new content file; its entry is not synced.  0 or -1 */
int spool_create(char q[QID_SIZE], int *fd_r, struct err *err);
/* the same for another content of q, in its directory: *fd_r, other_r is its
 * name until spool_rename, after which q is */
int spool_sibling(const char *q, char other_r[QID_SIZE], int *fd_r,
    struct err *err);
int spool_rename(const char *from, const char *q, struct err *err);
/* the whole file system of the spool; 0 or -1 */
int spool_syncfs(struct err *err);
void spool_remove(const char *q);

/* route.c: where everything goes, aliases expanded */
struct dest {
	const char *addr, *orig, *orcpt, *notify, *transport, *nexthop,
	    *mailbox, *quota, *dsn, *text;
	size_t order;
	size_t from;		/* index of the recipient */
	const char *sender;	/* that it carries; "" that of the message */
	bool aliased, bcc;
	bool owned;		/* the sender is the owner of a list */
};
struct dests {
	struct dest *v;		/* malloced */
	size_t n, cap;
};
void route_init(void);
/* Ask already, so that router works while the content comes.  What can not be
 * asked now is asked by route_all. */
void route_ask(struct message *m);
void route_forget(struct message *m);	/* the answer is not wanted */
/* All recipients of m, strings in its arena, in order, each (addr, orcpt,
 * notify) once.  0; or -1: also where one can not be routed for now. */
int route_all(struct message *m, struct dests *d, struct err *err);
/* dests.c: drop what is twice, and copies of what is named; keeps the order
 * of the first ones */
void dests_unique(struct dests *d);
/* RFC 3461 section 5.2.7: who asked for a receipt of an alias of several gets
 * one that says so, and the copies ask for none */
void dests_expanded(struct message *m, struct dests *d);

/*
 * parts.c: recipients that carry another sender, as a message of their own
 * with the same content behind another Return-Path.  They are queued before the
 * message, whose outcome then stands for all: what is queued twice, as the
 * client came again, was never promised to come once.
 */
struct part;
struct job;
/* Where all carry the same other sender, the message itself does.  0, -1 */
int parts_make(struct job *j, struct err *err);
/* sync and queue them: 0, or -1 */
int parts_enqueue(struct job *j, struct err *err);
void parts_drop(struct job *j);		/* those that are not in the queue */

/* batch.c: commits that share their syncs */
enum { BATCH_MAX = 32, WHOLE_MAX = 32768 };
struct job {
	struct message *m;
	struct call_ticket ticket;
	int sock;		/* of the connection */
	struct dests dests;	/* memory is kept for the next job */
	uint64_t size, wsize;	/* of the content; with CRLF */
	uint64_t lines;
	bool unsynced;		/* qmgr sees to it */
	struct part *parts;	/* malloced */
	size_t nparts;
	int rc;			/* 0 queued, -1 err */
	bool routed;
	bool keep;		/* it may be in the queue although rc is -1 */
	struct err err;
};
/* Prepare a commit and hold its answer: CALL_LATER, or -1 */
int batch_add(struct message *m, uint64_t size, struct call *c,
    struct err *err);
void batch_run(void);		/* sync, queue and answer all that wait */
void batch_settle(struct message *m);	/* the same where m is one of them */

/* enqueue.c: the queue manager */
void enqueue_init(void);
/* of those whose rc is 0: sets rc, err and keep of each */
void enqueue_all(struct job *jobs, size_t n);
int enqueue_settle(const struct cleanup_settle_in *in, bool *queued_r,
    struct err *err);

#endif
