/*
 * message.h - an envelope: one message and its recipients, as qmgr and
 * queue.db know them.
 *
 * Strings are borrowed: from the request, from the buffer that was decoded,
 * or from the arena that a row was read into.  All are "" where there is
 * nothing, never NULL.
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum rcpt_state {
	RCPT_WAITING,		/* for its time (due), or being delivered */
	RCPT_HELD,
	RCPT_FAILED,		/* a failure report is due */
	RCPT_NOTIFY,		/* delivered; a success report is due */
};

struct queue_rcpt {
	int64_t n;		/* number in the message, never reused */
	const char *addr, *orig, *orcpt, *notify, *mailbox;
	const char *transport, *nexthop;
	uint64_t quota;
	int64_t flow;		/* the sender's turn (sender_flow); rows only */
	int64_t dest;		/* row of the destination; 0 none yet */
	int state;		/* enum rcpt_state */
	int64_t due;		/* unix seconds: next attempt or report */
	int64_t attempts;
	const char *dsn, *text, *peer;	/* of the last attempt */
};

struct queue_message {
	int64_t id;
	const char *sender, *ret, *envid, *session;
	const char *reason;	/* why it is held */
	const char *verp;	/* "" or two delimiters */
	uint64_t size, wsize;
	int64_t created;	/* unix microseconds */
	int64_t expires, release_at;	/* unix seconds; release_at 0: none */
	int64_t priority;
	bool utf8, body8, internal, requiretls, tls_optional;
	bool hold, delay_warned;
	size_t n;
	struct queue_rcpt *rcpt;
};

/* The form in which a message lies in the table `fresh`: one record of
 * numbers and NUL-terminated strings.  State, due, attempts and what was
 * said last are not part of it: a fresh recipient waits for its first
 * attempt. */
void queue_message_encode(struct str *out, const struct queue_message *m);
/* Strings borrow p; m->rcpt is malloced.  0, or -1: err_temp, the record is
 * damaged. */
int queue_message_decode(const char *p, size_t n, struct queue_message *m,
    struct err *err);

/* The turn of a sender, as two numbers: his domain's, and his own.  Case does
 * not matter; the null sender is 0, 0.  Never negative. */
void sender_flow(const char *sender, int64_t *domain_r, int64_t *own_r);
/* domain of an address, folded, appended; "" where it has none */
void address_domain(struct str *out, const char *addr);

#endif
