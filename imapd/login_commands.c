/*
 * login_commands.c - the table of imap-login, and what needs no file of its
 * own.
 */
#include "login.h"

#include "capability.h"

void
login_capabilities(const struct login *l, struct str *out)
{
	struct capability_facts f = { .login = true,
		.may_login = l->may_login };

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

static void
cmd_starttls(void *session)
{
	struct login *l = session;

	if (imap_args_end(&l->imap))
		imap_bad(&l->imap, NULL, "TLS is not available");
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
