/*
 * quota.h - how full is a mailbox?  Kept in Maildir/maildirsize as Maildir++
 * describes it, so that other programs may share it: the limit in the first
 * line, then one line "BYTES COUNT" for each change, added by one write with
 * O_APPEND.  The file is derived: it is counted anew where it is missing, of
 * another limit, longer than QUOTA_FILE_MAX, old, or says "over".
 * Bytes are those of S= (LF line ends).  Messages in .Trash or flagged T do
 * not count.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include "base/err.h"

enum { QUOTA_FILE_MAX = 5120, QUOTA_OLD = 86400, QUOTA_OVER_OLD = 900 };

struct quota_use { uint64_t bytes, count; };

/* of the Maildir open as maildir; limit 0 (none): counted each time, and not
 * kept.  0 or -1 */
int quota_used(int maildir, uint64_t limit, struct quota_use *u,
    struct err *err);
/* would size more bytes fit?  1, 0 no, -1; *u as above; limit is not 0 */
int quota_fits(int maildir, uint64_t limit, uint64_t size,
    struct quota_use *u, struct err *err);
/* Note a change where the file is there; what fails is mended by the next
 * count. */
void quota_add(int maildir, int64_t bytes, int64_t count);

#endif
