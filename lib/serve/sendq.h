/*
 * sendq.h - inside lib/serve: messages that a socket did not take at once.
 */
#ifndef SERVE_SENDQ_H
#define SERVE_SENDQ_H

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"

struct sendq_item;
struct sendq {
	struct sendq_item *head, *tail;
	size_t n, bytes;
};

/* Send now or keep a copy (the fd is dup'ed): 0, or -1 where the peer is
 * gone or more than 16 MiB wait. */
int sendq_put(struct sendq *q, int sock, const struct str *bytes, int fd,
    struct err *err);
/* The same of a record, and of an error.  -1 with a permanent err: too long for
 * a message, nothing is sent or kept. */
int sendq_record(struct sendq *q, int sock, const char *verb,
    const struct field *t, const void *rec, int fd, struct err *err);
int sendq_err(struct sendq *q, int sock, const struct err *why);
/* the socket is writable: 0 all sent, 1 some are left, -1 gone */
int sendq_flush(struct sendq *q, int sock, struct err *err);
void sendq_free(struct sendq *q);

#endif
