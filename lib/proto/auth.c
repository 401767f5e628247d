/*
 * auth.c - field tables of auth and of the session programs.
 */
#include "proto/auth.h"

#define CHANNEL(st) \
	{ "tls", FIELD_BOOL, 0, offsetof(st, ch.tls), "no", 0, 0, 0, \
	    "the session is encrypted" }, \
	{ "exporter", FIELD_STR, 0, offsetof(st, ch.exporter), "", 0, 0, 0, \
	    "channel binding, base64" }, \
	{ "end_point", FIELD_STR, 0, offsetof(st, ch.end_point), "", 0, 0, 0, \
	    "channel binding, base64" }, \
	{ "voucher", FIELD_STR, 0, offsetof(st, ch.voucher), "", 0, 0, 0, \
	    "of a client's certificate" }, \
	{ "version", FIELD_STR, 0, offsetof(st, ch.version), "", 0, 0, 0, \
	    "of TLS, for the log" }

static const struct field sasl_in[] = {
	F_STR(struct auth_sasl_in, mech, "", "mechanism, first step only"),
	F_SECRET(struct auth_sasl_in, data, "", "base64 response"),
	F_BOOL(struct auth_sasl_in, has_data, "no", "a response is given"),
	F_STR(struct auth_sasl_in, service, "", "smtp, pop3, imap"),
	F_STR(struct auth_sasl_in, client_addr, "", "client"),
	F_STR(struct auth_sasl_in, session, "", "session id"),
	CHANNEL(struct auth_sasl_in),
	F_END
};

static const struct field pass_in[] = {
	F_STR(struct auth_pass_in, user, NULL, "name as given"),
	F_SECRET(struct auth_pass_in, pass, NULL, "password"),
	F_STR(struct auth_pass_in, service, "", "smtp, pop3, imap"),
	F_STR(struct auth_pass_in, client_addr, "", "client"),
	F_STR(struct auth_pass_in, session, "", "session id"),
	CHANNEL(struct auth_pass_in),
	F_END
};

static const struct field out[] = {
	F_BOOL(struct auth_out, done, "no", "authenticated"),
	F_STR(struct auth_out, challenge, "", "base64"),
	F_STR(struct auth_out, user, "", "full address"),
	F_STR(struct auth_out, login, "", "who proved it, if another"),
	F_END
};

static const struct field mechs_in[] = {
	F_STR(struct auth_mechs_in, service, "", "smtp, pop3, imap"),
	F_STR(struct auth_mechs_in, client_addr, "", "client"),
	F_BOOL(struct auth_mechs_in, plaintext, "no",
	    "passwords may go in the clear"),
	CHANNEL(struct auth_mechs_in),
	F_END
};

static const struct field mechs_out[] = {
	F_STR(struct auth_mechs_out, mechs, "", "names, parted by blanks"),
	F_END
};

static const struct field handover_in[] = {
	F_STR(struct auth_handover_in, service, NULL, "pop3, imap"),
	F_STR(struct auth_handover_in, input, "", "base64 of unread input"),
	F_STR(struct auth_handover_in, state, "", "for the session program"),
	F_STR(struct auth_handover_in, client_addr, "", "client"),
	F_STR(struct auth_handover_in, local_addr, "", "our address"),
	F_STR(struct auth_handover_in, session, "", "session id"),
	F_INT(struct auth_handover_in, client_port, "0", NULL, NULL,
	    "port of the client"),
	F_INT(struct auth_handover_in, local_port, "0", NULL, NULL, "our port"),
	F_BOOL(struct auth_handover_in, tls, "no", "the session is encrypted"),
	F_STR(struct auth_handover_in, version, "", "of TLS"),
	F_STR(struct auth_handover_in, cipher, "", "of TLS"),
	F_STR(struct auth_handover_in, sni, "", "server name asked for"),
	F_END
};

