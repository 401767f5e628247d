/*
 * meta.h - what FETCH, SORT and THREAD want to know of a message without its
 * file: rendered IMAP text, usual header fields, sort keys.  Kept in one
 * SQLite file a user (INDEX/cache.db: WAL, no syncs), which may be deleted at
 * any time; a damaged one is deleted and filled anew.  A row is made by
 * reading the message once, and it holds all there is, but for the preview:
 * that is made where the session has asked for previews, and a row without
 * one is then made again.
 *
 * Rows are keyed by the number of the mailbox in the file and the UID, so that
 * FETCH 1:* reads them in order: meta_get steps one cursor as long as UIDs
 * ascend.  New rows are written together, by meta_flush or where there are
 * META_BATCH, in one transaction; who finds the file locked leaves it.
 */
#ifndef STORE_META_H
#define STORE_META_H

#include "store/mailbox.h"

enum { META_BATCH = 500 };

/* Slices are good until the next call for this struct meta. */
struct meta_row {
	struct slice envelope;	/* "(...)" as in FETCH ENVELOPE */
	struct slice body;	/* BODY without extension data */
	struct slice structure;	/* BODYSTRUCTURE */
	/* the fields of meta_kept, as lines with CRLF, in their order, folds
	 * as they are; without the empty line at the end */
	struct slice fields;
	struct slice preview;	/* UTF-8, RFC 8970; NULL: not made */
	/* keys, folded for comparison by octets (mime_fold) */
	struct slice subject;	/* base subject */
	struct slice from, to, cc;	/* mailbox of the first address */
	struct slice display_from, display_to;	/* RFC 5957 */
	struct slice message_id, refs;	/* refs: ids, space between, oldest
				 * first: References, else In-Reply-To */
	bool is_reply;		/* subject had Re: or the like (RFC 5256) */
	int64_t sent;		/* Date, unix seconds; INT64_MIN: none */
};

struct meta;
/* index: the user's index directory, -1: nothing is kept.  Never fails. */
struct meta *meta_new(int index);
void meta_free(struct meta *m);		/* flushes */
/* Close the file while the session idles; opened again when it is needed. */
void meta_shrink(struct meta *m);
void meta_flush(struct meta *m);
/* from now on rows have previews */
void meta_want_preview(struct meta *m);

/* Row of message i of mb.  1 from the file, 0 made by reading the message,
 * -1: err (the message is gone, or trouble). */
int meta_get(struct meta *m, struct mailbox *mb, size_t i,
    struct meta_row *row, struct err *err);
/* While the client is silent: make rows of messages that came since the last
 * row, in a mailbox that has rows, for at most ms milliseconds.  1 there are
 * more, 0. */
int meta_fill(struct meta *m, struct mailbox *mb, int ms);
/* is that header field (any case) among those that row.fields holds? */
bool meta_kept(struct slice name);
/* after COPY or MOVE: n rows of from are those of mb too */
struct meta_pair { uint32_t from, to; };
void meta_copied(struct meta *m, const struct mailbox *from,
    const struct mailbox *to, const struct meta_pair *v, size_t n);
/* UIDs that were expunged; a mailbox that was deleted */
void meta_expunged(struct meta *m, const struct mailbox *mb,
    const uint32_t *uid, size_t n);
void meta_forget(struct meta *m, const char *mailbox_id);

#endif
