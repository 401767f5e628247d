/*
 * smtpload.c - bench_smtpload: many SMTP sessions in one epoll loop.
 *
 *   bench_smtpload -P 2525 -c 20 -n 2000 -l 4096 -r u%03d@local.test -u 100
 *
 * -a 127.x.y.z  address (127.0.0.1; nothing but loopback is accepted)
 * -P port  -c sessions  -n messages  -l bytes of a message  -f sender
 * -r recipient, %d or %0Nd becomes the user number  -u users  -o first user
 * -m recipients per message  -b messages per connection (1; 0: no limit)
 * -p pipeline MAIL, RCPT and DATA  -A user:password (AUTH PLAIN)
 * -F file to send (LF or CRLF lines)  -s source addresses (127.0.0.1 ...)
 * -w wait for the answer to QUIT (Postfix's client does not)
 * -T seconds: give up  -I seconds: hold idle sessions after EHLO instead,
 *    until standard input ends or the time is over
 *
 * Prints one JSON line; with -I one as soon as all sessions are held.
 * Exit status: 0 all accepted (all held), 1 some not, 2 usage.
 * Times are CLOCK_MONOTONIC seconds, to be compared with bench_mailwait's.
 */
#include "load.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options opt = { .sender = "bench@sender.test",
	.rcpt = "u%03d@local.test", .sessions = 1, .messages = 1, .users = 1,
	.rcpts = 1, .per_conn = 1, .sources = 1, .size = 4096, .limit_s = 300 };
struct figures fig;
char *load_body;
size_t load_body_len;

double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool
load_has_work(void)
{
	return opt.idle_s > 0 || fig.started < opt.messages;
}

/* headers and lines of words, about opt.size bytes with the Message-ID */
static void
make_message(FILE *f)
{
	static const char *const words[] = { "harbour", "letter", "winter",
		"figure", "the", "of", "answer", "seldom", "bridge", "copper",
		"and", "window", "a", "river", "quiet", "number" };
	uint32_t x = 88172645;
	size_t used = 40, line;

	used += (size_t)fprintf(f, "From: Bench <%s>\r\nTo: users\r\n"
	    "Subject: a message of the benchmark\r\n"
	    "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n", opt.sender);
	while (used + 2 < opt.size) {
		for (line = 0; line < 70 && used + 2 < opt.size;) {
			size_t n;

			x = x * 1664525u + 1013904223u;
			n = (size_t)fprintf(f, "%s ", words[x >> 28]);
			line += n;
			used += n;
		}
		used += (size_t)fprintf(f, "\r\n");
	}
}

static void
copy_stuffed(FILE *f, const char *path)
{
	FILE *in = fopen(path, "r");
	int c, last = '\n';

	if (in == NULL)
		err(2, "%s", path);
	while ((c = getc(in)) != EOF) {
		if (last == '\n' && c == '.')
			putc('.', f);
		if (c == '\n' && last != '\r')
			putc('\r', f);
		putc(c, f);
		last = c;
	}
	if (last != '\n')
		fputs("\r\n", f);
	fclose(in);
}

static void
make_body(void)
{
	FILE *f = open_memstream(&load_body, &load_body_len);

	if (f == NULL)
		err(2, "memory");
	if (opt.file != NULL)
		copy_stuffed(f, opt.file);
	else
		make_message(f);
	fputs(".\r\n", f);
	if (fclose(f) != 0)
		err(2, "memory");
}

static long
number(const char *text, long min, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < min || n > max)
		errx(2, "%s: expected a number from %ld to %ld", text, min,
		    max);
	return n;
}

static void
check_template(const char *t)
{
	const char *at = strchr(t, '%');

	if (strlen(t) > 300)
		errx(2, "%s: too long", t);
	if (at == NULL)
		return;
	at += 1 + strspn(at + 1, "0123456789");
	if (*at != 'd' || strchr(at, '%') != NULL)
		errx(2, "%s: only one %%d or %%0Nd is known", t);
}

static void
set_auth(char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL || strlen(text) > 150)
		errx(2, "-A: expected user:password");
	*colon = '\0';
	opt.auth_user = text;
	opt.auth_pass = colon + 1;
}

static void
set_address(const char *text)
{
	if (inet_pton(AF_INET, text, &opt.to.sin_addr) != 1 ||
	    ntohl(opt.to.sin_addr.s_addr) >> 24 != 127)
		errx(2, "%s: only addresses in 127.0.0.0/8", text);
}

