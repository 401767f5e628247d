/*
 * subject.h - keys for SORT and THREAD: RFC 5256, RFC 5957.
 *
 * All give plain UTF-8; fold with mime_fold (text.h) to compare.  A field that
 * is not there (p == NULL) gives nothing.
 */
#ifndef MIME_SUBJECT_H
#define MIME_SUBJECT_H

#include "mime/address.h"
#include "mime/part.h"

/* The base subject of a Subject value (still encoded): RFC 5256 2.1.  1 where
 * it was a reply or forward (refwd, "(fwd)" or [fwd: ]), else 0. */
int mime_base_subject(struct slice subject, struct str *out);

/* of the first address of a From, To or Cc value: its local part (FROM, TO,
 * CC of RFC 5256); its display name, or where it has none local@domain, or
 * a group's name (DISPLAYFROM, DISPLAYTO of RFC 5957) */
void mime_sort_mailbox(struct slice value, struct str *out);
void mime_sort_display(struct slice value, struct str *out);
/* the same where the value was parsed already, with marks or without */
void mime_sort_mailbox_of(const struct mime_addresses *l, struct slice value,
    struct str *out);
void mime_sort_display_of(const struct mime_addresses *l, struct slice value,
    struct str *out);

/* Add the message ids of a Message-ID, References or In-Reply-To value to l,
 * in their order, in the arena: without brackets, folds and comments; quoted
 * local parts that need no quotes are unquoted (RFC 5256 section 3).  Words
 * that are no id are skipped.  At most max ids are in l afterwards: where
 * there are more, the first and the last ones stay. */
void mime_message_ids(struct slice value, size_t max, struct arena *a,
    struct strlist *l);

/* RFC 5256 2.2: seconds since 1970 of the Date field, in UTC: 1, or 0 where
 * there is none that can be read (then INTERNALDATE is taken).  A zone that
 * is missing or unknown is UTC; a missing time is 00:00:00. */
int mime_sent_date(const struct mime_envelope *env, int64_t *unix_r);

#endif
