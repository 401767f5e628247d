/*
 * srs.h - the Sender Rewriting Scheme: mail that is forwarded out of the site
 * carries a sender at our domain, so that it passes SPF there, and what comes
 * back to that address goes on to who sent it.
 *
 *   SRS0=HASH=DAY=domain=local@srs_domain		of user local@domain
 *   SRS1=HASH=first=...@srs_domain	of an SRS0 address of `first'
 *
 * HASH is 40 bits of HMAC-SHA-256 over the rest, letters folded, in base 32,
 * as some hosts fold local parts; DAY is the day modulo 1024.  An address of
 * nobody's making, or one that is older than srs_max_age, is refused: else we
 * were an open relay for whoever can write such an address.
 *
 * Without secrets (secrets.h) nothing is rewritten.
 */
#ifndef ROUTER_SRS_H
#define ROUTER_SRS_H

#include "base/arena.h"
#include "base/err.h"
#include "smtp/address.h"

/* The day is wall_s() / 86400.  1: *out_r, in the arena, is the sender to be
 * used; 0: there is no secret, or it would be too long; -1: 4.3.0 */
int srs_rewrite(const struct smtp_address *sender, const char *domain,
    int64_t day, struct arena *a, const char **out_r, struct err *err);
/* does the local part look like one of SRS? */
bool srs_is(struct slice local);
/* 1: *out_r is where it goes; -1: 5.7.1 not made here, 5.1.1 too old, 4.3.0 */
int srs_reverse(struct slice local, int64_t day, int64_t max_days,
    struct arena *a, const char **out_r, struct err *err);

#endif
