/*
 * target_part.h - inside the search of targets: nexthop.c reads what is
 * wanted, mx.c and resolve.c ask DNS, self.c knows who we are, order.c says
 * who is tried first, connect.c connects.
 */
#ifndef SMTP_TARGET_PART_H
#define SMTP_TARGET_PART_H

#include "serve/dns.h"
#include "target.h"
#include "target_conf.h"

extern const struct target_conf *target_conf;

/* --- nexthop.c --- */
struct nexthop {
	const char *domain;	/* A-labels; an address; a path */
	bool bracket;		/* no MX records */
	int family;		/* AF_INET, AF_INET6: domain is an address;
				 * AF_UNIX: a path; 0: a name */
	int port;		/* 0: none was named */
};
/* 0, or -1: err_perm 5.1.3.  Strings in the arena. */
int nexthop_parse(const char *text, struct arena *a, struct nexthop *r,
    struct err *err);

/* --- self.c --- */
void self_start(void);
/* one of our own: of an interface, or configured; as text */
bool self_address(const char *addr);
bool self_name(const char *host);
/* has this machine an address that reaches beyond its links? */
bool self_has_ipv6(void);

/* --- order.c: one host with its addresses --- */
struct host {
	const char *name, *canon;
	int pref;
	bool secure;
	const char **v4, **v6;
	size_t n4, n6;
};
enum { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6, FAMILY_IPV4_FIRST,
	FAMILY_IPV6_FIRST };
#define FAMILIES "any|ipv4|ipv6|ipv4-first|ipv6-first"
/* by preference, those of one at random */
void hosts_sort(struct host *h, size_t n);
/* Where to connect, one after the other: into v, at most max; how many.  Of
 * hosts of one preference the addresses are taken in turn, host by host and
 * family by family, so that what is broken in one way takes no more than its
 * share of the attempts. */
size_t hosts_order(const struct host *h, size_t n, bool v6_first,
    struct target *v, size_t max);
/* names of the first preference, sorted; at most SITE_MAX bytes */
enum { SITE_MAX = 200 };
const char *hosts_site(const struct host *h, size_t n, struct arena *a);

/* --- mx.c --- */
/* MX records as hosts, best first.  0, or -1: a null MX, or none is usable */
int mx_hosts(const struct dns_question *q, struct arena *a,
    struct host **v_r, size_t *n_r, struct err *err);
/* A host that is us, by its name or one of its addresses, goes, and so does
 * what is not better than it.  0, or -1: nothing is left, 5.4.6 */
int mx_drop_self(const char *domain, struct host *h, size_t *n,
    struct err *err);

/* --- resolve.c --- */
/*
 * Ask for the addresses of at most HOSTS_MAX hosts; what is `secure` stays so
 * where that is proven for them too (RFC 7672 sections 2.1.3 and 2.2.2).  0, or
 * -1: dnsd is not there.  *trouble is the first question that has no answer
 * because something failed, else the first one that has none; its name is
 * NULL where there are none.
 */
enum { HOSTS_MAX = DNS_QUESTIONS / 2 };
int resolve_hosts(struct host *h, size_t n, int family, const char *session,
    struct arena *a, struct dns_question *trouble, struct err *err);
/* options that may depend on the next hop; 0, or -1: err_temp */
int resolve_family(const char *domain, struct arena *a, int *family_r,
    struct err *err);

/* --- target.c --- */
/* Look a name up in a table: itself, then its parents, each with a dot in
 * front.  1 and the value in the arena, 0, -1. */
struct map_live;
int table_domain(struct map_live *m, const char *domain, struct arena *a,
    const char **value_r, struct err *err);
extern struct map_live family_table, bind_table;

#endif
