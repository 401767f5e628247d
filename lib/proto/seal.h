/*
 * seal.h - a route on its way from router to cleanup by way of smtpd.
 *
 * At RCPT router knows where a recipient goes, and cleanup wants to know it a
 * moment later.  It does not believe who reads the network, so router seals
 * what it says, with a MAC (hash_mac) whose key master gives to router and
 * cleanup alone, anew at each reload.  A seal holds for one recipient as it was
 * named, one sender, and a few seconds.  What does not verify says nothing, and
 * cleanup asks router: nothing here is an error of the message.
 *
 * It is no secret: who carries it can read it.
 */
#ifndef PROTO_SEAL_H
#define PROTO_SEAL_H

#include "base/arena.h"
#include "proto/router.h"

enum {
	SEAL_MAX = 2048,	/* octets of a seal */
	SEAL_TIME_MAX = 60000	/* ms: none holds longer, whatever it says */
};

/* master: a descriptor with a new key, to be given away; -1 and errno */
int seal_make(void);
/* the key of this process from now on; fd is closed.  0, also where it is none
 * that we can use: all goes on without; -1 it can not be read */
int seal_take(int fd, struct err *err);
bool seal_ready(void);			/* there is one */

/* Append the seal of r, which fails nowhere and is the one place of rcpt for
 * this sender, until mono_ms() is `until`.  Nothing is appended where there is
 * no key, or what it would say is too long or has control characters. */
void seal_route(const struct router_route_more *r, const char *rcpt,
    const char *sender, int64_t until, struct str *out);
/* 1: *r_ (arena a), until *until_r; 0: it is not ours, of others, or over */
int seal_open(const char *seal, const char *rcpt, const char *sender,
    struct arena *a, struct router_route_more *r_, int64_t *until_r);

#endif
