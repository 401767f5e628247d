/*
 * router.c - field tables of the router interface.
 */
#include "proto/router.h"

static const struct field resolve_in[] = {
	F_STR(struct router_resolve_in, addr, NULL, "recipient"),
	F_BOOL(struct router_resolve_in, relay, "no",
	    "client may send anywhere"),
	F_BOOL(struct router_resolve_in, want_quota, "no",
	    "how full it is, too"),
	F_BOOL(struct router_resolve_in, report, "no",
	    "the sender is null"),
	F_BOOL(struct router_resolve_in, seal, "no", "the route, too"),
	F_STR(struct router_resolve_in, sender, "", "of the envelope"),
	F_END
};

static const struct field resolve_out[] = {
	F_ENUM(struct router_resolve_out, class, "virtual", ADDR_CLASSES,
	    "kind of place"),
	F_STR(struct router_resolve_out, addr, "", "with its domain"),
	F_INT(struct router_resolve_out, used_percent, "0", "-1", NULL,
	    "of its quota, -1 not known"),
	F_STR(struct router_resolve_out, seal, "", "its route, for cleanup"),
	F_END
};

static const struct field route_in[] = {
	F_LIST(struct router_route_in, addr, "recipients"),
	F_STR(struct router_route_in, sender, "", "of the envelope"),
	F_BOOL(struct router_route_in, internal, "no", "a report of ours"),
	F_BOOL(struct router_route_in, single, "no",
	    "one place may come with the ok"),
	F_END
};

static const struct field route_more[] = {
	F_INT(struct router_route_more, n, "0", NULL, NULL,
	    "index of the asked address"),
	F_STR(struct router_route_more, addr, "", "final recipient"),
	F_STR(struct router_route_more, transport, "", "agent that delivers"),
	F_STR(struct router_route_more, nexthop, "", "destination"),
	F_STR(struct router_route_more, mailbox, "",
	    "DOMAIN/LOCALPART or login"),
	F_SIZE(struct router_route_more, quota, "0", NULL, NULL,
	    "bytes, 0 none"),
	F_BOOL(struct router_route_more, aliased, "no", "came out of an alias"),
	F_BOOL(struct router_route_more, bcc, "no", "a copy nobody named"),
	F_STR(struct router_route_more, sender, "", "that it carries"),
	F_BOOL(struct router_route_more, owned, "no",
	    "it is the owner of a list"),
	F_BOOL(struct router_route_more, failed, "no", "can not be delivered"),
	F_BOOL(struct router_route_more, temporary, "no", "try again later"),
	F_STR(struct router_route_more, dsn, "", "status code"),
	F_STR(struct router_route_more, text, "", "why"),
	F_BOOL(struct router_route_more, single, "no",
	    "with the ok: it is the one"),
	F_END
};

const struct verb_def router_resolve = {
	.name = "resolve",
	.in = resolve_in, .in_size = sizeof(struct router_resolve_in),
	.out = resolve_out, .out_size = sizeof(struct router_resolve_out),
	.flags = VERB_AGAIN,
	.doc = "may a client name this recipient?",
};

const struct verb_def router_route = {
	.name = "route",
	.in = route_in, .in_size = sizeof(struct router_route_in),
	.more = route_more, .more_size = sizeof(struct router_route_more),
	.out = route_more, .out_size = sizeof(struct router_route_more),
	.flags = VERB_AGAIN,
	.doc = "final destinations, aliases expanded",
};

static const struct field owns_in[] = {
	F_STR(struct router_owns_in, login, NULL, "who"),
	F_LIST(struct router_owns_in, addr, "addresses to send as"),
	F_END
};

