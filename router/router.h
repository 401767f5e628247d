/*
 * router.h - inside router: from an address to its place.
 *
 * domain.c    is the domain ours?  bare names, our host name and addresses,
 *             what the table `domains` says
 * tables.c    what the configuration names
 * canonical.c the form of addresses that others see
 * keys.c      by which names an address is looked up
 * place.c     one address: mailbox, account, alias, or another host
 * names.c     its rows in the tables of aliases
 * role.c      who reads postmaster's mail
 * way.c       by which agent, and to which next hop
 * expand.c    all final places of an address, aliases followed
 * target.c    what an alias may lead to besides addresses
 * include.c   files of addresses
 * copies.c    copies that nobody named
 * owns.c      may a login send as an address?
 * quota.c     is a mailbox full?  asked of local, remembered for seconds
 * srs.c       senders of forwarded mail
 * batv.c      senders that are signed
 * secrets.c   what signs both
 * trace.c     the steps, told to explain.c, which is asked for them
 * route.c     route, and what it would say, sealed
 * verbs.c     resolve, owns, srs and batv
 *
 * A failure of kind ERR_TEMP is trouble of our own machine and says nothing
 * about the address; ERR_PERM does.
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "map/domains.h"
#include "map/live.h"
#include "proto/router.h"
#include "serve/serve.h"
#include "smtp/address.h"

#define OVER_QUOTA "reject|defer|accept"
enum over_quota { OVER_REJECT, OVER_DEFER, OVER_ACCEPT };

struct router_conf {
	const char *mailboxes, *aliases, *virtual_domains, *senders;
	const char *domains, *relay_recipients, *transport,
	    *sender_relayhost, *relayhost, *fallback_transport;
	const char *canonical, *canonical_sender, *canonical_recipient,
	    *relocated, *sender_bcc, *recipient_bcc, *always_bcc;
	struct strlist further_mailboxes, further_aliases, relay_domains,
	    virtual_alias_domains;
	struct strlist canonical_classes, masquerade_domains,
	    masquerade_exceptions, masquerade_classes, propagate_extensions;
	bool hostname_is_local, srs, batv;
	const char *srs_domain;
	int64_t srs_max_age;		/* ms */
	int64_t batv_time;		/* ms */
	struct strlist batv_domains;
	int64_t alias_depth, alias_targets;
	bool alias_commands, alias_files;
	const char *alias_user;
	struct strlist include_dirs;
	uint64_t include_size;
	int over_quota;			/* enum over_quota */
	int64_t quota_timeout, quota_cache;	/* ms */
	int64_t seal_time;			/* ms */
};
extern struct router_conf conf;
extern const struct field conf_fields[];
extern const struct verb router_serves[];

/* the tables of conf; opened when they are needed; one without a name has no
 * rows */
extern struct map_live mailboxes, aliases, virtual_domains, senders, domains,
    relay_recipients, transport, sender_relayhost, canonical_both,
    canonical_sender, canonical_recipient, relocated, sender_bcc,
    recipient_bcc;
/* as many as conf has */
extern struct map_live *further_mailboxes, *further_aliases;
void tables_init(void);
void tables_close(void);
/* are the names of conf such of tables? 0, -1 */
int tables_check(struct err *err);
int tables_jail(struct err *err);	/* let the jail have them */
/* map_live_get, where any trouble is 4.3.0 */
int table_get(struct map_live *t, const char *key, struct str *out,
    struct err *err);
/* the same for a key that is not a whole address: not asked of patterns */
int table_get_part(struct map_live *t, const char *key, struct str *out,
    struct err *err);
/* by each key of an address, longest first: 1 with *at_r its index, 0, -1 */
struct place_keys;
int table_get_keys(struct map_live *t, const struct place_keys *k,
    size_t *at_r, struct str *out, struct err *err);
/* of the first table that has it; one that gives no answer may have it */
int table_get_further(struct map_live *v, const struct strlist *specs,
    const char *key, struct str *out, struct err *err);
/* err becomes 4.3.0; returns -1 */
int our_trouble(struct err *err);

enum domain_kind { DOMAIN_REMOTE, DOMAIN_VIRTUAL, DOMAIN_SYSTEM,
	DOMAIN_RELAY, DOMAIN_ALIAS };
/* Note the addresses of this machine: before the jail. */
void domain_own_addresses(void);
/* "" where there is none */
const char *domain_default(void);
/* of SRS; "" where senders are not rewritten */
const char *domain_srs(void);
/* are senders of this domain, of that kind, signed (BATV)? */
bool domain_signs(struct slice domain, int kind);
const char *domain_kind_name(int kind);
/* The kind of addr's domain; what is another name of the default domain
 * (none, our host name, our address literal) is replaced by it.  Folded.
 * An enum domain_kind, or -1. */
int domain_kind(struct smtp_address *addr, struct arena *a, struct err *err);
/* the same, and what is said about the domain, or that nothing is */
int domain_find(struct smtp_address *addr, struct arena *a,
    struct domain_record *row, struct err *err);
bool domain_is_ours(int kind);

/* The row of a domain: 1, 0 none (an empty record), -1. */
int domains_get(struct slice domain, struct arena *a,
    struct domain_record *row, struct err *err);

