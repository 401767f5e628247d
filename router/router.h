/*
 * router.h - inside router: from an address to its place.
 *
 * domain.c    is the domain ours?  bare names, our host name and addresses
 * tables.c    what the configuration names
 * place.c     one address: mailbox, account, alias, or another host
 * way.c       by which agent, and to which next hop
 * expand.c    all final places of an address, aliases followed
 * owns.c      may a login send as an address?
 * quota.c     is a mailbox full?  asked of local, remembered for seconds
 * srs.c       senders of forwarded mail
 * trace.c     the steps, told to explain.c, which is asked for them
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
	const char *relay_recipients, *transport, *sender_relayhost,
	    *relayhost;
	struct strlist further_mailboxes, further_aliases, relay_domains;
	bool hostname_is_local, srs;
	const char *srs_domain;
	int64_t srs_max_age;		/* ms */
	int64_t alias_depth, alias_targets;
	int over_quota;			/* enum over_quota */
	int64_t quota_timeout, quota_cache;	/* ms */
};
extern struct router_conf conf;
extern const struct verb router_serves[];

/* the tables of conf; opened when they are needed */
extern struct map_live mailboxes, aliases, virtual_domains, senders,
    relay_recipients, transport, sender_relayhost;
/* as many as conf has */
extern struct map_live *further_mailboxes, *further_aliases;
void tables_init(void);
void tables_close(void);
/* map_live_get, where any trouble is 4.3.0 */
int table_get(struct map_live *t, const char *key, struct str *out,
    struct err *err);
/* of the first table that has it; one that gives no answer may have it */
int table_get_further(struct map_live *v, const struct strlist *specs,
    const char *key, struct str *out, struct err *err);
/* err becomes 4.3.0; returns -1 */
int our_trouble(struct err *err);

enum domain_kind { DOMAIN_REMOTE, DOMAIN_VIRTUAL, DOMAIN_SYSTEM,
	DOMAIN_RELAY };
/* Note the addresses of this machine: before the jail. */
void domain_own_addresses(void);
/* "" where there is none */
const char *domain_default(void);
/* of SRS; "" where senders are not rewritten */
const char *domain_srs(void);
const char *domain_kind_name(int kind);
/* The kind of addr's domain; what is another name of the default domain
 * (none, our host name, our address literal) is replaced by it.  Folded.
 * An enum domain_kind, or -1. */
int domain_kind(struct smtp_address *addr, struct arena *a, struct err *err);

struct place {
	int class;		/* enum addr_class */
	const char *addr;	/* with its domain, the domain folded */
	const char *key;	/* the same, unquoted and folded as a whole */
	const char *user_key;	/* without the extension, where it has one */
	const char *domain;
	const char *mailbox;	/* virtual, system */
	uint64_t quota;		/* virtual */
	const char *targets;	/* alias */
	bool fallback;		/* alias: postmaster or abuse of nobody */
	bool open;		/* relay: taken from anybody */
};
void place_forget(void);	/* what was found in tables that are closed */
/* Strings live in the arena.  1, or -1: 5.1.1 no such user, 5.1.3 not an
 * address, 5.2.1 disabled, 5.7.1 a path through us, 4.3.0. */
int place_find(const char *addr, struct arena *a, struct place *p,
    struct err *err);

/* the look-up keys of an address, folded; user_key lacks the extension */
struct place_keys {
	const char *key, *user_key;
	bool extended;			/* they differ */
};
void place_keys(const struct smtp_address *addr, struct arena *a,
    struct place_keys *k);

/* how mail comes to a place */
struct way {
	const char *transport, *nexthop;
	const char *table, *row;	/* what decided it; "" nothing did */
};
/* sender NULL: not known.  1, or -1: ERR_PERM the table `transport` refuses
 * the address, ERR_TEMP it does so for now, 4.3.5 a row that must be mended,
 * 4.3.0. */
int way_find(const struct place *p, const char *sender, struct arena *a,
    struct way *w, struct err *err);
bool way_nexthop_ok(struct slice s);
/* the domain of a place as a next hop */
const char *way_domain(const struct place *p, struct arena *a);

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
/* sender: may choose the way; NULL: not known */
int expand(const char *addr, const char *sender, struct arena *a,
    int64_t limit, struct places *r, struct err *err);

/* 1 the login may send as addr, 0 it may not, -1: trouble of our own */
int owns(const char *login, const char *addr, struct arena *a,
    struct err *err);

/* Tell each step of what is done from here on; fn NULL: none any more. */
typedef void trace_fn(void *ctx, const char *what, const char *text);
void trace_begin(trace_fn *fn, void *ctx);
void trace_depth(int depth);		/* aliases within aliases */
void trace_step(const char *what, const char *fmt, ...) PRINTF(2, 3);
int do_explain(struct call *c, const void *in, void *out, struct err *err);
/* the answer to a client at RCPT */
int resolve(const struct router_resolve_in *in,
    struct router_resolve_out *out, struct arena *a, struct err *err);

void quota_init(void);
/* 1 full, 0 not full or not known */
int quota_full(const char *mailbox, uint64_t quota);

#endif
