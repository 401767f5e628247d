/*
 * users.h - the accounts of an instance: the text tables `users`, `aliases`
 * and `domains` of its conf directory, what is compiled from them, where the
 * mailbox of an account is, and the accounts of the system.
 *
 * users becomes users.cdb (whole, for auth alone) and mailboxes.cdb (without
 * the password hashes); the others become aliases.cdb and domains.cdb.
 * common_load must have been called; map_set_dir too before system_user_find.
 */
#ifndef MAP_USERS_H
#define MAP_USERS_H

#include "map/record.h"

/*
 * Compile conf_dir/users into users.cdb and mailboxes.cdb, owned and readable
 * as the roles need it (also where root compiles for others).  Each row is
 * checked: a full address, a known record, a mailbox that can be.  *count_r
 * (may be NULL): accounts.  0, or -1: err with FILE:LINE.
 */
int users_compile(const char *conf_dir, size_t *count_r, struct err *err);
/* the same of aliases (alias.h) and of domains (domains.h) */
int aliases_compile(const char *conf_dir, size_t *count_r, struct err *err);
int domains_compile(const char *conf_dir, size_t *count_r, struct err *err);
/* 1: a compiled table is missing or was made from another version of its
 * text; 0: fresh; -1: err */
int users_stale(const char *conf_dir, struct err *err);
int aliases_stale(const char *conf_dir, struct err *err);
int domains_stale(const char *conf_dir, struct err *err);

/* Is it a key of users: local@domain, unquoted?  1 or 0. */
int user_key_valid(struct slice key);
/*
 * The mailbox of the account with this key, DOMAIN/LOCALPART, folded,
 * appended: what lib/store takes.  An account with a home of its own has it
 * below mail_dir.  0, or -1: err, temporary: a record that an admin must
 * mend.
 */
int user_mailbox(struct slice key, const struct user_record *u,
    struct str *out, struct err *err);

/* an account of the system */
struct system_user {
	uid_t uid;
	gid_t gid;
	const char *home;	/* in the arena */
};
/* By common.system_users: passwd(5) or a table login:uid:gid:home.  1, 0: no
 * such account, or one that gets no mail (uid below first_uid); -1: err,
 * temporary. */
int system_user_find(const char *login, struct system_user *u,
    struct arena *a, struct err *err);

#endif
