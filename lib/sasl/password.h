/*
 * password.h - password hashes, by libxcrypt.
 *
 * Every scheme of crypt(5) verifies; new hashes are yescrypt at the library's
 * default cost.  The compare takes the same time wherever the difference is,
 * and what can not match (unknown user, locked account) costs a whole hash.
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
/* a new hash, appended; 0, or -1: an empty or over-long password (permanent),
 * or the library's trouble */
int sasl_password_hash(struct str *out, const char *password,
    struct err *err);
/* A hash at default cost that no password has: check the password of an
 * unknown user against it, so that the time tells nothing.  Made at the
 * first call: call it once at the start. */
const char *sasl_dummy_hash(void);

#endif
