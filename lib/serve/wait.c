/*
 * wait.c - waiting for the next client.  Idle children of a service share its
 * listeners; EPOLLEXCLUSIVE wakes one of them for a client.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/inbox.h"
#include "serve/internal.h"

enum { SHORT_MS = 200, SHORT_LOG_MS = 10000, TCP_MAX = 64 };

static int epoll_fd = -1;
static int also = -1;		/* see serve_watch_also */
static uint64_t ready = UINT64_MAX;	/* listeners: a bit each, at most 64 */

static void
watch(int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl %d: %s", fd, strerror(errno));
}

static void
start_watching(void)
{
	int i;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create: %s", strerror(errno));
	watch(LIFE_FD, EPOLLIN);
	watch(serve_stop_fd, EPOLLIN);
	if (also >= 0)
		watch(also, EPOLLIN);
	for (i = 0; i < launch.listeners; i++) {
		fcntl(LISTEN_FD + i, F_SETFL, O_NONBLOCK);
		watch(LISTEN_FD + i, EPOLLIN | EPOLLEXCLUSIVE);
	}
}

void
serve_watch_also(int fd)
{
	also = fd;
}

bool
serve_draining(void)
{
	struct epoll_event ev[8];
	int i, n;

	if (epoll_fd < 0)
		start_watching();
	n = epoll_wait(epoll_fd, ev, (int)ARRAY_LEN(ev), 0);
	for (i = 0; i < n; i++)
		if (ev[i].data.fd < LISTEN_FD ||
		    ev[i].data.fd == serve_stop_fd)
			return true;
	return serve_stopping();
}

enum wait_result
serve_wait(int64_t timeout_ms)
{
	struct epoll_event ev[8];
	int i, n, at, timeout = timeout_ms > 0 ? (int)MIN(timeout_ms,
	    (int64_t)INT_MAX) : -1;

	if (epoll_fd < 0)
		start_watching();
	do {
		n = epoll_wait(epoll_fd, ev, (int)ARRAY_LEN(ev), timeout);
	} while (n < 0 && errno == EINTR && !serve_stopping());
	ready = 0;
	for (i = 0; i < n; i++) {
		if (ev[i].data.fd == LIFE_FD ||
		    ev[i].data.fd == serve_stop_fd)
			return WAIT_DRAIN;
		at = ev[i].data.fd - LISTEN_FD;
		if (at >= 0 && at < (int)launch.listeners)
			ready |= (uint64_t)1 << at;
	}
	if (serve_stopping())
		return WAIT_DRAIN;
	return n == 0 ? WAIT_IDLE : WAIT_READY;
}

int
serve_take(int listener, int flags)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | flags);

	if (fd < 0 && errno == EOPNOTSUPP && inbox_is(listener))
		fd = inbox_accept(listener);
	return fd;
}

bool
serve_short(void)
{
	return errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM;
}

/* The machine has no room for a client now; it waits in the queue, while
 * what we may have under way, such as sessions that we forked, goes on. */
static void
pause_accepting(void)
{
	static int64_t told;
	struct pollfd p[2] = { { LIFE_FD, POLLIN, 0 },
		{ serve_stop_fd, POLLIN, 0 } };
	const char *why = strerror(errno);

	if (told == 0 || mono_ms() - told > SHORT_LOG_MS) {
		told = mono_ms();
		log_event(LOG_WARN, "crowded", KS("reason", why), KEND);
	}
	poll(p, 2, SHORT_MS);
}

bool
serve_is(int64_t bits, int listener)
{
	return listener < 32 && bits >> listener & 1;
}

static void
fill_addr(const struct sockaddr_storage *ss, char addr[64], int *port)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;

	*port = 0;
	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, addr, 64);
		*port = ntohs(in->sin_port);
	} else if (ss->ss_family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], addr,
			    64);
		else
			inet_ntop(AF_INET6, &in6->sin6_addr, addr, 64);
		*port = ntohs(in6->sin6_port);
	} else {
		slice_copy(addr, 64, ss->ss_family == AF_UNIX ?
		    SLICE_LIT("unix") : SLICE_LIT("unknown"));
	}
}

/* What clients of a listener have in common: master has set the options
 * before the first of them came, but where it is older than we are. */
