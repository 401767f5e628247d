/*
 * agent.c - field tables of delivery agents and bounce.
 */
#include "proto/agent.h"

static const struct field deliver_in[] = {
	F_STR(struct agent_deliver_in, q, NULL, "queue id"),
	F_STR(struct agent_deliver_in, sender, "", "return path"),
	F_STR(struct agent_deliver_in, ret, "", "RET="),
	F_STR(struct agent_deliver_in, envid, "", "ENVID="),
	F_STR(struct agent_deliver_in, nexthop, "", "destination"),
	F_STR(struct agent_deliver_in, session, "", "session id"),
	F_SIZE(struct agent_deliver_in, size, "0", NULL, NULL,
	    "bytes of content"),
	F_SIZE(struct agent_deliver_in, wsize, "0", NULL, NULL, "with CRLF"),
	F_INT(struct agent_deliver_in, created, "0", NULL, NULL,
	    "unix microseconds"),
	F_BOOL(struct agent_deliver_in, again, "no",
	    "may be delivered in part"),
	F_BOOL(struct agent_deliver_in, doubt, "no",
	    "what was delivered may be damaged"),
	F_SIZE(struct agent_deliver_in, synced_dev, "0", NULL, NULL,
	    "file system that qmgr syncs"),
	F_BOOL(struct agent_deliver_in, utf8, "no", "SMTPUTF8"),
	F_BOOL(struct agent_deliver_in, body8, "no", "8BITMIME"),
	F_BOOL(struct agent_deliver_in, requiretls, "no", "REQUIRETLS"),
	F_BOOL(struct agent_deliver_in, tls_optional, "no",
	    "TLS-Required: No"),
	F_STR(struct agent_deliver_in, verp, "", "delimiters of VERP"),
	F_INT(struct agent_deliver_in, priority, "0", "-9", "9",
	    "MT-PRIORITY"),
	F_LIST(struct agent_deliver_in, n, "numbers of the recipients"),
	F_LIST(struct agent_deliver_in, addr, "recipients"),
	F_LIST(struct agent_deliver_in, orig, "as the client named them"),
	F_LIST(struct agent_deliver_in, mailbox, "mailboxes"),
	F_LIST(struct agent_deliver_in, quota, "bytes"),
	F_LIST(struct agent_deliver_in, orcpt, "ORCPT="),
	F_LIST(struct agent_deliver_in, notify, "NOTIFY="),
	F_END
};

static const struct field deliver_out[] = {
	F_BOOL(struct agent_deliver_out, keep, "no",
	    "connected to this next hop"),
	F_STR(struct agent_deliver_out, site, "", "who stands behind it"),
	F_END
};

static const struct field result[] = {
	F_BOOL(struct agent_result, alive, "no", "no result, but progress"),
	F_INT(struct agent_result, i, "0", NULL, NULL, "index in the request"),
	F_ENUM(struct agent_result, status, "delivered", AGENT_STATUS,
	    "outcome"),
	F_STR(struct agent_result, dsn, "", "status code"),
	F_STR(struct agent_result, text, "", "reply"),
	F_STR(struct agent_result, peer, "", "who said so"),
	F_BOOL(struct agent_result, dest_trouble, "no",
	    "the whole destination is in trouble"),
	F_BOOL(struct agent_result, partly, "no",
	    "moved: what may take long is left"),
	F_ENUM(struct agent_result, report, "delivered", AGENT_REPORTS,
	    "who tells the sender of success"),
	F_END
};

static const struct field probe_in[] = {
	F_STR(struct agent_probe_in, nexthop, NULL, "destination"),
	F_STR(struct agent_probe_in, sender, "", "for MAIL"),
	F_LIST(struct agent_probe_in, rcpt, "for RCPT"),
	F_BOOL(struct agent_probe_in, auth, "no", "log in"),
	F_END
};

static const struct field probe_more[] = {
	F_STR(struct agent_probe_more, line, "", "what was said"),
	F_END
};

static const struct field quota_in[] = {
	F_STR(struct local_quota_in, mailbox, NULL, "DOMAIN/LOCALPART"),
	F_SIZE(struct local_quota_in, quota, "0", NULL, NULL, "bytes"),
	F_END
};

static const struct field quota_out[] = {
	F_SIZE(struct local_quota_out, used, "0", NULL, NULL, "bytes"),
	F_BOOL(struct local_quota_out, full, "no", "nothing more fits"),
	F_END
};

static const struct field report_in[] = {
	F_ENUM(struct bounce_report_in, kind, "failure", BOUNCE_KINDS,
	    "kind of report"),
	F_STR(struct bounce_report_in, q, NULL, "queue id"),
	F_STR(struct bounce_report_in, sender, "", "who gets the report"),
	F_STR(struct bounce_report_in, ret, "", "RET="),
	F_STR(struct bounce_report_in, envid, "", "ENVID="),
	F_INT(struct bounce_report_in, created, "0", NULL, NULL,
	    "unix microseconds"),
	F_INT(struct bounce_report_in, expires, "0", NULL, NULL,
	    "unix seconds"),
	F_BOOL(struct bounce_report_in, utf8, "no", "SMTPUTF8"),
	F_BOOL(struct bounce_report_in, requiretls, "no", "REQUIRETLS"),
	F_LIST(struct bounce_report_in, addr, "recipients"),
	F_LIST(struct bounce_report_in, orig, "as the client named them"),
	F_LIST(struct bounce_report_in, orcpt, "ORCPT="),
	F_LIST(struct bounce_report_in, dsn, "status codes"),
	F_LIST(struct bounce_report_in, text, "replies"),
	F_LIST(struct bounce_report_in, peer, "who said so"),
	F_END
};

static const struct field report_out[] = {
	F_STR(struct bounce_report_out, q, "", "queue id of the report"),
	F_END
};

const struct verb_def agent_deliver = {
	.name = "deliver",
	.in = deliver_in, .in_size = sizeof(struct agent_deliver_in),
	.out = deliver_out, .out_size = sizeof(struct agent_deliver_out),
	.more = result, .more_size = sizeof(struct agent_result),
	.flags = VERB_FD_IN,
	.doc = "deliver a message to some recipients",
};

const struct verb_def agent_probe = {
	.name = "probe",
	.in = probe_in, .in_size = sizeof(struct agent_probe_in),
	.more = probe_more, .more_size = sizeof(struct agent_probe_more),
	.doc = "a session without a message",
};

const struct verb_def local_quota = {
	.name = "quota",
	.in = quota_in, .in_size = sizeof(struct local_quota_in),
	.out = quota_out, .out_size = sizeof(struct local_quota_out),
	.flags = VERB_AGAIN,
	.doc = "how full is a mailbox?",
};

const struct verb_def bounce_report = {
	.name = "report",
	.in = report_in, .in_size = sizeof(struct bounce_report_in),
	.out = report_out, .out_size = sizeof(struct bounce_report_out),
	.flags = VERB_FD_IN,
	.doc = "send a delivery status report",
};

const struct verb_def *const agent_verbs[] = {
	&agent_deliver,
	NULL
};

const struct verb_def *const smtp_verbs[] = {
	&agent_deliver,
	&agent_probe,
	NULL
};

const struct verb_def *const local_verbs[] = {
	&agent_deliver,
	&local_quota,
	NULL
};

const struct verb_def *const bounce_verbs[] = {
	&bounce_report,
	NULL
};
