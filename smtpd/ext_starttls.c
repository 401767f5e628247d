/*
 * ext_starttls.c - STARTTLS (RFC 3207).  What came before the handshake could
 * be anybody's: it is forgotten, and where more than the command came the
 * session ends before a byte of it is looked at.
 */
#include "ext.h"

#include "conf/common.h"

static bool
starttls_offered(const struct session *s)
{
	return conf.personality != LOCAL && tls_offered(&conf.tls, s->peer);
}

/* 1 go on; else answered */
static int
starttls_allowed(struct session *s)
{
	if (s->peer->tls)
		reply(s, 503, "5.5.1", "TLS is in use already");
	else if (conf.tls.mode == TLS_OFF || conf.personality == LOCAL ||
	    s->peer->port == 0)
		reply(s, 502, "5.5.1", "TLS is not offered here");
	else if (!tls_possible())
		reply(s, 454, "4.7.0", "TLS is not available now");
	else
		return 1;
	return 0;
}

static enum cmd_result
cmd_starttls(void *session, struct slice args UNUSED)
{
	struct session *s = session;

	if (!starttls_allowed(s))
		return CMD_BAD;
	if (tls_injected(s->io, s->peer)) {
		reply(s, 554, "5.5.0", "%s something came with STARTTLS; "
		    "closing", common.hostname);
		s->end = "injected";
		return CMD_QUIT;
	}
	reply(s, 220, "2.0.0", "ready to start TLS");
	if (tls_start(s->io, s->peer, &conf.tls, session_service()) < 0) {
		s->end = "tls";
		return CMD_QUIT;
	}
	session_forget(s);
	return CMD_OK;
}

static const struct command commands[] = {
	{ "STARTTLS", 0, 0, ST_ANY & ~ST_CHUNK, CMD_JUNK, cmd_starttls,
	    "STARTTLS" },
	{ NULL, 0, 0, 0, 0, NULL, NULL }
};

const struct ext ext_starttls = {
	.keyword = "STARTTLS",
	.offered = starttls_offered,
	.commands = commands,
};
