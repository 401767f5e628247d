/*
 * smtpsink.c - bench_smtpsink: a next hop that takes everything and counts.
 *
 *   bench_smtpsink -n N [-a address] [-P port] [-t seconds] [-w ms]
 *
 * Prints its port, takes messages until N different ones have come or the
 * time is over, and prints one JSON line.  A message is known by the number
 * in its Message-ID, as bench_smtpload makes it; -w is how long it lets each
 * client wait for the answer to the final dot.  Nothing is kept.  Times are
 * CLOCK_MONOTONIC seconds.  Exit status: 0 all came, 1 fewer, 2 usage or the
 * system.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { CONNS = 4096, LINE = 2048, EVENTS = 256, REPLIES = 4096 };

struct conn {
	int fd;			/* -1: free */
	bool data;		/* content, not commands */
	int match;		/* octets of CRLF.CRLF that were seen */
	bool header;		/* the Message-ID was not seen yet */
	char line[LINE];	/* the line at work */
	size_t n;
	double answer_at;	/* 0: nothing waits */
};

static struct conn conns[CONNS];
static int epfd, listener;
static char replies[REPLIES];	/* to the commands that came together */
static size_t replies_len;
static unsigned char *seen;
static long want, got, twice, unknown, connections;
static double first, last, wait_s;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
drop(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
}

static void
flush_replies(struct conn *c)
{
	size_t n = replies_len;

	replies_len = 0;
	/* replies are short and a client that reads none is none */
	if (n > 0 && c->fd >= 0 &&
	    send(c->fd, replies, n, MSG_NOSIGNAL) != (ssize_t)n)
		drop(c);
}

static void
say(struct conn *c, const char *text)
{
	size_t n = strlen(text);

	if (replies_len + n > REPLIES)
		flush_replies(c);
	memcpy(replies + replies_len, text, n);
	replies_len += n;
}

static void
count(const char *id)
{
	long n = strtol(id, NULL, 10);

	if (n < 0 || n >= want)
		unknown++;
	else if (seen[n]++)
		twice++;
	else
		got++;
	last = now();
	if (first == 0)
		first = last;
}

static void
command(struct conn *c)
{
	if (strncasecmp(c->line, "EHLO", 4) == 0)
		say(c, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
		    "250-ENHANCEDSTATUSCODES\r\n250 SIZE 104857600\r\n");
	else if (strncasecmp(c->line, "DATA", 4) == 0) {
		c->data = c->header = true;
		c->match = 2;
		say(c, "354 go on\r\n");
	} else if (strncasecmp(c->line, "QUIT", 4) == 0) {
		say(c, "221 2.0.0 bye\r\n");
		flush_replies(c);
		if (c->fd >= 0)
			drop(c);
	} else
		say(c, "250 2.0.0 ok\r\n");
}

static void
header_line(struct conn *c)
{
	static const char name[] = "Message-ID: <";

	if (strncasecmp(c->line, name, sizeof(name) - 1) != 0)
		return;
	c->header = false;
	count(c->line + sizeof(name) - 1);
}

/* one octet of content: true at the end of CRLF.CRLF */
static bool
ends(struct conn *c, char ch)
{
	static const char end[] = "\r\n.\r\n";

	if (ch == end[c->match])
		c->match++;
	else
		c->match = ch == '\r' ? 1 : 0;
	return c->match == 5;
}

static void
octet(struct conn *c, char ch)
{
	if (c->data && ends(c, ch)) {
		c->data = false;
		c->n = 0;
		if (wait_s > 0)
			c->answer_at = now() + wait_s;
		else
			say(c, "250 2.0.0 taken\r\n");
		return;
	}
	if (c->data && !c->header)
		return;
	if (ch != '\n') {
		if (c->n < LINE - 1)
			c->line[c->n++] = ch;
		return;
	}
	c->line[c->n] = '\0';
	c->n = 0;
	if (c->data)
		header_line(c);
	else
		command(c);
}

