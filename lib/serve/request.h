/*
 * request.h - for SERVE_REQUEST programs that answer later: a verb function
 * that returns CALL_LATER holds a ticket and answers it from the daemon's
 * idle hook, which runs when the requests that had arrived (of at most 32
 * connections, at most 32 of each) were given to their verb functions.  A
 * caller that has gone meanwhile is ignored.
 * Answers on one connection must be given in the order of the requests.
 */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include "serve/serve.h"

struct call_ticket {
	int slot;		/* of the connection */
	uint64_t serial;	/* of the connection */
	const struct verb_def *def;
};
struct call_ticket request_hold(struct call *c);
/* The connection takes none of the places (launch.clients) until its next
 * request: for who is kept waiting, so that others are not.  Some hundreds of
 * a process can be. */
void request_park(const struct call *c);
int request_more(struct call_ticket t, const void *more);	/* 0 or -1 */
/* out_fd: -1 none; stays the caller's */
/* out NULL: all fields have their defaults */
void request_ok(struct call_ticket t, const void *out, int out_fd);
void request_err(struct call_ticket t, const struct err *why);

#endif
