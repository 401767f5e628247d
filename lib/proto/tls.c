/*
 * tls.c - field tables of tlsd's interface.
 */
#include "proto/tls.h"

static const struct field facts[] = {
	F_STR(struct tls_facts_out, version, "", "protocol"),
	F_STR(struct tls_facts_out, cipher, "", "cipher suite"),
	F_INT(struct tls_facts_out, bits, "0", NULL, NULL, "of its key"),
	F_BOOL(struct tls_facts_out, resumed, "no", "an earlier session"),
	F_STR(struct tls_facts_out, sni, "", "server name asked for"),
	F_STR(struct tls_facts_out, alpn, "", "protocol agreed on"),
	F_STR(struct tls_facts_out, exporter, "", "base64, RFC 9266"),
	F_STR(struct tls_facts_out, end_point, "", "base64, RFC 5929"),
	F_STR(struct tls_facts_out, subject, "", "of the peer"),
	F_STR(struct tls_facts_out, issuer, "", "of the peer's certificate"),
	F_STR(struct tls_facts_out, fingerprint, "", "SHA-256, hex"),
	F_LIST(struct tls_facts_out, mailboxes, "addresses in it"),
	F_BOOL(struct tls_facts_out, verified, "no", "it is to be believed"),
	F_STR(struct tls_facts_out, why, "", "why it is not"),
	F_STR(struct tls_facts_out, voucher, "", "keyd checks it for auth"),
	F_END
};

static const struct field server_in[] = {
	F_STR(struct tls_server_in, service, NULL, "smtp, pop3, imap, ..."),
	F_STR(struct tls_server_in, client_addr, "", "client"),
	F_STR(struct tls_server_in, session, "", "session id"),
	F_BOOL(struct tls_server_in, ask_certificate, "no",
	    "ask the client for a certificate"),
	F_TIME(struct tls_server_in, timeout, "30s", "100ms", "10m",
	    "for the handshake"),
	F_END
};

static const struct field client_in[] = {
	F_STR(struct tls_client_in, service, NULL, "smtp, lmtp, ..."),
	F_STR(struct tls_client_in, session, "", "session id"),
	F_STR(struct tls_client_in, sni, "", "server name to ask for"),
	F_ENUM(struct tls_client_in, verify, "none", TLS_VERIFY,
	    "what the certificate must fulfil"),
	F_LIST(struct tls_client_in, names, "names, one must be its"),
	F_LIST(struct tls_client_in, fingerprints, "SHA-256, hex"),
	F_LIST(struct tls_client_in, tlsa, "usage selector type hex"),
	F_STR(struct tls_client_in, alpn, "", "protocol to offer"),
	F_ENUM(struct tls_client_in, min, "any", TLS_MIN, "protocol version"),
	F_BOOL(struct tls_client_in, lenient, "no",
	    "a certificate that is not good is a fact"),
	F_TIME(struct tls_client_in, timeout, "30s", "100ms", "10m",
	    "for the handshake"),
	F_END
};

static const struct field stat_out[] = {
	F_INT(struct tls_stat_out, sessions, "0", NULL, NULL, "now"),
	F_INT(struct tls_stat_out, handshakes, "0", NULL, NULL, "done"),
	F_INT(struct tls_stat_out, failed, "0", NULL, NULL, "not done"),
	F_INT(struct tls_stat_out, resumed, "0", NULL, NULL, "of tickets"),
	F_INT(struct tls_stat_out, certificates, "0", NULL, NULL, "known"),
	F_END
};

const struct verb_def tls_server = {
	.name = "server",
	.in = server_in, .in_size = sizeof(struct tls_server_in),
	.out = facts, .out_size = sizeof(struct tls_facts_out),
	.flags = VERB_FD_IN | VERB_FD_OUT | VERB_UNREAD,
	.doc = "be the server of a handshake",
};

const struct verb_def tls_client = {
	.name = "client",
	.in = client_in, .in_size = sizeof(struct tls_client_in),
	.out = facts, .out_size = sizeof(struct tls_facts_out),
	.flags = VERB_FD_IN | VERB_FD_OUT | VERB_ONCE,
	.doc = "be the client of a handshake",
};

const struct verb_def tls_stat = {
	.name = "stat",
	.out = stat_out, .out_size = sizeof(struct tls_stat_out),
	.flags = VERB_AGAIN,
	.doc = "counters",
};

const struct verb_def *const tls_verbs[] = {
	&tls_server,
	&tls_client,
	&tls_stat,
	NULL
};
