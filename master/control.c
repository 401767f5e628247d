/*
 * control.c - the admin's verbs on RUN/private/master.  Only root and the
 * owner of the instance may send them; anybody else's connection is closed.
 */
#include "conf/common.h"
#include "master.h"
#include "proto/master.h"

#include <event2/event.h>
#include <sys/socket.h>

enum { CONNS_MAX = 32, SEND_MS = 500, IDLE_S = 300 };

struct conn {
	int fd;			/* -1: free */
	struct event *event;
	struct ipc_msg msg;
	bool waits;		/* for the end of a reload */
};

static struct conn conns[CONNS_MAX];
static int control_fd = -1;
static struct event *accept_event;

static void
conn_close(struct conn *c)
{
	if (c->event != NULL)
		event_free(c->event);
	c->event = NULL;
	ipc_msg_free(&c->msg);
	close_fd(c->fd);
	c->fd = -1;
	c->waits = false;
}

static int
reply_ok(struct conn *c, const struct field *t, const void *rec)
{
	struct err err;

	return ipc_send(c->fd, "ok", t, rec, -1, SEND_MS, &err);
}

static void
reply_err(struct conn *c, const struct err *why)
{
	struct err err;

	if (ipc_reply_err(c->fd, why, &err) != 0)
		conn_close(c);
}

static void
describe(const struct service *s, struct master_service *m, struct arena *a)
{
	struct str listen = STR_INIT;
	const struct child *c;
	size_t i;

	*m = (struct master_service){ .service = s->name, .program = "",
	    .user = "", .state = service_state(s) };
	for (i = 0; s->conf != NULL && i < s->conf->listen.n; i++)
		str_addf(&listen, "%s%s", i ? " " : "", s->conf->listen.v[i]);
	m->listen = arena_strdup(a, listen.s);
	str_free(&listen);
	if (s->conf != NULL) {
		m->program = s->conf->program;
		m->user = s->conf->user;
		m->limit = s->conf->process_limit;
		m->spare = s->conf->spare;
	}
	m->processes = (int64_t)(s->starting + s->ready + s->old +
	    s->leaving);
	m->busy = (int64_t)(s->ready - child_idle(s));
	m->spawned = s->spawned;
	m->crashes = s->crashes;
	/* a message holds 64 KiB */
	for (c = s->children; c != NULL && m->pids.n < 5000; c = c->next)
		strlist_add(&m->pids, a, arena_printf(a, "%d", (int)c->pid));
}

static int
by_order(const void *a, const void *b)
{
	const struct service *x = *(struct service *const *)a;
	const struct service *y = *(struct service *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int
send_services(struct conn *c, bool *ready)
{
	struct service *s, *sorted[2 * SERVICES_MAX];
	struct arena a = { 0 };
	struct master_service m;
	size_t i, n = 0;
	struct err err;
	int r = 0;

	for (s = services; s != NULL && n < ARRAY_LEN(sorted); s = s->next) {
		*ready = *ready && service_ready(s);
		sorted[n++] = s;
	}
	qsort(sorted, n, sizeof(sorted[0]), by_order);
	for (i = 0; r == 0 && i < n; i++) {
		arena_reset(&a);
		describe(sorted[i], &m, &a);
		r = ipc_send(c->fd, "more", master_status.more, &m, -1,
		    SEND_MS, &err);
	}
	arena_free(&a);
	return r;
}

static int
do_status(struct conn *c)
{
	struct master_status_out out = { .pid = getpid(),
	    .started = started_at, .generation = generation_number,
	    .ready = true };

	if (send_services(c, &out.ready) != 0)
		return -1;
	return reply_ok(c, master_status.out, &out);
}

static void
on_reloaded(void *ctx UNUSED, const struct err *why)
{
	size_t i;

	for (i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &conns[i];

		if (c->fd < 0 || !c->waits)
			continue;
		c->waits = false;
		if (why != NULL)
			reply_err(c, why);
		else if (reply_ok(c, NULL, NULL) != 0)
			conn_close(c);
	}
}

static int
do_reload(struct conn *c)
{
	struct err err = ERR_INIT;

	if (reload_begin(on_reloaded, NULL, &err) != 0)
		reply_err(c, &err);
	else
		c->waits = true;
	return 0;
}

static int
do_stop(struct conn *c)
{
	int r = reply_ok(c, NULL, NULL);

	stop_begin("asked to");
	return r;
}

static int
do_ping(struct conn *c)
{
	return reply_ok(c, NULL, NULL);
}

static const struct {
	const struct verb_def *def;
	int (*fn)(struct conn *c);
} verbs[] = {
	{ &master_status, do_status },
	{ &master_reload, do_reload },
	{ &master_stop, do_stop },
	{ &verb_ping, do_ping },
};

static int
run_verb(struct conn *c)
{
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(c->msg.verb, verbs[i].def->name) == 0)
			return verbs[i].fn(c);
	err_perm(&err, "5.5.1", "unknown verb");
	reply_err(c, &err);
	return 0;
}

static void
on_message(evutil_socket_t fd UNUSED, short what, void *ctx)
{
	struct conn *c = ctx;
	struct err err = ERR_INIT;
	int r;

	if (what & EV_TIMEOUT) {
		if (!c->waits)
			conn_close(c);
		return;
	}
	r = ipc_recv(c->fd, &c->msg, 0, &err);
	if (r < 0 && strcmp(err.dsn, "again") == 0)
		return;
	close_fd(c->msg.fd);
	c->msg.fd = -1;
	/* one request at a time; a second before the answer is a mistake */
	if (r <= 0 || c->waits || run_verb(c) != 0)
		conn_close(c);
}

static bool
allowed(int fd)
{
	struct ipc_cred cred;

	return ipc_peer(fd, &cred) == 0 &&
	    (cred.uid == 0 || cred.uid == geteuid());
}

static void
on_accept(evutil_socket_t lfd, short what UNUSED, void *ctx UNUSED)
{
	static const struct timeval idle = { IDLE_S, 0 };
	struct conn *c = NULL;
	size_t i;
	int fd = fd_high(accept4(lfd, NULL, NULL, SOCK_CLOEXEC |
	    SOCK_NONBLOCK));

	for (i = 0; i < CONNS_MAX && c == NULL; i++)
		if (conns[i].fd < 0)
			c = &conns[i];
	if (fd < 0 || c == NULL || !allowed(fd)) {
		close_fd(fd);
		return;
	}
	ipc_msg_init(&c->msg);
	c->fd = fd;
	c->event = event_new(base, fd, EV_READ | EV_PERSIST | EV_TIMEOUT,
	    on_message, c);
	if (c->event == NULL || event_add(c->event, &idle) != 0)
		conn_close(c);
}

int
control_open(struct err *err)
{
	size_t i;

	for (i = 0; i < CONNS_MAX; i++)
		conns[i].fd = -1;
	control_fd = listen_private("master", err);
	return control_fd < 0 ? -1 : 0;
}

int
control_start(struct err *err)
{
	accept_event = event_new(base, control_fd, EV_READ | EV_PERSIST,
	    on_accept, NULL);
	if (accept_event == NULL || event_add(accept_event, NULL) != 0)
		return err_temp(err, "4.3.0", "cannot wait for orders");
	return 0;
}

void
control_close(void)
{
	size_t i;

	for (i = 0; i < CONNS_MAX; i++)
		if (conns[i].fd >= 0)
			conn_close(&conns[i]);
	if (accept_event != NULL)
		event_free(accept_event);
	accept_event = NULL;
	close_fd(control_fd);
	control_fd = -1;
	(void)unlink(socket_path("master"));
}
