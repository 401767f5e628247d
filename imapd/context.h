/*
 * context.h - searches whose answers are kept up to date: RFC 5267, RETURN
 * (UPDATE).  A client is told ADDTO and REMOVEFROM where it is told of
 * messages and flags.  CONTEXT alone is a hint that needs nothing.
 */
#ifndef IMAPD_CONTEXT_H
#define IMAPD_CONTEXT_H

#include "search.h"

enum { CONTEXTS_MAX = 16 };

/* Before the search is run, which changes the tree.  NULL: not to be had, the
 * client was told [NOUPDATE]. */
struct context *context_new(struct session *s, const struct imap_search *q);
/* with the answer, in its order, it begins */
void context_begin(struct session *s, struct context *c,
    const struct index_list *r);
void context_free(struct context *c);	/* not begun; NULL is fine */
/* of the selected mailbox: all end */
void context_end(struct session *s);
/* before EXPUNGE is told: MSG_GONE messages leave the answers */
void context_gone(struct session *s);
/* after the rest is told */
void context_update(struct session *s);

#endif
