/*
 * lookup.c - field tables of mapd's interface.
 */
#include "proto/lookup.h"

static const struct field get_in[] = {
	F_STR(struct lookup_get_in, map, NULL, "type:file"),
	F_SECRET(struct lookup_get_in, key, NULL, "what is looked up"),
	F_END
};

static const struct field get_out[] = {
	F_BOOL(struct lookup_get_out, found, "no", "there is such a row"),
	F_SECRET(struct lookup_get_out, value, "", "of the key"),
	F_END
};

static const struct field check_in[] = {
	F_STR(struct lookup_check_in, map, "", "type:file; empty: all"),
	F_END
};

static const struct field check_more[] = {
	F_STR(struct lookup_check_more, map, NULL, "type:file"),
	F_BOOL(struct lookup_check_more, good, "yes", "it answers"),
	F_STR(struct lookup_check_more, text, "", "why not"),
	F_END
};

static const struct field stat_out[] = {
	F_INT(struct lookup_stat_out, queries, "0", NULL, NULL, "asked"),
	F_INT(struct lookup_stat_out, hits, "0", NULL, NULL, "found"),
	F_INT(struct lookup_stat_out, failures, "0", NULL, NULL, "trouble"),
	F_INT(struct lookup_stat_out, connections, "0", NULL, NULL,
	    "to servers, now"),
	F_END
};

const struct verb_def lookup_get = {
	.name = "get",
	.in = get_in, .in_size = sizeof(struct lookup_get_in),
	.out = get_out, .out_size = sizeof(struct lookup_get_out),
	.flags = VERB_AGAIN,
	.doc = "the value of a key",
};

const struct verb_def lookup_check = {
	.name = "check",
	.in = check_in, .in_size = sizeof(struct lookup_check_in),
	.more = check_more, .more_size = sizeof(struct lookup_check_more),
	.flags = VERB_AGAIN,
	.doc = "does the table answer?",
};

const struct verb_def lookup_stat = {
	.name = "stat",
	.out = stat_out, .out_size = sizeof(struct lookup_stat_out),
	.flags = VERB_AGAIN,
	.doc = "counters",
};

const struct verb_def *const lookup_verbs[] = {
	&lookup_get,
	&lookup_check,
	&lookup_stat,
	NULL
};
