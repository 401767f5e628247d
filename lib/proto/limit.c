/*
 * limit.c - field tables of limitd's interface.
 */
#include "proto/limit.h"

static const struct field hit_in[] = {
	F_LIST(struct limit_hit_in, key, "what is counted"),
	F_LIST(struct limit_hit_in, limit, "COUNT/TIME"),
	F_LIST(struct limit_hit_in, amount, "so many; 1"),
	F_END
};

static const struct field hit_out[] = {
	F_BOOL(struct limit_hit_out, over, "no", "one is over its limit"),
	F_INT(struct limit_hit_out, at, "-1", NULL, NULL, "which one"),
	F_TIME(struct limit_hit_out, wait, "0s", NULL, NULL,
	    "until it would fit"),
	F_LIST(struct limit_hit_out, used, "what they stand at"),
	F_END
};

static const struct field forget_in[] = {
	F_LIST(struct limit_forget_in, key, "what is counted"),
	F_END
};

static const struct field seen_in[] = {
	F_STR(struct limit_seen_in, key, NULL, "who"),
	F_LIST(struct limit_seen_in, value, "what it sees"),
	F_TIME(struct limit_seen_in, remember, "90d", "1m", "1000d",
	    "how long a value is known"),
	F_STR(struct limit_seen_in, limit, "", "COUNT/TIME of new ones"),
	F_BOOL(struct limit_seen_in, peek, "no", "remember nothing"),
	F_END
};

static const struct field seen_out[] = {
	F_BOOL(struct limit_seen_out, over, "no", "too many new ones"),
	F_INT(struct limit_seen_out, fresh, "0", NULL, NULL, "new ones"),
	F_INT(struct limit_seen_out, used, "0", NULL, NULL,
	    "new ones in the window"),
	F_TIME(struct limit_seen_out, wait, "0s", NULL, NULL,
	    "until they would fit"),
	F_END
};

static const struct field grey_in[] = {
	F_STR(struct limit_grey_in, key, NULL, "who"),
	F_STR(struct limit_grey_in, value, NULL, "what it wants"),
	F_TIME(struct limit_grey_in, delay, "5m", "1s", "100d",
	    "before that it must come again"),
	F_TIME(struct limit_grey_in, window, "2d", "1s", "100d",
	    "and not after that"),
	F_TIME(struct limit_grey_in, remember, "36d", "1s", "100d",
	    "how long who passed is known"),
	F_INT(struct limit_grey_in, after, "5", "0", "1000000",
	    "values after which all pass; 0: never"),
	F_BOOL(struct limit_grey_in, peek, "no", "remember nothing"),
	F_END
};

static const struct field grey_out[] = {
	F_BOOL(struct limit_grey_out, pass, "no", "it came again in time"),
	F_BOOL(struct limit_grey_out, fresh, "no", "it was not known"),
	F_TIME(struct limit_grey_out, wait, "0s", NULL, NULL,
	    "until it would pass"),
	F_END
};

static const struct field list_in[] = {
	F_STR(struct limit_list_in, prefix, "", "of the key"),
	F_INT(struct limit_list_in, max, "1000", "1", "1000000",
	    "at most so many"),
	F_END
};

static const struct field list_more[] = {
	F_STR(struct limit_list_more, key, NULL, "what is counted"),
	F_INT(struct limit_list_more, used, "0", NULL, NULL, "count"),
	F_TIME(struct limit_list_more, window, "0s", NULL, NULL, "in it"),
	F_END
};

const struct verb_def limit_hit = {
	.name = "hit",
	.in = hit_in, .in_size = sizeof(struct limit_hit_in),
	.out = hit_out, .out_size = sizeof(struct limit_hit_out),
	.doc = "count, within limits",
};

const struct verb_def limit_peek = {
	.name = "peek",
	.in = hit_in, .in_size = sizeof(struct limit_hit_in),
	.out = hit_out, .out_size = sizeof(struct limit_hit_out),
	.flags = VERB_AGAIN,
	.doc = "what they stand at",
};

const struct verb_def limit_return = {
	.name = "return",
	.in = hit_in, .in_size = sizeof(struct limit_hit_in),
	.doc = "what was counted was not used",
};

const struct verb_def limit_forget = {
	.name = "forget",
	.in = forget_in, .in_size = sizeof(struct limit_forget_in),
	.flags = VERB_AGAIN,
	.doc = "begin anew",
};

const struct verb_def limit_seen = {
	.name = "seen",
	.in = seen_in, .in_size = sizeof(struct limit_seen_in),
	.out = seen_out, .out_size = sizeof(struct limit_seen_out),
	.doc = "how many values are new?",
};

const struct verb_def limit_grey = {
	.name = "grey",
	.in = grey_in, .in_size = sizeof(struct limit_grey_in),
	.out = grey_out, .out_size = sizeof(struct limit_grey_out),
	.doc = "did it come again?",
};

const struct verb_def limit_list = {
	.name = "list",
	.in = list_in, .in_size = sizeof(struct limit_list_in),
	.more = list_more, .more_size = sizeof(struct limit_list_more),
	.flags = VERB_AGAIN,
	.doc = "counters with a prefix",
};

const struct verb_def *const limit_verbs[] = {
	&limit_hit,
	&limit_peek,
	&limit_return,
	&limit_forget,
	&limit_seen,
	&limit_grey,
	&limit_list,
	NULL
};
