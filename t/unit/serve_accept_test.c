/*
 * serve_accept_test.c - who a client of a TCP listener is, and that its socket
 * has the options that the listener had before it came, or else is given them.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "serve/internal.h"
#include "test/tap.h"

/* what the listener has is what master/listen.c gives it */
static int
listener(const char *addr, bool options, int *port)
{
	const struct timeval tv = { 0, IDLE_MS * 1000 };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0), one = 1;

	inet_pton(AF_INET, addr, &sin.sin_addr);
	if (options && (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
	    sizeof(one)) < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
	    sizeof(tv)) < 0))
		die("setsockopt");
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		die("listen");
	*port = ntohs(sin.sin_port);
	return fd;
}

static int
dial(const char *addr, int port, int *own)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, addr, &sin.sin_addr);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		die("connect");
	*own = ntohs(sin.sin_port);
	return fd;
}

static void
check_client(const char *what, const char *addr, int port)
{
	struct timeval tv = { 0, 0 };
	int own, client = dial(addr, port, &own), fd, nodelay = 0;
	socklen_t tv_len = sizeof(tv), len = sizeof(nodelay);
	struct arrival a = { 0 };
	struct peer p;
	struct io io;

	fd = serve_accept(&a);
	ok(fd >= 0, "%s: a client", what);
	io_init_socket(&io, fd, 0);
	serve_arrived(&p, &io, fd, &a);
	is_str(p.addr, "127.0.0.1", "%s: from there", what);
	is_int(p.port, own, "%s: and that port", what);
	is_str(p.local_addr, addr, "%s: it came to this address", what);
	is_int(p.local_port, port, "%s: and this port", what);
	is_int(io.block_ms, IDLE_MS, "%s: reads end after a while", what);
	ok(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &tv_len) == 0 &&
	    tv.tv_sec == 0 && tv.tv_usec == IDLE_MS * 1000,
	    "%s: which the socket says, too", what);
	ok(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len) == 0 &&
	    nodelay != 0, "%s: nothing is delayed", what);
	io_close(&io);
	close(client);
}

int
main(void)
{
	static const struct {
		const char *what, *bind, *to;
		bool options;
	} t[] = {
		{ "one address", "127.0.0.1", "127.0.0.1", true },
		{ "all addresses", "0.0.0.0", "127.0.0.1", true },
		{ "an older master", "127.0.0.1", "127.0.0.1", false },
	};
	int port[ARRAY_LEN(t)], fd;
	size_t i;

	for (i = 0; i < ARRAY_LEN(t); i++) {
		fd = listener(t[i].bind, t[i].options, &port[i]);
		if (fd != LISTEN_FD + (int)i) {
			dup3(fd, LISTEN_FD + (int)i, O_CLOEXEC);
			close(fd);
		}
	}
	launch.listeners = ARRAY_LEN(t);
	for (i = 0; i < ARRAY_LEN(t); i++)
		check_client(t[i].what, t[i].to, port[i]);
	return tap_done();
}