static void
options(int argc, char **argv)
{
	int c;

	opt.to.sin_family = AF_INET;
	set_address("127.0.0.1");
	while ((c = getopt(argc, argv,
	    "a:A:b:c:f:F:I:l:m:n:o:pP:r:s:T:u:w")) != -1)
		switch (c) {
		case 'a': set_address(optarg); break;
		case 'A': set_auth(optarg); break;
		case 'b': opt.per_conn = number(optarg, 0, 100000000); break;
		case 'c': opt.sessions = (int)number(optarg, 1, 60000); break;
		case 'f': opt.sender = optarg; break;
		case 'F': opt.file = optarg; break;
		case 'I': opt.idle_s = (int)number(optarg, 1, 3600); break;
		case 'l': opt.size = (size_t)number(optarg, 1, 1 << 28); break;
		case 'm': opt.rcpts = (int)number(optarg, 1, 100000); break;
		case 'n': opt.messages = number(optarg, 1, 100000000); break;
		case 'o': opt.first_user =
		    (int)number(optarg, 0, 1 << 28); break;
		case 'p': opt.pipelining = true; break;
		case 'P': opt.to.sin_port =
		    htons((uint16_t)number(optarg, 1, 65535)); break;
		case 'r': opt.rcpt = optarg; break;
		case 's': opt.sources = (int)number(optarg, 1, 65000); break;
		case 'T': opt.limit_s = (int)number(optarg, 1, 86400); break;
		case 'u': opt.users = (int)number(optarg, 1, 1 << 28); break;
		case 'w': opt.wait_quit = true; break;
		default: errx(2, "usage: see the head of t/bench/smtpload.c");
		}
	if (argc != optind || opt.to.sin_port == 0)
		errx(2, "usage: bench_smtpload -P port [options]");
	check_template(opt.rcpt);
	if (strlen(opt.sender) > 300)
		errx(2, "%s: too long", opt.sender);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
quantile(const double *v, long n, double q)
{
	return n == 0 ? 0 : v[(long)(q * (double)(n - 1) + 0.5)];
}

static void
report(bool timed_out)
{
	long n = fig.accepted, i;
	double s = fig.last - fig.first;

	if (n > 0) {
		qsort(fig.latency, (size_t)n, sizeof(double), by_value);
		qsort(fig.commit, (size_t)n, sizeof(double), by_value);
	}
	for (i = 0; fig.last_error[i] != '\0'; i++)
		if (fig.last_error[i] < ' ' || fig.last_error[i] > '~' ||
		    strchr("\"\\", fig.last_error[i]) != NULL)
			fig.last_error[i] = '?';
	printf("{\"accepted\":%ld,\"temp\":%ld,\"perm\":%ld,\"dropped\":%ld,"
	    "\"connections\":%ld,\"conn_failed\":%ld,\"rcpt_ok\":%ld,"
	    "\"rcpt_bad\":%ld,\"held\":%ld,", n, fig.temp, fig.perm,
	    fig.dropped, fig.connections, fig.conn_failed, fig.rcpt_ok,
	    fig.rcpt_bad, fig.held);
	printf("\"first\":%.6f,\"last\":%.6f,\"rate\":%.2f,"
	    "\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,"
	    "\"commit_p50\":%.3f,\"commit_p99\":%.3f,"
	    "\"timed_out\":%s,\"error\":\"%s\"}\n", fig.first, fig.last,
	    n > 0 && s > 0 ? (double)n / s : 0, quantile(fig.latency, n, 0.5),
	    quantile(fig.latency, n, 0.99), quantile(fig.latency, n, 1),
	    quantile(fig.commit, n, 0.5), quantile(fig.commit, n, 0.99),
	    timed_out ? "true" : "false", fig.last_error);
	fflush(stdout);
}

/* (Re)connect what is off while there is work; how many are connected. */
static int
open_sessions(struct session *s, int epfd)
{
	double t = now();
	int i, busy = 0;

	for (i = 0; i < opt.sessions; i++) {
		if (s[i].state == ST_OFF && load_has_work() &&
		    s[i].retry_at <= t)
			session_open(&s[i], epfd);
		busy += s[i].state != ST_OFF;
	}
	return busy;
}

static bool
idle_ended(bool *reported)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char c;

	if (fig.held < opt.sessions && !*reported)
		return false;
	if (!*reported)
		report(false);
	*reported = true;
	return poll(&p, 1, 0) > 0 && read(0, &c, 1) <= 0;
}

static bool
all_done(void)
{
	return fig.accepted + fig.temp + fig.perm + fig.dropped >= opt.messages;
}

/* false where the time was over first */
static bool
run(struct session *s, int epfd)
{
	struct epoll_event ev[256];
	double end = now() + (opt.idle_s > 0 ? opt.idle_s : opt.limit_s);
	bool reported = false;
	int i, n, busy;

	for (;;) {
		busy = open_sessions(s, epfd);
		if (opt.idle_s > 0 ? idle_ended(&reported) :
		    all_done() && busy == 0)
			return true;
		if (now() >= end)
			return false;
		n = epoll_wait(epfd, ev, 256, 50);
		if (n < 0 && errno != EINTR)
			err(2, "epoll_wait");
		for (i = 0; i < n; i++)
			session_ready(ev[i].data.ptr, epfd, ev[i].events);
	}
}

int
main(int argc, char **argv)
{
	struct rlimit rl;
	struct session *s;
	bool done;
	int i, epfd;

	options(argc, argv);
	make_body();
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	s = calloc((size_t)opt.sessions, sizeof(*s));
	fig.latency = calloc((size_t)opt.messages, sizeof(double));
	fig.commit = calloc((size_t)opt.messages, sizeof(double));
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (s == NULL || fig.latency == NULL || fig.commit == NULL || epfd < 0)
		err(2, "start");
	for (i = 0; i < opt.sessions; i++) {
		s[i].fd = -1;
		s[i].number = i;
	}
	done = run(s, epfd);
	if (opt.idle_s == 0 || fig.held < opt.sessions)
		report(!done);
	for (i = 0; i < opt.sessions; i++) {
		session_close(&s[i]);
		free(s[i].out);
	}
	done = opt.idle_s > 0 ? fig.held >= opt.sessions :
	    fig.accepted == opt.messages;
	free(s);
	free(fig.latency);
	free(fig.commit);
	free(load_body);
	return done ? 0 : 1;
}
