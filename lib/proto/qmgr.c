/*
 * qmgr.c - field tables of the queue manager's interface.
 */
#include "proto/qmgr.h"

#define F_ROW_NAMED(name, st, m, txt) \
	{ name, FIELD_LIST, 0, offsetof(st, m), "", 0, 0, 0, txt }

/* struct qmgr_rcpts, wherever it lies */
#define RCPT_ROWS(st, r) \
	F_ROW_NAMED("addr", st, r addr, "final recipients"), \
	F_ROW_NAMED("orig", st, r orig, "as the client named them"), \
	F_ROW_NAMED("orcpt", st, r orcpt, "ORCPT="), \
	F_ROW_NAMED("notify", st, r notify, "NOTIFY="), \
	F_ROW_NAMED("transport", st, r transport, "agents"), \
	F_ROW_NAMED("nexthop", st, r nexthop, "destinations"), \
	F_ROW_NAMED("mailbox", st, r mailbox, "mailboxes"), \
	F_ROW_NAMED("quota", st, r quota, "bytes"), \
	F_ROW_NAMED("dsn", st, r dsn, "failed at routing"), \
	F_ROW_NAMED("text", st, r text, "why")

static const struct field rcpt_in[] = {
	RCPT_ROWS(struct qmgr_rcpts, ),
	F_END
};

static const struct field enqueue_in[] = {
	RCPT_ROWS(struct qmgr_enqueue_in, r.),
	F_STR(struct qmgr_enqueue_in, q, NULL, "queue id"),
	F_STR(struct qmgr_enqueue_in, sender, "", "return path"),
	F_STR(struct qmgr_enqueue_in, ret, "", "RET="),
	F_STR(struct qmgr_enqueue_in, envid, "", "ENVID="),
	F_STR(struct qmgr_enqueue_in, session, "", "session id"),
	F_SIZE(struct qmgr_enqueue_in, size, "0", NULL, NULL,
	    "bytes of content"),
	F_SIZE(struct qmgr_enqueue_in, wsize, "0", NULL, NULL, "with CRLF"),
	F_INT(struct qmgr_enqueue_in, created, "0", NULL, NULL,
	    "unix microseconds"),
	F_BOOL(struct qmgr_enqueue_in, utf8, "no", "SMTPUTF8"),
	F_BOOL(struct qmgr_enqueue_in, body8, "no", "8BITMIME"),
	F_BOOL(struct qmgr_enqueue_in, internal, "no",
	    "made by the suite itself"),
	F_INT(struct qmgr_enqueue_in, hold, "0", NULL, NULL, "1 on hold"),
	F_INT(struct qmgr_enqueue_in, release_at, "0", NULL, NULL,
	    "unix seconds"),
	F_INT(struct qmgr_enqueue_in, priority, "0", NULL, NULL, "-9 to 9"),
	F_END
};

static const struct field settle_in[] = {
	F_STR(struct qmgr_settle_in, q, NULL, "queue id"),
	F_END
};

static const struct field settle_out[] = {
	F_BOOL(struct qmgr_settle_out, queued, "no",
	    "it is or was in the queue"),
	F_END
};

static const struct field filter[] = {
	F_STR(struct qmgr_filter, q, "", "one queue id"),
	F_STR(struct qmgr_filter, from, "", "sender, @domain or pattern"),
	F_STR(struct qmgr_filter, to, "", "recipient, @domain or pattern"),
	F_STR(struct qmgr_filter, dest, "", "transport:nexthop or nexthop"),
	F_ENUM(struct qmgr_filter, state, "any", QMGR_STATES, "state"),
	F_INT(struct qmgr_filter, older, "0", NULL, NULL, "seconds"),
	F_INT(struct qmgr_filter, younger, "0", NULL, NULL, "seconds"),
	F_STR(struct qmgr_filter, after, "", "page after this id"),
	F_INT(struct qmgr_filter, limit, "0", NULL, NULL, "messages at most"),
	F_END
};

