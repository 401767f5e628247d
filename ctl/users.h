/*
 * users.h - inside ctl: the rows of conf/users.
 */
#ifndef CTL_USERS_H
#define CTL_USERS_H

#include "map/record.h"
#include "sasl/scram.h"

/* an open edit of the file: locked from begin to end */
struct users_edit {
	int lock;
	struct str text;
};
int users_begin(struct users_edit *e, struct err *err);
/* write, compile, unlock: 0, or -1: err; then the file is as it was */
int users_commit(struct users_edit *e, struct err *err);
void users_abort(struct users_edit *e);

/* the record of an account: 1, 0 none, -1 err.  Strings in ctl_arena. */
int users_get(const struct users_edit *e, const char *name,
    struct user_record *u, struct err *err);
/* put a record in the place of the account's row, or at the end */
void users_put(struct users_edit *e, const char *name,
    const struct user_record *u);
/* a name in the text that is nearly this one, or NULL */
const char *users_near(const struct users_edit *e, const char *name);
int users_remove(struct users_edit *e, const char *name);	/* 1 or 0 */
/* NAME, or NAME@default-domain where it has none; NULL: err */
const char *users_name(const char *name, struct err *err);

/* The verifiers of a password, by common.conf: a hash, and one for SCRAM with
 * the salt of the app passwords.  0, or -1: err */
int users_set_password(struct user_record *u, const char *password,
    struct err *err);
/* salt and iterations of what the account has for SCRAM, else new ones */
void users_scram_salt(const struct user_record *u, struct scram_verifier *v);

/* "NAME:HASH" lines appended to the text: how many, or -1: err with LINE */
int users_import(struct users_edit *e, struct slice lines, bool plain,
    struct err *err);

#endif
