/*
 * notify.c - field tables of notifyd's interface.
 */
#include "proto/notify.h"

static const struct field watch_in[] = {
	F_INT(struct notify_watch_in, tag, NULL, "0", "1000000",
	    "the caller's number for it"),
	F_STR(struct notify_watch_in, folder, NULL, "path below mail_dir"),
	F_END
};

static const struct field unwatch_in[] = {
	F_INT(struct notify_unwatch_in, tag, NULL, "0", "1000000",
	    "the caller's number for it"),
	F_END
};

static const struct field wait_out[] = {
	F_LIST(struct notify_wait_out, changed, "tags that changed"),
	F_LIST(struct notify_wait_out, polled, "tags to look at as well"),
	F_LIST(struct notify_wait_out, refused, "tags that are not watched"),
	F_INT(struct notify_wait_out, limit, "0", "0", NULL,
	    "all tags from this on are not"),
	F_END
};

static const struct field changed_in[] = {
	F_LIST(struct notify_changed_in, folder, "paths below mail_dir"),
	F_END
};

const struct verb_def notify_watch = {
	.name = "watch",
	.in = watch_in, .in_size = sizeof(struct notify_watch_in),
	.flags = VERB_FD_IN | VERB_NO_REPLY,
	.doc = "hear of changes of a folder",
};

const struct verb_def notify_unwatch = {
	.name = "unwatch",
	.in = unwatch_in, .in_size = sizeof(struct notify_unwatch_in),
	.flags = VERB_NO_REPLY,
	.doc = "and no more",
};

const struct verb_def notify_wait = {
	.name = "wait",
	.out = wait_out, .out_size = sizeof(struct notify_wait_out),
	.doc = "answered when something changed",
};

const struct verb_def notify_changed = {
	.name = "changed",
	.in = changed_in, .in_size = sizeof(struct notify_changed_in),
	.flags = VERB_NO_REPLY,
	.doc = "a writer changed these folders",
};

const struct verb_def *const notify_verbs[] = {
	&notify_watch,
	&notify_unwatch,
	&notify_wait,
	&notify_changed,
	NULL
};
