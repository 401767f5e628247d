/*
 * cmd_misc.c - the commands that do little: HELO, EHLO, LHLO, RSET, VRFY,
 * HELP, NOOP, QUIT, and those that we do not do.
 */
#include "cmd.h"
#include "conf/common.h"
#include "ext.h"

static bool
greet(struct session *s, struct slice args, bool esmtp)
{
	struct slice name;
	struct err err = ERR_INIT;
	int code;

	if (smtp_helo_parse(args, &name, &err) < 0) {
		reply_err(s, 501, &err);
		return false;
	}
	/* RFC 5321 section 4.1.4: as if RSET had been given */
	session_reset(s);
	str_reset(&s->helo);
	str_addsl(&s->helo, name);
	s->esmtp = esmtp;
	if (session_helo(s, &err, &code) > 0)
		return true;
	reply(s, code, err.dsn, "%s", err.text);
	return false;
}

enum cmd_result
cmd_helo(void *session, struct slice args)
{
	struct session *s = session;

	if (!greet(s, args, false))
		return s->closes ? CMD_QUIT : CMD_BAD;
	reply(s, 250, NULL, "%s", common.hostname);
	return CMD_OK;
}

enum cmd_result
cmd_ehlo(void *session, struct slice args)
{
	struct session *s = session;
	struct str text = STR_INIT;

	if (!greet(s, args, true))
		return s->closes ? CMD_QUIT : CMD_BAD;
	str_adds(&text, common.hostname);
	ext_announce(s, &text);
	reply(s, 250, NULL, "%s", text.s);
	str_free(&text);
	return CMD_OK;
}

enum cmd_result
cmd_rset(void *session, struct slice args UNUSED)
{
	session_reset(session);
	reply(session, 250, "2.0.0", "Ok");
	return CMD_OK;
}

/* RFC 5321 section 3.5.3, 7.3: a polite refusal; RCPT tells who is here */
enum cmd_result
cmd_vrfy(void *session, struct slice args UNUSED)
{
	reply(session, 252, "2.1.5", "try RCPT");
	return CMD_OK;
}

enum cmd_result
cmd_help(void *session, struct slice args UNUSED)
{
	const struct command *c;
	struct str text = STR_INIT;
	const char *sep = "";

	for (c = commands_table(); c->name != NULL; c++) {
		if (c->help == NULL || !ext_command_offered(session, c))
			continue;
		str_addf(&text, "%s%s", sep, c->help);
		sep = "\n";
	}
	reply(session, 214, "2.0.0", "%s", text.s);
	str_free(&text);
	return CMD_OK;
}

enum cmd_result
cmd_noop(void *session, struct slice args UNUSED)
{
	reply(session, 250, "2.0.0", "Ok");
	return CMD_OK;
}

enum cmd_result
cmd_quit(void *session, struct slice args UNUSED)
{
	reply(session, 221, "2.0.0", "Bye");
	return CMD_QUIT;
}

enum cmd_result
cmd_refused(void *session, struct slice args UNUSED)
{
	reply(session, 502, "5.5.1", "command not implemented");
	return CMD_BAD;
}

enum cmd_result
cmd_foreign(void *session, struct slice args UNUSED)
{
	struct session *s = session;

	reply(s, 500, "5.5.2", "this is a mail server; closing");
	s->end = "foreign";
	return CMD_QUIT;
}
