/*
 * request.c - SERVE_REQUEST: requests of many connections, one at a time.
 * Between two waits every connection is either closed or has no half-read
 * message; answers that a verb function holds back are given by `idle`.
 *
 * Nobody is waited for.  Who does not read keeps what the socket did not take
 * in its sendq, and is read again when that is empty: cleanup takes router's
 * answer, a list of thousands of places perhaps, when its client has sent the
 * message, and may ask router something else before.
 */
#include "serve/request.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/internal.h"
#include "serve/sendq.h"

enum { BATCH = 32, PARKED_MAX = 200 };

struct conn {
	int fd;			/* -1: slot is free */
	uint64_t serial, once;
	void *state;
	bool closing, parked;
	struct ipc_cred peer;
	struct sendq out;
};

static const struct daemon *daemon_;
static struct conn *conns;
static int nconns, nparked, nslots, epoll_fd;
static int64_t used;
static uint64_t serials;
static bool accepting, draining, was_busy;
static bool crowded;		/* no descriptor for another connection */
static bool held;		/* an answer, since the last idle hook */
static int64_t gather_until;	/* mono_ms; 0: nothing was held back */
static struct arena arena;
static struct ipc_msg msg;

static void
watch(int op, int fd, uint32_t events, uint64_t key)
{
	struct epoll_event ev = { .events = events, .data.u64 = key };

	if (epoll_ctl(epoll_fd, op, fd, &ev) < 0)
		die("epoll_ctl: %s", strerror(errno));
}

/* keys of the epoll set: 0 life and stop, 1.. listeners, 1000.. slots */
enum { KEY_END = 0, KEY_LISTEN = 1, KEY_CONN = 1000 };
enum { SHORT_TRIES = 50, SHORT_MS = 100 };

static void
watch_conn(int op, const struct conn *c, uint32_t events)
{
	watch(op, c->fd, events, (uint64_t)(KEY_CONN + (c - conns)));
}

static void
set_accepting(bool on)
{
	int i;

	if (on == accepting)
		return;
	accepting = on;
	for (i = 0; i < launch.listeners; i++)
		if (on)
			watch(EPOLL_CTL_ADD, LISTEN_FD + i, EPOLLIN |
			    EPOLLEXCLUSIVE, KEY_LISTEN + (uint64_t)i);
		else
			epoll_ctl(epoll_fd, EPOLL_CTL_DEL, LISTEN_FD + i, NULL);
}

static bool
may_accept(void)
{
	return !draining && !crowded && nconns - nparked < launch.clients &&
	    (launch.uses == 0 || used < launch.uses);
}

/* tell master when the last place is taken, and when one is free again */
static void
update_status(void)
{
	bool busy = !may_accept();

	set_accepting(!busy);
	if (busy == was_busy || draining)
		return;
	was_busy = busy;
	if (!busy)
		status_idle();
	else if (launch.uses == 0 || used < launch.uses || nconns > 0)
		status_busy();
}

static void
set_parked(struct conn *c, bool parked)
{
	nparked += (int)parked - (int)c->parked;
	c->parked = parked;
}

static void
close_conn(struct conn *c)
{
	/* a failed answer closed it meanwhile, or fails while it is closed */
	if (c->fd < 0 || c->closing)
		return;
	c->closing = true;
	if (daemon_->conn_close != NULL)
		daemon_->conn_close(c->state);
	c->closing = false;
	/* a child that was forked may hold a copy, which epoll would watch */
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	c->fd = -1;
	c->state = NULL;
	sendq_free(&c->out);
	set_parked(c, false);
	nconns--;
	crowded = false;
}

static struct conn *
free_slot(void)
{
	int i, n = nslots;

	for (i = 0; i < n; i++)
		if (conns[i].fd < 0)
			return &conns[i];
	nslots = n ? n * 2 : 4;
	conns = xrealloc(conns, (size_t)nslots * sizeof(*conns));
	for (; i < nslots; i++)
		conns[i].fd = -1;
	return &conns[n];
}

static int tries;	/* to accept, in vain, while there was nobody */

/* Without a descriptor for one more, wait until a connection ends, or a little
 * where there is none.  Who died at once would take the one wake-up with it
 * that the kernel gave for this client: no other process would look. */
static void
no_client(void)
{
	if (!serve_short())
		return;
	if (nconns == 0 && ++tries > SHORT_TRIES)
		die("accept: %s", strerror(errno));
	if (nconns == 0)
		poll(NULL, 0, SHORT_MS);
	else
		crowded = true;
	log_event(LOG_WARN, "crowded", KS("reason", strerror(errno)),
	    KI("connections", nconns), KEND);
}

