/*
 * login.c - the common part of imap-login and pop3-login.
 */
#include "serve/login.h"

#include "base/log.h"
#include "conf/common.h"
#include "proto/auth.h"
#include "serve/mechs.h"

bool
plaintext_may(int auth_plaintext, const struct peer *peer)
{
	return peer->tls || auth_plaintext == PLAINTEXT_ALWAYS ||
	    (auth_plaintext == PLAINTEXT_LOOPBACK && peer_here(peer));
}

bool
login_may(const struct login_conf *c, const struct peer *peer)
{
	return !tls_needed(&c->tls, peer) &&
	    plaintext_may(c->auth_plaintext, peer);
}

const char *
login_mechs(const struct login_conf *c, const struct peer *peer,
    const char *service)
{
	if (tls_needed(&c->tls, peer))
		return "";
	return mechs_offered(peer, service, login_may(c, peer));
}

bool
login_by_name(const struct login_conf *c, const struct peer *peer,
    const char *service)
{
	const char *mechs, *name;

	if (!login_may(c, peer))
		return false;
	mechs = login_mechs(c, peer, service);
	return mechs_has(mechs, SLICE_LIT("PLAIN"), &name) ||
	    mechs_has(mechs, SLICE_LIT("LOGIN"), &name);
}

void
login_trouble(const struct peer *peer, const struct err *err)
{
	if (err->kind != ERR_PERM)
		log_event(LOG_WARN, "no-login", KS("client", peer->addr),
		    KERR(err), KEND);
}

int
login_jail(struct err *err UNUSED)
{
	/* connect(2) to a socket is no right that Landlock knows, but its
	 * path must be found */
	jail_path(socket_path("auth"), PATH_READ);
	jail_path(socket_path("tlsd"), PATH_READ);
	return 0;
}

int
login_give(struct ipc *auth, struct io *io, const struct peer *peer,
    const char *service, const char *state, struct err *err)
{
	struct auth_handover_in in = { .service = service, .state = state,
		.client_addr = peer->addr, .local_addr = peer->local_addr,
		.session = peer->id, .client_port = peer->port,
		.local_port = peer->local_port, .tls = peer->tls,
		.version = tls_version(peer), .cipher = tls_cipher(peer),
		.sni = tls_sni(peer) };
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
