/*
 * jwt.h - signed tokens (JWT, RFC 7519, as RFC 8725 wants them verified) by the
 * public keys of their issuer (JWKS, RFC 7517).
 *
 * Signatures: RS256, PS256, ES256, EdDSA (Ed25519); nothing else, and never
 * what a token says against what its key is for.  Sizes are bounded: a token
 * by SASL_TOKEN_MAX, a set of keys by JWKS_MAX bytes and JWKS_KEYS keys, RSA
 * keys to 2048 .. 4096 bits.
 */
#ifndef SASL_JWT_H
#define SASL_JWT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { JWKS_MAX = 256 * 1024, JWKS_KEYS = 64 };

struct jwks;
/* 0 and *r, or -1 err.  Keys of a kind that is not known are left out, as are
 * those that are not for signatures. */
int jwks_parse(struct slice json, struct jwks **r, struct err *err);
void jwks_free(struct jwks *k);		/* NULL is fine */
size_t jwks_count(const struct jwks *k);

/* what a token must say */
struct jwt_rules {
	const char *issuer;		/* iss: exactly this */
	const struct strlist *audience;	/* aud: one of these */
	const struct strlist *scope;	/* scope: all of these */
	const struct strlist *algorithms;
	const char *user_claim;		/* a string, appended to user */
	int64_t now, leeway;		/* seconds */
};
/* NULL: it is good, and whose it is was appended to user; else why not */
const char *jwt_verify(struct slice token, const struct jwks *keys,
    const struct jwt_rules *rules, struct str *user);

/* --- jwk.c: one key --- */
enum jwt_alg { JWT_RS256, JWT_PS256, JWT_ES256, JWT_EDDSA, JWT_NONE };
enum jwt_alg jwt_alg_find(const char *name);
struct jwk;
struct jwk *jwk_at(const struct jwks *k, size_t i);
/* by kid ("" any) and algorithm, may this be the key? */
bool jwk_fits(const struct jwk *k, const char *kid, enum jwt_alg alg);
bool jwk_verify(const struct jwk *k, enum jwt_alg alg, struct slice text,
    struct slice sig);
/* RFC 7515 base64url without padding: 1 or 0 */
int base64url_decode(struct str *out, struct slice in);

#endif
