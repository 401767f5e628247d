/*
 * forward.h - ~/.forward: read by the account, carried out by the parent.
 */
#ifndef LOCAL_FORWARD_H
#define LOCAL_FORWARD_H

#include "local.h"

/*
 * In the account's own process: the targets of HOME/.forward+EXTENSION or,
 * where there is none, of HOME/.forward, one a line: @address, |command,
 * /file, or `.' for the mailbox.  1, 0 there is none, -1.
 */
int forward_read(const char *home, uid_t uid, const char *login,
    const char *extension, struct str *out, struct err *err);

/* In the parent: do what these lines say for r, whose mailbox is login.  0, or
 * -1: err.  What can be repeated without harm is done first, what leaves this
 * host last. */
int forward_do(struct job *j, struct rcpt *r, const char *login,
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
