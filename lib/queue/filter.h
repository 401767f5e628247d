/*
 * filter.h - which messages does the admin mean?  struct qmgr_filter, read
 * once and matched many times.
 *
 * An address pattern is an address, @domain or domain; * and ? are wild, and
 * then one without an @ means either; case is ignored.  "<>" as sender is the
 * null sender.
 */
#ifndef QUEUE_FILTER_H
#define QUEUE_FILTER_H

#include "proto/qmgr.h"
#include "queue/message.h"

enum { QSTATE_ANY, QSTATE_ACTIVE, QSTATE_READY, QSTATE_DEFERRED, QSTATE_HOLD,
	QSTATE_SCHEDULED };

enum pattern_kind { PAT_ANY, PAT_ADDR, PAT_DOMAIN, PAT_NULL };
struct address_pattern {
	enum pattern_kind kind;
	bool wild;
	bool whole;		/* PAT_DOMAIN that may be a whole address */
	const char *s;		/* without the @ of @domain */
};

struct queue_filter {
	int64_t id;		/* one message; -1 any */
	struct address_pattern from, to;
	const char *transport, *nexthop;	/* "" any */
	int state;
	int64_t after;		/* ids after this one ... */
	int64_t before;		/* ... and before this one */
	int64_t limit;		/* messages; 0 none */
	int64_t not_dest;	/* no recipients of this row; 0 none */
};

/* Strings are borrowed from in, or in the arena.  0, or -1: err_perm. */
int queue_filter_read(const struct qmgr_filter *in, int64_t now,
    struct arena *a, struct queue_filter *f, struct err *err);
/* a recipient's place in QMGR_STATES; active: it is in qmgr's hands */
int queue_state(const struct queue_message *m, const struct queue_rcpt *r,
    bool active, int64_t now);
const char *queue_state_name(int state);
/* the message alone (id, sender), then a recipient of it */
bool queue_filter_message(const struct queue_filter *f,
    const struct queue_message *m);
bool queue_filter_rcpt(const struct queue_filter *f,
    const struct queue_rcpt *r, int state);
/* * and ?, ASCII case folded; never worse than length times length */
bool glob_match(const char *pattern, const char *s);

#endif
