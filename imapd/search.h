/*
 * search.h - which messages match a search program?  Cheap keys are tried
 * first: flags and sizes, then what the cache knows, then the file; the
 * full-text index only narrows down what must be read, so that an answer is
 * always that of a scan.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include "imap/search.h"
#include "session.h"

/* Indexes of the messages that match, ascending, in the command's arena.  The
 * tree is changed (sets are resolved, keys put in order).  0, or -1 and err
 * (5.3.4: it took longer than search_time). */
int search_run(struct session *s, struct imap_search_key *root,
    struct index_list *r, struct err *err);
/* The same, and a score for each of them (RFC 6203 section 4), by its index:
 * 1 to 100, in the command's arena. */
int search_run_scored(struct session *s, struct imap_search_key *root,
    struct index_list *r, unsigned char **score_r, struct err *err);
/* is RELEVANCY one of the sort keys? */
bool search_by_relevancy(const struct imap_search *q);

/* Message numbers that are there, nothing that is not kept here: else false
 * and the reply is given. */
bool search_checked(struct session *s, struct imap_search *q);
/* filter.c: FILTER keys become the programs that they name; false: the reply
 * is given */
bool search_filters(struct session *s, struct imap_search *q);

#endif
