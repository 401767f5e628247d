/*
 * agent.c - a hub's connections to other daemons.  on_gone comes at most
 * once, never from inside hub_agent_send, and is the last call.
 */
#include <event2/event.h>
#include <sys/socket.h>

#include "ipc/codec.h"
#include "serve/hub.h"
#include "serve/sendq.h"

enum { BURST = 64 };

struct hub_agent {
	int fd;
	struct event *readable, *writable;
	struct sendq out;
	hub_msg_fn *on_msg;
	hub_gone_fn *on_gone;
	void *ctx;
	struct ipc_msg msg;
	bool in_callback, closed, failed;
	struct err why;
};

static void
free_agent(struct hub_agent *a)
{
	hub_free(a->readable);
	hub_free(a->writable);
	sendq_free(&a->out);
	ipc_msg_free(&a->msg);
	close(a->fd);
	free(a);
}

static void
gone(struct hub_agent *a)
{
	hub_gone_fn *fn = a->on_gone;
	void *ctx = a->ctx;

	hub_unwatch(a->readable);
	hub_unwatch(a->writable);
	a->in_callback = true;
	fn(a, ctx, &a->why);
	free_agent(a);
}

static void
on_readable(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct hub_agent *a = arg;
	int i, rc;

	a->in_callback = true;
	for (i = 0; i < BURST && !a->closed && !a->failed; i++) {
		rc = ipc_recv((int)fd, &a->msg, 0, &a->why);
		if (rc < 0 && strcmp(a->why.dsn, "again") == 0)
			break;
		if (rc == 0)
			err_temp(&a->why, "4.3.0", "connection closed");
		if (rc <= 0)
			a->failed = true;
		else
			a->on_msg(a, a->ctx, &a->msg);
	}
	a->in_callback = false;
	if (a->closed)
		free_agent(a);
	else if (a->failed)
		gone(a);
}

static void
on_writable(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct hub_agent *a = arg;
	int rc = sendq_flush(&a->out, (int)fd, &a->why);

	if (rc < 0)
		gone(a);
	else if (rc == 0)
		hub_unwatch(a->writable);
}

struct hub_agent *
hub_agent_open(const char *path, hub_msg_fn *on_msg, hub_gone_fn *on_gone,
    void *ctx, struct err *err)
{
	struct hub_agent *a;
	int fd = ipc_connect_flags(path, 0, SOCK_NONBLOCK, err);

	if (fd < 0)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->fd = fd;
	a->on_msg = on_msg;
	a->on_gone = on_gone;
	a->ctx = ctx;
	ipc_msg_init(&a->msg);
	a->readable = event_new(hub_base, fd, EV_READ | EV_PERSIST,
	    on_readable, a);
	a->writable = event_new(hub_base, fd, EV_WRITE | EV_PERSIST,
	    on_writable, a);
	if (a->readable == NULL || a->writable == NULL)
		die("event_new");
	hub_watch(a->readable);
	return a;
}

int
hub_agent_send(struct hub_agent *a, const struct verb_def *v,
    const void *rec, int fd, struct err *err)
{
	static struct str bytes = STR_INIT;

	str_reset(&bytes);
	ipc_encode(&bytes, v->name, v->in, rec);
	if (bytes.len > IPC_MAX)
		return err_perm(err, "5.3.4", "%s: message of %zu bytes",
		    v->name, bytes.len);
	if (sendq_put(&a->out, a->fd, &bytes, fd, err) < 0) {
		a->failed = true;
		a->why = *err;
		event_active(a->readable, EV_READ, 0);
		return -1;
	}
	if (a->out.head != NULL)
		hub_watch(a->writable);
	return 0;
}

size_t
hub_agent_waiting(const struct hub_agent *a)
{
	return a->out.n;
}

void
hub_agent_close(struct hub_agent *a)
{
	if (a->in_callback) {
		a->closed = true;
		return;
	}
	free_agent(a);
}
