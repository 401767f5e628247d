/*
 * policy.h - what holds for a destination: limits of its transport, of the
 * table `destinations`, and of curbs.
 */
#ifndef QMGR_POLICY_H
#define QMGR_POLICY_H

#include "base/err.h"
#include "base/str.h"

/* 0: nothing is said about it */
struct limits {
	int64_t concurrency, initial;
	int64_t interval_us;		/* between two requests */
	int64_t lifetime, bounce_lifetime;	/* ms */
};

/* "concurrency=5 initial=2 rate=100/1h lifetime=2d bounce_lifetime=12h", each
 * word once; 0, or -1: err_perm.  What it does not say stays. */
int limits_read(struct slice text, struct limits *l, struct err *err);
/* "100/1h": 100 and 3600; 1, or 0 */
int rate_read(struct slice text, int64_t *messages_r, int64_t *seconds_r);
int64_t rate_interval_us(int64_t messages, int64_t seconds);
/* the domain or host of a next hop, without brackets and port, folded;
 * appended */
void nexthop_domain(struct str *out, const char *nexthop);

#endif