static void
accept_one(int listener)
{
	struct conn *c;
	int fd;

	if (!may_accept())
		return;
	fd = serve_take(listener, 0);
	if (fd < 0) {
		no_client();
		return;
	}
	tries = 0;
	c = free_slot();
	c->fd = fd;
	c->once = 0;
	c->closing = c->parked = false;
	c->out = (struct sendq){ 0 };
	c->serial = ++serials;
	if (ipc_peer(fd, &c->peer) < 0) {
		close(fd);
		c->fd = -1;
		return;
	}
	nconns++;
	used++;
	c->state = daemon_->conn_open ? daemon_->conn_open(&c->peer) : NULL;
	watch_conn(EPOLL_CTL_ADD, c, EPOLLIN);
}

/* watch for room while something waits; rc as it is */
static int
sent(struct conn *c, bool waited, int rc)
{
	if (!waited && c->out.n > 0)
		watch_conn(EPOLL_CTL_MOD, c, EPOLLOUT);
	return rc;
}

static int
send_record(struct conn *c, const char *verb, const struct field *t,
    const void *rec, int fd, struct err *err)
{
	bool waited = c->out.n > 0;

	return sent(c, waited, sendq_record(&c->out, c->fd, verb, t, rec, fd,
	    err));
}

static int
send_err(struct conn *c, const struct err *why)
{
	bool waited = c->out.n > 0;

	return sent(c, waited, sendq_err(&c->out, c->fd, why));
}

/* 0, or -1: the connection is lost */
static int
send_ok(struct conn *c, const struct verb_def *def, const void *out, int fd)
{
	struct err err;

	if (send_record(c, "ok", out != NULL ? def->out : NULL, out, fd,
	    &err) == 0)
		return 0;
	/* too long for a message: nothing was sent yet */
	return err.kind == ERR_PERM ? send_err(c, &err) : -1;
}

/* 0, or -1: the connection is lost */
static int
reply(struct conn *c, struct call *call, int rc, void *out, struct err *err)
{
	const struct verb_def *def = call->def;

	if (c->fd < 0)
		return -1;
	if (rc == CALL_LATER || (def != NULL && (def->flags & VERB_NO_REPLY)))
		return 0;
	if (rc < 0)
		return send_err(c, err);
	return send_ok(c, def, out, call->out_fd);
}

static void
bad_channel(const struct conn *c, const struct err *err)
{
	log_event(LOG_WARN, "bad-request", KI("uid", c->peer.uid),
	    KI("pid", c->peer.pid), KERR(err), KEND);
}

static int
send_more(struct call *c, const void *more, struct err *err)
{
	return send_record(&conns[c->slot], "more", c->def->more, more, -1,
	    err);
}

/* one message: 1 served, 0 nothing there, -1 the connection must close */
static int
serve_message(struct conn *c)
{
	struct call call = { .sock = c->fd, .fd = -1, .out_fd = -1,
		.conn = c->state, .arena = &arena, .peer = c->peer,
		.more = send_more, .once = &c->once };
	struct err err = ERR_INIT;
	bool fatal = false;
	void *out = NULL;
	int rc = ipc_recv(c->fd, &msg, 0, &err);

	if (rc < 0 && strcmp(err.dsn, "again") == 0)
		return 0;
	if (rc <= 0) {
		if (rc < 0)
			bad_channel(c, &err);
		close_fd(msg.fd);
		msg.fd = -1;
		return -1;
	}
	set_parked(c, false);
	call.slot = (int)(c - conns);
	call.serial = c->serial;
	rc = verb_run(daemon_, &call, &msg, &out, &fatal, &err);
	if (fatal)
		bad_channel(c, &err);
	rc = reply(c, &call, rc, out, &err);
	close_fd(call.fd);
	close_fd(call.out_fd);
	arena_reset(&arena);
	return fatal || rc < 0 ? -1 : 1;
}

/* 1 there may be more, 0 none is left, -1 the connection must close */
static int
serve_batch(struct conn *c)
{
	int i, n = daemon_->idle != NULL ? BATCH : 1, rc = 1;

	for (i = 0; i < n && rc == 1; i++)
		rc = c->out.n > 0 ? 0 : serve_message(c);
	return rc;
}

static void
serve_conn(struct conn *c)
{
	struct err err;
	int rc;

	if (c->out.n == 0) {
		rc = serve_batch(c);
	} else {
		rc = sendq_flush(&c->out, c->fd, &err);
		if (rc == 0)
			watch_conn(EPOLL_CTL_MOD, c, EPOLLIN);
	}
	if (rc < 0)
		close_conn(c);
}

/* The generation ends: serve what had arrived, keep only what is under way.
 * Where nothing can be, the caller's next send fails at once: it knows that
 * nobody read it and goes to our successor. */
