/*
 * provider.c - the signatures.  A key is its name here.  libssl gives what is
 * to be signed as a whole, so it goes to keyd as it is, and keyd can see what
 * it is.
 */
#include "provider.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base.h"
#include "tlsd.h"

struct sign_ctx {
	struct remote_key *key;
	char digest[32];
	bool pss;
};

static const struct {
	const char *type, *digest;
	bool pss;
	int scheme;		/* as keyd(8) knows it */
} schemes[] = {
	{ "EC", "SHA2-256", false, 0x0403 },
	{ "RSA", "SHA2-256", true, 0x0804 },
	{ "ED25519", "", false, 0x0807 },
	{ "RSA", "SHA2-384", true, 0x0805 },
	{ "RSA", "SHA2-512", true, 0x0806 },
	{ "RSA", "SHA2-256", false, 0x0401 },
	{ "RSA", "SHA2-384", false, 0x0501 },
	{ "RSA", "SHA2-512", false, 0x0601 },
	{ "EC", "SHA2-384", false, 0x0503 },
	{ "EC", "SHA2-512", false, 0x0603 },
	{ "RSA", "SHA1", false, 0x0201 },
	{ "EC", "SHA1", false, 0x0203 },
	{ "RSA", "MD5-SHA1", false, 0 },
};

static void *
sign_new(void *provctx UNUSED, const char *propq UNUSED)
{
	return xcalloc(1, sizeof(struct sign_ctx));
}

static void
sign_free(void *arg)
{
	struct sign_ctx *c = arg;

	if (c != NULL)
		remote_key_free(c->key);
	free(c);
}

static int
set_params(void *arg, const OSSL_PARAM params[])
{
	struct sign_ctx *c = arg;
	const OSSL_PARAM *p;
	int mode;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p == NULL)
		return 1;
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		c->pss = strcmp(p->data, "pss") == 0;
		return 1;
	}
	if (OSSL_PARAM_get_int(p, &mode) != 1)
		return 0;
	c->pss = mode == RSA_PKCS1_PSS_PADDING;
	return c->pss || mode == RSA_PKCS1_PADDING;
}

static const OSSL_PARAM *
settable(void *arg UNUSED, void *provctx UNUSED)
{
	static const OSSL_PARAM some[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	return some;
}

/* names of digests are many: SHA256, SHA2-256, sha256 */
static bool
digest_name(const char *name, char *to, size_t cap)
{
	static const char *const known[] = { "SHA2-256", "SHA2-384",
	    "SHA2-512", "SHA1", "MD5-SHA1" },
	    *const libssl[] = { "SHA256", "SHA384", "SHA512" };
	EVP_MD *md;
	size_t i;

	to[0] = '\0';
	if (name == NULL || name[0] == '\0')
		return true;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(name, known[i]) == 0) {
			slice_copy(to, cap, slice_of(name));
			return true;
		}
	for (i = 0; i < ARRAY_LEN(libssl); i++)		/* known[i] */
		if (strcmp(name, libssl[i]) == 0) {
			slice_copy(to, cap, slice_of(known[i]));
			return true;
		}
	md = EVP_MD_fetch(NULL, name, NULL);
	for (i = 0; md != NULL && i < ARRAY_LEN(known); i++)
		if (EVP_MD_is_a(md, known[i]))
			slice_copy(to, cap, slice_of(known[i]));
	EVP_MD_free(md);
	return to[0] != '\0';
}

static int
sign_init(void *arg, const char *md, void *key, const OSSL_PARAM params[])
{
	struct sign_ctx *c = arg;
	struct remote_key *k = key;

	if (k == NULL || k->id[0] == '\0' || c->key != NULL ||
	    !digest_name(md, c->digest, sizeof(c->digest)))
		return 0;
	c->key = k;
	k->refs++;
	return set_params(c, params);
}

static int
scheme_of(const struct sign_ctx *c)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes); i++)
		if (schemes[i].pss == c->pss &&
		    strcmp(schemes[i].digest, c->digest) == 0 &&
		    EVP_PKEY_is_a(c->key->public, schemes[i].type))
			return schemes[i].scheme;
	return -1;
}

