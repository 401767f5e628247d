/*
 * handover.c - what follows a login.  Once the client may be in other hands
 * nothing is written to it any more.
 */
#include "login.h"

enum cmd_result
login_forbidden(struct login *l)
{
	return pop3_bad(&l->pop3, login_may(&conf.login, l->peer) ?
	    "[SYS/PERM] USER and PASS are disabled here" :
	    "[SYS/PERM] login without TLS is not allowed here");
}

static enum cmd_result
trouble(struct login *l, const struct err *err)
{
	login_trouble(l->peer, err);
	return pop3_trouble(&l->pop3, err);
}

enum cmd_result
login_failed(struct login *l, const struct err *err)
{
	if (strcmp(err->dsn, "5.7.8") != 0) {
		if (err->kind == ERR_TEMP || strcmp(err->dsn, "5.5.4") != 0)
			return trouble(l, err);
		return pop3_bad(&l->pop3, "%s", err->text);
	}
	if (++l->bad_logins < conf.login.max_bad_logins)
		return pop3_bad(&l->pop3, "[AUTH] wrong name or password");
	pop3_bad(&l->pop3, "[AUTH] wrong name or password, good-bye");
	return CMD_QUIT;
}

enum cmd_result
login_done(struct login *l)
{
	struct io *io = l->pop3.io;
	struct err err = ERR_INIT;
	int r;

	if (io_pending(io) > LOGIN_UNREAD_MAX)
		return pop3_bad(&l->pop3, "too much input before the answer "
		    "to the login");
	/* answers to pipelined commands go first */
	if (io_flush(io) < 0)
		return CMD_QUIT;
	r = login_give(&l->auth, io, l->peer, "pop3",
	    l->asked ? login_mechanisms(l) : "", &err);
	l->handed_over = r == 1;
	return r >= 0 ? CMD_QUIT : trouble(l, &err);
}
