/*
 * handover.c - what follows a login.  Once the client may be in other hands
 * nothing is written to it any more.
 */
#include "login.h"

#include "proto/auth.h"

enum { UNREAD_MAX = 32768 };

int
login_allowed(struct login *l)
{
	if (l->pop3.may_login)
		return 1;
	pop3_bad(&l->pop3, "[SYS/PERM] login without TLS is not allowed here");
	return 0;
}

enum cmd_result
login_failed(struct login *l, const struct err *err)
{
	if (strcmp(err->dsn, "5.7.8") != 0) {
		if (err->kind == ERR_TEMP || strcmp(err->dsn, "5.5.4") != 0)
			return pop3_trouble(&l->pop3, err);
		return pop3_bad(&l->pop3, "%s", err->text);
	}
	if (++l->bad_logins < conf.max_bad_logins)
		return pop3_bad(&l->pop3, "[AUTH] wrong name or password");
	pop3_bad(&l->pop3, "[AUTH] wrong name or password, good-bye");
	return CMD_QUIT;
}

static void
fill(struct login *l, struct auth_handover_in *in, struct str *input)
{
	struct io *io = l->pop3.io;

	base64_encode(input, io->in + io->in_pos, io_pending(io));
	*in = (struct auth_handover_in){
		.service = "pop3", .input = input->s, .state = "",
		.client_addr = l->peer->addr,
		.local_addr = l->peer->local_addr, .session = l->peer->id,
		.client_port = l->peer->port,
		.local_port = l->peer->local_port, .tls = l->peer->tls,
	};
}

enum cmd_result
login_done(struct login *l)
{
	struct io *io = l->pop3.io;
	struct auth_handover_in in;
	struct str input = STR_INIT;
	struct err err = ERR_INIT;
	bool sent = false;
	int r;

	if (io_pending(io) > UNREAD_MAX)
		return pop3_bad(&l->pop3, "too much input before the answer "
		    "to the login");
	/* answers to pipelined commands go first */
	if (io_flush(io) < 0)
		return CMD_QUIT;
	fill(l, &in, &input);
	r = ipc_call(&l->auth, &auth_handover, &in, io->fd, NULL, NULL, &sent,
	    &err);
	str_free(&input);
	if (r == 0)
		l->handed_over = true;
	if (r == 0 || (l->auth.fd < 0 && sent))
		return CMD_QUIT;
	return pop3_trouble(&l->pop3, &err);
}
