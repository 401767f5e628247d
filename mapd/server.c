/*
 * server.c - servers by name, and the time that they have.
 */
#include "base/clock.h"
#include "mapd.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

static volatile sig_atomic_t guarded = -1;

int
server_add(struct table *t, const char *name, struct slice host,
    uint16_t port, struct err *err)
{
	struct server *s = &t->server[t->servers];

	if (t->servers == SERVERS_MAX)
		return err_perm(err, "5.3.5", "more than %d servers",
		    SERVERS_MAX);
	if (host.n == 0)
		return err_perm(err, "5.3.5", "%s: expected the name of a "
		    "host, an address or a path", name);
	*s = (struct server){ .name = name, .port = port };
	s->host = arena_slice(&t->arena, host);
	s->here = port == 0 || slice_starts(host, "127.") ||
	    slice_eqz(host, "::1") || slice_ieqz(host, "localhost");
	t->servers++;
	return 0;
}

/* host, host:port, [v6], [v6]:port or a path */
static int
add_host(struct table *t, const char *name, uint16_t port, struct err *err)
{
	struct slice s = slice_of(name), host = s, rest = SLICE_NULL;
	uint64_t n = port;

	if (name[0] == '/')
		return server_add(t, name, s, 0, err);
	if (name[0] == '[') {
		host = slice_sub(s, 1, slice_find(s, ']') - 1);
		rest = slice_sub(s, host.n + 2, s.n);
	} else if (slice_find(s, ':') == slice_rfind(s, ':')) {
		host = slice_sub(s, 0, slice_find(s, ':'));
		rest = slice_sub(s, host.n, s.n);
	}
	if (rest.n > 0 && (rest.p[0] != ':' || !slice_u64(slice_sub(rest, 1,
	    rest.n), 65535, &n) || n == 0))
		return err_perm(err, "5.3.5", "%s: expected host:port", name);
	return server_add(t, name, host, (uint16_t)n, err);
}

int
servers_parse(struct table *t, uint16_t port, struct err *err)
{
	size_t i;

	for (i = 0; i < t->c.hosts.n; i++)
		if (add_host(t, t->c.hosts.v[i], port, err) < 0)
			return -1;
	return t->servers > 0 ? 0 : err_perm(err, "5.3.5", "no server is "
	    "named");
}

void
servers_jail(const struct table *t)
{
	size_t i;

	for (i = 0; i < t->servers; i++)
		if (t->server[i].port != 0)
			jail_host(t->server[i].host, t->server[i].port);
}

int
server_tls(const struct table *t, const struct server *s)
{
	if (s->port == 0)
		return TLS_NO;
	if (t->c.tls != TLS_AUTO)
		return t->c.tls;
	return s->here ? TLS_NO : TLS_VERIFY;
}

int
ms_left(int64_t deadline)
{
	int64_t left = deadline - mono_ms();

	return left <= 0 ? 0 : (int)MIN(left, (int64_t)INT_MAX);
}

int
wait_fd(int fd, short events, int64_t deadline, struct err *err)
{
	struct pollfd p = { fd, events, 0 };
	int r;

	do {
		r = poll(&p, 1, ms_left(deadline));
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return err_temp(err, "4.3.0", "no answer in time");
	return r > 0 ? 0 : err_sys(err, "poll");
}

static int
connect_to(const struct addrinfo *a, int64_t deadline, struct err *err)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0), e = 0;
	socklen_t n = sizeof(e);

	if (fd < 0)
		return err_sys(err, "socket");
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0)
		e = errno;
	if (e == EINPROGRESS) {
		if (wait_fd(fd, POLLOUT, deadline, err) < 0) {
			close_fd(fd);
			return -1;
		}
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n);
	}
	if (e == 0 && fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	close_fd(fd);
	errno = e;
	return err_sys(err, "connect");
}

int
dial(const struct server *s, int64_t deadline, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *a;
	char port[8];
	int fd = -1, rc;

	snprintf(port, sizeof(port), "%u", s->port);
	rc = getaddrinfo(s->host, port, &hints, &all);
	if (rc != 0)
		return err_temp(err, "4.3.0", "%s: %s", s->name,
		    gai_strerror(rc));
	for (a = all; a != NULL && fd < 0; a = a->ai_next)
		fd = connect_to(a, deadline, err);
	freeaddrinfo(all);
	return fd >= 0 ? fd : err_prefix(err, "%s", s->name);
}

static void
on_alarm(int sig UNUSED)
{
	int e = errno;

	if (guarded >= 0)
		shutdown(guarded, SHUT_RDWR);
	errno = e;
}

void
guard_start(int fd, int64_t deadline)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int ms = ms_left(deadline) + 10;
	struct itimerval it = { { 0, 0 }, { ms / 1000, ms % 1000 * 1000 } };

	guarded = fd;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

void
guard_end(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &it, NULL);
	guarded = -1;
}
