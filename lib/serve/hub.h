/*
 * hub.h - for SERVE_EVENT programs: the event base, IPC connections as a
 * server (by the daemon's verb table) and as a client that does not block.
 */
#ifndef SERVE_HUB_H
#define SERVE_HUB_H

#include "serve/serve.h"

struct event;
struct event_base;
struct hub_conn;		/* a connection that we serve */

extern struct event_base *hub_base;

/* the .run of a SERVE_EVENT daemon; hub_base exists from .start on */
int hub_run(const struct daemon *d);
/* event_add without a time.  Where the kernel has no memory for it it is tried
 * again a little later, for a while, then the process ends: it would never hear
 * of it again.  Such an event is not for event_del and event_free. */
void hub_watch(struct event *ev);
void hub_unwatch(struct event *ev);
bool hub_watched(const struct event *ev);
void hub_free(struct event *ev);
/* end the loop after the events at hand; serve_main returns 0 */
void hub_exit(void);

/*
 * Answer a call for which the verb function returned CALL_LATER: keep the
 * value of `struct call.hub` and the serial that hub_hold gives; a caller
 * that has gone meanwhile is ignored.
 */
struct hub_ticket {
	struct hub_conn *conn;
	uint64_t serial;
	const struct verb_def *def;
};
struct hub_ticket hub_hold(struct call *c);
void hub_ok(struct hub_ticket t, const void *out);
/* with a descriptor, which is dup'ed: the caller keeps its own */
void hub_ok_fd(struct hub_ticket t, const void *out, int fd);
void hub_err(struct hub_ticket t, const struct err *why);
/* The connection ends: no other call on it is read.  Nothing is done where an
 * answer waits to be taken.  Of the ticket only the connection counts. */
void hub_end(struct hub_ticket t);
/* one `more` record before the answer; 0, or -1 where the caller is gone */
int hub_more(struct hub_ticket t, const void *more, struct err *err);

/* A hub that has all that it can take (full) leaves further callers to other
 * processes of the service, and tells master. */
void hub_full(bool full);

/* From a drain: new callers are still served, as what is under way needs them,
 * and our successor does not serve yet. */
void hub_stay_open(bool on);

/*
 * A connection to another daemon from inside the loop.  on_msg gets every
 * message (m->fd is yours if you set it to -1); on_gone says that it closed
 * or failed, after which the agent is freed.  Requests that the socket does
 * not take at once wait in a queue.
 */
struct hub_agent;
typedef void hub_msg_fn(struct hub_agent *a, void *ctx, struct ipc_msg *m);
typedef void hub_gone_fn(struct hub_agent *a, void *ctx,
    const struct err *why);
/* NULL: err (could not connect: backlog full or nobody there) */
struct hub_agent *hub_agent_open(const char *path, hub_msg_fn *on_msg,
    hub_gone_fn *on_gone, void *ctx, struct err *err);
/* fd -1: none; a given fd is dup'ed, the caller keeps its own.  0 or -1 */
int hub_agent_send(struct hub_agent *a, const struct verb_def *v,
    const void *rec, int fd, struct err *err);
size_t hub_agent_waiting(const struct hub_agent *a);	/* not yet taken */
void hub_agent_close(struct hub_agent *a);	/* no on_gone */

#endif
