/*
 * drop.h - a mailbox as POP3 sees it: the messages of INBOX as they were when
 * it was opened, in order of arrival, numbered from 0 here.
 *
 * Other programs may deliver, move, flag and delete meanwhile: a message that
 * was renamed is found again by its unique part, one that is gone is told.
 * One drop at a time: drop_lock.  Nothing changes on the disk before
 * drop_update (but names: two files of one unique part get two).
 */
#ifndef STORE_DROP_H
#define STORE_DROP_H

#include "base/arena.h"
#include "base/err.h"

struct drop_msg {
	const char *name;	/* of the file */
	int64_t time;
	uint64_t size;		/* of the file */
	uint64_t octets;	/* with CRLF, as RETR sends it */
	uint64_t salt;		/* of its UIDL */
	unsigned short unique;	/* bytes of name */
	bool in_cur, deleted, seen, gone;
	bool found;		/* of drop_update.c */
};

struct drop {
	int maildir, sub[2];	/* O_PATH; new, cur */
	int lock;
	struct arena names;
	struct drop_msg *msg;
	size_t n, cap, max;
	bool more;		/* there are more than max */
};

/* Open HOME/Maildir, which must be there; reads nothing yet.  0 or -1;
 * drop_close is fine in both cases. */
int drop_open(struct drop *d, const char *home, struct err *err);
/* Take the lock, waiting at most wait_ms: 1, 0 somebody else has it, -1.  It
 * ends with drop_unlock or drop_close. */
int drop_lock(struct drop *d, int64_t wait_ms, struct err *err);
void drop_unlock(struct drop *d);
/* unix time that drop_set_login stored; 0 none.  Under the lock. */
int64_t drop_last_login(const struct drop *d);
int drop_set_login(struct drop *d, int64_t now, struct err *err);
/* Read at most max messages.  0 or -1 */
int drop_scan(struct drop *d, size_t max, struct err *err);
void drop_close(struct drop *d);

/* the message opened for reading: fd, or -1 (permanent: it is gone) */
int drop_read(struct drop *d, size_t i, struct err *err);
void drop_uidl(const struct drop *d, size_t i, struct str *out);
/* messages that are not marked deleted */
void drop_stat(const struct drop *d, uint64_t *count_r, uint64_t *octets_r);

enum { DROP_SAVE_SEEN = 1 /* what was read moves to cur/ */,
	DROP_MARK_SEEN = 2 /* and gets the flag S */ };
struct drop_done { uint64_t deleted, failed, seen; };
/* Remove what is marked deleted and sync; note what is seen.  0, or -1: some
 * are still there, err is the first reason. */
int drop_update(struct drop *d, unsigned flags, struct drop_done *done,
    struct err *err);

#endif