static void
input(struct conn *c)
{
	static char buf[65536];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0), i;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	for (i = 0; i < n && c->fd >= 0; i++)
		octet(c, buf[i]);
	flush_replies(c);
}

static void
take(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int i, on = 1;

	if (fd < 0)
		return;
	for (i = 0; i < CONNS && conns[i].fd >= 0; i++)
		;
	if (i == CONNS) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	conns[i] = (struct conn){ .fd = fd };
	connections++;
	ev.data.ptr = &conns[i];
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		err(2, "epoll_ctl");
	say(&conns[i], "220 sink.test ESMTP\r\n");
	flush_replies(&conns[i]);
}

/* answers that are due; milliseconds to the next, at most 200 */
static int
answers(void)
{
	double t = now(), next = t + 0.2;
	int i;

	for (i = 0; wait_s > 0 && i < CONNS; i++) {
		struct conn *c = &conns[i];

		if (c->fd < 0 || c->answer_at == 0)
			continue;
		if (c->answer_at <= t) {
			c->answer_at = 0;
			say(c, "250 2.0.0 taken\r\n");
			flush_replies(c);
		} else if (c->answer_at < next)
			next = c->answer_at;
	}
	return (int)((next - t) * 1000) + 1;
}

static void
serve(double limit)
{
	struct epoll_event ev[EVENTS];
	double end = now() + limit, quiet = 0;
	int i, n;

	/* a little longer, to see what comes twice */
	while (now() < end && (got < want || now() < quiet)) {
		n = epoll_wait(epfd, ev, EVENTS, answers());
		for (i = 0; i < n; i++)
			if (ev[i].data.ptr == NULL)
				take();
			else if (((struct conn *)ev[i].data.ptr)->fd >= 0)
				input(ev[i].data.ptr);
		if (got >= want && quiet == 0)
			quiet = now() + 0.5;
	}
}

static void
open_listener(const char *address, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	struct epoll_event ev = { .events = EPOLLIN };
	socklen_t len = sizeof(sin);
	int on = 1;

	if (inet_pton(AF_INET, address, &sin.sin_addr) != 1 ||
	    ntohl(sin.sin_addr.s_addr) >> 24 != 127)
		errx(2, "not a loopback address: %s", address);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (listener < 0 || epfd < 0 || setsockopt(listener, SOL_SOCKET,
	    SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(listener, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    listen(listener, 1024) < 0 ||
	    getsockname(listener, (struct sockaddr *)&sin, &len) < 0 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &ev) < 0)
		err(2, "%s", address);
	printf("%d\n", ntohs(sin.sin_port));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	const char *address = "127.0.0.1";
	double limit = 300;
	int c, port = 0;

	while ((c = getopt(argc, argv, "n:a:P:t:w:")) != -1)
		if (c == 'n')
			want = strtol(optarg, NULL, 10);
		else if (c == 'a')
			address = optarg;
		else if (c == 'P')
			port = (int)strtol(optarg, NULL, 10);
		else if (c == 't')
			limit = strtod(optarg, NULL);
		else if (c == 'w')
			wait_s = strtod(optarg, NULL) / 1000;
		else
			return 2;
	if (want <= 0 || limit <= 0 || optind != argc)
		errx(2, "usage: bench_smtpsink -n N [-a address] "
		    "[-P port] [-t seconds] [-w ms]");
	seen = calloc((size_t)want, 1);
	if (seen == NULL)
		err(2, "memory");
	for (c = 0; c < CONNS; c++)
		conns[c].fd = -1;
	open_listener(address, port);
	serve(limit);
	printf("{\"messages\":%ld,\"twice\":%ld,\"unknown\":%ld,"
	    "\"connections\":%ld,\"first\":%.6f,\"last\":%.6f}\n", got, twice,
	    unknown, connections, first, last);
	return got >= want ? 0 : 1;
}
