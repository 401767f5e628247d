/*
 * abuse.c - bench_abuse: many clients that mean no good, in one epoll loop.
 *
 *   bench_abuse -P 2525 -n 5000
 *
 * -P port  -n connections that are kept open (5000)  -k which kinds, letters
 * of "sed" (all): s says nothing, e speaks as soon as it is connected, d sends
 * a byte of its first command a second once it is greeted  -w ms before a
 * connection that was closed is opened again (1000)  -o connects a second
 * while it begins (2000)  -T seconds (600)
 *
 * Each connection has an address of its own, 127.16.0.0 and up.  Prints "ready"
 * when all were opened once, and one JSON line when standard input ends.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct one {
	int fd;			/* -1: closed */
	char kind;
	bool connected, greeted;
	int sent;
	double at;		/* to open it again; to send the next byte */
};

static struct {
	struct sockaddr_in to;
	int n, wait_ms, rate, limit_s;
	const char *kinds;
} opt = { .n = 5000, .wait_ms = 1000, .rate = 2000, .limit_s = 600,
	.kinds = "sed" };
static long opened, closed, refused, failed, greeted;
static int epfd;

static const char early[] = "EHLO spam.example\r\nMAIL FROM:<x@spam.example>"
    "\r\nRCPT TO:<u000@local.test>\r\n";
static const char drip[] = "EHLO this.name.comes.very.slowly.as.it.is.long."
    "and.somebody.wants.to.keep.a.process.busy.for.as.long.as.possible."
    "with.few.bytes.example\r\n";

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
shut(struct one *o, bool again)
{
	close(o->fd);
	o->fd = -1;
	o->at = now() + (again ? opt.wait_ms / 1e3 : 0.2);
}

static void
start(struct one *o, int i)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT,
		.data.ptr = o };
	int one = 1;

	o->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->fd < 0)
		err(2, "socket");
	setsockopt(o->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
	    sizeof(one));
	/* no two in the same /24: i in the second and third octet */
	from.sin_addr.s_addr = htonl(0x7f100001 + ((uint32_t)i << 8));
	o->connected = o->greeted = false;
	o->sent = 0;
	if (bind(o->fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    (connect(o->fd, (struct sockaddr *)&opt.to, sizeof(opt.to)) < 0 &&
	    errno != EINPROGRESS)) {
		failed++;
		shut(o, false);
		return;
	}
	epoll_ctl(epfd, EPOLL_CTL_ADD, o->fd, &ev);
}

static void
connected(struct one *o)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = o };

	o->connected = true;
	opened++;
	epoll_ctl(epfd, EPOLL_CTL_MOD, o->fd, &ev);
	if (o->kind == 'e' && send(o->fd, early, sizeof(early) - 1,
	    MSG_NOSIGNAL) < 0)
		shut(o, true);
}

static void
receive(struct one *o)
{
	char buf[4096];
	ssize_t n = recv(o->fd, buf, sizeof(buf) - 1, 0);
	char *p;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		closed++;
		shut(o, true);
		return;
	}
	buf[n] = '\0';
	for (p = buf; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		p += *p == '\n';
		refused += *p == '4' || *p == '5';
		if (strncmp(p, "220 ", 4) == 0) {
			greeted++;
			o->greeted = true;
			o->at = now();
		}
	}
}

static void
ready(struct one *o, uint32_t what)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (o->fd < 0)
		return;
	if (!o->connected) {
		getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &e, &len);
		if (e != 0) {
			failed++;
			shut(o, true);
			return;
		}
		connected(o);
	}
	if (o->fd >= 0 && what & EPOLLIN)
		receive(o);
}

/* a byte more; at the end of the line it begins the next */
static void
drop(struct one *o, double t)
{
	o->at = t + 1;
	if (send(o->fd, &drip[o->sent], 1, MSG_NOSIGNAL) < 0) {
		closed++;
		shut(o, true);
		return;
	}
	o->sent = (o->sent + 1) % (int)(sizeof(drip) - 1);
}

static void
work(struct one *o, double begun)
{
	double t = now();
	int i, most = (int)((t - begun) * opt.rate) + 1, batch = 200;

	for (i = 0; i < opt.n && i < most; i++) {
		if (o[i].fd < 0 && o[i].at <= t && batch-- > 0)
			start(&o[i], i);
		else if (o[i].fd >= 0 && o[i].kind == 'd' && o[i].greeted &&
		    o[i].at <= t)
			drop(&o[i], t);
	}
}

static bool
over(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char c;

	return poll(&p, 1, 0) > 0 && read(0, &c, 1) <= 0;
}

static void
run(struct one *o)
{
	struct epoll_event ev[512];
	double begun = now(), next = 0;
	bool said = false;
	int i, n;

	while (!over() && now() < begun + opt.limit_s) {
		if (now() >= next) {
			work(o, begun);
			next = now() + 0.02;
		}
		n = epoll_wait(epfd, ev, 512, 20);
		for (i = 0; i < n; i++)
			ready(ev[i].data.ptr, ev[i].events);
		if (!said && opened + failed >= opt.n) {
			said = true;
			puts("ready");
			fflush(stdout);
		}
	}
}

static void
options(int argc, char **argv)
{
	int c;

	opt.to.sin_family = AF_INET;
	opt.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((c = getopt(argc, argv, "P:n:k:w:o:T:")) != -1)
		switch (c) {
		case 'P': opt.to.sin_port =
		    htons((uint16_t)strtol(optarg, NULL, 10)); break;
		case 'n': opt.n = (int)strtol(optarg, NULL, 10); break;
		case 'k': opt.kinds = optarg; break;
		case 'w': opt.wait_ms = (int)strtol(optarg, NULL, 10); break;
		case 'o': opt.rate = (int)strtol(optarg, NULL, 10); break;
		case 'T': opt.limit_s = (int)strtol(optarg, NULL, 10); break;
		default: errx(2, "usage: see the head of t/bench/abuse.c");
		}
	if (argc != optind || opt.to.sin_port == 0 || opt.n < 1 ||
	    opt.n > 60000 || opt.rate < 1 || opt.kinds[0] == '\0' ||
	    strspn(opt.kinds, "sed") != strlen(opt.kinds))
		errx(2, "usage: bench_abuse -P port [options]");
}

int
main(int argc, char **argv)
{
	struct rlimit rl;
	struct one *o;
	long now_open = 0, now_greeted = 0;
	int i;

	options(argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	o = calloc((size_t)opt.n, sizeof(*o));
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (o == NULL || epfd < 0)
		err(2, "start");
	for (i = 0; i < opt.n; i++) {
		o[i].fd = -1;
		o[i].kind = opt.kinds[(size_t)i % strlen(opt.kinds)];
	}
	run(o);
	for (i = 0; i < opt.n; i++) {
		now_open += o[i].fd >= 0 && o[i].connected;
		now_greeted += o[i].fd >= 0 && o[i].greeted;
	}
	printf("{\"opened\":%ld,\"closed\":%ld,\"refused\":%ld,\"failed\":%ld,"
	    "\"greeted\":%ld,\"open\":%ld,\"open_greeted\":%ld}\n", opened,
	    closed, refused, failed, greeted, now_open, now_greeted);
	free(o);
	return 0;
}
