/*
 * sort.h - SORT and THREAD: RFC 5256, RFC 5957.
 */
#ifndef IMAPD_SORT_H
#define IMAPD_SORT_H

#include "imap/search.h"
#include "session.h"

/* Bring r into the order of q->sort: 0, or -1 and err.  score: of each message
 * by its index, for RELEVANCY; else NULL. */
int sort_run(struct session *s, const struct imap_search *q,
    const unsigned char *score, struct index_list *r, struct err *err);

/* what THREAD needs of a message; strings lie in the command's arena */
struct thread_msg {
	uint32_t index;
	int64_t sent;		/* INTERNALDATE where there is no Date */
	struct slice subject;	/* base subject, folded */
	bool is_reply;
	struct slice id;	/* Message-ID, may be empty */
	struct slice *refs;	/* oldest first */
	size_t nrefs;
};
/* the threads of msg[0..n) as "(...)(...)", appended; number gives what is
 * printed for an index */
void thread_run(struct arena *a, enum imap_thread how,
    struct thread_msg *msg, size_t n, uint32_t (*number)(void *, uint32_t),
    void *ctx, struct str *out);

#endif
