/*
 * domains.h - the table `domains`: what is special about a domain of ours.
 * Which domains are ours at all is said in common.conf (domains) and
 * router.conf; a row here may also make one ours (class=).  A row is a record
 * (record.h):
 *
 *   example.com  mailboxes=200 storage=500G quota=2G admin=ann@example.com
 *   example.net  alias_of=example.com
 *   example.org  relay=tenant.mail.example limit_day=5000
 */
#ifndef MAP_DOMAINS_H
#define MAP_DOMAINS_H

#include "map/live.h"
#include "map/record.h"

#define DOMAINS_DEFAULT "cdb:domains"
#define DOMAIN_CLASSES "default|system|virtual|alias|relay"

struct domain_record {
	int class;		/* DOMAIN_CLASSES; default: as configured */
	const char *alias_of;	/* another name of that domain */
	/* hybrid: who has no mailbox or alias here gets mail there: a next
	 * hop, or transport:nexthop */
	const char *relay;
	const char *catch_all;	/* addresses, for who does not exist */
	bool disabled;		/* no mail in, no logins */
	int64_t mailboxes;	/* how many at most; 0 no limit */
	uint64_t storage;	/* bytes of all mailboxes' quotas; 0 none */
	uint64_t quota;		/* of a mailbox that has none of its own */
	uint64_t quota_max;	/* that its admins may give to one; 0 none */
	int64_t limit_hour, limit_day;	/* recipients sent to; 0 none */
	struct strlist admin;	/* accounts that may manage its accounts */
};
extern const struct field domain_fields[];

/* 0, or -1 err: a record that an admin must mend, temporary */
int domain_parse(struct slice value, struct domain_record *d, struct arena *a,
    struct err *err);

/* Would anybody hear what the row says of mail that comes in?  0, or -1 err:
 * the domain is none of ours. */
int domain_row_check(struct slice domain, const struct domain_record *d,
    struct arena *a, struct err *err);

/* What a configured table stands for: "" there is none, and none is the
 * default, too, where conf has no file `domains`. */
const char *domains_spec(const char *spec);
/* The table as a program that only reads it has it.  Once, after common_load;
 * returns what jail_table is to be told. */
const char *domains_open(const char *spec);
/* the same of any table ("" as its spec: it has none) */
int domains_read(struct map_live *t, struct slice domain, struct arena *a,
    struct domain_record *d, struct err *err);
/* the row of a domain, any case: 1, 0 none (then *d has the defaults), -1 */
int domains_find(struct slice domain, struct arena *a,
    struct domain_record *d, struct err *err);

#endif
