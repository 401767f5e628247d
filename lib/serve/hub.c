/*
 * hub.c - SERVE_EVENT: the loop, and the connections that we serve.  A
 * connection that fails is closed after the event at hand; a ticket names it
 * by serial, so an answer to a caller that has gone goes nowhere.
 */
#include "serve/hub.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/codec.h"
#include "serve/internal.h"
#include "serve/sendq.h"

enum { BURST = 64, BURST_MS = 5, CROWD_MS = 200, IDLE_MIN_MS = 500 };

struct hub_conn {
	struct hub_conn *next, **prev;
	int fd;
	uint64_t serial, once;
	void *state;
	struct ipc_cred peer;
	struct event *readable, *writable;
	struct sendq out;
	int64_t used;		/* mono_ms of its last message */
	size_t held;		/* answers that it waits for */
	bool dead;
};

struct event_base *hub_base;
static const struct daemon *daemon_;
static struct hub_conn *conns;
static struct event *listeners[64], *life, *stop, *crowd, *beat;
static uint64_t serials;
static bool draining, full, open_still;
static struct arena arena;
static struct ipc_msg msg;

static void
free_conn(struct hub_conn *c)
{
	if (daemon_->conn_close != NULL)
		daemon_->conn_close(c->state);
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	hub_free(c->readable);
	hub_free(c->writable);
	sendq_free(&c->out);
	close(c->fd);
	free(c);
}

static void
put(struct hub_conn *c, const struct str *bytes, int fd)
{
	struct err err;

	if (c->dead)
		return;
	if (sendq_put(&c->out, c->fd, bytes, fd, &err) < 0) {
		c->dead = true;
		event_active(c->readable, EV_READ, 0);
	} else if (c->out.head != NULL) {
		hub_watch(c->writable);
	}
}

static void
put_err(struct hub_conn *c, const struct err *why)
{
	static struct str bytes = STR_INIT;

	str_reset(&bytes);
	ipc_encode_err(&bytes, why);
	put(c, &bytes, -1);
}

/* 0, or -1: too long for a message, nothing is sent */
static int
put_record(struct hub_conn *c, const char *verb, const struct field *t,
    const void *rec, int fd, struct err *err)
{
	static struct str bytes = STR_INIT;

	str_reset(&bytes);
	ipc_encode(&bytes, verb, t, rec);
	if (bytes.len > IPC_MAX)
		return err_perm(err, "5.3.4", "%s: message of %zu bytes", verb,
		    bytes.len);
	put(c, &bytes, fd);
	return 0;
}

static void
put_ok(struct hub_conn *c, const struct verb_def *def, const void *out, int fd)
{
	struct err err;

	if (put_record(c, "ok", out != NULL ? def->out : NULL, out, fd,
	    &err) < 0)
		put_err(c, &err);
}

static int
send_more(struct call *call, const void *more, struct err *err)
{
	if (put_record(call->hub, "more", call->def->more, more, -1, err) < 0)
		return -1;
	return call->hub->dead ? err_temp(err, "4.3.0", "caller is gone") : 0;
}

static void
bad_channel(const struct hub_conn *c, const struct err *err)
{
	log_event(LOG_WARN, "bad-request", KI("uid", c->peer.uid),
	    KI("pid", c->peer.pid), KERR(err), KEND);
}

static void
run_message(struct hub_conn *c)
{
	struct call call = { .sock = c->fd, .fd = -1, .out_fd = -1,
		.conn = c->state, .arena = &arena, .peer = c->peer,
		.hub = c, .more = send_more, .once = &c->once };
	struct err err = ERR_INIT;
	bool fatal = false;
	void *out = NULL;
	int rc = verb_run(daemon_, &call, &msg, &out, &fatal, &err);

	c->used = mono_ms();
	if (fatal)
		bad_channel(c, &err);
	if (call.def != NULL && (call.def->flags & VERB_NO_REPLY) && !fatal)
		rc = CALL_LATER;
	if (rc < 0)
		put_err(c, &err);
	else if (rc != CALL_LATER)
		put_ok(c, call.def, out, call.out_fd);
	if (fatal)
		c->dead = true;
	close_fd(call.fd);
	close_fd(call.out_fd);
	arena_reset(&arena);
}

