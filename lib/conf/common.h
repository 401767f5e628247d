/*
 * common.h - common.conf, which every program reads: who and where we are.
 *
 * Directories: those that are not absolute are below the instance directory,
 * the parent of the directory that common.conf lies in.  After common_load
 * they are absolute.
 */
#ifndef CONF_COMMON_H
#define CONF_COMMON_H

#include "base/field.h"

/* roles that programs run as; the order of `struct common.user_*` */
enum role { ROLE_ROOT, ROLE_NET, ROLE_QUEUE, ROLE_MAPS, ROLE_STORE, ROLE_AUTH,
	ROLE_LOG, ROLE_TLS, ROLE_KEY, ROLE_LIMIT, ROLE_OUT,
	ROLE_STS, ROLE_FILTER, ROLE_COUNT };

struct common {
	const char *hostname;
	struct strlist domains;		/* virtual; the first: default */
	struct strlist system_domains;	/* mailboxes of system accounts */
	const char *spool_dir, *run_dir, *mail_dir, *log_dir;
	const char *group;		/* shared by all programs */
	const char *net_user, *queue_user, *maps_user, *store_user, *auth_user,
	    *log_user, *tls_user, *key_user, *limit_user, *out_user,
	    *sts_user, *filter_user;
	const char *system_users;	/* "passwd" or a table */
	const char *recipient_delimiter;	/* plus addressing; "" none */
	const char *postmaster;		/* gets mail of unclaimed postmasters */
	int64_t first_uid;		/* no mailbox belongs to a lower uid */
	uint64_t default_quota;		/* of accounts without one; 0 none */
	int password_scheme;		/* enum password_scheme of new hashes */
	int64_t password_cost;		/* 0: the scheme's default */
	int64_t scram_iterations;	/* of new verifiers */
	int log_level;			/* enum log_level */
	/* set by common_load, no options: */
	const char *conf_dir, *instance_dir;
	bool single_uid;		/* not started by root */
	uid_t uid[ROLE_COUNT];
	gid_t gid[ROLE_COUNT];
	gid_t suite_gid;
};

extern struct common common;	/* the one copy in each process */
/* `postrider check': what stands in tables is looked at, too.  Not so at a
 * start: for one bad table not all mail has to wait. */
extern bool common_checking;
extern const struct field common_fields[];

/* Read DIR/common.conf, make paths absolute and resolve the users (without
 * root all roles are the caller).  0, or -1: err, and `common` is as it was. */
int common_load(const char *conf_dir, struct err *err);
/* role by its name in master.conf: root net queue maps store auth log tls key
 * limit out sts filter; -1 */
int role_find(struct slice name);
const char *role_name(enum role role);
/* path below run_dir/private or the like: arena of common, lives for ever */
const char *common_path(const char *dir, const char *name);
/* run_dir/private/NAME: where the UNIX socket of a service lies */
const char *socket_path(const char *service);
/* Where the program NAME lies: the build tree when we run from one
 * (.../x/x beside .../name/name), else libexecdir.  "pop3-login" lies in
 * folder pop3d. */
const char *program_path(const char *name);

#endif
