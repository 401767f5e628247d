/*
 * batv.h - signed senders (draft-levine-smtp-batv): a report that nobody of
 * ours has caused comes to an address without a tag that is still good.
 *
 *	prvs=KDDDSSSSSS=local@domain
 *
 * DDD is the last day on which it is good, modulo 1000, SSSSSS the first
 * digits of a HMAC-SHA-1 over KDDD and the address, letters folded.  K is
 * always 0: all secrets (secrets.h) are tried.
 */
#ifndef ROUTER_BATV_H
#define ROUTER_BATV_H

#include "base/arena.h"
#include "base/err.h"
#include "smtp/address.h"

/* does the local part look signed, by whomever?  *plain_r: what is behind the
 * tag */
bool batv_is(struct slice local, struct slice *plain_r);
/* prvs=, but maybe with no tag behind it */
bool batv_starts(struct slice local);
/* domain: the sender's, or what it is another name of, as reports will be
 * looked up; the day is wall_s() / 86400.  1: *out_r, in the arena; 0: there
 * is no secret, it is signed already or SRS's, or would be too long; -1: 4.3.0
 */
int batv_sign(const struct smtp_address *sender, struct slice domain,
    int64_t day, int64_t days, struct arena *a, const char **out_r,
    struct err *err);
/* What is it to a report that comes to addr?  An enum batv of
 * proto/router.h, or -1: 4.3.0 */
int batv_check(const struct smtp_address *addr, int64_t day, int64_t days,
    struct err *err);

#endif
