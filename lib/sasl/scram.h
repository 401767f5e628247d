/*
 * scram.h - the verifiers of SCRAM (RFC 5802 3, RFC 7677): what a server keeps
 * instead of a password, and what it does with them.
 *
 * A stored one is text, as several servers write it:
 *   SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY     (three of base64)
 * The form of RFC 5803, {SCRAM-SHA-256}i,salt,stored,server, is read too.
 * Passwords are prepared by prep.h on every way in.
 */
#ifndef SASL_SCRAM_H
#define SASL_SCRAM_H

#include "base/err.h"
#include "base/str.h"

enum scram_hash { SCRAM_SHA1, SCRAM_SHA256 };
enum { SCRAM_KEY_MAX = 32, SCRAM_SALT_MAX = 64,
	SCRAM_ITERATIONS_MIN = 4096, SCRAM_ITERATIONS_MAX = 1000000 };

struct scram_verifier {
	enum scram_hash hash;
	uint32_t iterations;
	size_t salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char stored[SCRAM_KEY_MAX], server[SCRAM_KEY_MAX];
};

size_t scram_key_len(enum scram_hash h);
/* 1 parsed, 0: it is no SCRAM verifier at all, -1: one that is malformed, or
 * whose cost is out of bounds */
int scram_parse(struct slice text, struct scram_verifier *v);
void scram_print(const struct scram_verifier *v, struct str *out);
/* STOREDKEY:SERVERKEY alone, for keys that share salt and iterations */
void scram_print_keys(const struct scram_verifier *v, struct str *out);
int scram_parse_keys(struct slice text, struct scram_verifier *v);
/* the keys of a password, by the salt and iterations in v: 0, or -1: no
 * password can be prepared from that, or trouble of the library */
int scram_derive(struct scram_verifier *v, const char *password);
/* a new one, with a salt of its own: 0 or -1 */
int scram_make(enum scram_hash h, uint32_t iterations, const char *password,
    struct scram_verifier *v, struct err *err);
/* 1: the password makes these keys */
int scram_check(const struct scram_verifier *v, const char *password);

/* --- of the exchange --- */
/* is proof (key_len bytes) the client's for this AuthMessage? */
bool scram_proof_ok(const struct scram_verifier *v, struct slice message,
    const unsigned char *proof);
/* ServerSignature: key_len bytes */
void scram_signature(const struct scram_verifier *v, struct slice message,
    unsigned char *out);
/* As the client, with hash, salt and iterations in v: ClientProof and what the
 * server's signature must be, key_len bytes each.  0, or -1 as scram_derive */
int scram_prove(struct scram_verifier *v, const char *password,
    struct slice message, unsigned char *proof, unsigned char *signature);
/* HMAC-SHA-256 of any data: 32 bytes */
void scram_hmac256(const void *key, size_t key_len, struct slice data,
    unsigned char out[32]);
/* compare in the same time wherever the difference is */
bool same_bytes(const void *a, const void *b, size_t n);

#endif
