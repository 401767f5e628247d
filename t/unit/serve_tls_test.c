/*
 * serve_tls_test.c - the policy of TLS and passwords: who is offered what, and
 * what may not come before a handshake.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/common.h"
#include "serve/login.h"
#include "serve/mechs.h"
#include "test/tap.h"

static const struct {
	const char *addr;
	int port;
	bool tls;
	int mode, plaintext;	/* tls, auth_plaintext */
	bool needed, may;
} cases[] = {
	{ "192.0.2.1", 1, false, TLS_MAY, PLAINTEXT_LOOPBACK, false, false },
	{ "192.0.2.1", 1, true, TLS_MAY, PLAINTEXT_LOOPBACK, false, true },
	{ "192.0.2.1", 1, true, TLS_REQUIRED, PLAINTEXT_NEVER, false, true },
	{ "192.0.2.1", 1, false, TLS_OFF, PLAINTEXT_ALWAYS, false, true },
	{ "192.0.2.1", 1, false, TLS_REQUIRED, PLAINTEXT_ALWAYS, true, false },
	{ "127.0.0.1", 1, false, TLS_MAY, PLAINTEXT_LOOPBACK, false, true },
	{ "::1", 1, false, TLS_MAY, PLAINTEXT_LOOPBACK, false, true },
	{ "127.0.0.1", 1, false, TLS_MAY, PLAINTEXT_NEVER, false, false },
	{ "127.0.0.1", 1, false, TLS_REQUIRED, PLAINTEXT_LOOPBACK, true,
	    false },
	/* a UNIX socket needs no TLS */
	{ "unix", 0, false, TLS_REQUIRED, PLAINTEXT_LOOPBACK, false, true },
	{ "unix", 0, false, TLS_REQUIRED, PLAINTEXT_NEVER, false, false },
};

static void
test_policy(void)
{
	struct login_conf c = { 0 };
	struct peer p;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		p = (struct peer){ .port = cases[i].port, .tls = cases[i].tls };
		slice_copy(p.addr, sizeof(p.addr), slice_of(cases[i].addr));
		c.tls.mode = cases[i].mode;
		c.auth_plaintext = cases[i].plaintext;
		ok(tls_needed(&c.tls, &p) == cases[i].needed,
		    "case %zu: is TLS needed?", i);
		ok(login_may(&c, &p) == cases[i].may,
		    "case %zu: may it send a password?", i);
		if (cases[i].needed)
			is_str(login_mechs(&c, &p, "imap"), "",
			    "case %zu: no mechanism either", i);
	}
}

static void
test_injected(void)
{
	struct peer p = { .addr = "192.0.2.1" };
	struct io io;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
		die("socketpair");
	io_init(&io, s[0], 1000);
	ok(!tls_injected(&io, &p), "nothing came");
	io_unread(&io, "x", 1);
	ok(tls_injected(&io, &p), "something is in the buffer");
	io_consume(&io, 1);
	ok(!tls_injected(&io, &p), "it was taken");
	ok(write(s[1], "x", 1) == 1 && tls_injected(&io, &p),
	    "something is in the socket");
	ok(read(s[0], &(char){ 0 }, 1) == 1 && !tls_injected(&io, &p),
	    "it was only looked at");
	close(s[1]);
	ok(!tls_injected(&io, &p), "the client has gone");
	io_close(&io);
}

static void
test_facts(void)
{
	struct tls_facts facts = { 0 };
	struct peer p = { .facts = NULL };
	struct auth_channel ch = tls_channel(&p);

	ok(!ch.tls && ch.exporter[0] == '\0' && ch.voucher[0] == '\0' &&
	    ch.end_point[0] == '\0', "no facts, no channel");
	ok(tls_version(&p) == NULL && tls_sni(&p) == NULL, "none to log");
	p.facts = &facts;
	ok(tls_version(&p) == NULL, "not before a handshake");
	p.tls = facts.on = true;
	facts.f = (struct tls_facts_out){ .version = "TLSv1.3", .cipher = "C",
		.sni = "", .exporter = "e", .end_point = "p", .voucher = "v" };
	ch = tls_channel(&p);
	ok(ch.tls, "TLS");
	is_str(ch.exporter, "e", "exporter");
	is_str(ch.end_point, "p", "end point");
	is_str(ch.voucher, "v", "voucher");
	is_str(tls_version(&p), "TLSv1.3", "version");
	ok(tls_sni(&p) == NULL, "no server name");
}

static void
test_mechs(void)
{
	const char *name = NULL;

	ok(mechs_has("PLAIN SCRAM-SHA-256-PLUS", SLICE_LIT(
	    "scram-sha-256-plus"), &name), "case does not count");
	is_str(name, "SCRAM-SHA-256-PLUS", "its spelling is ours");
	ok(!mechs_has("SCRAM-SHA-256-PLUS", SLICE_LIT("SCRAM-SHA-256"),
	    &name), "the beginning of one is none");
	ok(!mechs_has("PLAIN", SLICE_LIT(""), &name), "nor is nothing");
	ok(!mechs_has("", SLICE_LIT("PLAIN"), &name), "none is offered");
}

/* a tlsd that gives the number of the connection for a server name */
static void
fake_tlsd(int l)
{
	struct ipc_msg m;
	struct err err;
	int s, p[2], n = 0;

	ipc_msg_init(&m);
	while ((s = accept(l, NULL, NULL)) >= 0) {
		char name[] = { (char)('0' + ++n), '\0' };
		struct tls_facts_out out = { "TLSv1.3", "C", .sni = name,
			.alpn = "", .exporter = "", .end_point = "",
			.subject = "", .issuer = "", .fingerprint = "",
			.why = "", .voucher = "" };

		while (ipc_recv(s, &m, -1, &err) == 1 &&
		    socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0) {
			ipc_send(s, "ok", tls_server.out, &out, p[0], 1000,
			    &err);
			close(p[0]);
			close(p[1]);
		}
		close(s);
	}
	_exit(0);
}

static void
handshake(const char *connection, const char *what)
{
	struct tls_facts facts = { 0 };
	struct peer p = { .addr = "192.0.2.1" };
	struct err err = ERR_INIT;
	struct io io;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
		die("socketpair");
	io_init(&io, s[0], 1000);
	is_int(tls_accept(&io, &p, "imap", false, 1000, &facts, &err), 0,
	    "%s: %s", what, err.text);
	is_str(facts.f.sni, connection, "connection %s", connection);
	tls_facts_free(&facts);
	io_close(&io);
	close(s[1]);
}

static void
test_kept(void)
{
	char dir[] = "/tmp/serve_tls_test.XXXXXX";
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct arena arena = { 0 };
	const char *private, *path;
	pid_t pid;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp: %s", strerror(errno));
	common.run_dir = dir;
	private = arena_printf(&arena, "%s/private", dir);
	path = arena_printf(&arena, "%s/tlsd", private);
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(path));
	if (mkdir(private, 0700) < 0 ||
	    bind(l, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(l, 5) < 0)
		die("listen: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		fake_tlsd(l);
	close(l);
	ok(!tls_kept(), "no connection to tlsd");
	handshake("1", "a client");
	ok(tls_kept(), "it is kept");
	handshake("1", "and the next");
	tls_release();
	ok(!tls_kept(), "it is given back");
	handshake("2", "a client after that");
	tls_release();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	rmdir(private);
	rmdir(dir);
	arena_free(&arena);
}

int
main(void)
{
	test_policy();
	test_injected();
	test_facts();
	test_mechs();
	test_kept();
	return tap_done();
}
