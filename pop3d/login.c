/*
 * login.c - pop3-login: the commands before login; then auth gives the client
 * to pop3d and this program is done with it.
 */
#include "login.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

struct login_conf conf;

static const struct field fields[] = {
	F_TIME(struct login_conf, timeout, "2m", "1s", "1d",
	    "how long a client may be idle before login"),
	F_ENUM(struct login_conf, auth_plaintext, "loopback",
	    "never|loopback|always",
	    "who may log in without TLS"),
	F_TIME(struct login_conf, auth_timeout, "60s", "1s", "10m",
	    "how long to wait for auth"),
	F_INT(struct login_conf, max_bad_logins, "3", "1", "1000",
	    "failed logins, then the connection is closed"),
	F_INT(struct login_conf, max_errors, "10", "1", "100000",
	    "bad commands, then the connection is closed"),
	F_INT(struct login_conf, max_commands, "100", "4", "100000",
	    "commands before login"),
	F_TIME(struct login_conf, login_delay, "0s", "0s", "1d",
	    "as in pop3d.conf, for CAPA"),
	F_INT(struct login_conf, expire, "-1", "-1", "36500",
	    "as in pop3d.conf, for CAPA"),
	F_END
};

static bool
loopback(const struct peer *peer)
{
	return strncmp(peer->addr, "127.", 4) == 0 ||
	    strcmp(peer->addr, "::1") == 0 || strcmp(peer->addr, "unix") == 0;
}

static bool
may_login(const struct peer *peer)
{
	return peer->tls || conf.auth_plaintext == PLAINTEXT_ALWAYS ||
	    (conf.auth_plaintext == PLAINTEXT_LOOPBACK && loopback(peer));
}

static void
client(struct io *io, struct peer *peer)
{
	struct login l = { .pop3 = { io, IN_AUTHORIZATION, may_login(peer),
	    login_commands, conf.login_delay, conf.expire }, .peer = peer,
		.user = STR_INIT };
	int64_t start = mono_ms();
	struct cmd_stats stats;
	struct line_proto p;
	const char *end;

	io->timeout_ms = (int)conf.timeout;
	ipc_init(&l.auth, socket_path("auth"), (int)conf.auth_timeout);
	pop3_proto(&p, login_commands);
	p.max_line = 2048;	/* a password, or a SASL response */
	p.max_errors = (int)conf.max_errors;
	p.max_commands = (int)conf.max_commands;
	p.cmd_timeout_ms = conf.timeout;
	pop3_ok(&l.pop3, "%s POP3 ready", common.hostname);
	end = cmd_end_name(cmd_loop(io, &p, &l, &stats));
	if (l.bad_logins >= conf.max_bad_logins)
		end = "auth";
	else if (l.handed_over)
		end = "login";
	log_event(l.handed_over ? LOG_DEBUG : LOG_INFO, "disconnect",
	    KS("client", peer->addr), KS("end", end),
	    KI("bad_logins", l.bad_logins), KU("commands", stats.commands),
	    KI("ms", mono_ms() - start), KEND);
	ipc_free(&l.auth);
	str_free(&l.user);
}

static int
before_jail(struct err *err UNUSED)
{
	/* connect(2) to a socket is no right that Landlock knows, but its
	 * path must be found */
	jail_path(socket_path("auth"), PATH_READ);
	return 0;
}

static const struct daemon pop3_login = {
	.name = "pop3-login", .kind = SERVE_CLIENT, .fields = fields,
	.conf = &conf, .before_jail = before_jail, .client = client,
	.jail = { .groups = JAIL_UNIX, .files = 32 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &pop3_login);
}
