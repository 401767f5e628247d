/*
 * password.h - what is stored instead of a password, and the check of one.
 *
 * Verified: every scheme of crypt(5); argon2id (argon2.c); verifiers of SCRAM
 * (scram.h); those of CRAM-MD5; and, only where sasl_password_allow_plain was
 * called, {PLAIN}text.  A prefix {CRYPT}, {SHA512-CRYPT}, {BLF-CRYPT},
 * {ARGON2ID} and the like, as other servers write it, is skipped.  The compare
 * takes the same time wherever the difference is, and what can not match
 * (unknown user, locked account) costs a whole hash.
 */
#ifndef SASL_PASSWORD_H
#define SASL_PASSWORD_H

#include "base/err.h"
#include "base/str.h"

/* 1 right, 0 wrong (also for "", and for a locked hash: first byte ! or *);
 * -1: err (temporary): the hash is of no known scheme, or no memory */
int sasl_password_check(const char *hash, const char *password,
    struct err *err);
/* 1 right, 0 anything else */
int sasl_password_ok(const char *hash, const char *password);
bool sasl_password_locked(const char *hash);

/* How new hashes are made: by common.conf, once its options are read; cost 0
 * is the scheme's default.  Unless called: yescrypt. */
enum password_scheme { PASSWORD_YESCRYPT, PASSWORD_ARGON2ID, PASSWORD_BCRYPT,
	PASSWORD_SHA512 };
void sasl_password_by(enum password_scheme scheme, int64_t cost);
/* can the scheme have that cost?  0, or -1: err, permanent */
int sasl_password_cost(enum password_scheme scheme, int64_t cost,
    struct err *err);
/* a new hash, appended; 0, or -1: an empty or over-long password (permanent),
 * or the library's trouble */
int sasl_password_hash(struct str *out, const char *password,
    struct err *err);
/* Would sasl_password_hash make it of the same scheme and cost? */
bool sasl_password_current(const char *hash);
/* A hash that no password has: check the password of an unknown user against
 * it, so that the time tells nothing.  Made at the first call: call it once at
 * the start. */
const char *sasl_dummy_hash(void);
void sasl_password_allow_plain(void);

/* --- argon2.c: $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH --- */
bool argon2_is(const char *hash);
/* 1 right, 0 wrong, -1 err */
int argon2_check(const char *hash, const char *password, struct err *err);
int argon2_make(struct str *out, uint32_t kib, const char *password,
    struct err *err);

/* --- cram.c: the two halves of HMAC-MD5 (RFC 2195), as 64 hex digits --- */
enum { CRAM_MAX = 32 };
/* of a {CRAM-MD5} or {PLAIN} verifier: 1, 0 it is none */
int cram_parse(struct slice text, unsigned char half[CRAM_MAX]);
void cram_make(const char *password, unsigned char half[CRAM_MAX]);
/* the digest of a challenge: 32 hex digits */
void cram_digest(const unsigned char half[CRAM_MAX], struct slice challenge,
    char hex[33]);

#endif
