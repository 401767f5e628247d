/*
 * cleanup.h - the way into the queue.  One connection carries one message
 * after another; `begin` starts anew whatever was before.
 *
 *   space            at MAIL: is there room on the disk?
 *   rcpt ...         one for each recipient, no reply; one may come in begin
 *   begin            at DATA: queue id and the content descriptor, open for
 *                    appending, trace headers already written
 *   edit ...         what else is to be changed, see edit.h; no reply: what is
 *                    wrong with one is told at commit
 *   body             the content of an edit `body` that goes before it
 *   complete         content is complete: judged, what is missing added,
 *                    addresses rewritten; what filters are to see
 *   commit           the same, if it was not asked for; then edits, checks,
 *                    synced, queued
 *   put              begin, content and commit at once, for a short content
 *                    that is there; the caller makes the queue id
 *   settle           after a lost commit or put, on a new connection: was it
 *                    queued?  (and if not, it never will be)
 */
#ifndef PROTO_CLEANUP_H
#define PROTO_CLEANUP_H

#include "ipc/ipc.h"
#include "proto/edit.h"

struct cleanup_space_in {
	uint64_t size;		/* announced by SIZE=, 0 unknown */
};
struct cleanup_space_out {
	uint64_t whole;		/* content up to so much may be put; 0 none */
};
extern const struct verb_def cleanup_space;	/* err 4.3.1 too full */

struct cleanup_rcpt_in {
	const char *addr;
	const char *notify;	/* "", or NOTIFY= as given */
	const char *orcpt;	/* "", or ORCPT= as given (xtext) */
	/* the address of ours that forwards to it, "": it was named itself */
	const char *orig;
	const char *seal;	/* "", or what router gave for it */
};
extern const struct verb_def cleanup_rcpt;

struct cleanup_begin_in {
	const char *sender;	/* "" is the null sender */
	int64_t rcpts;		/* how many in all: must agree */
	/* the only or last recipient: saves the rcpt message; "" none */
	const char *rcpt, *notify, *orcpt, *orig, *seal;
	const char *ret;	/* "", full, hdrs */
	const char *envid;	/* "", or xtext */
	bool utf8;		/* SMTPUTF8 was asked for */
	bool body8;		/* BODY=8BITMIME or chunked */
	bool requiretls;	/* RFC 8689 */
	const char *verp;	/* "" or two delimiters: each recipient
				 * gets a sender of his own */
	const char *proto;	/* for Received: SMTP ESMTPA LMTP ... */
	const char *tls, *cipher;	/* TLSv1.3, its cipher; "" no TLS */
	const char *sni;
	const char *subject;	/* of the client's certificate, if good */
	int64_t bits;		/* of the cipher's key */
	const char *helo;
	const char *client_addr, *client_name;	/* "" local */
	int64_t client_port;
	const char *login;	/* authenticated as; "" not */
	int64_t uid;		/* of a local sender, -1 none */
	const char *session;	/* s= */
	int64_t hold;		/* 1: queue on hold */
	int64_t release_at;	/* unix seconds, 0 at once */
	int64_t priority;	/* 0 normal; higher goes first: -9 .. 9 */
	bool internal;		/* made by us (bounce): no Received header, */
				/* sender "" */
	bool normalize;		/* header repair for submission: Date, */
				/* Message-ID and From are added if missing */
	bool check_from;	/* From and Sender must be the login's */
	bool checks;		/* content checks apply */
	bool trusted;		/* by its address: its mail is ours, as is that
				 * of a login and of a uid */
	bool hide_client;	/* no helo and client_* in Received */
	/* put: a new queue id, and the content, which has no NUL */
	const char *q, *content;
};
struct cleanup_begin_out {
	const char *q;		/* queue id */
};
extern const struct verb_def cleanup_begin;

/* struct edit, in the order in which they are to be done; may also come
 * before begin.  No reply. */
extern const struct verb_def cleanup_edit;
/* with the descriptor of a new body, open for reading: an edit EDIT_BODY */
extern const struct verb_def cleanup_body;

/* The descriptor that comes with the answer is that of the content as it is
 * now, to be read only; it may be another file than that of begin, to which
 * nothing more may be written.  Edits count its fields. */
struct cleanup_complete_out {
	uint64_t trace;		/* octets in front that are ours */
	uint64_t size;		/* of what comes behind them */
};
extern const struct verb_def cleanup_complete;	/* in and errors as commit */

struct cleanup_commit_in {
	uint64_t size;		/* bytes that the writer appended: must agree */
};
struct cleanup_commit_out {
	const char *q;
	bool discarded;		/* by an edit or a content check: not queued */
};
/* errors: 5.7.1 refused by a content check, 5.4.6 too many hops, 5.6.0 bad
 * content, 4.3.x ours */
extern const struct verb_def cleanup_commit;
/* As begin and commit together, with the errors of both.  The answer's q is ""
 * where the id is no good: nothing was done, begin it. */
extern const struct verb_def cleanup_put;
extern const struct verb_def cleanup_abort;	/* forget it; ok */

struct cleanup_settle_in {
	const char *q;
	bool put;		/* there may never have been a content file */
};
struct cleanup_settle_out {
	bool queued;
};
extern const struct verb_def cleanup_settle;
extern const struct verb_def *const cleanup_verbs[];

#endif
