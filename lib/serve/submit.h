/*
 * submit.h - a message of our own (a report) goes the way of any: through
 * cleanup, on a connection of its own, so that no cleanup is kept waiting
 * between two.
 */
#ifndef SERVE_SUBMIT_H
#define SERVE_SUBMIT_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/cleanup.h"

/* head and then what fd has from..to; fd -1: only head */
struct submit_source {
	struct slice head;
	int fd;
	uint64_t from, to;
};
/* Put a message with these recipients (those of `in` are not looked at) into
 * the queue; else as submit_message. */
int submit_copy(struct cleanup_begin_in *in,
    const struct cleanup_rcpt_in *rcpt, size_t n,
    const struct submit_source *src, int timeout, struct arena *a,
    const char **q_r, struct err *err);
/* Put text (header and body, LF line ends) into the queue; *q_r, its queue
 * id, goes to the arena.  timeout: ms for each answer of cleanup.  0 it is
 * durable, -1. */
int submit_message(const struct cleanup_begin_in *in, struct slice text,
    int timeout, struct arena *a, const char **q_r, struct err *err);

#endif
