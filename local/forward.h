/*
 * forward.h - ~/.forward: read by the account, carried out by the parent.
 */
#ifndef LOCAL_FORWARD_H
#define LOCAL_FORWARD_H

#include "local.h"

struct account {
	const char *login, *home;
	uid_t uid;
	gid_t gid;
	bool own_group;		/* nobody else is in it */
};

/*
 * In the account's own process: the targets of HOME/.forward+EXTENSION or,
 * where there is none, of HOME/.forward, one a line: @address, |command,
 * /file, or `.' for the mailbox.  1, 0 there is none, -1.
 */
int forward_read(const struct account *a, const char *extension,
    struct str *out, struct err *err);

/*
 * In the parent: do what these lines say for r, whose mailbox is login; rest:
 * only what may take long, all else was done.  0; 1 for COMMAND_SERVICE, which
 * has r->partly; -1: err.
 */
int forward_do(struct job *j, struct rcpt *r, const char *login, bool rest,
    struct slice targets, struct err *err);

/* file.c, in the account's own process: append to a mailbox of mbox form, or
 * put into the Maildir that ends in '/'.  0 it is durable, -1. */
int file_deliver(const struct job *j, const struct rcpt *r, const char *path,
    uid_t uid, struct err *err);
/* the directory that is to be written, appended */
void file_directory(const char *path, struct str *out);

/* system.c: into the mailbox of login, or into a file as login; 0 or -1 */
int system_mailbox(struct job *j, struct rcpt *r, const char *login,
    struct err *err);
int system_file(struct job *j, struct rcpt *r, const char *login,
    const char *path, struct err *err);

#endif