static const struct field item[] = {
	F_STR(struct qmgr_item, q, "", "queue id"),
	F_STR(struct qmgr_item, sender, "", "return path"),
	F_STR(struct qmgr_item, rcpt, "", "recipient"),
	F_STR(struct qmgr_item, orig, "", "as the client named it"),
	F_STR(struct qmgr_item, dest, "", "transport:nexthop"),
	F_STR(struct qmgr_item, state, "", "state"),
	F_STR(struct qmgr_item, dsn, "", "last status code"),
	F_STR(struct qmgr_item, text, "", "last reply"),
	F_SIZE(struct qmgr_item, size, "0", NULL, NULL, "bytes"),
	F_INT(struct qmgr_item, created, "0", NULL, NULL, "unix seconds"),
	F_INT(struct qmgr_item, due, "0", NULL, NULL, "unix seconds"),
	F_INT(struct qmgr_item, attempts, "0", NULL, NULL, "so far"),
	F_INT(struct qmgr_item, priority, "0", NULL, NULL, "-9 to 9"),
	F_INT(struct qmgr_item, rcpts, "0", NULL, NULL, "recipients left"),
	F_STR(struct qmgr_item, session, "", "session id"),
	F_END
};

static const struct field count[] = {
	F_INT(struct qmgr_count, messages, "0", NULL, NULL, "messages"),
	F_INT(struct qmgr_count, rcpts, "0", NULL, NULL, "recipients"),
	F_STR(struct qmgr_count, next, "", "go on after this id"),
	F_END
};

static const struct field stats[] = {
	F_INT(struct qmgr_stats, messages, "0", NULL, NULL, "in the queue"),
	F_INT(struct qmgr_stats, rcpts, "0", NULL, NULL,
	    "recipients in the queue"),
	F_INT(struct qmgr_stats, active, "0", NULL, NULL,
	    "recipients in memory"),
	F_INT(struct qmgr_stats, deferred, "0", NULL, NULL,
	    "recipients waiting"),
	F_INT(struct qmgr_stats, held, "0", NULL, NULL, "messages on hold"),
	F_INT(struct qmgr_stats, scheduled, "0", NULL, NULL,
	    "messages for later"),
	F_INT(struct qmgr_stats, dests, "0", NULL, NULL, "destinations"),
	F_INT(struct qmgr_stats, suspended, "0", NULL, NULL,
	    "destinations suspended"),
	F_INT(struct qmgr_stats, oldest, "0", NULL, NULL, "unix seconds"),
	F_INT(struct qmgr_stats, accepted, "0", NULL, NULL, "since start"),
	F_INT(struct qmgr_stats, delivered, "0", NULL, NULL, "since start"),
	F_INT(struct qmgr_stats, bounced, "0", NULL, NULL, "since start"),
	F_INT(struct qmgr_stats, commits, "0", NULL, NULL,
	    "transactions since start"),
	F_END
};

const struct verb_def qmgr_rcpt = {
	.name = "rcpt",
	.in = rcpt_in, .in_size = sizeof(struct qmgr_rcpts),
	.flags = VERB_NO_REPLY,
	.doc = "recipients ahead of an enqueue",
};

const struct verb_def qmgr_enqueue = {
	.name = "enqueue",
	.in = enqueue_in, .in_size = sizeof(struct qmgr_enqueue_in),
	.doc = "make an envelope durable",
};

const struct verb_def qmgr_settle = {
	.name = "settle",
	.in = settle_in, .in_size = sizeof(struct qmgr_settle_in),
	.out = settle_out, .out_size = sizeof(struct qmgr_settle_out),
	.flags = VERB_AGAIN,
	.doc = "is it queued? if not, never take it",
};

const struct verb_def qmgr_list = {
	.name = "list",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.more = item, .more_size = sizeof(struct qmgr_item),
	.doc = "messages that match",
};

const struct verb_def qmgr_flush = {
	.name = "flush",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "try now",
};

const struct verb_def qmgr_hold = {
	.name = "hold",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "keep back",
};

const struct verb_def qmgr_release = {
	.name = "release",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "end a hold or a schedule",
};

const struct verb_def qmgr_delete = {
	.name = "delete",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.doc = "remove without delivery or report",
};

const struct verb_def qmgr_show = {
	.name = "show",
	.in = filter, .in_size = sizeof(struct qmgr_filter),
	.out = count, .out_size = sizeof(struct qmgr_count),
	.more = item, .more_size = sizeof(struct qmgr_item),
	.flags = VERB_FD_OUT,
	.doc = "one message and its content",
};

const struct verb_def qmgr_stat = {
	.name = "stat",
	.out = stats, .out_size = sizeof(struct qmgr_stats),
	.flags = VERB_AGAIN,
	.doc = "figures",
};

const struct verb_def *const qmgr_verbs[] = {
	&qmgr_rcpt,
	&qmgr_enqueue,
	&qmgr_settle,
	&qmgr_list,
	&qmgr_flush,
	&qmgr_hold,
	&qmgr_release,
	&qmgr_delete,
	&qmgr_show,
	&qmgr_stat,
	NULL
};
