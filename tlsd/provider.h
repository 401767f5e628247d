/*
 * provider.h - a provider for OpenSSL whose private keys are names of keys
 * that keyd holds.  libssl uses them as it would use others; the public part
 * of each is an ordinary key of the default provider.
 */
#ifndef TLSD_PROVIDER_H
#define TLSD_PROVIDER_H

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>

#include "base/err.h"

/* our property and parameters */
#define PROVIDER_NAME "postrider"
#define PROVIDER_PROPS "provider=postrider"
#define PARAM_ID "postrider-id"
#define PARAM_SPKI "postrider-spki"
/* in the queue of errors, of ERR_LIB_USER: keyd gave no signature */
enum { REASON_KEYD = 1 };

/* "" where the key is only an imported public one */
struct remote_key {
	char id[65];
	EVP_PKEY *public;
	int refs;
};

int provider_start(struct err *err);
/* A key of which the private part is keyd's: that of a certificate's public
 * key.  NULL: not of a type that we can */
EVP_PKEY *provider_key(const char *id, EVP_PKEY *public);

/* provider_key.c */
void remote_key_free(void *key);	/* one reference less; NULL is fine */
extern const OSSL_DISPATCH provider_rsa[], provider_ec[], provider_ed25519[];

#endif
