/*
 * content.h - message content on its way from the client to the disk.
 *
 * Cleanup is asked for a queue file (backend_begin) when the first 32 KiB are
 * there; a smaller message goes to it whole (backend_put): a slow client holds
 * no cleanup, and a small message that is refused makes no file.
 *
 * What is wrong with the content (too big, bare line ends, a full disk) is
 * remembered, and the rest is read and thrown away, so that the session stays
 * in step with the client; content_finish tells it at the end.
 */
#ifndef SMTPD_CONTENT_H
#define SMTPD_CONTENT_H

#include "smtpd.h"

/* chunks: BDAT, else DATA; of the transaction s->txn, which owns it */
struct content *content_new(struct session *s, bool chunks);
void content_free(struct content *c);		/* NULL is fine */
/* how reading ended: READ_LOST is the end of the connection or of its time,
 * READ_ENDLESS far more than the limit of a message */
enum content_read { READ_OK, READ_LOST, READ_ENDLESS };
/* up to and with the final dot */
enum content_read content_data(struct session *s, struct content *c);
/* exactly n octets; c NULL: to be thrown away */
enum content_read content_chunk(struct session *s, struct content *c,
    uint64_t n);
/* is it refused already?  0, or -1: err */
int content_check(struct content *c, struct err *err);
/* The end has come.  1: all of it is queued, *size_r; 0: it is to be finished
 * and committed, as filters or rules may want to see it; -1: refused, err. */
int content_put(struct content *c, uint64_t *size_r, struct err *err);
/* the rest is written; *size_r: bytes written.  0, or -1: err. */
int content_finish(struct content *c, uint64_t *size_r, struct err *err);

#endif
