/*
 * login.c - the common part of imap-login and pop3-login.
 */
#include "serve/login.h"

#include "conf/common.h"
#include "proto/auth.h"

bool
login_may(const struct login_conf *c, const struct peer *peer)
{
	return peer->tls || c->auth_plaintext == PLAINTEXT_ALWAYS ||
	    (c->auth_plaintext == PLAINTEXT_LOOPBACK && peer_here(peer));
}

int
login_jail(struct err *err UNUSED)
{
	/* connect(2) to a socket is no right that Landlock knows, but its
	 * path must be found */
	jail_path(socket_path("auth"), PATH_READ);
	return 0;
}

int
login_give(struct ipc *auth, struct io *io, const struct peer *peer,
    const char *service, const char *state, struct err *err)
{
	struct auth_handover_in in = { .service = service, .state = state,
		.client_addr = peer->addr, .local_addr = peer->local_addr,
		.session = peer->id, .client_port = peer->port,
		.local_port = peer->local_port, .tls = peer->tls };
	struct str input = STR_INIT;
	bool sent = false;
	int r;

	base64_encode(&input, io->in + io->in_pos, io_pending(io));
	in.input = input.s;
	r = ipc_call(auth, &auth_handover, &in, io->fd, NULL, NULL, &sent,
	    err);
	str_free(&input);
	if (r == 0)
		return 1;
	return auth->fd < 0 && sent ? 0 : -1;
}
