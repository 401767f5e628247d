/*
 * fibre.h - work that has to wait for another program, inside a loop that may
 * not: it runs on a stack of its own, and while it waits the loop goes on.
 * For code of others that can not come back to where it was, as libssl when
 * it wants a signature.
 *
 * All of it is one thread, and only fibre_wait gives up the processor, so
 * nothing needs a lock; but what a loop's other events change may be another
 * thing behind each fibre_wait.  At most fibre_limit have begun and not ended;
 * others wait for their turn, in their order.  A stack has FIBRE_STACK octets
 * and a page below that can not be touched.
 */
#ifndef SERVE_FIBRE_H
#define SERVE_FIBRE_H

#include "base/base.h"

enum { FIBRE_STACK = 256 * 1024 };

/* The caller's, until `then` is called or fibre_cancel returns; all zero but
 * for these three. */
struct fibre_work {
	void (*work)(void *arg);	/* on a stack of its own */
	void (*then)(void *arg);	/* when it has ended, on the loop's */
	void *arg;
	/* fibre.c's */
	struct fibre *fibre;		/* it has begun */
	struct fibre_work *next, **prev;	/* it waits for its turn */
};

/* how many at most: 1 or more */
void fibre_limit(size_t n);
/* From the loop, not from another fibre.  1: it has ended and `then` was
 * called; 0: it waits, or for its turn; -1: there is no memory for a stack,
 * and nothing was called. */
int fibre_run(struct fibre_work *w);
/* From the loop: the work, where it waits, sees fibre_wait fail, each time
 * until it ends; `then` is not called.  Nothing happens to what is not under
 * way. */
void fibre_cancel(struct fibre_work *w);

/* inside the work; NULL: this is the loop */
struct fibre *fibre_self(void);
/* until fibre_wake: true; false: it was cancelled */
bool fibre_wait(void);
/* From the loop: it goes on until it waits again or has ended; then `then`
 * is called. */
void fibre_wake(struct fibre *f);

/* how many stacks there are, for tests: in use, and kept */
size_t fibre_busy(void), fibre_kept(void);

#endif