static const struct tcp_listener *
tcp_listener(int at)
{
	static struct tcp_listener all[TCP_MAX];
	struct tcp_listener *l = &all[MIN(at, TCP_MAX - 1)];
	struct sockaddr_storage ss;
	struct timeval tv = { 0, 0 };
	socklen_t len = sizeof(ss), tv_len = sizeof(tv);

	if (at >= TCP_MAX - 1)
		return l;	/* peer_fill does for these */
	if (l->asked)
		return l;
	l->asked = true;
	if (getsockname(LISTEN_FD + at, (struct sockaddr *)&ss, &len) < 0 ||
	    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6))
		return l;
	l->tcp = true;
	fill_addr(&ss, l->addr, &l->port);
	l->any = strcmp(l->addr, "0.0.0.0") == 0 || strcmp(l->addr, "::") == 0;
	l->options = getsockopt(LISTEN_FD + at, SOL_SOCKET, SO_RCVTIMEO, &tv,
	    &tv_len) == 0 && tv.tv_sec == 0 && tv.tv_usec == IDLE_MS * 1000;
	return l;
}

static int
take(int at, struct arrival *a)
{
	socklen_t len = sizeof(a->from);

	a->tcp = NULL;
	a->gated = serve_is(launch.gate, at);
	if (!a->gated) {
		a->tls = serve_is(launch.tls, at);
		a->tcp = tcp_listener(at);
		if (a->tcp->tcp)
			return accept4(LISTEN_FD + at, (struct sockaddr *)
			    &a->from, &len, SOCK_CLOEXEC);
		a->tcp = NULL;
		return serve_take(LISTEN_FD + at, 0);
	}
	if (gate_recv(LISTEN_FD + at, &a->gate) < 0)
		return -1;
	a->tls = a->gate.in.tls;
	return a->gate.fd;
}

int
serve_accept(struct arrival *a)
{
	static int next;
	int i, at, fd;

	for (i = 0; i < launch.listeners; i++) {
		at = (next + i) % (int)launch.listeners;
		if (!(ready >> at & 1))
			continue;
		fd = take(at, a);
		if (fd >= 0) {
			next = (at + 1) % (int)launch.listeners;
			return fd;
		}
		if (serve_short()) {
			pause_accepting();
			break;
		}
	}
	return -1;
}

void
peer_fill(struct peer *peer, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss), domain_len = sizeof(int);
	struct ipc_cred cred;
	int one = 1, domain = AF_UNSPEC;

	memset(peer, 0, sizeof(*peer));
	peer->fd = fd;
	peer->uid = (uid_t)-1;
	session_id(peer->id);
	/* a client that is gone has no address; it must not seem local */
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == 0) {
		domain = ss.ss_family;
	} else {
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len);
		ss = (struct sockaddr_storage){ 0 };
		ss.ss_family = (sa_family_t)domain;
	}
	fill_addr(&ss, peer->addr, &peer->port);
	if (domain == AF_UNIX) {
		slice_copy(peer->local_addr, 64, SLICE_LIT("unix"));
		if (ipc_peer(fd, &cred) == 0) {
			peer->uid = cred.uid;
			peer->pid = cred.pid;
		}
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	len = sizeof(ss);
	getsockname(fd, (struct sockaddr *)&ss, &len);
	fill_addr(&ss, peer->local_addr, &peer->local_port);
}

/* Asks only what is not known of the listener. */
static void
arrive(struct peer *peer, struct io *io, int fd, const struct arrival *a)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int one = 1;

	memset(peer, 0, sizeof(*peer));
	peer->fd = fd;
	peer->uid = (uid_t)-1;
	session_id(peer->id);
	fill_addr(&a->from, peer->addr, &peer->port);
	if (a->tcp->options) {
		io->block_ms = IDLE_MS;
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		io_block(io, IDLE_MS);
	}
	if (!a->tcp->any) {
		slice_copy(peer->local_addr, 64, slice_of(a->tcp->addr));
		peer->local_port = a->tcp->port;
	} else if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0) {
		fill_addr(&ss, peer->local_addr, &peer->local_port);
	}
}

void
serve_arrived(struct peer *peer, struct io *io, int fd,
    const struct arrival *a)
{
	if (a->tcp != NULL) {
		arrive(peer, io, fd, a);
		return;
	}
	peer_fill(peer, fd);
	if (a->gated)
		gate_peer(peer, &a->gate);
	if (peer->port != 0)
		io_block(io, IDLE_MS);
}

bool
peer_here(const struct peer *peer)
{
	return strncmp(peer->addr, "127.", 4) == 0 ||
	    strcmp(peer->addr, "::1") == 0 || strcmp(peer->addr, "unix") == 0;
}

int
serve_end_fd(void)
{
	return serve_stop_fd;
}
