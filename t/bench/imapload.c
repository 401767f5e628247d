/*
 * imapload.c - bench_imapload: IMAP sessions in one epoll loop.
 *
 *   bench_imapload script   [options]   commands from standard input
 *   bench_imapload sessions [options]   LOGIN, SELECT, LOGOUT, -n times
 *   bench_imapload mixed    [options]   -n commands of a mix from a seed
 *   bench_imapload append   [options]   -n messages
 *   bench_imapload idle     [options]   -c sessions in IDLE
 *
 * -P port  -a 127.x.y.z  -c sessions at a time  -n count  -U user, %d or %0Nd
 * becomes the number  -u users  -o first user  -w password  -m mailbox
 * -l bytes of a message  -s seed  -T seconds: give up
 *
 * script: a line is "open USER PASSWORD" (connect and log in), "close",
 * "append N MAILBOX", or an IMAP command without its tag; each is answered
 * with one JSON line.  idle: one line as soon as all are held, one for each
 * EXISTS with its time; it ends with standard input.  The others print one
 * line.  Exit status: 0 all was done, 1 some was not, 2 usage.  Times are
 * CLOCK_MONOTONIC; a rate is over the time from the first command of the work
 * (sessions: the first connect) to the last answer.
 */
#include "imapload.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct imap_options opt = { .user = "u%03d@local.test", .password = "pw",
	.mailbox = "INBOX", .sessions = 1, .users = 1, .count = 1,
	.size = 4096, .seed = 1, .limit_s = 600 };
struct imap_figures fig;
char *message;
size_t message_len;