static void
on_readable(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct hub_conn *c = arg;
	struct err err;
	int64_t end = mono_ms() + BURST_MS;	/* then others have a turn */
	int i, rc, most = daemon_->burst > 0 ? daemon_->burst : BURST;

	for (i = 0; i < most && !c->dead && c->used < end; i++) {
		rc = ipc_recv((int)fd, &msg, 0, &err);
		if (rc < 0 && strcmp(err.dsn, "again") == 0)
			break;
		if (rc > 0) {
			run_message(c);
			continue;
		}
		if (rc < 0)
			bad_channel(c, &err);
		close_fd(msg.fd);
		msg.fd = -1;
		c->dead = true;
	}
	if (c->dead)
		free_conn(c);
}

static void
on_writable(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct hub_conn *c = arg;
	struct err err;
	int rc = sendq_flush(&c->out, (int)fd, &err);

	if (rc < 0)
		free_conn(c);
	else if (rc == 0)
		hub_unwatch(c->writable);
}

static void
set_listening(bool on)
{
	int i;

	on = on && (!draining || open_still) && !full;
	for (i = 0; i < launch.listeners; i++)
		if (on)
			hub_watch(listeners[i]);
		else
			hub_unwatch(listeners[i]);
}

/* Callers keep their connections.  Where they are too many, those that have
 * nothing under way go; their next call is on a new one. */
static void
close_idle(void)
{
	int64_t before = mono_ms() - IDLE_MIN_MS;
	struct hub_conn *c, *next;
	int n = 0;

	for (c = conns; c != NULL && n < BURST; c = next) {
		next = c->next;
		if (c->held > 0 || c->out.head != NULL || c->used > before)
			continue;
		free_conn(c);
		n++;
	}
}

/* Without a descriptor for one more, look again a little later. */
static void
no_client(void)
{
	static const struct timeval pause = { 0, CROWD_MS * 1000 };

	if (!serve_short())
		return;
	close_idle();
	set_listening(false);
	event_add(crowd, &pause);
}

static void
on_crowd(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	set_listening(true);
}

void
hub_full(bool on)
{
	if (on == full)
		return;
	full = on;
	set_listening(!on);
	if (draining)
		return;
	if (on)
		status_busy();
	else
		status_idle();
}

static void
on_listener(evutil_socket_t fd, short what UNUSED, void *arg UNUSED)
{
	struct hub_conn *c;
	int i, client, most = daemon_->burst > 0 ? daemon_->burst : BURST;

	for (i = 0; i < most; i++) {
		client = serve_take((int)fd, SOCK_NONBLOCK);
		if (client < 0) {
			no_client();
			return;
		}
		c = xcalloc(1, sizeof(*c));
		c->fd = client;
		c->serial = ++serials;
		c->used = mono_ms();
		ipc_peer(client, &c->peer);
		c->state = daemon_->conn_open ? daemon_->conn_open(&c->peer) :
		    NULL;
		c->readable = event_new(hub_base, client, EV_READ |
		    EV_PERSIST, on_readable, c);
		c->writable = event_new(hub_base, client, EV_WRITE |
		    EV_PERSIST, on_writable, c);
		if (c->readable == NULL || c->writable == NULL)
			die("event_new");
		hub_watch(c->readable);
		c->next = conns;
		c->prev = &conns;
		if (conns != NULL)
			conns->prev = &c->next;
		conns = c;
	}
}

static void
on_stream(evutil_socket_t fd, short what UNUSED, void *arg UNUSED)
{
	bool tls = serve_is(launch.tls, (int)fd - LISTEN_FD);
	int i, client, most = daemon_->burst > 0 ? daemon_->burst : BURST;
	struct sockaddr_storage ss;
	socklen_t len;

	for (i = 0; i < most; i++) {
		len = sizeof(ss);
		ss.ss_family = AF_UNSPEC;
		client = accept4((int)fd, (struct sockaddr *)&ss, &len,
		    SOCK_CLOEXEC);
		if (client < 0) {
			no_client();
			return;
		}
		daemon_->stream(client, (struct sockaddr *)&ss, tls);
	}
}

struct hub_ticket
hub_hold(struct call *c)
{
	c->hub->held++;
	return (struct hub_ticket){ c->hub, c->hub->serial, c->def };
}

static bool
ticket_alive(struct hub_ticket t)
{
	struct hub_conn *c;

	for (c = conns; c != NULL; c = c->next)
		if (c == t.conn)
			return c->serial == t.serial && !c->dead;
	return false;
}