static void
drain_conn(struct conn *c)
{
	bool (*busy)(void *) = daemon_->conn_busy;
	int i, rc = 1;

	if (busy == NULL)
		shutdown(c->fd, SHUT_RD);
	for (i = 0; rc == 1 && c->fd >= 0 && (busy == NULL || i < BATCH);
	    i++) {
		rc = serve_batch(c);
		if (daemon_->idle != NULL)
			daemon_->idle();
	}
	if (c->fd >= 0 && (rc < 0 || (rc == 0 && c->out.n == 0 &&
	    (busy == NULL || !busy(c->state)))))
		close_conn(c);
}

static void
drain_conns(void)
{
	int i;

	for (i = 0; i < nslots; i++)
		if (conns[i].fd >= 0)
			drain_conn(&conns[i]);
}

static void
handle(const struct epoll_event *ev)
{
	uint64_t key = ev->data.u64;

	if (key == KEY_END) {
		draining = true;
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, LIFE_FD, NULL);
	} else if (key < KEY_CONN) {
		accept_one(LISTEN_FD + (int)key - KEY_LISTEN);
	} else if (conns[key - KEY_CONN].fd >= 0) {
		serve_conn(&conns[key - KEY_CONN]);
	}
}

static void
set_up(const struct daemon *d)
{
	int i;

	daemon_ = d;
	ipc_msg_init(&msg);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create: %s", strerror(errno));
	for (i = 0; i < launch.listeners; i++)
		fcntl(LISTEN_FD + i, F_SETFL, O_NONBLOCK);
	watch(EPOLL_CTL_ADD, LIFE_FD, EPOLLIN, KEY_END);
	watch(EPOLL_CTL_ADD, serve_stop_fd, EPOLLIN, KEY_END);
	set_accepting(true);
}

/* Whoever is under load is given more to do at once: one sync, one wake-up. */
static void
gather(void)
{
	struct pollfd end[] = { { LIFE_FD, POLLIN, 0 },
	    { serve_stop_fd, POLLIN, 0 } };
	int64_t left = gather_until > 0 ? gather_until - mono_ms() : 0;

	gather_until = 0;
	if (left > 0 && !draining)
		poll(end, ARRAY_LEN(end), (int)left);
}

static void
run_idle(void)
{
	if (daemon_->idle != NULL)
		daemon_->idle();
	if (held && daemon_->gather_ms > 0)
		gather_until = mono_ms() + daemon_->gather_ms;
	held = false;
}

/* ms; -1: until something comes */
static int
time_to_wait(void)
{
	int64_t at = daemon_->wake != NULL ? daemon_->wake() : 0, left;

	if (nconns == 0 && launch.max_idle > 0)
		return (int)MIN(launch.max_idle, (int64_t)INT_MAX);
	if (at == 0)
		return -1;
	left = MAX(at - mono_ms(), (int64_t)0);
	return (int)MIN(left, (int64_t)INT_MAX);
}

int
serve_requests(const struct daemon *d)
{
	struct epoll_event ev[BATCH];
	int i, n;

	set_up(d);
	while (!serve_stopping()) {
		gather();
		n = epoll_wait(epoll_fd, ev, BATCH, time_to_wait());
		if (n == 0 && nconns == 0 && launch.max_idle > 0 &&
		    status_spare())
			break;
		for (i = 0; i < n; i++)
			handle(&ev[i]);
		run_idle();
		if (draining)
			drain_conns();
		if (nconns == 0 && (draining || (launch.uses > 0 &&
		    used >= launch.uses)))
			break;
		update_status();
	}
	return 0;
}

struct call_ticket
request_hold(struct call *c)
{
	held = true;
	return (struct call_ticket){ c->slot, c->serial, c->def };
}

static struct conn *
ticket_conn(struct call_ticket t)
{
	struct conn *c = t.slot < nslots ? &conns[t.slot] : NULL;

	return c != NULL && c->fd >= 0 && c->serial == t.serial ? c : NULL;
}

void
request_park(const struct call *c)
{
	if (nparked < PARKED_MAX)
		set_parked(&conns[c->slot], true);
}

int
request_more(struct call_ticket t, const void *more)
{
	struct conn *c = ticket_conn(t);
	struct err err;

	return c == NULL ? -1 : send_record(c, "more", t.def->more, more, -1,
	    &err);
}

void
request_ok(struct call_ticket t, const void *out, int out_fd)
{
	struct conn *c = ticket_conn(t);

	if (c != NULL && send_ok(c, t.def, out, out_fd) < 0)
		close_conn(c);
}

void
request_err(struct call_ticket t, const struct err *why)
{
	struct conn *c = ticket_conn(t);

	if (c != NULL && send_err(c, why) < 0)
		close_conn(c);
}
