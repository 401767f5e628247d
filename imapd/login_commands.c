/*
 * login_commands.c - the table of imap-login, and what needs no file of its
 * own.
 */
#include "login.h"

#include "capability.h"

const char *
login_mechanisms(const struct login *l)
{
	return login_mechs(&conf, l->peer, "imap");
}

void
login_capabilities(const struct login *l, struct str *out)
{
	struct capability_facts f = { .login = true,
		.may_login = login_by_name(&conf, l->peer, "imap"),
		.starttls = tls_offered(&conf.tls, l->peer),
		.mechs = login_mechanisms(l) };

	capability_list(out, &f);
}

static void
cmd_capability(void *session)
{
	struct login *l = session;
	struct str s = STR_INIT;

	if (!imap_args_end(&l->imap))
		return;
	str_adds(&s, "* CAPABILITY ");
	login_capabilities(l, &s);
	str_adds(&s, "\r\n");
	imap_put(&l->imap, &s);
	str_free(&s);
	imap_ok(&l->imap, NULL, "here they are");
}

static void
cmd_noop(void *session)
{
	struct login *l = session;

	if (imap_args_end(&l->imap))
		imap_ok(&l->imap, NULL, "done");
}

static void
cmd_logout(void *session)
{
	struct login *l = session;

	if (!imap_args_end(&l->imap))
		return;
	imap_say(&l->imap, "BYE good-bye");
	imap_ok(&l->imap, NULL, "logged out");
	l->imap.end = "logout";
}

/* the OK is out */
static void
begin_tls(void *session)
{
	struct login *l = session;

	if (tls_start(l->imap.io, l->peer, &conf.tls, "imap") < 0)
		l->imap.end = "tls";
}

/* RFC 9051 section 6.2.1: nothing but the handshake may have come behind it;
 * of what came before nothing is kept. */
static void
cmd_starttls(void *session)
{
	struct login *l = session;
	struct imap *im = &l->imap;

	if (!imap_args_end(im))
		return;
	if (l->peer->tls) {
		imap_bad(im, NULL, "TLS is in use already");
	} else if (!tls_offered(&conf.tls, l->peer)) {
		imap_no(im, "UNAVAILABLE", "TLS is not available");
	} else if (tls_injected(im->io, l->peer)) {
		imap_say(im, "BYE something came with STARTTLS");
		imap_bad(im, NULL, "something came with STARTTLS");
		im->end = "injected";
	} else {
		imap_ok(im, NULL, "begin TLS");
		im->after = begin_tls;
	}
}

/* RFC 2971 */
static void
cmd_id(void *session)
{
	struct login *l = session;
	struct imap_lex *lex = &l->imap.lex;
	struct slice s;

	imap_lex_sp(lex);
	if (imap_lex_peek(lex) == '(')
		for (imap_lex_open(lex); imap_lex_next(lex); )
			imap_lex_nstring(lex, &s);
	else
		imap_lex_nstring(lex, &s);
	if (!imap_args_end(&l->imap))
		return;
	imap_say(&l->imap, "ID (\"name\" \"Postrider\")");
	imap_ok(&l->imap, NULL, "nice to meet you");
}

const struct imap_command login_commands[] = {
	{ "AUTHENTICATE", IN_LOGIN, 0, cmd_authenticate },
	{ "CAPABILITY", IN_LOGIN, 0, cmd_capability },
	{ "ID", IN_LOGIN, 0, cmd_id },
	{ "LOGIN", IN_LOGIN, 0, cmd_login },
	{ "LOGOUT", IN_LOGIN, 0, cmd_logout },
	{ "NOOP", IN_LOGIN, 0, cmd_noop },
	{ "STARTTLS", IN_LOGIN, 0, cmd_starttls },
};
const size_t login_commands_n = ARRAY_LEN(login_commands);
