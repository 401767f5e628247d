/*
 * filter.c - field tables of filter's interface.
 */
#include "proto/filter.h"

static const struct field session_in[] = {
	F_LIST(struct filter_session_in, filters, "names of filter.conf"),
	F_STR(struct filter_session_in, session, "", "session id"),
	F_STR(struct filter_session_in, service, "smtp", "which service"),
	F_STR(struct filter_session_in, client_addr, "", "of the client"),
	F_STR(struct filter_session_in, client_name, "", "of the client"),
	F_INT(struct filter_session_in, client_port, "0", NULL, NULL,
	    "of the client"),
	F_STR(struct filter_session_in, local_addr, "", "ours"),
	F_INT(struct filter_session_in, local_port, "0", NULL, NULL, "ours"),
	F_BOOL(struct filter_session_in, trusted, "no", "may relay"),
	F_END
};

static const struct field helo_in[] = {
	F_STR(struct filter_helo_in, helo, "", "name the client gave"),
	F_BOOL(struct filter_helo_in, esmtp, "no", "by EHLO"),
	F_STR(struct filter_helo_in, tls, "", "version of TLS"),
	F_STR(struct filter_helo_in, cipher, "", "its cipher"),
	F_STR(struct filter_helo_in, subject, "", "of a good certificate"),
	F_STR(struct filter_helo_in, issuer, "", "of a good certificate"),
	F_INT(struct filter_helo_in, bits, "0", NULL, NULL,
	    "of the cipher's key"),
	F_END
};

static const struct field mail_in[] = {
	F_STR(struct filter_mail_in, sender, "", "return path"),
	F_LIST(struct filter_mail_in, params, "as the client gave them"),
	F_STR(struct filter_mail_in, login, "", "authenticated as"),
	F_STR(struct filter_mail_in, mech, "", "by which mechanism"),
	F_STR(struct filter_mail_in, proto, "ESMTP", "for Received"),
	F_END
};

static const struct field rcpt_in[] = {
	F_STR(struct filter_rcpt_in, addr, NULL, "recipient"),
	F_LIST(struct filter_rcpt_in, params, "as the client gave them"),
	F_BOOL(struct filter_rcpt_in, refused, "no", "by us"),
	F_STR(struct filter_rcpt_in, dsn, "", "why"),
	F_STR(struct filter_rcpt_in, text, "", "why"),
	F_END
};

static const struct field unknown_in[] = {
	F_STR(struct filter_unknown_in, line, "", "the command"),
	F_END
};

static const struct field content_in[] = {
	F_STR(struct filter_content_in, q, "", "queue id"),
	F_SIZE(struct filter_content_in, trace, "0", NULL, NULL,
	    "octets of ours in front"),
	F_SIZE(struct filter_content_in, size, "0", NULL, NULL,
	    "octets of the client"),
	F_BOOL(struct filter_content_in, utf8, "no", "SMTPUTF8"),
	F_BOOL(struct filter_content_in, body8, "no", "8BITMIME"),
	F_BOOL(struct filter_content_in, held, "no", "a rule holds it"),
	F_END
};

static const struct field answer[] = {
	F_ENUM(struct filter_out, action, "continue", FILTER_ACTIONS,
	    "what to do with the command"),
	F_INT(struct filter_out, code, "0", NULL, NULL, "of the reply"),
	F_STR(struct filter_out, dsn, "", "of the reply"),
	F_STR(struct filter_out, text, "", "of the reply"),
	F_STR(struct filter_out, by, "", "which filter"),
	F_INT(struct filter_out, wants, "0", NULL, NULL,
	    "stages that somebody wants to see"),
	F_END
};

#define STAGE(z, table, record, fl, what) { \
	.name = z, \
	.in = table, .in_size = sizeof(record), \
	.out = answer, .out_size = sizeof(struct filter_out), \
	.flags = fl, .doc = what }

const struct verb_def filter_session = STAGE("session", session_in,
    struct filter_session_in, 0, "a client came");
const struct verb_def filter_helo = STAGE("helo", helo_in,
    struct filter_helo_in, 0, "HELO or EHLO");
const struct verb_def filter_mail = STAGE("mail", mail_in,
    struct filter_mail_in, 0, "MAIL");
const struct verb_def filter_rcpt = STAGE("rcpt", rcpt_in,
    struct filter_rcpt_in, 0, "RCPT");

const struct verb_def filter_unknown = STAGE("unknown", unknown_in,
    struct filter_unknown_in, 0, "a command that is none");

const struct verb_def filter_data = {
	.name = "data",
	.out = answer, .out_size = sizeof(struct filter_out),
	.doc = "DATA, or the first BDAT",
};

const struct verb_def filter_content = {
	.name = "content",
	.in = content_in, .in_size = sizeof(struct filter_content_in),
	.out = answer, .out_size = sizeof(struct filter_out),
	.more = edit_fields, .more_size = sizeof(struct edit),
	.flags = VERB_FD_IN | VERB_FD_OUT,
	.doc = "the whole message",
};

const struct verb_def filter_abort = {
	.name = "abort",
	.doc = "the transaction is over",
};

const struct verb_def *const filter_verbs[] = {
	&filter_session,
	&filter_helo,
	&filter_mail,
	&filter_rcpt,
	&filter_data,
	&filter_unknown,
	&filter_content,
	&filter_abort,
	NULL
};
