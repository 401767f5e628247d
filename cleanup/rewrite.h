/*
 * rewrite.h - the content of a message with some ranges of it replaced; all
 * else stays as it is, byte for byte.
 */
#ifndef CLEANUP_REWRITE_H
#define CLEANUP_REWRITE_H

#include "cleanup.h"

struct splice {
	uint64_t at, len;	/* of the content as it is */
	struct slice text;	/* instead; borrowed */
};
struct splices {
	struct splice *v;	/* malloced; by place, not overlapping */
	size_t n, cap;
	bool has_body;		/* behind the last splice comes not what is
				 * there, but what is in body: borrowed */
	int body;
};
/* splices.c */
void splice_add(struct splices *s, uint64_t at, uint64_t len,
    struct slice text);
void splices_free(struct splices *s);
/* rewrite.c */
/* m->fd becomes another file of the same name, *size its size.  0; or -1 and
 * nothing is changed: err_temp. */
int rewrite(struct message *m, const struct splices *s, uint64_t *size,
    struct err *err);
/* the same into a file of its own, *q_r, and m stays as it is */
int rewrite_copy(const struct message *m, const struct splices *s,
    uint64_t *size, char q_r[QID_SIZE], int *fd_r, struct err *err);

#endif
