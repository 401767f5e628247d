/*
 * web.c - name, addresses, connection, TLS.  Who is at the other end is
 * believed only after tlsd has verified it; DNS may lie.
 */
#include "web.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "serve/dns.h"

enum { ADDRESSES = 8 };

static int
ms_left(int64_t deadline, int64_t most)
{
	int64_t left = deadline - mono_ms();

	return left <= 0 ? 0 : (int)MIN(left, most);
}

static socklen_t
make_address(const char *z, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *four = (struct sockaddr_in *)ss;

	*ss = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, z, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, z, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		return sizeof(*six);
	}
	return 0;
}

/* The end of our generation is the end of the wait, too. */
static int
wait_connected(int fd, int ms, struct err *err)
{
	struct pollfd p[2] = { { fd, POLLOUT, 0 }, { LIFE_FD, POLLIN, 0 } };
	socklen_t n = sizeof(int);
	int e = 0, r;

	do {
		r = poll(p, launch.listeners > 0 ? 2 : 1, ms);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_sys(err, "poll");
	if (p[0].revents == 0)
		return err_temp(err, "4.4.1", "connect: %s", r == 0 ?
		    "no answer in time" : "we are ending");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) == 0 && e == 0)
		return 0;
	return err_temp(err, "4.4.1", "connect: %s", strerror(e));
}

static int
connect_to(const char *addr, int ms, struct err *err)
{
	struct sockaddr_storage ss;
	socklen_t n = make_address(addr, (uint16_t)conf.https_port, &ss);
	int fd, r = 0;

	if (n == 0)
		return err_temp(err, "4.4.3", "%s is no address", addr);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd < 0)
		return err_sys(err, "socket");
	if (connect(fd, (struct sockaddr *)&ss, n) < 0)
		r = errno == EINPROGRESS ? wait_connected(fd, ms, err) :
		    err_temp(err, "4.4.1", "connect: %s", strerror(errno));
	if (r == 0)
		r = fcntl(fd, F_SETFL, 0) < 0 ? err_sys(err, "fcntl") : 0;
	if (r == 0)
		return fd;
	close_fd(fd);
	return -1;
}

/* AAAA and A in turns, so that a broken family costs one attempt */
static size_t
mix(const struct dns_question q[2], const char *addr[ADDRESSES])
{
	size_t i, n = 0;
	int k;

	for (i = 0; n < ADDRESSES && (i < q[0].a.n || i < q[1].a.n); i++)
		for (k = 0; k < 2 && n < ADDRESSES; k++)
			if (i < q[k].a.n)
				addr[n++] = q[k].a.rr[i];
	return n;
}

static int
find_addresses(const char *host, int64_t deadline, struct arena *a,
    const char *addr[ADDRESSES], struct err *err)
{
	struct dns_question q[2] = { { .name = host, .type = DNS_AAAA },
		{ .name = host, .type = DNS_A } };
	size_t n;

	if (dns_ask(q, 2, ms_left(deadline, conf.dns_timeout), "", a,
	    err) < 0)
		return -1;
	n = mix(q, addr);
	if (n > 0)
		return (int)n;
	return dns_err(&q[q[0].a.status > DNS_NXDOMAIN ? 0 : 1], err);
}

static int
dial(const char *host, int64_t deadline, struct arena *a, struct err *err)
{
	const char *addr[ADDRESSES];
	int n = find_addresses(host, deadline, a, addr, err), i, fd = -1, ms;

	for (i = 0; i < n && fd < 0; i++) {
		ms = ms_left(deadline, conf.connect_timeout);
		if (ms == 0)
			return err_temp(err, "4.4.1", "%s: no time left",
			    host);
		fd = web_may_reach(addr[i], &conf.private_networks) ?
		    connect_to(addr[i], ms, err) : err_temp(err, "4.4.1",
		    "connect: %s is not a public address", addr[i]);
	}
	return fd >= 0 ? fd : err_prefix(err, "%s", host);
}

int
web_open(struct web *w, const char *host, int64_t deadline, struct arena *a,
    struct err *err)
{
	struct tls_client_in in = { .service = "https", .session = "",
		.sni = host, .verify = TLS_PKIX, .alpn = "http/1.1" };
	int fd;

	*w = (struct web){ .open = false };
	fd = dial(host, deadline, a, err);
	if (fd < 0)
		return -1;
	io_init(&w->io, fd, 0);
	w->open = true;
	w->io.deadline = deadline;
	if (launch.listeners > 0)
		io_wake_on(&w->io, LIFE_FD);
	strlist_add(&in.names, a, host);
	in.timeout = ms_left(deadline, conf.connect_timeout);
	if (in.timeout == 0)
		return err_temp(err, "4.4.1", "%s: no time left", host);
	return tls_connect(&w->io, &in, &w->facts, err) < 0 ?
	    err_prefix(err, "%s", host) : 0;
}

void
web_close(struct web *w)
{
	if (w->open)
		io_close(&w->io);
	tls_facts_free(&w->facts);
	w->open = false;
}
