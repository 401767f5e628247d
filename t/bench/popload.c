/*
 * popload.c - bench_popload: POP3 clients that read whole mailboxes.
 *
 *   bench_popload -P port [-c clients] [-n sessions] [-U user] [-u users]
 *       [-w password]
 *
 * A session is connect, USER, PASS, STAT, RETR of each message one after the
 * other (the next is asked for when the last has come, as most clients do),
 * QUIT; the n-th is user n modulo -u (%03d in -U).  Only 127.0.0.1.  Prints
 * one JSON line: messages a second over the time from the first connect to
 * the last QUIT.  Exit status: 0 all was done, 1 some was not, 2 usage.
 *
 * One loop for all clients: it has the same cores as the server, and a thread
 * for each client would be woken for each message.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { END_LEN = 5, EVENTS = 64, SILENCE_MS = 60000 };
static const char end_mark[] = "\r\n.\r\n";

static struct sockaddr_in to = { .sin_family = AF_INET };
static const char *user = "u%03d@local.test", *password = "pw";
static int users = 1, clients = 1, epfd, working;
static long sessions = 1;
static long begun, messages, octets, failed;

/* whose answer is waited for */
enum step { GREETING, USER, PASS, STAT, RETR, QUIT };

struct pop {
	int fd;
	enum step step;
	long number;		/* of the session */
	long i, count;		/* message at work, messages */
	bool body;		/* the first line of its answer was +OK */
	size_t have;
	char buf[65536];
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* the n-th session's user, where the template says %d or %0Nd */
static void
user_name(long n, char *buf, size_t len)
{
	const char *at = strchr(user, '%');
	char *end;
	int width;

	if (at == NULL) {
		snprintf(buf, len, "%s", user);
		return;
	}
	width = (int)strtol(at + 1, &end, 10);
	snprintf(buf, len, "%.*s%0*d%s", (int)(at - user), user, width,
	    (int)(n % users), end + 1);
}

static bool
say(struct pop *p, enum step step)
{
	char name[300], text[400];
	size_t n;

	p->step = step;
	p->have = 0;
	if (step == USER) {
		user_name(p->number, name, sizeof(name));
		snprintf(text, sizeof(text), "USER %s\r\n", name);
	} else if (step == PASS) {
		snprintf(text, sizeof(text), "PASS %s\r\n", password);
	} else if (step == RETR) {
		p->body = false;
		snprintf(text, sizeof(text), "RETR %ld\r\n", p->i);
	} else {
		snprintf(text, sizeof(text), "%s\r\n",
		    step == STAT ? "STAT" : "QUIT");
	}
	n = strlen(text);
	return send(p->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool
next_message(struct pop *p)
{
	return ++p->i <= p->count ? say(p, RETR) : say(p, QUIT);
}

/* The answer to RETR, as much as has come.  A line with a dot ends it, which
 * the text can not have; nothing follows, since nothing more was asked. */
static bool
take_body(struct pop *p)
{
	char *lf;

	if (!p->body) {
		lf = memchr(p->buf, '\n', p->have);
		if (lf == NULL)
			return p->have < sizeof(p->buf);
		if (strncmp(p->buf, "+OK", 3) != 0)
			return false;
		p->body = true;
		octets -= lf + 1 - p->buf;
	}
	if (p->have < END_LEN)
		return true;
	if (memcmp(p->buf + p->have - END_LEN, end_mark, END_LEN) == 0) {
		octets += (long)p->have - 3;
		messages++;
		return next_message(p);
	}
	octets += (long)p->have - END_LEN;
	memmove(p->buf, p->buf + p->have - END_LEN, END_LEN);
	p->have = END_LEN;
	return true;
}

/* an answer of one line: 1 it was there, 0 not yet, -1 not +OK */
static int
take_line(struct pop *p)
{
	if (p->have == 0 || p->buf[p->have - 1] != '\n')
		return p->have < sizeof(p->buf) ? 0 : -1;
	p->buf[p->have - 1] = '\0';
	return strncmp(p->buf, "+OK", 3) == 0 ? 1 : -1;
}

/* false: the session is at its end, or lost where fd is still open */
static bool
take(struct pop *p)
{
	int r;

	if (p->step == RETR)
		return take_body(p);
	r = take_line(p);
	if (r <= 0)
		return r == 0;
	switch (p->step) {
	case GREETING:
		return say(p, USER);
	case USER:
		return say(p, PASS);
	case PASS:
		return say(p, STAT);
	case STAT:
		p->count = strtol(p->buf + 3, NULL, 10);
		p->i = 0;
		return next_message(p);
	default:
		close(p->fd);
		p->fd = -1;
		return false;
	}
}

static void
connect_next(struct pop *p)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET,
	    .data = { .ptr = p } };
	int on = 1;

	working--;
	while (begun < sessions) {
		p->number = begun++;
		p->step = GREETING;
		p->have = 0;
		p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (p->fd < 0)
			err(2, "socket");
		setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connect(p->fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		    fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0 &&
		    epoll_ctl(epfd, EPOLL_CTL_ADD, p->fd, &ev) == 0) {
			working++;
			return;
		}
		failed++;
		close(p->fd);
	}
}

/* What came is taken until there is no more: one event tells of all. */
static void
ready(struct pop *p)
{
	size_t room;
	ssize_t n;

	do {
		room = sizeof(p->buf) - p->have;
		n = read(p->fd, p->buf + p->have, room);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			p->have += (size_t)n;
		if (n <= 0 || !take(p)) {
			if (p->fd >= 0) {
				failed++;
				close(p->fd);
			}
			connect_next(p);
			return;
		}
	} while ((size_t)n == room);
}

static void
work(struct pop *p)
{
	struct epoll_event ev[EVENTS];
	int i, n;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		err(2, "epoll_create1");
	working = clients;
	for (i = 0; i < clients; i++)
		connect_next(&p[i]);
	while (working > 0) {
		n = epoll_wait(epfd, ev, EVENTS, SILENCE_MS);
		if (n < 0 && errno != EINTR)
			err(2, "epoll_wait");
		if (n == 0)
			errx(1, "nothing came for %d s", SILENCE_MS / 1000);
		for (i = 0; i < n; i++)
			ready(ev[i].data.ptr);
	}
	close(epfd);
}

static long
number(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > max)
		errx(2, "%s: expected a number from 1 to %ld", text, max);
	return n;
}

