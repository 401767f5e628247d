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
	bool want_quota;	/* how full is it?  then full is no err */
	bool report;		/* the sender is null: tags of BATV count */
	bool seal;		/* the route, too, for mail of this sender */
	const char *sender;
};
struct router_resolve_out {
	int class;		/* enum addr_class */
	const char *addr;	/* with the domain added to a bare local part */
	/* of its quota, where that was asked: 0 it has none or is no mailbox
	 * of this host, -1 not known now */
	int64_t used_percent;
	/* the one place of addr as cleanup takes it (proto/seal.h), or "":
	 * cleanup is to ask */
	const char *seal;
};
/* errors: 5.1.1 no such user, 5.7.1 relaying denied, 4.2.2/5.2.2 over quota,
 * 5.1.3 bad syntax, 4.3.0 a table can not be read, 5.2.1 disabled */
extern const struct verb_def router_resolve;

/* one more record for each final destination, in the order of addr; `n` is
 * the index of the address in the request.  kind "err": dsn and text.  Where
 * there is one in all, and the caller takes it so (single), it comes with the
 * ok, and `single` says that it does. */
struct router_route_in {
	struct strlist addr;
	const char *sender;	/* of the envelope: may choose the way */
	bool internal;		/* our own report: no copies are made */
	bool single;
};
struct router_route_more {
	int64_t n;
	const char *addr;	/* final recipient */
	const char *transport;	/* local, system, smtp, ... = socket name */
	/* domain, [host], [address], either with :port, or unix:PATH: where an
	 * agent goes, and whose limits hold */
	const char *nexthop;
	/* virtual: DOMAIN/LOCALPART; system: login; of an alias to a file
	 * LOGIN:/PATH (a Maildir where it ends in /), transport system; of one
	 * to a command LOGIN:|COMMAND, transport pipe: done as that login, and
	 * addr is then the alias */
	const char *mailbox;
	uint64_t quota;		/* bytes, 0 none */
	bool aliased;		/* came out of an alias */
	bool bcc;		/* a copy that nobody named: no reports; none
				 * of the recipients' is `aliased' by it */
	/* that this copy carries instead of the asked one: of a list with an
	 * owner, or its canonical form; "": as asked */
	const char *sender;
	bool owned;		/* it is the owner's: the reports are, too */
	bool failed;		/* dsn and text say why */
	bool temporary;
	const char *dsn, *text;
	bool single;		/* of the ok: it is the one */
};
extern const struct verb_def router_route;

/* May this login send as each of the addresses: its own, with extensions, its
 * aliases, and what the table `senders` gives it? */
struct router_owns_in {
	const char *login;
	struct strlist addr;		/* canonical; none: only the limits */
};
struct router_owns_out {
	bool owned;			/* all of them */
	int64_t at;			/* the first that is not; -1 */
	/* of the account's record; -1: it has none of its own */
	int64_t limit_hour, limit_day, limit_new;
	/* of all accounts of its domain together; 0: none */
	const char *domain;
	int64_t domain_hour, domain_day;
};
extern const struct verb_def router_owns;	/* err 4.3.0 */

/* SRS: the sender that mail forwarded out of the site carries.  Parallel lists
 * of one length; sender is returned as it is where nothing is to be
 * rewritten: it is null, ours, or the recipient was no address of ours.
 * batv: one that is ours is signed, if router.conf has that, too; without
 * recipients nothing was forwarded, and one sender is the answer. */
struct router_srs_in {
	const char *sender;
	bool batv;
	struct strlist orig;	/* recipients as the client named them */
};
struct router_srs_out { struct strlist sender; };
extern const struct verb_def router_srs;	/* err 4.3.0 */

/* BATV: what is a recipient of a report?  none: senders of its domain are not
 * signed */
#define BATV_STATES "none|valid|invalid|missing"
enum batv { BATV_NONE, BATV_VALID, BATV_INVALID, BATV_MISSING };
struct router_batv_in { const char *addr; };
struct router_batv_out { int state; /* enum batv */ };
extern const struct verb_def router_batv;	/* err 4.3.0 */

/*
 * The form of addresses that others see: canonical tables, masquerade.  out has
 * one for each, in order, as it was where nothing is to be changed, or where it
 * is no address.  Of headers, ask only for mail that is ours (a login, a
 * trusted client, of this machine).  idle: nothing is configured for that kind,
 * so that nobody needs to ask again for REWRITE_IDLE_MS.
 */
#define REWRITE_KINDS "header_sender|header_recipient|envelope_sender|" \
	"envelope_recipient"
enum rewrite_kind { REWRITE_HEADER_SENDER, REWRITE_HEADER_RECIPIENT,
	REWRITE_ENVELOPE_SENDER, REWRITE_ENVELOPE_RECIPIENT };
enum { REWRITE_MAX = 40 /* addresses in one question */,
	REWRITE_IDLE_MS = 5000 };
struct router_rewrite_in {
	int kind;		/* enum rewrite_kind */
	struct strlist addr;	/* canonical; "" stays */
};
struct router_rewrite_out {
	struct strlist addr;
	bool idle;
};
extern const struct verb_def router_rewrite;	/* err 4.3.0, 4.3.5 */

/* The way of an address, step by step, as text for a person; then ok. */
struct router_explain_in { const char *addr, *sender; bool relay; };
struct router_explain_more {
	const char *what;	/* "class", "alias", "transport", ... */
	const char *text;
	const char *transport, *nexthop;	/* of a place; else "" */
};
extern const struct verb_def router_explain;
extern const struct verb_def *const router_verbs[];	/* NULL ends */

#endif
