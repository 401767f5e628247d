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
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in to = { .sin_family = AF_INET };
static const char *user = "u%03d@local.test", *password = "pw";
static int users = 1, clients = 1;
static long sessions = 1;
static atomic_long begun, messages, octets, failed;

struct pop {
	int fd;
	size_t have, pos;
	char buf[65536];
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
more(struct pop *p)
{
	ssize_t n;

	memmove(p->buf, p->buf + p->pos, p->have - p->pos);
	p->have -= p->pos;
	p->pos = 0;
	if (p->have == sizeof(p->buf))
		return false;
	n = read(p->fd, p->buf + p->have, sizeof(p->buf) - p->have);
	if (n > 0)
		p->have += (size_t)n;
	return n > 0;
}

/* the next line, without its end, valid until the next call; NULL: lost */
static char *
next_line(struct pop *p, size_t *n_r)
{
	char *line, *lf;

	while ((lf = memchr(p->buf + p->pos, '\n', p->have - p->pos)) == NULL)
		if (!more(p))
			return NULL;
	line = p->buf + p->pos;
	*lf = '\0';
	*n_r = (size_t)(lf - line) + 1;
	p->pos += *n_r;
	return line;
}

/* one command; its reply line where that is +OK */
static char *
ask(struct pop *p, const char *text)
{
	size_t n;
	char *line;

	if (*text != '\0' && write(p->fd, text, strlen(text)) < 0)
		return NULL;
	line = next_line(p, &n);
	return line != NULL && strncmp(line, "+OK", 3) == 0 ? line : NULL;
}

static bool
retrieve(struct pop *p, long number)
{
	char text[40];
	char *line;
	size_t n, sum = 0;

	snprintf(text, sizeof(text), "RETR %ld\r\n", number);
	if (ask(p, text) == NULL)
		return false;
	while ((line = next_line(p, &n)) != NULL && strcmp(line, ".\r") != 0)
		sum += n;
	atomic_fetch_add(&messages, 1);
	atomic_fetch_add(&octets, (long)sum);
	return line != NULL;
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
log_in(struct pop *p, long n)
{
	char name[300], text[400];

	user_name(n, name, sizeof(name));
	if (ask(p, "") == NULL)
		return false;
	snprintf(text, sizeof(text), "USER %s\r\n", name);
	if (ask(p, text) == NULL)
		return false;
	snprintf(text, sizeof(text), "PASS %s\r\n", password);
	return ask(p, text) != NULL;
}

static bool
session(struct pop *p, long n)
{
	long i, count;
	char *line;

	if (!log_in(p, n) || (line = ask(p, "STAT\r\n")) == NULL)
		return false;
	count = strtol(line + 3, NULL, 10);
	for (i = 1; i <= count; i++)
		if (!retrieve(p, i))
			return false;
	return ask(p, "QUIT\r\n") != NULL;
}

static void *
work(void *arg)
{
	struct pop *p = arg;
	int on = 1;
	long n;

	while ((n = atomic_fetch_add(&begun, 1)) < sessions) {
		p->have = p->pos = 0;
		p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (p->fd < 0)
			err(2, "socket");
		setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connect(p->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		    !session(p, n))
			atomic_fetch_add(&failed, 1);
		close(p->fd);
	}
	return NULL;
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
	pthread_t *thread;
	struct pop *p;
	double t;
	int i;

	options(argc, argv);
	thread = calloc((size_t)clients, sizeof(*thread));
	p = calloc((size_t)clients, sizeof(*p));
	if (thread == NULL || p == NULL)
		err(2, "memory");
	t = now();
	for (i = 0; i < clients; i++)
		if (pthread_create(&thread[i], NULL, work, &p[i]) != 0)
			errx(2, "no thread");
	for (i = 0; i < clients; i++)
		pthread_join(thread[i], NULL);
	t = now() - t;
	printf("{\"sessions\":%ld,\"failed\":%ld,\"done\":%ld,"
	    "\"octets\":%ld,\"seconds\":%.3f,\"rate\":%.1f}\n", sessions,
	    atomic_load(&failed), atomic_load(&messages),
	    atomic_load(&octets), t, (double)atomic_load(&messages) / t);
	free(p);
	free(thread);
	return atomic_load(&failed) == 0 ? 0 : 1;
}
