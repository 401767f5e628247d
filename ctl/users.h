/*
 * users.h - inside ctl: the rows of conf/users.
 */
#ifndef CTL_USERS_H
#define CTL_USERS_H

#include "map/record.h"
#include "sasl/scram.h"
#include "table_edit.h"

/* table_begin and table_commit of conf/users; a commit fails where a domain
 * would have more than its row in `domains` says (domain.h) */
int users_begin(struct table_edit *e, struct err *err);
int users_commit(struct table_edit *e, struct err *err);

/* the record of an account: 1, 0 none, -1 err.  Strings in ctl_arena. */
int users_get(const struct table_edit *e, const char *name,
    struct user_record *u, struct err *err);
/* put a record in the place of the account's row, or at the end */
void users_put(struct table_edit *e, const char *name,
    const struct user_record *u);
/* NAME, or NAME@default-domain where it has none; NULL: err */
const char *users_name(const char *name, struct err *err);

/* The verifiers of a password, by common.conf: a hash, and one for SCRAM with
 * the salt of the app passwords.  0, or -1: err */
int users_set_password(struct user_record *u, const char *password,
    struct err *err);
/* salt and iterations of what the account has for SCRAM, else new ones */
void users_scram_salt(const struct user_record *u, struct scram_verifier *v);

/* "NAME:HASH" lines appended to the text: how many, or -1: err with LINE */
int users_import(struct table_edit *e, struct slice lines, bool plain,
    struct err *err);

#endif
