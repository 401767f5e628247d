/*
 * cleanup.c - field tables of the cleanup interface.
 */
#include "proto/cleanup.h"

static const struct field space_in[] = {
	F_SIZE(struct cleanup_space_in, size, "0", NULL, NULL,
	    "bytes announced"),
	F_END
};

static const struct field space_out[] = {
	F_SIZE(struct cleanup_space_out, whole, "0", NULL, NULL,
	    "content up to this may come with put"),
	F_END
};

static const struct field rcpt_in[] = {
	F_STR(struct cleanup_rcpt_in, addr, NULL, "recipient"),
	F_STR(struct cleanup_rcpt_in, notify, "", "NOTIFY="),
	F_STR(struct cleanup_rcpt_in, orcpt, "", "ORCPT="),
	F_STR(struct cleanup_rcpt_in, orig, "", "who forwards to it"),
	F_STR(struct cleanup_rcpt_in, seal, "", "its route, as router gave it"),
	F_END
};

static const struct field begin_in[] = {
	F_STR(struct cleanup_begin_in, sender, "", "return path"),
	F_INT(struct cleanup_begin_in, rcpts, "0", NULL, NULL,
	    "how many recipients in all"),
	F_STR(struct cleanup_begin_in, rcpt, "", "a recipient"),
	F_STR(struct cleanup_begin_in, notify, "", "its NOTIFY="),
	F_STR(struct cleanup_begin_in, orcpt, "", "its ORCPT="),
	F_STR(struct cleanup_begin_in, orig, "", "who forwards to it"),
	F_STR(struct cleanup_begin_in, seal, "", "its route, by router"),
	F_STR(struct cleanup_begin_in, ret, "", "RET="),
	F_STR(struct cleanup_begin_in, envid, "", "ENVID="),
	F_BOOL(struct cleanup_begin_in, utf8, "no", "SMTPUTF8"),
	F_BOOL(struct cleanup_begin_in, body8, "no", "8BITMIME"),
	F_BOOL(struct cleanup_begin_in, requiretls, "no", "REQUIRETLS"),
	F_STR(struct cleanup_begin_in, verp, "", "delimiters of VERP"),
	F_STR(struct cleanup_begin_in, proto, "ESMTP", "protocol for Received"),
	F_STR(struct cleanup_begin_in, tls, "", "version of TLS"),
	F_STR(struct cleanup_begin_in, cipher, "", "its cipher"),
	F_STR(struct cleanup_begin_in, sni, "", "name that was asked for"),
	F_STR(struct cleanup_begin_in, subject, "",
	    "of the client's certificate, where it is good"),
	F_INT(struct cleanup_begin_in, bits, "0", NULL, NULL,
	    "of the cipher's key"),
	F_STR(struct cleanup_begin_in, helo, "", "name given by the client"),
	F_STR(struct cleanup_begin_in, client_addr, "",
	    "address of the client"),
	F_STR(struct cleanup_begin_in, client_name, "", "name of the client"),
	F_INT(struct cleanup_begin_in, client_port, "0", NULL, NULL,
	    "port of the client"),
	F_STR(struct cleanup_begin_in, login, "", "authenticated as"),
	F_INT(struct cleanup_begin_in, uid, "-1", NULL, NULL, "local sender"),
	F_STR(struct cleanup_begin_in, session, "", "session id"),
	F_INT(struct cleanup_begin_in, hold, "0", NULL, NULL, "1 on hold"),
	F_INT(struct cleanup_begin_in, release_at, "0", NULL, NULL,
	    "unix seconds"),
	F_INT(struct cleanup_begin_in, priority, "0", NULL, NULL, "-9 to 9"),
	F_BOOL(struct cleanup_begin_in, internal, "no",
	    "made by the suite itself"),
	F_BOOL(struct cleanup_begin_in, normalize, "no", "add missing headers"),
	F_BOOL(struct cleanup_begin_in, check_from, "no",
	    "From must be the login's"),
	F_BOOL(struct cleanup_begin_in, trusted, "no",
	    "the client is, by its address"),
	F_BOOL(struct cleanup_begin_in, checks, "no",
	    "content checks apply"),
	F_BOOL(struct cleanup_begin_in, hide_client, "no",
	    "the client is not named in Received"),
	F_STR(struct cleanup_begin_in, q, "", "put: queue id"),
	F_STR(struct cleanup_begin_in, content, "", "put: content"),
	F_END
};

