/*
 * mbox_add_part.h - inside lib/store: what mbox_add.c, which makes messages
 * ready, and mbox_add_commit.c share.
 */
#ifndef STORE_MBOX_ADD_PART_H
#define STORE_MBOX_ADD_PART_H

#include "store/mbox.h"

enum { ADD_BUFFER = 64 * 1024 };
enum { FETCH_NOT, FETCH_NAME, FETCH_BYTES };
struct adding {
	struct mailbox *from;	/* COPY; NULL: a file in tmp/ */
	char *tmp;		/* its name below the folder, or NULL */
	char *unique;
	uint64_t size, wsize;
	int64_t date;
	unsigned flags;
	struct slice *kw;
	size_t nkw, index;
	bool as_is;		/* COPY: it has all flags of the original, */
	uint64_t modseq;	/* as they were then */
	int fetch;		/* COPY: what must be done before */
	char *linked;		/* name in cur/, once it is there, */
	uint32_t uid;		/* and its UID */
	bool skip;		/* MOVE: somebody else took it before */
};

struct mailbox_add {
	struct mailbox *mb;
	struct adding *v;
	size_t n, cap;
	int fd;			/* of the one being written */
	struct str buf;
	bool cr;		/* a CR is held back */
	char last;		/* what was written last */
	size_t fresh;		/* files that must be synced */
	struct mailbox *from;	/* mailbox_add_moves; else NULL */
	const uint32_t *idx;	/* of from, for each of v */
	bool *mine;
	bool within;		/* both are one user's: no quota is asked */
	bool measured;		/* the quota was asked: */
	uint64_t left;		/* octets that fit in, with what is in v */
	struct arena mem;
};

/* a new file in tmp/ for m, open as a->fd.  0 or -1 */
int mbox_add_tmp(struct mailbox_add *a, struct adding *m, struct err *err);
/* the file's time is the INTERNALDATE.  0, or -1 and errno */
int mbox_add_date(int fd, int64_t date);
/* flags and keywords of the original, as they are now */
void mbox_add_flags(struct mailbox_add *a, struct adding *m,
    struct mailbox *from);
/* octets of the first n that count for the quota */
uint64_t mbox_add_sum(const struct mailbox_add *a, size_t n);

#endif
