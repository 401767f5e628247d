/*
 * tlsload.c - clients of IMAP over TLS that a benchmark needs; one JSON line.
 *
 *   bench_tlsload PORT handshakes N CONCURRENCY [resume] [1.2] [rsa]
 *	connections up to the greeting, in so many processes at a time
 *   bench_tlsload PORT fetch USER BYTES TIMES	(a message is stored first)
 *   bench_tlsload PORT append USER BYTES TIMES
 *   bench_tlsload PORT idle N USERS
 *	logs in N times, as u000, u001 ...; holds them until its input ends
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BUF = 65536, MOST = 64 };

static SSL_CTX *ctx;
static struct sockaddr_in to;
static SSL_SESSION *ticket;

static void
fail(const char *what)
{
	fprintf(stderr, "tlsload: %s: %s\n", what, errno ? strerror(errno) :
	    "failed");
	ERR_print_errors_fp(stderr);
	exit(1);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
on_ticket(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	if (ticket != NULL)
		SSL_SESSION_free(ticket);
	ticket = s;
	return 1;
}

static SSL *
dial(SSL_SESSION *session)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl = SSL_new(ctx);

	if (fd < 0 || ssl == NULL || connect(fd, (struct sockaddr *)&to,
	    sizeof(to)) < 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(ssl, fd);
	if (session != NULL)
		SSL_set_session(ssl, session);
	if (SSL_connect(ssl) != 1)
		fail("handshake");
	return ssl;
}

static void
hang_up(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* read until a line that begins with tag has come: octets read */
static size_t
until(SSL *ssl, const char *tag)
{
	static char buf[BUF + 1];
	size_t total = 0, kept = 0, n = strlen(tag);
	char *line, *end;
	int r;

	for (;;) {
		r = SSL_read(ssl, buf + kept, (int)(BUF - kept));
		if (r <= 0)
			fail("read");
		total += (size_t)r;
		kept += (size_t)r;
		buf[kept] = '\0';
		line = buf;
		while ((end = memchr(line, '\n', kept -
		    (size_t)(line - buf))) != NULL) {
			if (strncmp(line, tag, n) == 0)
				return total;
			line = end + 1;
		}
		kept -= (size_t)(line - buf);
		if (kept > 256)		/* a long line is none of ours */
			kept = 0;
		memmove(buf, line, kept);
	}
}

static void
put(SSL *ssl, const char *p, size_t n)
{
	size_t at = 0;
	int r;

	while (at < n) {
		r = SSL_write(ssl, p + at, (int)(n - at > BUF ? BUF : n - at));
		if (r <= 0)
			fail("write");
		at += (size_t)r;
	}
}

static size_t
command(SSL *ssl, const char *text)
{
	put(ssl, text, strlen(text));
	return until(ssl, "a ");
}

static SSL *
log_in(const char *user)
{
	char line[200];
	SSL *ssl = dial(NULL);

	until(ssl, "* OK");
	snprintf(line, sizeof(line), "a LOGIN %s@local.test pw\r\n", user);
	command(ssl, line);
	command(ssl, "a SELECT INBOX\r\n");
	return ssl;
}

/* one after the other; how many were resumed */
static int
some_handshakes(int n, int resume)
{
	int i, resumed = 0;
	SSL *ssl;

	if (resume) {
		ssl = dial(NULL);
		until(ssl, "* OK");
		hang_up(ssl);
	}
	for (i = 0; i < n; i++) {
		ssl = dial(resume ? ticket : NULL);
		until(ssl, "* OK");
		resumed += SSL_session_reused(ssl);
		hang_up(ssl);
	}
	return resumed;
}

static int
handshakes(int n, int conc, int resume)
{
	int i, status, each, resumed = 0, bad = 0, p[2];
	double start = now(), end;

	if (conc < 1 || conc > MOST || pipe(p) < 0)
		fail("pipe");
	each = n / conc;
	for (i = 0; i < conc; i++)
		if (fork() == 0) {
			int r = some_handshakes(each, resume);

			_exit(write(p[1], &r, sizeof(r)) == sizeof(r) ? 0 : 1);
		}
	for (i = 0; i < conc; i++) {
		int r = 0;

		wait(&status);
		bad += status != 0;
		if (status == 0 && read(p[0], &r, sizeof(r)) == sizeof(r))
			resumed += r;
	}
	end = now();
	printf("{\"n\":%d,\"resumed\":%d,\"bad\":%d,\"seconds\":%.4f,"
	    "\"per_second\":%.1f}\n", each * conc, resumed, bad, end - start,
	    each * conc / (end - start));
	return bad != 0;
}

static void
append(SSL *ssl, const char *message, size_t n)
{
	char line[100];

	snprintf(line, sizeof(line), "a APPEND INBOX {%zu}\r\n", n);
	put(ssl, line, strlen(line));
	until(ssl, "+ ");
	put(ssl, message, n);
	put(ssl, "\r\n", 2);
	until(ssl, "a OK");
}

static char *
make_message(size_t n)
{
	static const char head[] = "Subject: x\r\n\r\n";
	char *m = malloc(n + 1);
	size_t i, h = sizeof(head) - 1;

	if (m == NULL || n < 100)
		fail("message");
	memset(m, 'x', n);
	memcpy(m, head, h);
	for (i = h + 76; i + 2 < n; i += 78) {
		m[i] = '\r';
		m[i + 1] = '\n';
	}
	m[n - 2] = '\r';
	m[n - 1] = '\n';
	return m;
}

static int
bulk(const char *user, size_t n, int times, int up)
{
	SSL *ssl = log_in(user);
	char *m = make_message(n);
	size_t octets = 0;
	double start;
	int i;

	if (!up) {
		append(ssl, m, n);
		command(ssl, "a NOOP\r\n");
	}
	start = now();
	for (i = 0; i < times; i++)
		if (up) {
			append(ssl, m, n);
			octets += n;
		} else {
			octets += command(ssl, "a FETCH * BODY.PEEK[]\r\n");
		}
	printf("{\"octets\":%zu,\"mb_per_second\":%.1f}\n", octets,
	    (double)octets / 1e6 / (now() - start));
	command(ssl, "a LOGOUT\r\n");
	return 0;
}

static int
idle(int n, int users)
{
	struct rlimit rl;
	char user[32], c;
	int i;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	for (i = 0; i < n; i++) {
		snprintf(user, sizeof(user), "u%03d", i % users);
		(void)log_in(user);
	}
	printf("{\"held\":%d}\n", n);
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		continue;
	return 0;
}

static int
has(char **argv, const char *word)
{
	for (; *argv != NULL; argv++)
		if (strcmp(*argv, word) == 0)
			return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	int a = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
	int b = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0;

	if (argc < 5)
		fail("see the head of tlsload.c");
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_ticket);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (has(argv, "1.2"))
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (has(argv, "rsa"))
		SSL_CTX_set1_sigalgs_list(ctx, "RSA-PSS+SHA256:RSA+SHA256");
	if (strcmp(what, "handshakes") == 0)
		return handshakes(a, b, has(argv, "resume"));
	if (strcmp(what, "idle") == 0)
		return idle(a, b);
	return bulk(argv[3], (size_t)b, argc > 5 ?
	    (int)strtol(argv[5], NULL, 10) : 1, strcmp(what, "append") == 0);
}