static const struct field begin_in[] = {
	F_STR(struct session_begin_in, user, NULL, "full address"),
	F_INT(struct session_begin_in, uid, NULL, NULL, NULL, "user id"),
	F_INT(struct session_begin_in, gid, NULL, NULL, NULL, "group id"),
	F_STR(struct session_begin_in, home, NULL,
	    "directory that holds Maildir"),
	F_STR(struct session_begin_in, mailbox, "", "DOMAIN/LOCALPART"),
	F_SIZE(struct session_begin_in, quota, "0", NULL, NULL, "bytes"),
	F_STR(struct session_begin_in, input, "", "base64 of unread input"),
	F_STR(struct session_begin_in, state, "", "from the login"),
	F_STR(struct session_begin_in, client_addr, "", "client"),
	F_STR(struct session_begin_in, local_addr, "", "our address"),
	F_STR(struct session_begin_in, session, "", "session id"),
	F_INT(struct session_begin_in, client_port, "0", NULL, NULL,
	    "port of the client"),
	F_INT(struct session_begin_in, local_port, "0", NULL, NULL, "our port"),
	F_BOOL(struct session_begin_in, tls, "no", "the session is encrypted"),
	F_STR(struct session_begin_in, version, "", "of TLS"),
	F_STR(struct session_begin_in, cipher, "", "of TLS"),
	F_STR(struct session_begin_in, sni, "", "server name asked for"),
	F_END
};

const struct verb_def auth_sasl = {
	.name = "sasl",
	.in = sasl_in, .in_size = sizeof(struct auth_sasl_in),
	.out = out, .out_size = sizeof(struct auth_out),
	.doc = "one SASL step",
};

const struct verb_def auth_mechs = {
	.name = "mechs",
	.in = mechs_in, .in_size = sizeof(struct auth_mechs_in),
	.out = mechs_out, .out_size = sizeof(struct auth_mechs_out),
	.flags = VERB_AGAIN,
	.doc = "mechanisms to offer",
};

const struct verb_def auth_pass = {
	.name = "pass",
	.in = pass_in, .in_size = sizeof(struct auth_pass_in),
	.out = out, .out_size = sizeof(struct auth_out),
	.doc = "user and password",
};

static const struct field client_in[] = {
	F_STR(struct auth_client_in, host, "", "name of the server"),
	F_STR(struct auth_client_in, nexthop, "", "where mail goes"),
	F_STR(struct auth_client_in, sender, "", "of the envelope"),
	F_STR(struct auth_client_in, mechs, "", "that the server offers"),
	F_BOOL(struct auth_client_in, verified, "no",
	    "the certificate was checked"),
	F_SECRET(struct auth_client_in, challenge, "", "base64"),
	F_STR(struct auth_client_in, session, "", "session id"),
	CHANNEL(struct auth_client_in),
	F_END
};

static const struct field client_out[] = {
	F_BOOL(struct auth_client_out, none, "no", "no account for it"),
	F_STR(struct auth_client_out, mech, "", "mechanism"),
	F_STR(struct auth_client_out, user, "", "who"),
	F_BOOL(struct auth_client_out, has_response, "no",
	    "a response is given"),
	F_SECRET(struct auth_client_out, response, "", "base64"),
	F_BOOL(struct auth_client_out, final, "no", "it may say yes now"),
	F_BOOL(struct auth_client_out, by_sender, "no",
	    "it depends on the sender"),
	F_END
};

static const struct field client_end_in[] = {
	F_BOOL(struct auth_client_end_in, ok, "no", "logged in"),
	F_BOOL(struct auth_client_end_in, refused, "no", "for good"),
	F_STR(struct auth_client_end_in, why, "", "the server's reply"),
	F_END
};

const struct verb_def auth_client = {
	.name = "client",
	.in = client_in, .in_size = sizeof(struct auth_client_in),
	.out = client_out, .out_size = sizeof(struct auth_client_out),
	.doc = "a step of a login at another server",
};

const struct verb_def auth_client_end = {
	.name = "client-end",
	.in = client_end_in, .in_size = sizeof(struct auth_client_end_in),
	.flags = VERB_NO_REPLY,
	.doc = "how that login ended",
};

const struct verb_def auth_handover = {
	.name = "handover",
	.in = handover_in, .in_size = sizeof(struct auth_handover_in),
	.flags = VERB_FD_IN | VERB_ONCE,
	.doc = "give the client to the session program",
};

const struct verb_def session_begin = {
	.name = "begin",
	.in = begin_in, .in_size = sizeof(struct session_begin_in),
	.flags = VERB_FD_IN | VERB_ONCE,
	.doc = "serve this client as this user",
};

const struct verb_def *const auth_verbs[] = {
	&auth_sasl,
	&auth_pass,
	&auth_handover,
	&auth_mechs,
	&auth_client,
	&auth_client_end,
	NULL
};

const struct verb_def *const session_verbs[] = {
	&session_begin,
	NULL
};
