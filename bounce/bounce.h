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
	const char *from, *postmaster, *footer, *templates, *double_bounce;
	const char *report_limit;
	struct strlist notify_classes;
	int default_return;	/* enum bounce_return */
	uint64_t full_limit;
	int64_t cleanup_timeout;
};
extern struct bounce_conf conf;

/* compose.c: the report that was asked for, to its sender or another; strings
 * in the arena.  fd is the content of the message that it is about.  0; or -1:
 * it can not be. */
int compose(const struct bounce_report_in *in, const char *to, int fd,
    struct arena *a, struct dsn_report *r, struct err *err);
/* who helps people; who gets what nobody else does */
const char *bounce_helper(struct arena *a);
const char *bounce_double(struct arena *a);

/* public.c: what a stranger may know of why: as it is where another server
 * (peer) said it.  In the arena, or text itself */
const char *public_text(const char *dsn, const char *peer, const char *text,
    struct arena *a);

/* notify.c */
int notify_check(struct err *err);
/* does the postmaster get a copy? */
bool notify_postmaster(const struct bounce_report_in *in);
/* false: this sender had too many */
bool notify_allowed(const struct bounce_report_in *in, struct arena *a);

/* send.c */
/* Put a message to one recipient into the queue, from the null sender.
 * *q_r goes to the arena.  0 it is durable, -1. */
struct envelope {
	const char *to;
	bool utf8, requiretls;
	bool last;		/* where it fails nobody is told any more */
};
int send_report(const struct envelope *e, const struct str *text,
    struct arena *a, const char **q_r, struct err *err);

#endif
