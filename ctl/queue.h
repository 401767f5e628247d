/*
 * queue.h - inside ctl: what the verbs of postrider queue share.
 */
#ifndef CTL_QUEUE_H
#define CTL_QUEUE_H

#include "proto/qmgr.h"

/* what was said on the command line */
struct query {
	struct qmgr_filter filter;
	char **ids;		/* the words behind the options */
	int n_ids;
	bool any;		/* a filter was given */
	bool json, yes;
	int64_t at;		/* --at, --until; 0: not given */
	const char *text;	/* --text, --reason; "" not given */
	struct qmgr_limit limit;	/* --concurrency, --rate */
};

/* an exit code: EXIT_OK, or it was printed */
int queue_parse(int argc, char **argv, struct query *q);
/* fn once for each id (then filter.q is it), or once; an exit code */
typedef int queue_each_fn(struct ipc *c, const struct qmgr_filter *f,
    void *ctx, struct err *err);
int queue_each(struct query *q, queue_each_fn *fn, void *ctx);
/* an order about all that match, page by page; f lies in `in` and is changed;
 * added to sum; 0 or -1 */
int queue_order(struct ipc *c, const struct verb_def *v, const void *in,
    struct qmgr_filter *f, struct qmgr_count *sum, struct err *err);

/* --- the verbs of other files --- */
int queue_bounce(int argc, char **argv);
int queue_expire(int argc, char **argv);
int queue_reroute(int argc, char **argv);
int queue_dests(int argc, char **argv);
int queue_pause(int argc, char **argv);
int queue_slow(int argc, char **argv);
int queue_resume(int argc, char **argv);
int queue_limits(int argc, char **argv);
int queue_export(int argc, char **argv);
int queue_import(int argc, char **argv);
int queue_transfer(int argc, char **argv);

#endif
