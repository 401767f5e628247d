/*
 * sts.c - field tables of stsd's interface.
 */
#include "proto/sts.h"

static const struct field policy_in[] = {
	F_STR(struct sts_policy_in, domain, NULL, "next hop"),
	F_STR(struct sts_policy_in, session, "", "session id"),
	F_INT(struct sts_policy_in, timeout, "0", "0", "600000", "ms"),
	F_END
};

static const struct field policy_out[] = {
	F_ENUM(struct sts_policy_out, mode, "none", STS_MODES, "of the policy"),
	F_LIST(struct sts_policy_out, mx, "patterns of names"),
	F_INT(struct sts_policy_out, max_age, "0", NULL, NULL,
	    "seconds that are left"),
	F_LIST(struct sts_policy_out, text, "lines"),
	F_END
};

static const struct field count_in[] = {
	F_STR(struct sts_count_in, domain, NULL, "next hop"),
	F_ENUM(struct sts_count_in, kind, "no-policy-found", STS_KINDS,
	    "of policy"),
	F_LIST(struct sts_count_in, policy, "lines, or TLSA records"),
	F_LIST(struct sts_count_in, mx, "patterns, or MX names"),
	F_ENUM(struct sts_count_in, result, "success", STS_RESULTS, "outcome"),
	F_INT(struct sts_count_in, n, "1", "1", "1000000", "sessions"),
	F_STR(struct sts_count_in, source, "", "our address"),
	F_STR(struct sts_count_in, mx_host, "", "name of the server"),
	F_STR(struct sts_count_in, mx_helo, "", "what it calls itself"),
	F_STR(struct sts_count_in, mx_addr, "", "its address"),
	F_STR(struct sts_count_in, reason, "", "what failed"),
	F_STR(struct sts_count_in, sender, "", "of the message"),
	F_END
};

static const struct field list_more[] = {
	F_STR(struct sts_list_more, domain, "", "next hop"),
	F_STR(struct sts_list_more, id, "", "of the policy"),
	F_ENUM(struct sts_list_more, mode, "none", STS_MODES, "of the policy"),
	F_LIST(struct sts_list_more, mx, "patterns of names"),
	F_INT(struct sts_list_more, fetched, "0", NULL, NULL, "unix seconds"),
	F_INT(struct sts_list_more, expires, "0", NULL, NULL, "unix seconds"),
	F_STR(struct sts_list_more, why, "", "the last fetch failed"),
	F_END
};

static const struct field refresh_in[] = {
	F_STR(struct sts_refresh_in, domain, NULL, "next hop"),
	F_END
};

static const struct field report_in[] = {
	F_INT(struct sts_report_in, day, "0", NULL, NULL,
	    "unix seconds within it; 0: yesterday"),
	F_BOOL(struct sts_report_in, send, "no", "send them"),
	F_END
};

static const struct field report_more[] = {
	F_STR(struct sts_report_more, domain, "", "whose servers"),
	F_STR(struct sts_report_more, to, "", "who gets it"),
	F_STR(struct sts_report_more, json, "", "the report"),
	F_STR(struct sts_report_more, why, "", "not sent: why"),
	F_END
};

static const struct field fetch_in[] = {
	F_STR(struct sts_fetch_in, domain, NULL, "next hop"),
	F_INT(struct sts_fetch_in, timeout, "60000", "1", "600000", "ms"),
	F_END
};

static const struct field fetch_out[] = {
	F_ENUM(struct sts_fetch_out, result, "success", STS_RESULTS,
	    "outcome"),
	F_STR(struct sts_fetch_out, why, "", "what failed"),
	F_ENUM(struct sts_fetch_out, mode, "none", STS_MODES,
	    "of the policy"),
	F_LIST(struct sts_fetch_out, mx, "patterns of names"),
	F_INT(struct sts_fetch_out, max_age, "0", NULL, NULL, "seconds"),
	F_END
};

static const struct field post_in[] = {
	F_STR(struct sts_post_in, url, NULL, "where to"),
	F_STR(struct sts_post_in, type, NULL, "Content-Type"),
	F_INT(struct sts_post_in, timeout, "60000", "1", "600000", "ms"),
	F_END
};

static const struct field mail_in[] = {
	F_STR(struct sts_mail_in, sender, "", "of the envelope"),
	F_STR(struct sts_mail_in, to, NULL, "recipient"),
	F_END
};

static const struct field mail_out[] = {
	F_STR(struct sts_mail_out, q, "", "queue id"),
	F_END
};

const struct verb_def sts_policy = {
	.name = "policy",
	.in = policy_in, .in_size = sizeof(struct sts_policy_in),
	.out = policy_out, .out_size = sizeof(struct sts_policy_out),
	.flags = VERB_AGAIN,
	.doc = "the MTA-STS policy of a domain",
};

const struct verb_def sts_count = {
	.name = "count",
	.in = count_in, .in_size = sizeof(struct sts_count_in),
	.flags = VERB_NO_REPLY,
	.doc = "how a TLS session went",
};

const struct verb_def sts_list = {
	.name = "list",
	.more = list_more, .more_size = sizeof(struct sts_list_more),
	.flags = VERB_AGAIN,
	.doc = "policies that are kept",
};

const struct verb_def sts_refresh = {
	.name = "refresh",
	.in = refresh_in, .in_size = sizeof(struct sts_refresh_in),
	.flags = VERB_AGAIN,
	.doc = "fetch a policy anew when it is asked for",
};

const struct verb_def sts_report = {
	.name = "report",
	.in = report_in, .in_size = sizeof(struct sts_report_in),
	.more = report_more, .more_size = sizeof(struct sts_report_more),
	.doc = "reports of a day",
};

const struct verb_def *const sts_verbs[] = {
	&sts_policy,
	&sts_count,
	&sts_list,
	&sts_refresh,
	&sts_report,
	NULL
};

const struct verb_def sts_fetch = {
	.name = "fetch",
	.in = fetch_in, .in_size = sizeof(struct sts_fetch_in),
	.out = fetch_out, .out_size = sizeof(struct sts_fetch_out),
	.flags = VERB_AGAIN,
	.doc = "a policy from its host",
};

const struct verb_def sts_post = {
	.name = "post",
	.in = post_in, .in_size = sizeof(struct sts_post_in),
	.flags = VERB_FD_IN,
	.doc = "a report to an https: URL",
};

const struct verb_def sts_mail = {
	.name = "mail",
	.in = mail_in, .in_size = sizeof(struct sts_mail_in),
	.out = mail_out, .out_size = sizeof(struct sts_mail_out),
	.flags = VERB_FD_IN,
	.doc = "a report into the queue",
};

const struct verb_def *const sts_fetch_verbs[] = {
	&sts_fetch,
	&sts_post,
	&sts_mail,
	NULL
};