double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
make_message(void)
{
	static const char *const words[] = { "meadow", "lantern", "the",
		"proposal", "of", "minutes", "and", "harvest", "to", "pebble",
		"in", "schedule", "a", "quarter", "for", "violet" };
	FILE *f = open_memstream(&message, &message_len);
	uint32_t x = 2463534242u;
	size_t used, line;

	if (f == NULL)
		err(2, "memory");
	used = (size_t)fprintf(f, "From: Ann <ann@sender.test>\r\n"
	    "To: Bench <bench@local.test>\r\nSubject: an appended message\r\n"
	    "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
	    "Message-ID: <append@bench.test>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	while (used + 2 < opt.size) {
		for (line = 0; line < 68 && used + 2 < opt.size;) {
			size_t n;

			x = x * 1664525u + 1013904223u;
			n = (size_t)fprintf(f, "%s ", words[x >> 28]);
			line += n;
			used += n;
		}
		used += (size_t)fprintf(f, "\r\n");
	}
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
set_address(const char *text)
{
	if (inet_pton(AF_INET, text, &opt.to.sin_addr) != 1 ||
	    ntohl(opt.to.sin_addr.s_addr) >> 24 != 127)
		errx(2, "%s: only addresses in 127.0.0.0/8", text);
}

static void
set_mode(const char *name)
{
	static const char *const names[] = { "script", "sessions", "mixed",
		"append", "idle" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0) {
			opt.mode = (enum mode)i;
			return;
		}
	errx(2, "%s: see the head of t/bench/imapload.c", name);
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
options(int argc, char **argv)
{
	int c;

	opt.to.sin_family = AF_INET;
	set_address("127.0.0.1");
	if (argc < 2)
		errx(2, "usage: see the head of t/bench/imapload.c");
	set_mode(argv[1]);
	optind = 2;
	while ((c = getopt(argc, argv, "a:c:l:m:n:o:P:s:T:u:U:w:")) != -1)
		switch (c) {
		case 'a': set_address(optarg); break;
		case 'c': opt.sessions = (int)number(optarg, 1, 60000); break;
		case 'l': opt.size = (size_t)number(optarg, 1, 1 << 28); break;
		case 'm': opt.mailbox = optarg; break;
		case 'n': opt.count = number(optarg, 1, 100000000); break;
		case 'o': opt.first_user =
		    (int)number(optarg, 0, 1 << 28); break;
		case 'P': opt.to.sin_port =
		    htons((uint16_t)number(optarg, 1, 65535)); break;
		case 's': opt.seed = (uint32_t)number(optarg, 1,
		    1 << 30); break;
		case 'T': opt.limit_s = (int)number(optarg, 1, 86400); break;
		case 'u': opt.users = (int)number(optarg, 1, 1 << 28); break;
		case 'U': opt.user = optarg; break;
		case 'w': opt.password = optarg; break;
		default: errx(2, "usage: see the head of t/bench/imapload.c");
		}
	if (argc != optind || opt.to.sin_port == 0)
		errx(2, "usage: bench_imapload MODE -P port [options]");
	check_template(opt.user);
	if (strlen(opt.mailbox) > 300 || strlen(opt.password) > 300)
		errx(2, "too long");
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
print_safe(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++)
		putchar(*text < ' ' || *text > '~' || *text == '"' ||
		    *text == '\\' ? '?' : *text);
	putchar('"');
}

static void
report(bool timed_out)
{
	double s = fig.last - fig.first;

	qsort(fig.latency, (size_t)fig.done, sizeof(double), by_value);
	printf("{\"done\":%ld,\"failed\":%ld,\"dropped\":%ld,"
	    "\"refused\":%ld,\"seconds\":%.6f,\"rate\":%.2f,"
	    "\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"timed_out\":%s,"
	    "\"error\":", fig.done, fig.failed, fig.dropped, fig.refused, s,
	    s > 0 ? (double)fig.done / s : 0,
	    quantile(fig.latency, fig.done, 0.5),
	    quantile(fig.latency, fig.done, 0.99),
	    quantile(fig.latency, fig.done, 1), timed_out ? "true" : "false");
	print_safe(fig.last_error);
	printf("}\n");
	fflush(stdout);
}

static void
step(int epfd, int ms)
{
	struct epoll_event ev[256];
	int i, n;

	n = epoll_wait(epfd, ev, 256, ms);
	if (n < 0 && errno != EINTR)
		err(2, "epoll_wait");
	for (i = 0; i < n; i++)
		session_ready(ev[i].data.ptr, epfd, ev[i].events);
}

/* ---- script ---- */

static void
told(const struct session *s, double begun)
{
	const struct answer *a = &s->answer;

	printf("{\"ms\":%.3f,\"ok\":%s,\"bytes\":%zu,\"literal\":%zu,"
	    "\"fetches\":%ld,\"numbers\":%ld,\"exists\":%ld,\"status\":",
	    (now() - begun) * 1e3, s->state == ST_READY &&
	    strncmp(a->status, "OK", 2) == 0 ? "true" : "false", a->bytes,
	    a->literal, a->fetches, a->numbers, s->exists);
	print_safe(s->state == ST_OFF ? "connection lost" : a->status);
	printf("}\n");
	fflush(stdout);
}

/* until the session is ready or gone; the time of one command is limited */
static void
until_ready(struct session *s, int epfd)
{
	double end = now() + opt.limit_s;

	session_flush(s, epfd);
	while (s->state != ST_READY && s->state != ST_OFF) {
		if (now() > end) {
			session_close(s);
			return;
		}
		step(epfd, 200);
	}
}

static void
one_command(struct session *s, int epfd, const char *line)
{
	s->state = ST_WORK;
	send_cmd(s, "%s", line);
	until_ready(s, epfd);
}

static void
open_one(struct session *s, int epfd, char *args)
{
	char *space = strchr(args, ' ');

	session_close(s);
	if (space == NULL || session_open(s, epfd) < 0)
		return;
	*space = '\0';
	until_ready(s, epfd);
	if (s->state != ST_READY)
		return;
	opt.user = args;
	opt.password = space + 1;
	work_login(s);
	until_ready(s, epfd);
}

static void
append_some(struct session *s, int epfd, char *args)
{
	char *end;
	long n = strtol(args, &end, 10);

	while (n-- > 0 && s->state == ST_READY) {
		s->state = ST_WORK;
		send_literal(s, message, message_len, "APPEND%s ", end);
		until_ready(s, epfd);
		if (strncmp(s->answer.status, "OK", 2) != 0)
			return;
	}
}

static int
script(struct session *s, int epfd)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	double t;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		t = now();
		if (strncmp(line, "open ", 5) == 0)
			open_one(s, epfd, line + 5);
		else if (strcmp(line, "close") == 0)
			session_close(s);
		else if (s->state == ST_OFF)
			;
		else if (strncmp(line, "append ", 7) == 0)
			append_some(s, epfd, line + 7);
		else
			one_command(s, epfd, line);
		told(s, t);
	}
	free(line);
	return 0;
}

