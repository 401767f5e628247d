/*
 * login_commands.c - the table of pop3-login, and what needs no file of its
 * own.
 */
#include "login.h"

#define LOGIN(fn) fn
#define SESSION(fn) NULL

const struct command login_commands[] = {
#include "commands.inc"
	{ 0 }
};

enum cmd_result
cmd_quit(void *session, struct slice args UNUSED)
{
	pop3_ok(session, "good-bye");
	return CMD_QUIT;
}

const char *
login_mechanisms(struct login *l)
{
	l->asked = true;
	return login_mechs(&conf.login, l->peer, "pop3");
}

void
login_offers(void *session, struct pop3_offers *o)
{
	struct login *l = session;

	o->user = login_by_name(&conf.login, l->peer, "pop3");
	o->stls = tls_offered(&conf.login.tls, l->peer);
	o->mechs = slice_of(login_mechanisms(l));
}

/* RFC 2595 section 4: what came before is forgotten, and nothing but the
 * handshake may have come behind it */
enum cmd_result
cmd_stls(void *session, struct slice args UNUSED)
{
	struct login *l = session;
	struct pop3 *p = &l->pop3;

	if (l->peer->tls)
		return pop3_bad(p, "TLS is in use already");
	if (!tls_offered(&conf.login.tls, l->peer))
		return pop3_bad(p, "[SYS/TEMP] TLS is not available");
	if (tls_injected(p->io, l->peer)) {
		pop3_bad(p, "something came with STLS, good-bye");
		l->end = "injected";
		return CMD_QUIT;
	}
	pop3_ok(p, "begin TLS");
	if (tls_start(p->io, l->peer, &conf.login.tls, "pop3") < 0) {
		l->end = "tls";
		return CMD_QUIT;
	}
	str_reset(&l->user);
	l->asked = false;
	return CMD_OK;
}

/* RFC 6856: messages go out as they are anyway, and names may be UTF-8 */
enum cmd_result
cmd_utf8(void *session, struct slice args UNUSED)
{
	return pop3_ok(session, "UTF-8 it is");
}
