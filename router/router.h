/*
 * router.h - inside router: from an address to its place.
 *
 * domain.c    is the domain ours?  bare names, our host name and addresses
 * place.c     one address: mailbox, account, alias, or another host
 * expand.c    all final places of an address, aliases followed
 * owns.c      may a login send as an address?
 * quota.c     is a mailbox full?  asked of local, remembered for seconds
 * verbs.c     resolve, route and owns
 *
 * A failure of kind ERR_TEMP is trouble of our own machine and says nothing
 * about the address; ERR_PERM does.
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "map/live.h"
#include "proto/router.h"
#include "serve/serve.h"
#include "smtp/address.h"

#define OVER_QUOTA "reject|defer|accept"
enum over_quota { OVER_REJECT, OVER_DEFER, OVER_ACCEPT };

struct router_conf {
	const char *mailboxes, *aliases, *virtual_domains, *senders;
	struct strlist further_mailboxes, further_aliases;
	bool hostname_is_local;
	int64_t alias_depth, alias_targets;
	int over_quota;			/* enum over_quota */
	int64_t quota_timeout, quota_cache;	/* ms */
};
extern struct router_conf conf;
extern const struct verb router_serves[];

/* the tables of conf; opened when they are needed */
extern struct map_live mailboxes, aliases, virtual_domains, senders;
void tables_init(void);
void tables_close(void);
/* map_live_get, where any trouble is 4.3.0 */
int table_get(struct map_live *t, const char *key, struct str *out,
    struct err *err);

enum domain_kind { DOMAIN_REMOTE, DOMAIN_VIRTUAL, DOMAIN_SYSTEM };
/* Note the addresses of this machine: before the jail. */
void domain_own_addresses(void);
/* "" where there is none */
const char *domain_default(void);
/* The kind of addr's domain; what is another name of the default domain
 * (none, our host name, our address literal) is replaced by it.  Folded.
 * An enum domain_kind, or -1. */
int domain_kind(struct smtp_address *addr, struct arena *a, struct err *err);

struct place {
	int class;		/* enum addr_class */
	const char *addr;	/* with its domain, the domain folded */
	const char *key;	/* the same, unquoted and folded as a whole */
	const char *domain;
	const char *mailbox;	/* virtual, system */
	uint64_t quota;		/* virtual */
	const char *targets;	/* alias */
	bool fallback;		/* alias: postmaster or abuse of nobody */
};
/* Strings live in the arena.  1, or -1: 5.1.1 no such user, 5.1.3 not an
 * address, 5.2.1 disabled, 5.7.1 a path through us, 4.3.0. */
int place_find(const char *addr, struct arena *a, struct place *p,
    struct err *err);

/* The record of the virtual mailbox with this key: 1, 0 none, -1. */
struct user_record;
int place_record(const char *key, struct arena *a, struct user_record *u,
    struct err *err);

/* the final places of one address; a failed one has dsn and text */
struct places {
	struct router_route_more *v;
	size_t n, cap;
};
/* 0; 1 more than limit addresses, in r as one failure; or -1: trouble of our
 * own machine, nothing is to be used */
int expand(const char *addr, struct arena *a, int64_t limit,
    struct places *r, struct err *err);

/* 1 the login may send as addr, 0 it may not, -1: trouble of our own */
int owns(const char *login, const char *addr, struct arena *a,
    struct err *err);

void quota_init(void);
/* 1 full, 0 not full or not known */
int quota_full(const char *mailbox, uint64_t quota);

#endif
