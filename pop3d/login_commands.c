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

enum cmd_result
cmd_stls(void *session, struct slice args UNUSED)
{
	return pop3_bad(session, "TLS is not available");
}

/* RFC 6856: messages go out as they are anyway, and names may be UTF-8 */
enum cmd_result
cmd_utf8(void *session, struct slice args UNUSED)
{
	return pop3_ok(session, "UTF-8 it is");
}
