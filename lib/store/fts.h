/*
 * fts.h - full-text index: which messages may hold a string?  One SQLite file
 * a user (INDEX/fts.db) with FTS5 trigrams of the folded text (mime_fold) of
 * header and body.  Derived: it may be deleted.
 *
 * Results are candidates: the caller verifies each by reading it, so that an
 * answer equals that of a scan.  What is not indexed yet is a candidate too.
 */
#ifndef STORE_FTS_H
#define STORE_FTS_H

#include "store/mailbox.h"

struct fts;
struct fts *fts_new(int index);		/* never fails; -1: no index */
void fts_free(struct fts *f);
void fts_shrink(struct fts *f);		/* closes the file */

/* has somebody searched yet?  Else there is nothing to keep up to date. */
bool fts_wanted(const struct fts *f);

enum { FTS_HEADER = 1, FTS_BODY = 2 };	/* where; both: TEXT */
/*
 * UIDs of messages of mb that may hold all of the n folded terms (a term too
 * short for the index is passed over), ascending, malloced.  1: these; 0: the
 * index can not tell, all messages are candidates; -1: err.
 */
int fts_candidates(struct fts *f, struct mailbox *mb, unsigned where,
    const struct slice *terms, size_t n, uint32_t **uids, size_t *count,
    struct err *err);
/* Index messages that are not in it yet for at most ms milliseconds: 1 there
 * are more, 0 all is indexed, -1 (another session does it, or trouble). */
int fts_update(struct fts *f, struct mailbox *mb, int ms, struct err *err);
/* the caller has just read and folded this message: take it in on the way */
void fts_note(struct fts *f, struct mailbox *mb, uint32_t uid,
    struct slice header, struct slice body);
void fts_expunged(struct fts *f, const struct mailbox *mb,
    const uint32_t *uid, size_t n);
void fts_forget(struct fts *f, const char *mailbox_id);

#endif
