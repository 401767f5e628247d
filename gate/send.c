/*
 * send.c - to the session.  Where its listener is full clients wait in line,
 * and nobody passes who waits.  With a client goes the end of a pipe; ours
 * hangs up when the session is over, so that it counts until then.  That is
 * looked at once a second, and where somebody would be one too many: to be
 * woken for each end costs more than all the rest.
 */
#include "gate.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"

enum { AGAIN_MS = 100, SAY_MS = 10000, ENDS = 64 };

struct lease {
	int fd;
	struct addr addr;
};

static int sock = -1, sock_errno;
static struct client *first, **last = &first;
static size_t queued, sessions;
static struct event *writable, *again, *second;
static int leases = -1;

void
send_reap(void)
{
	struct epoll_event ev[ENDS];
	struct lease *l;
	int i, n;

	do {
		n = epoll_wait(leases, ev, ENDS, 0);
		for (i = 0; i < n; i++) {
			l = ev[i].data.ptr;
			count_end(&l->addr);
			close(l->fd);
			free(l);
			sessions--;
		}
	} while (n == ENDS);
}

static void
on_second(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	static const struct timeval tv = { 1, 0 };

	send_reap();
	if (sessions > 0)
		event_add(second, &tv);
}

static void
lease_begin(struct client *c, int fd)
{
	struct lease *l = xcalloc(1, sizeof(*l));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	struct timeval tv = { 1, 0 };

	l->fd = fd;
	l->addr = c->addr;
	if (epoll_ctl(leases, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl: %s", strerror(errno));
	c->counted = false;
	if (sessions++ == 0)
		event_add(second, &tv);
}

static void
fill_facts(const struct client *c, struct gate_facts *f, struct arena *a)
{
	static const char *const names[TESTS] = { "pregreet", "dnsbl" };
	struct str list = STR_INIT;
	char text[ADDR_TEXT];
	size_t i;

	f->how = c->how;
	f->score = c->lists.score;
	f->pregreet = c->pregreet;
	f->waited = mono_ms() - c->start;
	f->proxy = c->proxied ? arena_strdup(a, addr_text(&c->peer, text)) :
	    "";
	for (i = 0; i < TESTS; i++)
		if (c->passed >> i & 1)
			strlist_add(&f->passed, a, names[i]);
	for (i = 0; i < made.lists.lists; i++) {
		str_reset(&list);
		dnsbl_names(&made.lists, c->lists.hits & (uint64_t)1 << i,
		    false, "", &list);
		if (list.len > 0 && !strlist_has(&f->lists, list.s))
			strlist_add(&f->lists, a, arena_strdup(a, list.s));
	}
	str_free(&list);
}

static int
send_message(const struct client *c, int lease)
{
	struct gate_client_in in = { .session = c->id, .tls = c->tls,
		.greeted = c->greeted };
	char addr[ADDR_TEXT], local[ADDR_TEXT];
	struct arena a = { 0 };
	int r, e;

	in.addr = in.local_addr = "";
	if (c->proxied) {
		in.addr = addr_text(&c->addr, addr);
		in.local_addr = addr_text(&c->local, local);
		in.port = c->port;
		in.local_port = c->local_port;
	}
	fill_facts(c, &in.facts, &a);
	r = gate_send(sock, &in, c->fd, lease);
	e = errno;
	arena_free(&a);
	errno = e;
	return r;
}

/* 0 it is gone, -1 errno */
static int
send_now(struct client *c)
{
	int p[2] = { -1, -1 };

	if (sock < 0) {
		errno = sock_errno;
		return -1;
	}
	/* without a descriptor for it the session is not counted */
	if (c->counted && pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		p[0] = p[1] = -1;
	if (send_message(c, p[1]) < 0) {
		close_fd(p[0]);
		close_fd(p[1]);
		return -1;
	}
	close_fd(p[1]);
	if (p[0] >= 0)
		lease_begin(c, p[0]);
	stat_.passed++;
	client_free(c);
	return 0;
}

static void
not_there(struct client *c)
{
	static int64_t said;
	struct err err;

	if (said == 0 || mono_ms() - said > SAY_MS) {
		said = mono_ms();
		err_sys(&err, "%s", conf.service);
		log_event(LOG_ERROR, "not-handed", KERR(&err), KEND);
	}
	client_busy(c, "service is not available");
}

static bool
is_full(int e)
{
	return e == EAGAIN || e == ETOOMANYREFS || e == ENOBUFS ||
	    e == ENOMEM;
}

/* ask again when there is room, or, where that can not be seen, a bit later */
static void
watch(int e)
{
	static const struct timeval pause = { 0, AGAIN_MS * 1000 };

	if (e == EAGAIN)
		hub_watch(writable);
	else
		event_add(again, &pause);
}

static void
enqueue(struct client *c)
{
	static int64_t said;

	if ((int64_t)queued >= conf.queue) {
		if (said == 0 || mono_ms() - said > SAY_MS) {
			said = mono_ms();
			log_event(LOG_WARN, "queue-full", KS("service",
			    conf.service), KU("clients", queued), KEND);
		}
		client_busy(c, "too busy");
		return;
	}
	c->state = WAITING;
	c->after = NULL;
	*last = c;
	last = &c->after;
	queued++;
	client_arm(c, 0, conf.queue_time);
}

void
send_drop(struct client *c)
{
	struct client **p;

	for (p = &first; *p != c; p = &(*p)->after)
		;
	*p = c->after;
	if (*p == NULL)
		last = p;
	queued--;
}

static void
on_room(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	struct client *c;

	while ((c = first) != NULL) {
		if (send_now(c) == 0)
			continue;
		if (is_full(errno)) {
			watch(errno);
			return;
		}
		not_there(c);
	}
}

void
send_client(struct client *c)
{
	if (first != NULL) {
		enqueue(c);
		return;
	}
	if (send_now(c) == 0)
		return;
	if (!is_full(errno)) {
		not_there(c);
		return;
	}
	watch(errno);
	enqueue(c);
}

/* Without the listener clients are told so, until master starts us anew. */
int
send_open(struct err *err UNUSED)
{
	sock = gate_open(conf.service);
	sock_errno = errno;
	return 0;
}

void
send_start(void)
{
	writable = event_new(hub_base, sock, EV_WRITE, on_room, NULL);
	again = event_new(hub_base, -1, 0, on_room, NULL);
	second = event_new(hub_base, -1, 0, on_second, NULL);
	leases = epoll_create1(EPOLL_CLOEXEC);
	if (writable == NULL || again == NULL || second == NULL || leases < 0)
		die("no way to sessions");
	if (sock < 0)
		log_event(LOG_ERROR, "not-handed", KS("reason",
		    strerror(sock_errno)), KS("service", conf.service), KEND);
}

size_t
send_queued(void)
{
	return queued;
}

size_t
send_sessions(void)
{
	return sessions;
}
