/*
 * answer.h - what a child that has become an account found out: system.c.  It
 * was written by the account, for all that its parent knows.
 */
#ifndef LOCAL_ANSWER_H
#define LOCAL_ANSWER_H

#include "base/err.h"

struct answer {
	int rc;
	uint64_t used;
	size_t targets;		/* bytes that follow: forward.h */
	struct err err;
};

/* What it says is believed of the account only, and is no more than text: 0,
 * 1, -1 and err, for good only with a whole status of that class. */
int answer_take(struct answer *a, struct err *err);

#endif
