/*
 * key.c - field tables of keyd's interface.
 */
#include "proto/key.h"

static const struct field certs_in[] = {
	F_INT(struct key_certs_in, known, "0", NULL, NULL, "generation"),
	F_TIME(struct key_certs_in, wait, "0s", "0s", "1h",
	    "for another generation"),
	F_END
};

static const struct field certs_out[] = {
	F_INT(struct key_certs_out, generation, "0", NULL, NULL, "of files"),
	F_END
};

static const struct field cert_more[] = {
	F_STR(struct key_cert_more, id, NULL, "of its key"),
	F_LIST(struct key_cert_more, chain, "base64 DER"),
	F_STR(struct key_cert_more, staple, "", "base64 OCSP response"),
	F_END
};

static const struct field sign_in[] = {
	F_STR(struct key_sign_in, id, NULL, "of the key"),
	F_INT(struct key_sign_in, scheme, NULL, "0", "65535",
	    "TLS SignatureScheme"),
	F_STR(struct key_sign_in, tbs, NULL, "base64 of what is signed"),
	F_END
};

static const struct field sign_out[] = {
	F_STR(struct key_sign_out, signature, "", "base64"),
	F_END
};

static const struct field tickets_out[] = {
	{ "keys", FIELD_LIST, FIELD_SECRET,
	    offsetof(struct key_tickets_out, keys), "", 0, 0, 0,
	    "base64 of 80 bytes" },
	F_TIME(struct key_tickets_out, next, "0s", NULL, NULL,
	    "until there is a new one"),
	F_END
};

static const struct field vouched[] = {
	F_STR(struct key_vouch_in, session, "", "session id"),
	F_STR(struct key_vouch_in, fingerprint, NULL, "SHA-256, hex"),
	F_STR(struct key_vouch_in, subject, "", "of the certificate"),
	F_LIST(struct key_vouch_in, mailboxes, "addresses in it"),
	F_END
};

static const struct field vouch_out[] = {
	F_STR(struct key_vouch_out, voucher, "", "base64"),
	F_END
};

static const struct field check_in[] = {
	F_STR(struct key_check_in, voucher, NULL, "base64"),
	F_END
};

const struct verb_def key_certs = {
	.name = "certs",
	.in = certs_in, .in_size = sizeof(struct key_certs_in),
	.out = certs_out, .out_size = sizeof(struct key_certs_out),
	.more = cert_more, .more_size = sizeof(struct key_cert_more),
	.flags = VERB_AGAIN,
	.doc = "certificates, without their keys",
};

const struct verb_def key_sign = {
	.name = "sign",
	.in = sign_in, .in_size = sizeof(struct key_sign_in),
	.out = sign_out, .out_size = sizeof(struct key_sign_out),
	.flags = VERB_AGAIN,
	.doc = "sign a step of a TLS handshake",
};

const struct verb_def key_tickets = {
	.name = "tickets",
	.out = tickets_out, .out_size = sizeof(struct key_tickets_out),
	.flags = VERB_AGAIN,
	.doc = "secrets of session tickets",
};

const struct verb_def key_vouch = {
	.name = "vouch",
	.in = vouched, .in_size = sizeof(struct key_vouch_in),
	.out = vouch_out, .out_size = sizeof(struct key_vouch_out),
	.flags = VERB_AGAIN,
	.doc = "this certificate was verified",
};

const struct verb_def key_check = {
	.name = "check",
	.in = check_in, .in_size = sizeof(struct key_check_in),
	.out = vouched, .out_size = sizeof(struct key_vouch_in),
	.flags = VERB_AGAIN,
	.doc = "what is vouched for?",
};

const struct verb_def *const key_verbs[] = {
	&key_certs,
	&key_sign,
	&key_tickets,
	&key_vouch,
	&key_check,
	NULL
};
