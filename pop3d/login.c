/*
 * login.c - pop3-login: the commands before login; then auth gives the client
 * to pop3d and this program is done with it.
 */
#include "login.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"

struct pop3_login_conf conf;

static const struct field fields[] = {
	LOGIN_FIELDS,
	F_TIME(struct pop3_login_conf, login_delay, "0s", "0s", "1d",
	    "as in pop3d.conf, for CAPA"),
	F_INT(struct pop3_login_conf, expire, "-1", "-1", "36500",
	    "as in pop3d.conf, for CAPA"),
	F_END
};

static const char *
service(void)
{
	return "pop3";
}

static void
client(struct io *io, struct peer *peer)
{
	struct login l = { .pop3 = { io, IN_AUTHORIZATION, login_offers,
	    login_commands, conf.login_delay, conf.expire }, .peer = peer,
	    .user = STR_INIT };
	int64_t start = mono_ms();
	struct cmd_stats stats;
	struct line_proto p;
	const char *end;

	io->timeout_ms = (int)conf.login.timeout;
	ipc_init(&l.auth, socket_path("auth"), (int)conf.login.auth_timeout);
	pop3_proto(&p, login_commands);
	p.max_line = 12544;	/* a SASL response with a token */
	p.max_errors = (int)conf.login.max_errors;
	p.max_commands = (int)conf.login.max_commands;
	p.cmd_timeout_ms = conf.login.timeout;
	pop3_ok(&l.pop3, "%s POP3 ready", common.hostname);
	end = cmd_end_name(cmd_loop(io, &p, &l, &stats));
	if (l.bad_logins >= conf.login.max_bad_logins)
		end = "auth";
	else if (l.handed_over)
		end = "login";
	else if (l.end != NULL)
		end = l.end;
	log_event(l.handed_over ? LOG_DEBUG : LOG_INFO, "disconnect",
	    KS("client", peer->addr), TLS_KEYS(peer), KS("end", end),
	    KI("bad_logins", l.bad_logins), KU("commands", stats.commands),
	    KI("ms", mono_ms() - start), KEND);
	ipc_free(&l.auth);
	str_free(&l.user);
}

static const struct daemon pop3_login = {
	.name = "pop3-login", .kind = SERVE_CLIENT, .fields = fields,
	.conf = &conf, .before_jail = login_jail, .client = client,
	.tls = &conf.login.tls, .tls_service = service,
	.jail = { .groups = JAIL_UNIX, .files = 32 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &pop3_login);
}
