/*
 * imap.c - field table of imap-login's interface.
 */
#include "proto/imap.h"

static const struct field back_in[] = {
	F_STR(struct imap_back_in, session, "", "session that it had"),
	F_STR(struct imap_back_in, input, "", "base64 of unread input"),
	F_END
};

const struct verb_def imap_back = {
	.name = "back",
	.in = back_in, .in_size = sizeof(struct imap_back_in),
	.flags = VERB_FD_IN | VERB_ONCE,
	.doc = "a client that is logged in no more",
};