/* one conversion, and that is %d or %0Nd */
static void
check_template(void)
{
	const char *at = strchr(user, '%');

	if (at != NULL)
		at += 1 + strspn(at + 1, "0123456789");
	if (strlen(user) > 200 || (at != NULL &&
	    (*at != 'd' || strchr(at, '%') != NULL)))
		errx(2, "%s: only one %%d or %%0Nd is known", user);
}

static void
options(int argc, char **argv)
{
	int c;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((c = getopt(argc, argv, "c:n:P:u:U:w:")) != -1)
		switch (c) {
		case 'c': clients = (int)number(optarg, 1000); break;
		case 'n': sessions = number(optarg, 100000000); break;
		case 'P': to.sin_port =
		    htons((uint16_t)number(optarg, 65535)); break;
		case 'u': users = (int)number(optarg, 100000); break;
		case 'U': user = optarg; break;
		case 'w': password = optarg; break;
		default: errx(2, "usage: see the head of t/bench/popload.c");
		}
	if (argc != optind || to.sin_port == 0 || strlen(password) > 200)
		errx(2, "usage: see the head of t/bench/popload.c");
	check_template();
}

int
main(int argc, char **argv)
{
	struct pop *p;
	double t;

	options(argc, argv);
	p = calloc((size_t)clients, sizeof(*p));
	if (p == NULL)
		err(2, "memory");
	t = now();
	work(p);
	t = now() - t;
	printf("{\"sessions\":%ld,\"failed\":%ld,\"done\":%ld,"
	    "\"octets\":%ld,\"seconds\":%.3f,\"rate\":%.1f}\n", sessions,
	    failed, messages, octets, t, (double)messages / t);
	free(p);
	return failed == 0 ? 0 : 1;
}