/*
 * The look-up keys of an address, folded: itself, and without what follows a
 * delimiter, the longest first.  key has the domain, local has not; ext is
 * what was left out, with its delimiter, as it was written.
 */
enum { PLACE_KEYS = 6 };
struct place_keys {
	const char *key[PLACE_KEYS], *local[PLACE_KEYS];
	struct slice ext[PLACE_KEYS];
	const char *at_domain;		/* "@domain"; "" where it has none */
	size_t n;
};
void place_keys(const struct smtp_address *addr, struct arena *a,
    struct place_keys *k);
/* is an extension kept by: aliases, canonical, forward? */
bool propagates(const char *what);

struct place {
	int class;		/* enum addr_class */
	const char *addr;	/* with its domain, the domain folded */
	const char *named;	/* the same before alias_of */
	const char *key;	/* of addr, unquoted and folded as a whole */
	struct place_keys keys;
	const char *domain;
	const char *mailbox;	/* virtual, system */
	uint64_t quota;		/* virtual */
	const char *targets;	/* alias, or what a mailbox is forwarded to */
	bool keep;		/* forwarded, but delivered too */
	struct slice ext;	/* that targets may get */
	const char *extends;	/* by which rule: see propagates */
	struct map_live *table;	/* that has the alias; NULL: none has */
	const char *row;	/* its key there */
	const char *owner;	/* alias: who gets reports; "" none */
	bool fallback;		/* alias: postmaster or abuse of nobody */
	bool open;		/* relay: taken from anybody */
	const char *relay, *relay_by;	/* where it goes, and who says so */
};
void place_forget(void);	/* what was found in tables that are closed */
/* Strings live in the arena.  1, or -1: 5.1.1 no such user, 5.1.3 not an
 * address, 5.1.6 moved, 5.2.1 disabled, 5.7.1 a path through us, 4.3.0.
 * plain: what is called \user: no alias, no forwarding. */
int place_find(const char *addr, bool plain, struct arena *a,
    struct place *p, struct err *err);
/* is it passed on and not delivered? */
bool place_is_alias(const struct place *p);

/* an address of ours on its way to its place */
struct query {
	struct smtp_address addr;
	struct arena *a;
	struct place_keys k;
	bool role;		/* postmaster or abuse */
	bool plain;
	struct domain_record row;
	struct str value;
};
/* names.c; bare: the names without a domain, too.  1, 0, -1 */
int names_find(struct query *q, bool bare, struct place *p, struct err *err);
int names_catch_all(struct query *q, struct place *p, struct err *err);
int postmaster_find(struct query *q, struct place *p, struct err *err);

/* The form that others see, of an address at a place of enum rewrite_kind:
 * *r_ is addr itself where nothing changes.  0, or -1: 4.3.0, 4.3.5 */
int canonical(int kind, const char *addr, struct arena *a, const char **r_,
    struct err *err);
bool canonical_idle(int kind);		/* nothing ever changes */
int canonical_check(struct err *err);	/* of the options: 0, -1 */
int do_rewrite(struct call *c, const void *in, void *out, struct err *err);

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
/* is it "transport:nexthop", or also a next hop alone?  0, -1 */
int way_check(const char *name, const char *value, bool alone,
    struct err *err);

/* rows.c: are the rows of `transport' and `sender_relayhost' ways?  0, -1 */
int rows_check(struct err *err);
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
struct expand_how {
	const char *sender;	/* may choose the way; NULL: not known */
	int64_t limit;		/* addresses looked at, at most */
	bool keep;		/* as if every forwarded mailbox kept a copy */
};
/* 0; 1 more than limit addresses, in r as one failure; or -1: trouble of our
 * own machine, nothing is to be used */
int expand(const char *addr, const struct expand_how *how, struct arena *a,
    struct places *r, struct err *err);

/* What an alias with commands and files leads to: m is filled, or -1 and err
 * says what an admin must mend. */
struct alias_target;
int target_place(const struct place *p, const struct alias_target *t,
    struct arena *a, struct router_route_more *m, struct err *err);
int target_check(struct err *err);	/* of the options: 0, -1 */
/* The addresses in a file, as the value of an alias; the text lasts until the
 * next call.  0, or -1 err: 4.3.5, 4.3.0 */
int include_get(const char *path, struct slice *text_r, struct err *err);
void include_init(void);	/* where they may lie; before the jail */
void include_forget(void);

/* What a message to these recipients is copied to, besides: each address
 * once, with the index of a recipient that it is for. */
struct copy { const char *addr; int64_t n; };
struct copies { struct copy *v; size_t n, cap; };	/* in the arena */
int copies_find(const char *sender, const struct strlist *rcpts,
    struct arena *a, struct copies *r, struct err *err);

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

/* of p, by that way, as the place of rcpt (proto/seal.h); "" where it is not
 * all of what do_route would tell */
const char *route_sealed(const struct router_resolve_in *in,
    const char *rcpt, const struct place *p, const struct way *w,
    struct arena *a);
int do_route(struct call *c, const void *in, void *out, struct err *err);

void quota_init(void);
/* 1 full, 0 not full or not known */
int quota_full(const char *mailbox, uint64_t quota);
/* how many percent of it are used; -1 not known */
int64_t quota_percent(const char *mailbox, uint64_t quota);

#endif
