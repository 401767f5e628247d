/*
 * hmac.h - HMAC (RFC 2104) with SHA-1 and SHA-256 (FIPS 180-4), for programs
 * that need no more of a library than this: libcrypto costs each process that
 * loads it half a megabyte and two milliseconds.  Short texts; what is hashed
 * in bulk, or with keys of others, goes to libcrypto.
 */
#ifndef BASE_HMAC_H
#define BASE_HMAC_H

#include "base/str.h"

enum { HMAC_SHA1 = 20, HMAC_SHA256 = 32 };
void hmac_sha1(struct slice key, struct slice text,
    unsigned char mac[HMAC_SHA1]);
void hmac_sha256(struct slice key, struct slice text,
    unsigned char mac[HMAC_SHA256]);

/* are they the same?  It takes as long wherever they differ */
bool hmac_same(const void *a, const void *b, size_t n);

#endif
