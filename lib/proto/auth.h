/*
 * auth.h - who is it?  One connection is one client's login: sasl steps or
 * one password, then, for mail readers, the hand-over of the client.
 */
#ifndef PROTO_AUTH_H
#define PROTO_AUTH_H

#include "ipc/ipc.h"

/* What is below the login: facts of tlsd, "" or false without TLS.  The peer
 * may lie, so they weaken nobody but its own client: a channel binding that is
 * not true lets no exchange succeed, and a certificate counts only by its
 * voucher. */
struct auth_channel {
	bool tls;
	const char *exporter, *end_point;	/* base64 */
	const char *voucher;
	const char *version;	/* TLSv1.3; for the log */
};
struct auth_sasl_in {
	const char *mech;	/* first step: PLAIN, LOGIN; later "" */
	const char *data;	/* base64 of the response; "" empty */
	bool has_data;		/* false: no initial response was given */
	const char *service;	/* smtp, pop3, imap */
	const char *client_addr, *session;
	struct auth_channel ch;
};
struct auth_pass_in {
	const char *user, *pass;	/* pass is never logged */
	const char *service, *client_addr, *session;
	struct auth_channel ch;
};
struct auth_out {
	bool done;		/* false: challenge, and a further sasl step */
	const char *challenge;	/* base64 */
	const char *user;	/* full address, canonical */
	const char *login;	/* who proved it, where that is another: a
				 * master user; else "" */
};
/* Mechanisms that can be offered in this situation, parted by blanks. */
struct auth_mechs_in {
	const char *service, *client_addr;
	bool plaintext;		/* passwords may go in the clear here */
	struct auth_channel ch;
};
struct auth_mechs_out { const char *mechs; };
extern const struct verb_def auth_mechs;
/* errors: 5.7.8 credentials invalid (auth itself delays the answer), 4.7.0
 * temporary, 5.5.4 malformed, 5.7.13 disabled */
extern const struct verb_def auth_sasl;
extern const struct verb_def auth_pass;
/* after done: the client's descriptor goes to the session program */
struct auth_handover_in {
	const char *service;	/* pop3, imap */
	const char *input;	/* base64 of bytes read but not used */
	const char *state;	/* what the session program is to know of the
				 * login: imap: the tag to answer; <= 255 */
	const char *client_addr, *local_addr, *session;
	int64_t client_port, local_port;
	bool tls;
	const char *version, *cipher, *sni;	/* of it, for the log */
};
extern const struct verb_def auth_handover;	/* VERB_FD_IN */
extern const struct verb_def *const auth_verbs[];

/*
 * smtp asks auth to log in for it: passwords and tokens of other servers are
 * auth's, and what must not be sent in the clear never leaves it.  One
 * connection is one exchange: the first call names the place, later ones carry
 * the server's challenges.
 */
struct auth_client_in {
	const char *host;	/* of the server, as certificate and MX say */
	const char *nexthop;	/* "[host]:port" or the domain */
	const char *sender;	/* of the envelope */
	const char *mechs;	/* that the server offers, parted by blanks */
	struct auth_channel ch;	/* what TLS is there; verified or not: */
	bool verified;		/* the server's certificate was checked */
	const char *challenge;	/* base64; "" in the first call, and what
				 * some servers say */
	const char *session;
};
struct auth_client_out {
	bool none;		/* first call: no account for that place */
	const char *mech;	/* first call: chosen */
	const char *user;	/* for the log */
	bool has_response;
	const char *response;	/* base64 */
	bool final;		/* the server may say yes now: before that it
				 * has not proved who it is */
	bool by_sender;		/* first call, also with none: another sender
				 * may have another account there */
};
/* errors: 4.7.0 temporary (a token could not be had), 4.7.4 the server
 * offers nothing that we may use, 4.3.5 a table to be mended, 5.7.8 the
 * server's proof is false */
extern const struct verb_def auth_client;
/* how it ended: "ok", or the reply; counted, and a token forgotten */
struct auth_client_end_in {
	bool ok;
	bool refused;		/* for good: 5xx */
	const char *why;
};
extern const struct verb_def auth_client_end;	/* VERB_NO_REPLY */

/* auth -> pop3d, imapd; the fd is the client */
struct session_begin_in {
	const char *user;	/* full address */
	int64_t uid, gid;
	const char *home;	/* directory that holds Maildir */
	const char *mailbox;	/* DOMAIN/LOCALPART or "" */
	uint64_t quota;
	const char *input;	/* base64 */
	const char *state;	/* of auth_handover_in: not to be trusted */
	const char *client_addr, *local_addr, *session;
	int64_t client_port, local_port;
	bool tls;
	const char *version, *cipher, *sni;	/* of it, for the log */
};
extern const struct verb_def session_begin;	/* VERB_FD_IN */
extern const struct verb_def *const session_verbs[];

#endif
