/*
 * provider_key.c - key management: a key is a name and a public key.  It is
 * never exported, so nobody takes it for one that could sign elsewhere.
 */
#include "provider.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include "base/base.h"

static void *
key_new(void *provctx UNUSED)
{
	struct remote_key *k = xcalloc(1, sizeof(*k));

	k->refs = 1;
	return k;
}

void
remote_key_free(void *data)
{
	struct remote_key *k = data;

	if (k == NULL || --k->refs > 0)
		return;
	EVP_PKEY_free(k->public);
	free(k);
}

static int
key_has(const void *data, int selection)
{
	const struct remote_key *k = data;

	if (k == NULL || k->public == NULL)
		return 0;
	return !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) ||
	    k->id[0] != '\0';
}

static int
key_match(const void *a, const void *b, int selection UNUSED)
{
	const struct remote_key *x = a, *y = b;

	return x->public != NULL && y->public != NULL &&
	    EVP_PKEY_eq(x->public, y->public) == 1;
}

/* from our own parameters */
static int
import_own(struct remote_key *k, const OSSL_PARAM *id, const OSSL_PARAM *spki)
{
	const unsigned char *der = spki->data;
	const char *z;

	if (OSSL_PARAM_get_utf8_string_ptr(id, &z) != 1 ||
	    strlen(z) >= sizeof(k->id))
		return 0;
	memcpy(k->id, z, strlen(z) + 1);
	k->public = d2i_PUBKEY(NULL, &der, (long)spki->data_size);
	return k->public != NULL;
}

/* the public key of a certificate, to be compared */
static int
import(struct remote_key *k, const char *type, const OSSL_PARAM params[])
{
	const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, PARAM_ID);
	const OSSL_PARAM *spki = OSSL_PARAM_locate_const(params, PARAM_SPKI);
	EVP_PKEY_CTX *ctx;
	int ok;

	if (k->public != NULL)
		return 0;
	if (id != NULL && spki != NULL)
		return import_own(k, id, spki);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, type, "provider=default");
	ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &k->public, EVP_PKEY_PUBLIC_KEY,
	    (OSSL_PARAM *)params) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int
import_rsa(void *data, int selection UNUSED, const OSSL_PARAM params[])
{
	return import(data, "RSA", params);
}

static int
import_ec(void *data, int selection UNUSED, const OSSL_PARAM params[])
{
	return import(data, "EC", params);
}

static int
import_ed25519(void *data, int selection UNUSED, const OSSL_PARAM params[])
{
	return import(data, "ED25519", params);
}

static const OSSL_PARAM *
import_types(int selection UNUSED)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(PARAM_ID, NULL, 0),
		OSSL_PARAM_octet_string(PARAM_SPKI, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	return types;
}

static int
get_params(void *data, OSSL_PARAM params[])
{
	struct remote_key *k = data;

	return k->public != NULL && EVP_PKEY_get_params(k->public, params);
}

static const OSSL_PARAM *
gettable(void *provctx UNUSED)
{
	static const OSSL_PARAM some[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL,
		    0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST,
		    NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END
	};

	return some;
}

static const char *
operation_ec(int op UNUSED)
{
	return "ECDSA";
}

#define FN(id, fn) { OSSL_FUNC_KEYMGMT_##id, (void (*)(void))(fn) }
#define COMMON \
	FN(NEW, key_new), FN(FREE, remote_key_free), FN(HAS, key_has), \
	FN(MATCH, key_match), FN(IMPORT_TYPES, import_types), \
	FN(GET_PARAMS, get_params), FN(GETTABLE_PARAMS, gettable)

const OSSL_DISPATCH provider_rsa[] = {
	COMMON, FN(IMPORT, import_rsa), { 0, NULL }
};
const OSSL_DISPATCH provider_ec[] = {
	COMMON, FN(IMPORT, import_ec),
	FN(QUERY_OPERATION_NAME, operation_ec), { 0, NULL }
};
const OSSL_DISPATCH provider_ed25519[] = {
	COMMON, FN(IMPORT, import_ed25519), { 0, NULL }
};