static const struct field q_out[] = {
	F_STR(struct cleanup_begin_out, q, "", "queue id"),
	F_END
};

static const struct field commit_in[] = {
	F_SIZE(struct cleanup_commit_in, size, "0", NULL, NULL,
	    "bytes appended"),
	F_END
};

static const struct field complete_out[] = {
	F_SIZE(struct cleanup_complete_out, trace, "0", NULL, NULL,
	    "bytes of ours in front"),
	F_SIZE(struct cleanup_complete_out, size, "0", NULL, NULL,
	    "bytes behind them"),
	F_END
};

static const struct field commit_out[] = {
	F_STR(struct cleanup_commit_out, q, "", "queue id"),
	F_BOOL(struct cleanup_commit_out, discarded, "no", "nobody gets it"),
	F_END
};

static const struct field settle_in[] = {
	F_STR(struct cleanup_settle_in, q, NULL, "queue id"),
	F_BOOL(struct cleanup_settle_in, put, "no", "it was a put"),
	F_END
};

static const struct field settle_out[] = {
	F_BOOL(struct cleanup_settle_out, queued, "no", "it is in the queue"),
	F_END
};

const struct verb_def cleanup_space = {
	.name = "space",
	.in = space_in, .in_size = sizeof(struct cleanup_space_in),
	.out = space_out, .out_size = sizeof(struct cleanup_space_out),
	.flags = VERB_AGAIN,
	.doc = "is there room on the disk?",
};

const struct verb_def cleanup_rcpt = {
	.name = "rcpt",
	.in = rcpt_in, .in_size = sizeof(struct cleanup_rcpt_in),
	.flags = VERB_NO_REPLY,
	.doc = "one recipient",
};

const struct verb_def cleanup_begin = {
	.name = "begin",
	.in = begin_in, .in_size = sizeof(struct cleanup_begin_in),
	.out = q_out, .out_size = sizeof(struct cleanup_begin_out),
	.flags = VERB_FD_OUT,
	.doc = "start a message, get its content descriptor",
};

const struct verb_def cleanup_edit = {
	.name = "edit",
	.in = edit_fields, .in_size = sizeof(struct edit),
	.flags = VERB_NO_REPLY,
	.doc = "one change to the message",
};

const struct verb_def cleanup_body = {
	.name = "body",
	.in = edit_fields, .in_size = sizeof(struct edit),
	.flags = VERB_FD_IN,
	.doc = "another body",
};

const struct verb_def cleanup_complete = {
	.name = "complete",
	.in = commit_in, .in_size = sizeof(struct cleanup_commit_in),
	.out = complete_out,
	.out_size = sizeof(struct cleanup_complete_out),
	.flags = VERB_FD_OUT,
	.doc = "add what is missing, show the result",
};

const struct verb_def cleanup_commit = {
	.name = "commit",
	.in = commit_in, .in_size = sizeof(struct cleanup_commit_in),
	.out = commit_out, .out_size = sizeof(struct cleanup_commit_out),
	.doc = "check, sync and queue it",
};

const struct verb_def cleanup_put = {
	.name = "put",
	.in = begin_in, .in_size = sizeof(struct cleanup_begin_in),
	.out = commit_out, .out_size = sizeof(struct cleanup_commit_out),
	.doc = "a whole message: check, write and queue it",
};

const struct verb_def cleanup_abort = {
	.name = "abort",
	.doc = "forget the message under way",
};

const struct verb_def cleanup_settle = {
	.name = "settle",
	.in = settle_in, .in_size = sizeof(struct cleanup_settle_in),
	.out = settle_out, .out_size = sizeof(struct cleanup_settle_out),
	.doc = "was a lost commit queued?",
};

const struct verb_def *const cleanup_verbs[] = {
	&cleanup_space,
	&cleanup_rcpt,
	&cleanup_begin,
	&cleanup_edit,
	&cleanup_body,
	&cleanup_complete,
	&cleanup_commit,
	&cleanup_put,
	&cleanup_abort,
	&cleanup_settle,
	NULL
};