static const struct field owns_out[] = {
	F_BOOL(struct router_owns_out, owned, "no", "all are the login's"),
	F_INT(struct router_owns_out, at, "-1", NULL, NULL,
	    "the first that is not"),
	F_INT(struct router_owns_out, limit_hour, "-1", NULL, NULL,
	    "recipients an hour"),
	F_INT(struct router_owns_out, limit_day, "-1", NULL, NULL,
	    "recipients a day"),
	F_INT(struct router_owns_out, limit_new, "-1", NULL, NULL,
	    "new recipients a day"),
	F_STR(struct router_owns_out, domain, "", "of the account"),
	F_INT(struct router_owns_out, domain_hour, "0", NULL, NULL,
	    "recipients an hour of its domain"),
	F_INT(struct router_owns_out, domain_day, "0", NULL, NULL,
	    "recipients a day of its domain"),
	F_END
};

const struct verb_def router_owns = {
	.name = "owns",
	.in = owns_in, .in_size = sizeof(struct router_owns_in),
	.out = owns_out, .out_size = sizeof(struct router_owns_out),
	.flags = VERB_AGAIN,
	.doc = "may a login send as these addresses?",
};

static const struct field srs_in[] = {
	F_STR(struct router_srs_in, sender, "", "of the envelope"),
	F_BOOL(struct router_srs_in, batv, "no", "sign one of ours"),
	F_LIST(struct router_srs_in, orig, "recipients as they were named"),
	F_END
};

static const struct field srs_out[] = {
	F_LIST(struct router_srs_out, sender, "one for each recipient"),
	F_END
};

const struct verb_def router_srs = {
	.name = "srs",
	.in = srs_in, .in_size = sizeof(struct router_srs_in),
	.out = srs_out, .out_size = sizeof(struct router_srs_out),
	.flags = VERB_AGAIN,
	.doc = "senders of mail that is forwarded",
};

static const struct field batv_in[] = {
	F_STR(struct router_batv_in, addr, NULL, "recipient"),
	F_END
};

static const struct field batv_out[] = {
	F_ENUM(struct router_batv_out, state, "none", BATV_STATES,
	    "of its tag"),
	F_END
};

const struct verb_def router_batv = {
	.name = "batv",
	.in = batv_in, .in_size = sizeof(struct router_batv_in),
	.out = batv_out, .out_size = sizeof(struct router_batv_out),
	.flags = VERB_AGAIN,
	.doc = "has a recipient of a report a good tag?",
};

static const struct field rewrite_in[] = {
	F_ENUM(struct router_rewrite_in, kind, NULL, REWRITE_KINDS,
	    "where they stand"),
	F_LIST(struct router_rewrite_in, addr, "addresses"),
	F_END
};

static const struct field rewrite_out[] = {
	F_LIST(struct router_rewrite_out, addr, "one for each"),
	F_BOOL(struct router_rewrite_out, idle, "no",
	    "nothing is configured"),
	F_END
};

const struct verb_def router_rewrite = {
	.name = "rewrite",
	.in = rewrite_in, .in_size = sizeof(struct router_rewrite_in),
	.out = rewrite_out, .out_size = sizeof(struct router_rewrite_out),
	.flags = VERB_AGAIN,
	.doc = "the form of addresses that others see",
};

static const struct field explain_in[] = {
	F_STR(struct router_explain_in, addr, NULL, "recipient"),
	F_STR(struct router_explain_in, sender, "", "of the envelope"),
	F_BOOL(struct router_explain_in, relay, "no",
	    "client may send anywhere"),
	F_END
};

static const struct field explain_more[] = {
	F_STR(struct router_explain_more, what, "", "kind of step"),
	F_STR(struct router_explain_more, text, "", "what was found"),
	F_STR(struct router_explain_more, transport, "", "of a place"),
	F_STR(struct router_explain_more, nexthop, "", "of a place"),
	F_END
};

const struct verb_def router_explain = {
	.name = "explain",
	.in = explain_in, .in_size = sizeof(struct router_explain_in),
	.more = explain_more, .more_size = sizeof(struct router_explain_more),
	.flags = VERB_AGAIN,
	.doc = "the way of an address, step by step",
};

const struct verb_def *const router_verbs[] = {
	&router_resolve,
	&router_route,
	&router_owns,
	&router_srs,
	&router_batv,
	&router_rewrite,
	&router_explain,
	NULL
};