void
hub_ok_fd(struct hub_ticket t, const void *out, int fd)
{
	if (!ticket_alive(t))
		return;
	t.conn->held--;
	put_ok(t.conn, t.def, out, fd);
}

void
hub_end(struct hub_ticket t)
{
	if (!ticket_alive(t) || t.conn->out.head != NULL)
		return;
	t.conn->dead = true;
	event_active(t.conn->readable, EV_READ, 0);
}

void
hub_ok(struct hub_ticket t, const void *out)
{
	hub_ok_fd(t, out, -1);
}

int
hub_more(struct hub_ticket t, const void *more, struct err *err)
{
	if (!ticket_alive(t))
		return err_temp(err, "4.3.0", "caller is gone");
	return put_record(t.conn, "more", t.def->more, more, -1, err);
}

void
hub_err(struct hub_ticket t, const struct err *why)
{
	if (!ticket_alive(t))
		return;
	t.conn->held--;
	put_err(t.conn, why);
}

void
hub_stay_open(bool on)
{
	if (on == open_still)
		return;
	open_still = on;
	set_listening(true);
}

/* SIGTERM so often that nothing is waited for */
static bool
told_to_end(int fd)
{
	static uint64_t terms;
	uint64_t n = 0;

	if (fd == LIFE_FD || !daemon_->drain_limited) {
		event_del(fd == LIFE_FD ? life : stop);
		return serve_stopping() && !daemon_->drain_limited;
	}
	if (read(fd, &n, sizeof(n)) == sizeof(n))
		terms += n;
	return terms > 1;
}

/* The generation ends: what waits in the listeners is the successor's.
 * SIGTERM ends us even where the life pipe began to drain before. */
static void
on_end(evutil_socket_t fd, short what UNUSED, void *arg UNUSED)
{
	bool again = draining;

	status_beat();		/* we have heard it */
	draining = true;
	set_listening(false);
	if (told_to_end(fd) || daemon_->drain == NULL)
		hub_exit();
	else if (!again)
		daemon_->drain();
}

void
hub_exit(void)
{
	event_base_loopexit(hub_base, NULL);
}

static struct event *
watch(int fd, event_callback_fn fn)
{
	struct event *ev = event_new(hub_base, fd, EV_READ | EV_PERSIST, fn,
	    NULL);

	if (ev == NULL || event_add(ev, NULL) < 0)
		die("event_new");
	return ev;
}

static event_callback_fn
taker(int listener)
{
	int domain = AF_UNIX;
	socklen_t len = sizeof(domain);

	if (getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		die("SO_DOMAIN: %s", strerror(errno));
	return domain != AF_UNIX && daemon_->stream != NULL ? on_stream :
	    on_listener;
}

static void
on_settled(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	serve_settle();
}

/* master looks at it: four times as often as it has to be */
static void
on_beat(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	int64_t ms = MAX(launch.watchdog / 4, (int64_t)1);
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	status_beat();
	event_add(beat, &tv);
}

int
hub_run(const struct daemon *d)
{
	static const struct timeval second = { 1, 0 };
	struct err err = ERR_INIT;
	int i;

	daemon_ = d;
	ipc_msg_init(&msg);
	hub_base = event_base_new();
	crowd = hub_base ? event_new(hub_base, -1, 0, on_crowd, NULL) : NULL;
	if (crowd == NULL)
		die("event_base_new");
	if (d->start != NULL && d->start(&err) < 0) {
		log_event(LOG_ERROR, "start", KERR(&err), KEND);
		return err.kind == ERR_PERM ? 78 : 75;
	}
	life = watch(LIFE_FD, on_end);
	stop = watch(serve_stop_fd, on_end);
	for (i = 0; i < launch.listeners; i++) {
		fcntl(LISTEN_FD + i, F_SETFL, O_NONBLOCK);
		listeners[i] = watch(LISTEN_FD + i,
		    taker(LISTEN_FD + i));
	}
	status_ready();
	if (launch.watchdog > 0) {
		beat = evtimer_new(hub_base, on_beat, NULL);
		if (beat == NULL)
			die("event_new");
		on_beat(-1, 0, NULL);
	}
	/* what comes first, as news of certificates, belongs to the start */
	event_base_once(hub_base, -1, EV_TIMEOUT, on_settled, NULL, &second);
	return event_base_dispatch(hub_base) < 0 ? 70 : 0;
}
