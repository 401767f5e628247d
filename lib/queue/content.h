/*
 * content.h - queue ids and the content files of the spool.
 *
 * An id is a 63-bit number, wall microseconds << 12 | 12 random bits, written
 * as 11 characters of base 62 (0-9A-Za-z), so that ids sort as text and as
 * numbers in the order in which they were made (until the clock needs more
 * than 51 bits, in 2041; then they begin anew).  The number is the key in
 * queue.db.  The content lies in SPOOL/content/XX/ID, XX being the low 8 bits
 * in hex.
 *
 * Content is appended to while it is written, never changed afterwards.
 * Trouble of the disk is err_temp (4.3.0, 4.3.1 full).
 */
#ifndef QUEUE_CONTENT_H
#define QUEUE_CONTENT_H

#include "base/err.h"
#include "base/str.h"

enum { QID_LEN = 11, QID_SIZE = QID_LEN + 1 };

void qid_make(char q[QID_SIZE]);
/* one of those that are made now lie in few directories: a sync writes less */
void qid_make_near(char q[QID_SIZE]);
bool qid_valid(const char *q);
/* the number of an id: 1, or 0 where it is none */
int qid_parse(const char *q, int64_t *id_r);
void qid_print(int64_t id, char q[QID_SIZE]);
int64_t qid_time_us(int64_t id);	/* when it was made, unix time */
int64_t qid_at(int64_t unix_s);		/* the lowest id of that second */

/* SPOOL/content/XX/ID and SPOOL/content/XX, appended; q must be valid */
void content_path(struct str *out, const char *spool, const char *q);
void content_dir(struct str *out, const char *spool, const char *q);
/*
 * Create the file, open for appending and reading, mode 0640 whatever umask
 * is.  A missing directory XX is made (0771) and its entry synced.
 * 1, *fd_r is the caller's; 0: the id is in use, take another; -1 err.
 * The entry of the file is durable only after fsync of fd and content_sync.
 */
int content_create(const char *spool, const char *q, int *fd_r,
    struct err *err);
/* The same, mode 0440: who makes it writes all of it.  The mask of the caller
 * lets the group read. */
int content_create_whole(const char *spool, const char *q, int *fd_r,
    struct err *err);
/* a new id and its file: 1 or -1 */
int content_create_new(const char *spool, char q[QID_SIZE], int *fd_r,
    struct err *err);
/* fsync of the directory XX: 0 or -1 */
int content_sync(const char *spool, const char *q, struct err *err);
/* The file made anew with these bytes, read-only; one that is there is another
 * file afterwards.  Nothing is synced: the caller has it elsewhere until it
 * has synced the spool.  0 or -1 */
int content_write(const char *spool, const char *q, struct slice bytes,
    struct err *err);
/* open read-only: 1, 0 there is none, -1 */
int content_open(const char *spool, const char *q, int *fd_r,
    struct err *err);
/* A content begins with our trace: Return-Path and, where there was one
 * recipient, Delivered-To.  How long the first line of text is, if it is the
 * field of that name ("Return-Path:"); 0 it is not. */
size_t content_trace(struct slice text, const char *name);
/* 1 removed, 0 there was none, -1 */
int content_remove(const char *spool, const char *q, struct err *err);

/*
 * Content that floats has no name: it is in memory, from content_float until
 * the last descriptor is closed, and in the journal of the queue.  It is filled
 * with content_put, then sealed: nobody can change it any more.  Readers share
 * the offset of its descriptor, so they pread.
 */
int content_float(int *fd_r, struct err *err);		/* 0 or -1 */
int content_put(int fd, struct slice bytes, uint64_t at, struct err *err);
int content_seal(int fd, struct err *err);
bool content_sealed(int fd);
/* Give it a file: size bytes of fd, mode 0440, not synced; *fd_r has it open.
 * 0; -1, and it has none (also where there is one of that name). */
int content_anchor(const char *spool, const char *q, int fd, uint64_t size,
    int *fd_r, struct err *err);

#endif
