/*
 * login.c - imap-login: the commands before login; then auth gives the client
 * to imapd and this program is done with it.
 */
#include "login.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

struct login_conf conf;

static const struct field fields[] = {
	LOGIN_FIELDS,
	F_END
};

/* before login nobody needs lines longer than a token, or large literals */
static const struct imap_limits limits = {
	.line = 12800, .literal = 4096, .literals = 8192, .nonsync = 4096,
	.drop = 65536, .depth = 4, .count = 100,
};

static void
greet(struct login *l)
{
	struct str caps = STR_INIT;

	login_capabilities(l, &caps);
	imap_say(&l->imap, "OK [CAPABILITY %s] %s ready", caps.s,
	    common.hostname);
	str_free(&caps);
}

static void
serve(struct io *io, struct peer *peer, bool fresh)
{
	struct login l = { .peer = peer };
	int64_t start = mono_ms();

	imap_init(&l.imap, io, IN_LOGIN, login_commands, login_commands_n);
	l.imap.secret = true;
	l.imap.lex.limits = limits;
	l.imap.max_errors = conf.max_errors;
	l.imap.max_commands = conf.max_commands;
	io->timeout_ms = (int)conf.timeout;
	io->deadline = start + 10 * conf.timeout;
	ipc_init(&l.auth, socket_path("auth"), (int)conf.auth_timeout);
	if (fresh)
		greet(&l);
	imap_run(&l.imap);
	log_event(l.handed_over ? LOG_DEBUG : LOG_INFO, "disconnect",
	    KS("client", peer->addr), TLS_KEYS(peer), KS("end", l.imap.end),
	    KI("bad_logins", l.bad_logins), KU("commands", l.imap.count),
	    KI("ms", mono_ms() - start), KEND);
	ipc_free(&l.auth);
	imap_free(&l.imap);
}

static void
serve_again(struct io *io, struct peer *peer)
{
	serve(io, peer, false);
}

static const char *
service(void)
{
	return "imap";
}

static void
client(struct io *io, struct peer *peer)
{
	if (peer->port == 0 && back_is(io->fd))
		back_client(io, serve_again);
	else
		serve(io, peer, true);
}

static const struct daemon imap_login = {
	.name = "imap-login", .kind = SERVE_CLIENT, .fields = fields,
	.conf = &conf, .before_jail = login_jail, .client = client,
	.tls = &conf.tls, .tls_service = service,
	.jail = { .groups = JAIL_UNIX, .memory = 256 << 20, .files = 32 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &imap_login);
}
