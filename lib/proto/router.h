/*
 * router.h - where does an address go?  Asked by smtpd at RCPT (resolve: may
 * this recipient be named by this client at all) and by cleanup at commit
 * (route: every final destination, aliases expanded).
 */
#ifndef PROTO_ROUTER_H
#define PROTO_ROUTER_H

#include "ipc/ipc.h"

/* what kind of place an address is */
enum addr_class { CLASS_VIRTUAL, CLASS_SYSTEM, CLASS_ALIAS, CLASS_RELAY };
#define ADDR_CLASSES "virtual|system|alias|relay"

/* may = relay: the client may send to anywhere (authenticated or local) */
struct router_resolve_in {
	const char *addr;	/* in canonical form, see smtp/address.h */
	bool relay;
};
struct router_resolve_out {
	int class;		/* enum addr_class */
	const char *addr;	/* with the domain added to a bare local part */
};
/* errors: 5.1.1 no such user, 5.7.1 relaying denied, 4.2.2/5.2.2 over quota,
 * 5.1.3 bad syntax, 4.3.0 a table can not be read, 5.2.1 disabled */
extern const struct verb_def router_resolve;

/* one more record for each final destination, in the order of addr; `n` is
 * the index of the address in the request.  kind "err": dsn and text. */
struct router_route_in {
	struct strlist addr;
};
struct router_route_more {
	int64_t n;
	const char *addr;	/* final recipient */
	const char *transport;	/* local, system, smtp, ... = socket name */
	const char *nexthop;	/* domain, for the destination's limits */
	const char *mailbox;	/* virtual: DOMAIN/LOCALPART; system: login */
	uint64_t quota;		/* bytes, 0 none */
	bool aliased;		/* came out of an alias */
	bool failed;		/* dsn and text say why */
	bool temporary;
	const char *dsn, *text;
};
extern const struct verb_def router_route;
extern const struct verb_def *const router_verbs[];	/* NULL ends */

#endif
