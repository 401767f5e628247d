/*
 * tlsecho.c - both ends of serve/tls.h for tests and figures, with the tlsd of
 * an instance.
 *
 *   bench_tlsecho CONFDIR serve [name=value]...
 *	prints its port; each client is taken as a TLS client, gets one line
 *	of facts, and then back what it sends ("SINK n": n octets are read and
 *	answered by "OK"; "SOURCE n": n octets are sent)
 *   bench_tlsecho CONFDIR connect PORT [name=value]...
 *	prints the facts, then sends its standard input and prints what comes
 *
 * names: service, ask (yes), timeout (ms); sni, verify, name, fingerprint,
 * tlsa, min (1.2, 1.3), lenient (yes), alpn
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "conf/common.h"
#include "serve/tls.h"

static struct tls_client_in want = { .service = "test", .session = "t",
	.sni = "", .alpn = "", .timeout = 10000 };
static bool ask;
static struct arena arena;

static void
option(const char *arg)
{
	struct slice rest = slice_of(arg), name;
	const char *v;
	uint64_t n;

	slice_cut(&rest, '=', &name);
	v = rest.p != NULL ? rest.p : "";
	if (slice_eqz(name, "service"))
		want.service = v;
	else if (slice_eqz(name, "ask"))
		ask = true;
	else if (slice_eqz(name, "timeout") && slice_u64(rest, 600000, &n))
		want.timeout = (int64_t)n;
	else if (slice_eqz(name, "sni"))
		want.sni = v;
	else if (slice_eqz(name, "alpn"))
		want.alpn = v;
	else if (slice_eqz(name, "verify"))
		want.verify = v[0] == 'n' ? TLS_NONE : v[0] == 'p' ?
		    TLS_PKIX : v[0] == 'f' ? TLS_FINGERPRINT : TLS_DANE;
	else if (slice_eqz(name, "min"))
		want.min = slice_eqz(rest, "1.3") ? TLS_MIN_1_3 : TLS_MIN_1_2;
	else if (slice_eqz(name, "lenient"))
		want.lenient = v[0] == 'y';
	else if (slice_eqz(name, "name"))
		strlist_add(&want.names, &arena, v);
	else if (slice_eqz(name, "fingerprint"))
		strlist_add(&want.fingerprints, &arena, v);
	else if (slice_eqz(name, "tlsa"))
		strlist_add(&want.tlsa, &arena, v);
	else
		die("what is %s?", arg);
}

static void
facts_line(const struct tls_facts *t, struct str *out)
{
	const struct field *f;

	str_adds(out, "FACTS");
	for (f = tls_server.out; f->kind != FIELD_END; f++) {
		struct str v = STR_INIT;

		field_print(f, &t->f, &v);
		str_addf(out, " %s=", f->name);
		log_quote(out, v.s, v.len);
		str_free(&v);
	}
	str_addc(out, '\n');
}

static void
bulk(struct io *io, struct slice line)
{
	static char chunk[65536];
	bool sink = slice_starts(line, "SINK ");
	struct slice buf, num = slice_sub(line, sink ? 5 : 7, line.n);
	uint64_t left;
	size_t n;

	if (!slice_u64(num, UINT64_MAX / 2, &left))
		return;
	while (left > 0 && !io->failed) {
		n = (size_t)MIN(left, (uint64_t)sizeof(chunk));
		if (!sink) {
			io_put(io, chunk, n);
			io_flush(io);
		} else if (io_peek(io, &buf) > 0) {
			n = (size_t)MIN(left, (uint64_t)buf.n);
			io_consume(io, n);
		} else {
			return;
		}
		left -= n;
	}
	if (sink)
		io_puts(io, "OK\n");
}

static void
session(int fd)
{
	struct tls_facts facts;
	struct peer peer;
	struct io io;
	struct err err = ERR_INIT;
	struct str line = STR_INIT;
	struct slice in;
	enum io_eol eol;
	bool too_long;

	peer_fill(&peer, fd);
	io_init(&io, fd, 600000);
	if (tls_accept(&io, &peer, want.service, ask, (int)want.timeout,
	    &facts, &err) < 0) {
		printf("failed %s %s\n", err.dsn, err.text);
		fflush(stdout);
		_exit(1);
	}
	facts_line(&facts, &line);
	io_put(&io, line.s, line.len);
	while (io_flush(&io) == 0 &&
	    io_getline(&io, 65536, &in, &eol, &too_long) > 0) {
		if (slice_starts(in, "SINK ") || slice_starts(in, "SOURCE ")) {
			bulk(&io, in);
			continue;
		}
		io_put(&io, in.p, in.n);
		io_puts(&io, "\n");
	}
	io_close(&io);
	_exit(0);
}

static int
serve(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);
	int s = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (bind(s, (struct sockaddr *)&sin, len) < 0 || listen(s, 4096) < 0 ||
	    getsockname(s, (struct sockaddr *)&sin, &len) < 0)
		die("listen: %s", strerror(errno));
	printf("port %d\n", ntohs(sin.sin_port));
	fflush(stdout);
	signal(SIGCHLD, SIG_IGN);
	/* nobody is left where the test was killed */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		fd = accept(s, NULL, NULL);
		if (fd < 0)
			continue;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(s);
			session(fd);
		}
		close(fd);
	}
}

/* standard input to the server, and what it says to standard output */
static int
relay(struct io *io)
{
	struct pollfd p[] = { { io->fd, POLLIN, 0 }, { 0, POLLIN, 0 } };
	char buf[65536];
	ssize_t n;

	while (poll(p, 2, -1) > 0) {
		if (p[0].revents != 0) {
			n = read(io->fd, buf, sizeof(buf));
			if (n <= 0)
				return 0;
			full_write(1, buf, (size_t)n);
		}
		if (p[1].revents != 0) {
			n = read(0, buf, sizeof(buf));
			if (n <= 0) {
				shutdown(io->fd, SHUT_WR);
				p[1].fd = -1;
			} else {
				full_write(io->fd, buf, (size_t)n);
			}
		}
	}
	return 1;
}

static int
connect_to(const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct str line = STR_INIT;
	struct err err = ERR_INIT;
	struct tls_facts facts;
	struct io io;
	uint64_t n = 0;
	int s = socket(AF_INET, SOCK_STREAM, 0);

	slice_u64(slice_of(port), 65535, &n);
	sin.sin_port = htons((uint16_t)n);
	if (connect(s, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		die("connect: %s", strerror(errno));
	io_init(&io, s, 60000);
	if (tls_connect(&io, &want, &facts, &err) < 0) {
		printf("failed %s %s\n", err.dsn, err.text);
		return 1;
	}
	facts_line(&facts, &line);
	full_write(1, line.s, line.len);
	return relay(&io);
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int i, first;

	if (argc < 3)
		die("usage: bench_tlsecho CONFDIR serve|connect ...");
	if (common_load(argv[1], &err) < 0)
		die("%s", err.text);
	signal(SIGPIPE, SIG_IGN);
	first = strcmp(argv[2], "serve") == 0 ? 3 : 4;
	for (i = first; i < argc; i++)
		option(argv[i]);
	if (first == 3)
		return serve();
	return argc > 3 ? connect_to(argv[3]) : 64;
}
