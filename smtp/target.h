/*
 * target.h - where to connect for a next hop: RFC 5321 section 5.1, 7505
 * (null MX), 5321 section 4.1.3 (literals), 7672 section 2.2 (what DNSSEC has
 * proven on the way).
 *
 * A next hop is `domain` (MX records, else its addresses), `[host]` or
 * `[address]` (no MX), either with `:port`, or `unix:PATH`.
 */
#ifndef SMTP_TARGET_H
#define SMTP_TARGET_H

#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct target {
	const char *host;	/* MX name, host, or the literal: A-labels */
	const char *canon;	/* behind secure CNAMEs; else host */
	const char *addr;	/* "192.0.2.1", "2001:db8::1" or a path */
	int pref;
	int port;		/* 0: a path */
	bool secure;		/* MX and addresses are proven by DNSSEC */
	struct sockaddr_storage sa;
	socklen_t sa_len;
};
struct targets {
	const char *nexthop;	/* as it was given */
	const char *domain;	/* without brackets and port; A-labels */
	bool mx_asked;		/* of a domain: `[host]' has none */
	bool mx;		/* found by MX records */
	bool mx_secure;		/* they are proven, or that there are none */
	const char *site;	/* the best hosts, sorted: see proto/agent.h */
	struct target *v;	/* in the order of trying: by preference, hosts
				 * of one shuffled, families interleaved */
	size_t n;
};
/*
 * Strings in the arena.  0, or -1:  err_perm 5.1.2 no such domain or nothing
 * that takes mail, 5.1.10 null MX, 5.4.6 the best host is this one, 5.1.3 not
 * a next hop;  err_temp 4.4.3 DNS says nothing, 4.4.4 no host has an address.
 */
int targets_find(const char *nexthop, const char *session, struct arena *a,
    struct targets *t, struct err *err);

/* Connect, from the source address that the configuration gives it (sender
 * and nexthop may choose); timeout in ms.  fd, or -1: err_temp 4.4.1.
 * *local_r gets our address as text. */
int target_connect(const struct target *t, const struct targets *all,
    const char *sender, int timeout_ms, struct arena *a,
    const char **local_r, struct err *err);

#endif
