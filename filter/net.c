/*
 * net.c - connections to filters, each wait with its end.
 */
#include "filter.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

/* smtpd's end of the request under way; -1: nobody waits for an answer */
static int caller = -1;

void
net_caller(int fd)
{
	caller = fd;
}

/* It asks one thing at a time: what comes meanwhile is its hang-up. */
bool
net_gone(void)
{
	struct pollfd p = { caller, POLLIN, 0 };

	return caller >= 0 && poll(&p, 1, 0) > 0;
}

static int
nobody_waits(struct err *err)
{
	return err_temp(err, "4.4.2", "smtpd has given up waiting");
}

/* the end of all waiting, where it comes before now + ms */
static int
ms_until(int64_t end)
{
	int64_t left = end - mono_ms();

	return left <= 0 ? 0 : (int)MIN(left, (int64_t)INT_MAX);
}

static int
wait_connected(int fd, int64_t end, struct err *err)
{
	struct pollfd p[2] = { { fd, POLLOUT, 0 }, { caller, POLLIN, 0 } };
	socklen_t n = sizeof(int);
	int e = 0, r;

	do {
		r = poll(p, 2, ms_until(end));
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_sys(err, "poll");
	if (r > 0 && p[0].revents == 0)
		return nobody_waits(err);
	if (r == 0)
		return err_temp(err, "4.4.1", "connect: no answer in time");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) == 0 && e == 0)
		return 0;
	return err_temp(err, "4.4.1", "connect: %s", strerror(e));
}

/* A UNIX socket whose queue is full says EAGAIN and can not be waited for. */
static int
try_connect(int fd, const struct sockaddr_storage *ss, socklen_t len,
    int64_t end, struct err *err)
{
	int pause = 1;

	while (connect(fd, (const struct sockaddr *)ss, len) < 0) {
		if (errno == EINPROGRESS)
			return wait_connected(fd, end, err);
		if (errno != EAGAIN || ms_until(end) == 0)
			return err_temp(err, "4.4.1", "connect: %s",
			    strerror(errno));
		if (net_gone())
			return nobody_waits(err);
		poll(NULL, 0, MIN(pause, ms_until(end)));
		pause = MIN(2 * pause, 100);
	}
	return 0;
}

static int
connect_one(const struct sockaddr_storage *ss, socklen_t len, int64_t end,
    struct err *err)
{
	int one = 1, fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, "socket");
	if (try_connect(fd, ss, len, end, err) < 0) {
		close(fd);
		return -1;
	}
	if (ss->ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(fd, F_SETFL, 0) < 0) {
		err_sys(err, "fcntl");
		close(fd);
		return -1;
	}
	return fd;
}

int
net_connect(const struct filter_conf *c, struct err *err)
{
	int64_t end = mono_ms() + c->timeout_connect;
	size_t i;
	int fd = -1;

	err_temp(err, "4.3.0", "no address");
	for (i = 0; i < c->addrs && fd < 0; i++)
		fd = connect_one(&c->addr[i], c->addr_len[i], end, err);
	return fd;
}

int
net_open(const struct filter_conf *c, struct io *io, struct err *err)
{
	int fd = net_connect(c, err);

	if (fd < 0)
		return -1;
	io_init(io, fd, (int)c->timeout_command);
	return 0;
}

void
net_deadline(struct io *io, int64_t ms)
{
	io->cmd_deadline = mono_ms() + ms;
	io->timeout_ms = (int)ms;
	io->wake_fd = caller;
}

int
net_err(const struct io *io, struct err *err)
{
	if (io->woken)
		return nobody_waits(err);
	if (io->timed_out)
		return err_temp(err, "4.4.2", "no answer in time");
	if (io->eof)
		return err_temp(err, "4.4.2", "it closed the connection");
	return err_temp(err, "4.4.2", "%s", io->err.text[0] != '\0' ?
	    io->err.text : "the connection is lost");
}

int
net_read(struct io *io, void *p, size_t n, struct err *err)
{
	struct slice buf;
	char *to = p;
	size_t part;

	while (n > 0) {
		if (io_peek(io, &buf) <= 0)
			return net_err(io, err);
		part = MIN(buf.n, n);
		memcpy(to, buf.p, part);
		io_consume(io, part);
		to += part;
		n -= part;
	}
	return 0;
}

int
net_flush(struct io *io, struct err *err)
{
	return io_flush(io) < 0 ? net_err(io, err) : 0;
}
