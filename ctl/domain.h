/*
 * domain.h - inside ctl: what conf/domains says about accounts, and who may
 * change them.
 */
#ifndef CTL_DOMAIN_H
#define CTL_DOMAIN_H

#include "map/domains.h"
#include "table_edit.h"

/* --as: the account for whom we act; NULL: who runs us may do all */
extern const char *acting_as;

/* the row of a domain (or of an account's): 1, 0 none, -1 err.  Strings in
 * ctl_arena. */
int domain_row(const char *name, struct domain_record *d, struct err *err);
/* May we change accounts of that domain?  0, or -1: err */
int domain_may(const char *name, struct err *err);
/* may that account have this quota? */
int domain_may_quota(const char *account, uint64_t quota, struct err *err);

/* what the accounts of a domain take */
struct domain_use {
	int64_t mailboxes;
	int64_t unlimited;	/* of them without any quota */
	uint64_t storage;	/* sum of the quotas of the others */
};
/* of all domains that have a row: fn for each */
typedef int domain_use_fn(void *ctx, const char *domain,
    const struct domain_record *d, const struct domain_use *u);
int domain_each(domain_use_fn *fn, void *ctx, struct err *err);

/* Would the users that are to be written be more than a domain may have, and
 * more than it has?  0, or -1: err */
int domain_limits_check(const struct table_edit *users, struct err *err);

#endif
