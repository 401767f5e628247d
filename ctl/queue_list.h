/*
 * queue_list.h - inside ctl: printing messages of the queue as they come.
 */
#ifndef CTL_QUEUE_LIST_H
#define CTL_QUEUE_LIST_H

#include "proto/qmgr.h"

struct listing {
	bool json, first;
	int64_t now;
	char last[32];		/* id of the item before */
	struct str text;	/* to be printed */
	int64_t messages, rcpts;
	bool quiet;		/* only count */
};

/* an ipc_more_fn for struct qmgr_items; ctx is the struct listing */
int queue_items(void *ctx, const void *more, struct err *err);
/* "1 message, 2 recipients" */
void print_counts(int64_t messages, int64_t rcpts);
/* ask qmgr, page by page, until the end or the filter's limit; 0 or -1 */
int queue_pages(struct ipc *c, const struct qmgr_filter *filter,
    struct listing *l, struct err *err);

#endif