/* ---- many sessions ---- */

/* connect what is off while there is work; how many are not off */
static int
open_sessions(struct session *s, int epfd)
{
	static bool all;
	int i, busy = 0;

	for (i = 0; i < opt.sessions; i++) {
		if (s[i].state == ST_OFF && work_left() &&
		    (opt.mode == MODE_SESSIONS || !all)) {
			if (opt.mode == MODE_SESSIONS && fig.begun++ == 0)
				fig.first = now();
			if (session_open(&s[i], epfd) < 0)
				fig.dropped++;
		}
		busy += s[i].state != ST_OFF;
	}
	all = true;
	return busy;
}

static void
start_all(struct session *s, int epfd)
{
	int i;

	for (i = 0; i < opt.sessions; i++)
		if (s[i].state == ST_READY) {
			work_begin(&s[i]);
			session_flush(&s[i], epfd);
		}
}

static bool
idle_ended(bool *reported)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char c;

	if (fig.idle + fig.dropped < opt.sessions && !*reported)
		return false;
	if (!*reported) {
		printf("{\"held\":%ld,\"refused\":%ld,\"error\":", fig.idle,
		    fig.refused);
		print_safe(fig.last_error);
		printf("}\n");
		fflush(stdout);
	}
	*reported = true;
	return poll(&p, 1, 0) > 0 && read(0, &c, 1) <= 0;
}

/* false where the time was over first */
static bool
run(struct session *s, int epfd)
{
	double end = now() + opt.limit_s;
	bool started = false, reported = false;

	for (;;) {
		int busy = open_sessions(s, epfd);

		if (opt.mode == MODE_IDLE ? idle_ended(&reported) : busy == 0)
			return true;
		if (now() >= end)
			return false;
		if (!started && opt.mode != MODE_SESSIONS &&
		    fig.ready + fig.dropped >= opt.sessions) {
			started = true;
			start_all(s, epfd);
		}
		step(epfd, 50);
	}
}

int
main(int argc, char **argv)
{
	struct rlimit rl;
	struct session *s;
	int i, epfd;
	bool done = true;

	options(argc, argv);
	make_message();
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	s = calloc((size_t)opt.sessions, sizeof(*s));
	fig.latency = calloc((size_t)opt.count, sizeof(double));
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (s == NULL || fig.latency == NULL || epfd < 0)
		err(2, "start");
	for (i = 0; i < opt.sessions; i++) {
		s[i].fd = -1;
		s[i].number = i;
		s[i].random = opt.seed * 2654435761u + (uint32_t)i * 40503u + 1;
	}
	if (opt.mode == MODE_SCRIPT)
		script(s, epfd);
	else {
		done = run(s, epfd);
		if (opt.mode != MODE_IDLE)
			report(!done);
		done = opt.mode == MODE_IDLE ? fig.idle >= opt.sessions :
		    fig.done == opt.count;
	}
	for (i = 0; i < opt.sessions; i++) {
		session_close(&s[i]);
		free(s[i].in);
		free(s[i].out);
	}
	free(s);
	free(fig.latency);
	free(message);
	return done ? 0 : 1;
}