static int
sign(void *arg, unsigned char *sig, size_t *n, size_t cap,
    const unsigned char *tbs, size_t tbs_n)
{
	struct sign_ctx *c = arg;
	int scheme = scheme_of(c), max = EVP_PKEY_get_size(c->key->public);
	struct slice s = { (const char *)tbs, tbs_n };
	int rc;

	if (scheme < 0 || max <= 0)
		return 0;
	if (sig == NULL) {
		*n = (size_t)max;
		return 1;
	}
	rc = keyd_sign(c->key->id, scheme, s, sig, MIN(cap, (size_t)max), n);
	/* what is there now is of other sessions */
	ERR_clear_error();
	if (rc < 0)
		ERR_raise(ERR_LIB_USER, REASON_KEYD);
	return rc == 0;
}

#define FN(id, fn) { OSSL_FUNC_SIGNATURE_##id, (void (*)(void))(fn) }
static const OSSL_DISPATCH signature[] = {
	FN(NEWCTX, sign_new), FN(FREECTX, sign_free),
	FN(DIGEST_SIGN_INIT, sign_init), FN(DIGEST_SIGN, sign),
	FN(SET_CTX_PARAMS, set_params), FN(SETTABLE_CTX_PARAMS, settable),
	{ 0, NULL }
};

static const OSSL_ALGORITHM keys[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROVIDER_PROPS,
	    provider_rsa, NULL },
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROVIDER_PROPS, provider_ec,
	    NULL },
	{ "ED25519:1.3.101.112", PROVIDER_PROPS, provider_ed25519, NULL },
	{ NULL, NULL, NULL, NULL }
};
static const OSSL_ALGORITHM signatures[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROVIDER_PROPS, signature,
	    NULL },
	{ "ECDSA", PROVIDER_PROPS, signature, NULL },
	{ "ED25519:1.3.101.112", PROVIDER_PROPS, signature, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM *
query(void *provctx UNUSED, int operation, int *no_store)
{
	*no_store = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keys;
	return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static void
teardown(void *provctx UNUSED)
{
}

static const OSSL_DISPATCH provider[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
	{ OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
	{ 0, NULL }
};

static int
init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in UNUSED,
    const OSSL_DISPATCH **out, void **provctx)
{
	*out = provider;
	*provctx = (void *)handle;
	return 1;
}

int
provider_start(struct err *err)
{
	/* held for ever, and seen by a search for leaks */
	static OSSL_PROVIDER *volatile theirs, *volatile ours;

	/* what is ours is taken only where it is asked for by name */
	if ((theirs = OSSL_PROVIDER_load(NULL, "default")) == NULL ||
	    OSSL_PROVIDER_add_builtin(NULL, PROVIDER_NAME, init) != 1 ||
	    (ours = OSSL_PROVIDER_load(NULL, PROVIDER_NAME)) == NULL ||
	    EVP_set_default_properties(NULL, "?provider=default") != 1)
		return err_temp(err, "4.3.0", "OpenSSL's providers");
	return 0;
}

static const char *
type_name(EVP_PKEY *public)
{
	static const char *const names[] = { "RSA", "EC", "ED25519" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (EVP_PKEY_is_a(public, names[i]))
			return names[i];
	return NULL;
}

EVP_PKEY *
provider_key(const char *id, EVP_PKEY *public)
{
	const char *type = type_name(public);
	EVP_PKEY_CTX *ctx = type ? EVP_PKEY_CTX_new_from_name(NULL, type,
	    PROVIDER_PROPS) : NULL;
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(public, &der);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[3];

	if (ctx != NULL && n > 0) {
		params[0] = OSSL_PARAM_construct_utf8_string(PARAM_ID,
		    (char *)id, 0);
		params[1] = OSSL_PARAM_construct_octet_string(PARAM_SPKI, der,
		    (size_t)n);
		params[2] = OSSL_PARAM_construct_end();
		if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx,
		    &key, EVP_PKEY_KEYPAIR, params) != 1)
			key = NULL;
	}
	OPENSSL_free(der);
	EVP_PKEY_CTX_free(ctx);
	return key;
}
