/*
 * dns.c - field tables of dnsd's interface.
 */
#include "proto/dns.h"

static const struct field query_in[] = {
	F_LIST(struct dns_query_in, name, "names"),
	F_LIST(struct dns_query_in, type, "record types, as numbers"),
	F_INT(struct dns_query_in, timeout, "0", "0", "600000", "ms"),
	F_STR(struct dns_query_in, session, "", "session id"),
	F_END
};

static const struct field query_more[] = {
	F_INT(struct dns_query_more, i, "0", NULL, NULL,
	    "index of the question"),
	F_ENUM(struct dns_query_more, status, "ok", DNS_STATUS, "outcome"),
	F_BOOL(struct dns_query_more, secure, "no", "proven by DNSSEC"),
	F_INT(struct dns_query_more, ttl, "0", NULL, NULL, "seconds"),
	F_STR(struct dns_query_more, canon, "", "behind all CNAMEs"),
	F_LIST(struct dns_query_more, rr, "records"),
	F_STR(struct dns_query_more, why, "", "what failed"),
	F_END
};

static const struct field client_in[] = {
	F_STR(struct dns_client_in, addr, NULL, "address of the client"),
	F_INT(struct dns_client_in, timeout, "0", "0", "600000", "ms"),
	F_STR(struct dns_client_in, session, "", "session id"),
	F_END
};

static const struct field client_out[] = {
	F_STR(struct dns_client_out, name, "", "that has this address"),
	F_END
};

static const struct field stat_out[] = {
	F_INT(struct dns_stat_out, queries, "0", NULL, NULL,
	    "questions since the start"),
	F_INT(struct dns_stat_out, cached, "0", NULL, NULL,
	    "answered at once"),
	F_INT(struct dns_stat_out, failed, "0", NULL, NULL, "servfail"),
	F_INT(struct dns_stat_out, bogus, "0", NULL, NULL,
	    "proven false"),
	F_INT(struct dns_stat_out, timeouts, "0", NULL, NULL,
	    "not answered in time"),
	F_INT(struct dns_stat_out, under_way, "0", NULL, NULL,
	    "being asked now"),
	F_END
};

static const struct field flush_in[] = {
	F_STR(struct dns_flush_in, name, ".", "and what is below it"),
	F_END
};

const struct verb_def dns_query = {
	.name = "query",
	.in = query_in, .in_size = sizeof(struct dns_query_in),
	.more = query_more, .more_size = sizeof(struct dns_query_more),
	.flags = VERB_AGAIN,
	.doc = "records of some names",
};

const struct verb_def dns_client = {
	.name = "client",
	.in = client_in, .in_size = sizeof(struct dns_client_in),
	.out = client_out, .out_size = sizeof(struct dns_client_out),
	.flags = VERB_AGAIN,
	.doc = "name of a client, if it is confirmed",
};

const struct verb_def dns_stat = {
	.name = "stat",
	.out = stat_out, .out_size = sizeof(struct dns_stat_out),
	.flags = VERB_AGAIN,
	.doc = "counts",
};

const struct verb_def dns_flush = {
	.name = "flush",
	.in = flush_in, .in_size = sizeof(struct dns_flush_in),
	.flags = VERB_AGAIN,
	.doc = "forget a name and what is below it",
};

const struct verb_def *const dns_verbs[] = {
	&dns_query,
	&dns_client,
	&dns_stat,
	&dns_flush,
	NULL
};
