/*
 * store.h - the tree of mailboxes: where a mailbox lies, making one, and
 * putting messages into it.  The format is postrider-store(5).
 *
 * A store is one directory, the root; a mailbox is a path below it that ends
 * in "Maildir".  Every path is resolved below the root without following a
 * symbolic link.  The root itself is never made: where it is missing a disk
 * is not mounted.
 *
 * Delivery is idempotent and in two steps: store_deliver makes the name in
 * new/ and notes the directory in a batch, store_sync makes all that a batch
 * touched durable, directories that it made included.  Nothing is delivered
 * before store_sync returned 0.  All errors are temporary: they are trouble
 * of our own machine.
 *
 * After a power cut a name may be there whose file is empty or damaged.  So
 * what is found in the place of a delivery is the message only if it is the
 * same file or has the same bytes; else it is replaced under its name.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "base/str.h"

#include <sys/stat.h>

struct store {
	char *path;
	int fd;			/* O_PATH */
	dev_t dev;
	ino_t ino;
};
/* 0, or -1: st is then not to be used, but store_close is fine */
int store_open(struct store *st, const char *root, struct err *err);
void store_close(struct store *st);
/* Look again where the path leads (a disk was mounted, or is gone): 0, or
 * -1 and the old one stays. */
int store_refresh(struct store *st, struct err *err);

/*
 * The path below the root of mailbox DOMAIN/LOCALPART, appended: both folded
 * to lower case, the local part with %XX for / and % and controls, and for a
 * dot at its start.  0, or -1: not a possible mailbox.
 */
int store_home(struct str *out, const char *mailbox, struct err *err);
/* The mail root of a session's account, absolute, appended: home for a system
 * user (mailbox is ""), else the mailbox's path below root. */
int store_user_home(struct str *out, const char *root, const char *mailbox,
    const char *home, struct err *err);
/* as that user, before the jail closes: a first login finds a mailbox */
int store_user_make(const char *root, const char *mailbox, const char *home,
    struct err *err);

/* what a batch of deliveries touched */
enum { BATCH_FSYNC = 2 /* more directories: syncfs */, BATCH_DIRS = 8 };
struct store_batch {
	struct store *st;
	dev_t synced;		/* of the delivery at hand: somebody else syncs
				 * this file system afterwards; 0 none */
	/* the first directories, and one of each file system */
	struct batch_dir { char *home; int fd; dev_t dev; } dir[BATCH_DIRS];
	size_t n;		/* of dir */
	bool many;		/* more than BATCH_FSYNC were touched */
};
void store_batch_init(struct store_batch *b, struct store *st);
/* All is on the disk: 0, or -1 and none of the batch may be called
 * delivered.  The batch is empty afterwards in both cases. */
int store_sync(struct store_batch *b, struct err *err);

/* the content of one message */
struct store_content {
	int fd;			/* open for reading */
	int dir;
	const char *path;	/* from dir: what fd has open; NULL: copy */
	uint64_t size, wsize;	/* bytes; with CRLF line ends */
	bool linkable;		/* private: dir/path is fd's inode */
	/* not NULL: in place of the first skip bytes of fd, so that size is
	 * not the file's; nothing is linked then */
	const char *head;
	size_t head_len, skip;
};
/* Check fd (size, regular file) and path; once a message.  0 or -1. */
int store_content_check(struct store_content *c, struct err *err);
/* as pread, with its head */
ssize_t store_content_pread(const struct store_content *c, char *to, size_t n,
    uint64_t at);
/* all of it, to the end of a file: 0, -1 errno */
int store_content_copy(const struct store_content *c, int to, bool sync);

/* the name of a message in the mailbox, from mail_name_unique */
struct store_slot {
	const char *home;	/* from store_home; "" where the root is one */
	const char *unique;
	bool again;		/* look in cur/ before: it may be there */
	bool doubt;		/* what is there, or its name, may not be on
				 * the disk though it reads well: it is made
				 * anew */
};
/* 1 delivered by this call; 0 it was there already; 2 it was there, damaged,
 * and is whole again; -1.  It counts only after store_sync. */
int store_deliver(struct store_batch *b, const struct store_content *c,
    const struct store_slot *slot, struct err *err);
/* 1 a message of this unique part is in new/ or cur/, 0, -1 */
int store_has(struct store *st, const struct store_slot *slot,
    struct err *err);
/* take back what store_deliver did (1), after a failed store_sync */
void store_undo(struct store *st, const struct store_content *c,
    const struct store_slot *slot);

/* The Maildir of home, opened with O_PATH: 1 and *fd_r; 0 there is none
 * (*fd_r is -1); -1. */
int store_maildir(struct store *st, const char *home, int *fd_r,
    struct err *err);
/* Make what is missing of HOME/Maildir/{tmp,new,cur,.state}, synced by the
 * batch (which may be NULL: not synced).  0 or -1. */
int store_make(struct store *st, const char *home, struct store_batch *b,
    struct err *err);

#endif
