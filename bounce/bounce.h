/*
 * bounce.h - the parts of bounce(8).
 */
#ifndef BOUNCE_BOUNCE_H
#define BOUNCE_BOUNCE_H

#include "base/arena.h"
#include "base/field.h"
#include "dsn/report.h"
#include "proto/agent.h"

enum bounce_return { RETURN_HDRS, RETURN_FULL };
struct bounce_conf {
	const char *from, *postmaster, *footer;
	int default_return;	/* enum bounce_return */
	uint64_t full_limit;
	int64_t cleanup_timeout;
};
extern struct bounce_conf conf;

/* compose.c: the report that was asked for; strings in the arena.  fd is the
 * content of the message that it is about.  0; or -1: it can not be. */
int compose(const struct bounce_report_in *in, int fd, struct arena *a,
    struct dsn_report *r, struct err *err);

/* send.c */
/* Put a message to one recipient into the queue, from the null sender.
 * *q_r goes to the arena.  0 it is durable, -1. */
int send_report(const char *to, const struct str *text, bool utf8,
    struct arena *a, const char **q_r, struct err *err);

#endif
