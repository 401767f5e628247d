/*
 * address.h - envelope addresses: RFC 5321 section 4.1.2, RFC 6531.
 *
 * An address has one canonical form, so that two spellings of a mailbox are
 * one key: the local part is kept unquoted ("a"@d is a@d), the domain
 * without its final dot, an address literal as inet_ntop prints it.  Case
 * is kept; fold for look-ups only.  Source routes are read and forgotten.
 * NUL, controls and malformed UTF-8 are refused anywhere.
 *
 * The slices of a struct smtp_address lie in the arena given to the parser,
 * each followed by a NUL (which n does not count).  Errors are permanent,
 * 5.1.3; a caller that knows it reads a sender makes them 5.1.7.
 */
#ifndef SMTP_ADDRESS_H
#define SMTP_ADDRESS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
	SMTP_LOCAL_RFC = 64,	/* RFC 5321 section 4.5.3.1.1; we do not hold
				 * others to it: VERP, SRS and BATV exceed it */
	SMTP_LOCAL_MAX = 255,	/* octets of an unquoted local part */
	SMTP_DOMAIN_MAX = 255,
	SMTP_LABEL_MAX = 63,
	SMTP_PATH_MAX = 1000,	/* a path with quotes and source route */
};

struct smtp_address {
	struct slice local;	/* unquoted */
	struct slice domain;	/* "example.com", "[192.0.2.1]",
				 * "[IPv6:2001:db8::1]", or empty */
	bool null;		/* the null path <>; both slices empty */
	bool literal;		/* domain is an address literal */
	bool utf8;		/* needs SMTPUTF8 (RFC 6531) */
	bool postmaster;	/* bare <Postmaster>: domain is empty */
};

/* what a parser accepts besides local@domain */
enum {
	SMTP_ADDR_NULL = 1,		/* empty: the null path */
	SMTP_ADDR_POSTMASTER = 2,	/* bare Postmaster */
	SMTP_ADDR_BARE = 4,		/* any local part without domain */
};

/* The whole slice is one address without angle brackets.  1, or -1. */
int smtp_address_parse(struct slice s, unsigned flags, struct arena *a,
    struct smtp_address *r, struct err *err);
/*
 * A path at the start of *rest: <addr>, <@a,@b:addr> or, tolerated, a bare
 * addr up to the next blank.  *rest moves behind it.  1, or -1.
 */
int smtp_path_parse(struct slice *rest, unsigned flags, struct arena *a,
    struct smtp_address *r, struct err *err);

/* local@domain, the local part quoted only where it must be; null: nothing.
 * No angle brackets. */
void smtp_address_print(const struct smtp_address *addr, struct str *out);
/* the local part alone, quoted where it must be */
void smtp_local_print(struct slice local, struct str *out);
/* the same mailbox as far as SMTP can know: local exact, domain folded */
bool smtp_address_eq(const struct smtp_address *a,
    const struct smtp_address *b);
/* the look-up key: unquoted local@domain, both parts ASCII-folded; without
 * domain only the local part */
void smtp_address_key(const struct smtp_address *addr, struct str *out);
/* copy into another arena */
void smtp_address_copy(struct smtp_address *to, const struct smtp_address *from,
    struct arena *a);
/*
 * Split user+ext at the first character of delims that is not the first
 * of the local part.  1, or 0 where there is none: *user is all of it then
 * and *ext is SLICE_NULL.  delims may be "".
 */
int smtp_local_split(struct slice local, const char *delims,
    struct slice *user, struct slice *ext);

/* A host name: labels of letters, digits, -, _ (tolerated) and, with utf8_r
 * not NULL, UTF-8 (then *utf8_r says if there was any).  1 or 0. */
int smtp_domain_valid(struct slice s, bool *utf8_r);
/* [192.0.2.1] or [IPv6:...]: the address family (AF_INET, AF_INET6) with ip
 * filled in network order (4 or 16 bytes), or 0 where it is none. */
int smtp_literal_parse(struct slice s, unsigned char ip[16]);
/* the literal of an address: appended with its brackets */
void smtp_literal_print(int family, const unsigned char ip[16],
    struct str *out);

#endif
