/*
 * jwk.c - public keys as JSON, and the check of one signature.
 */
#include "sasl/jwt.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

struct jwk {
	char kid[256];
	enum jwt_alg only;	/* JWT_NONE: any that fits the kind */
	int type;		/* EVP_PKEY_... */
	EVP_PKEY *key;
};
struct jwks {
	size_t n;
	struct jwk key[JWKS_KEYS];
};

static const char *const alg_names[] = { "RS256", "PS256", "ES256",
	"EdDSA" };

enum jwt_alg
jwt_alg_find(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < ARRAY_LEN(alg_names); i++)
		if (strcmp(name, alg_names[i]) == 0)
			return (enum jwt_alg)i;
	return JWT_NONE;
}

int
base64url_decode(struct str *out, struct slice in)
{
	struct str std = STR_INIT;
	int r = in.n % 4 != 1;
	size_t i;

	for (i = 0; i < in.n && r; i++) {
		if (in.p[i] == '+' || in.p[i] == '/' || in.p[i] == '=')
			r = 0;
		str_addc(&std, in.p[i] == '-' ? '+' : in.p[i] == '_' ? '/' :
		    in.p[i]);
	}
	while (std.len % 4 != 0)
		str_addc(&std, '=');
	r = r && base64_decode(out, slice_str(&std));
	str_free(&std);
	return r;
}

/* a base64url member of min to max bytes: 1 or 0 */
static int
take(const json_t *j, const char *name, size_t min, size_t max,
    struct str *out)
{
	const char *z = json_string_value(json_object_get(j, name));

	return z != NULL && base64url_decode(out, slice_of(z)) &&
	    out->len >= min && out->len <= max;
}

static EVP_PKEY *
build(const char *type, OSSL_PARAM_BLD *b)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || params == NULL ||
	    EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static BIGNUM *
number(const struct str *s)
{
	return BN_bin2bn((const unsigned char *)s->s, (int)s->len, NULL);
}

static EVP_PKEY *
make_rsa(const json_t *j)
{
	struct str n = STR_INIT, e = STR_INIT;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *key = NULL;

	if (b != NULL && take(j, "n", 256, 513, &n) &&
	    take(j, "e", 1, 8, &e)) {
		bn = number(&n);
		be = number(&e);
		if (bn != NULL && be != NULL && BN_num_bits(bn) >= 2048 &&
		    BN_num_bits(bn) <= 4096 &&
		    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn) &&
		    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, be))
			key = build("RSA", b);
	}
	BN_free(bn);
	BN_free(be);
	OSSL_PARAM_BLD_free(b);
	str_free(&n);
	str_free(&e);
	return key;
}

static EVP_PKEY *
make_ec(const json_t *j)
{
	const char *crv = json_string_value(json_object_get(j, "crv"));
	struct str x = STR_INIT, y = STR_INIT, point = STR_INIT;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (b != NULL && crv != NULL && strcmp(crv, "P-256") == 0 &&
	    take(j, "x", 32, 32, &x) && take(j, "y", 32, 32, &y)) {
		str_addc(&point, 4);
		str_add(&point, x.s, x.len);
		str_add(&point, y.s, y.len);
		if (OSSL_PARAM_BLD_push_utf8_string(b,
		    OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
		    OSSL_PARAM_BLD_push_octet_string(b,
		    OSSL_PKEY_PARAM_PUB_KEY, point.s, point.len))
			key = build("EC", b);
	}
	OSSL_PARAM_BLD_free(b);
	str_free(&x);
	str_free(&y);
	str_free(&point);
	return key;
}

static EVP_PKEY *
make_okp(const json_t *j)
{
	const char *crv = json_string_value(json_object_get(j, "crv"));
	struct str x = STR_INIT;
	EVP_PKEY *key = NULL;

	if (crv != NULL && strcmp(crv, "Ed25519") == 0 &&
	    take(j, "x", 32, 32, &x))
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    (const unsigned char *)x.s, x.len);
	str_free(&x);
	return key;
}

static void
add_key(struct jwks *k, const json_t *j)
{
	const char *kty = json_string_value(json_object_get(j, "kty"));
	const char *use = json_string_value(json_object_get(j, "use"));
	const char *alg = json_string_value(json_object_get(j, "alg"));
	const char *kid = json_string_value(json_object_get(j, "kid"));
	struct jwk *to = &k->key[k->n];

	if (kty == NULL || (use != NULL && strcmp(use, "sig") != 0))
		return;
	to->only = jwt_alg_find(alg);
	if (alg != NULL && to->only == JWT_NONE)
		return;
	if (kid != NULL && strlen(kid) >= sizeof(to->kid))
		return;
	slice_copy(to->kid, sizeof(to->kid), slice_of(kid));
	if (strcmp(kty, "RSA") == 0)
		to->key = make_rsa(j);
	else if (strcmp(kty, "EC") == 0)
		to->key = make_ec(j);
	else if (strcmp(kty, "OKP") == 0)
		to->key = make_okp(j);
	if (to->key == NULL)
		return;
	to->type = EVP_PKEY_get_base_id(to->key);
	k->n++;
}

int
jwks_parse(struct slice json, struct jwks **r, struct err *err)
{
	json_error_t why;
	json_t *root, *list;
	size_t i;

	*r = NULL;
	if (json.n > JWKS_MAX)
		return err_temp(err, "4.3.5", "a set of keys of more than %d "
		    "bytes", JWKS_MAX);
	root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, &why);
	if (root == NULL)
		return err_temp(err, "4.3.5", "line %d: %s", why.line,
		    why.text);
	list = json_object_get(root, "keys");
	if (!json_is_array(list)) {
		json_decref(root);
		return err_temp(err, "4.3.5", "no \"keys\"");
	}
	*r = xcalloc(1, sizeof(**r));
	for (i = 0; i < json_array_size(list) && (*r)->n < JWKS_KEYS; i++)
		add_key(*r, json_array_get(list, i));
	json_decref(root);
	return 0;
}

void
jwks_free(struct jwks *k)
{
	size_t i;

	for (i = 0; k != NULL && i < k->n; i++)
		EVP_PKEY_free(k->key[i].key);
	free(k);
}

size_t
jwks_count(const struct jwks *k)
{
	return k->n;
}

struct jwk *
jwk_at(const struct jwks *k, size_t i)
{
	return i < k->n ? (struct jwk *)(uintptr_t)&k->key[i] : NULL;
}

bool
jwk_fits(const struct jwk *k, const char *kid, enum jwt_alg alg)
{
	static const int types[] = { EVP_PKEY_RSA, EVP_PKEY_RSA, EVP_PKEY_EC,
		EVP_PKEY_ED25519 };

	return alg != JWT_NONE && k->type == types[alg] &&
	    (k->only == JWT_NONE || k->only == alg) &&
	    (kid[0] == '\0' || strcmp(kid, k->kid) == 0);
}

/* r and s side by side become what OpenSSL takes */
static int
ecdsa_der(struct slice sig, struct str *out)
{
	const unsigned char *p = (const unsigned char *)sig.p;
	ECDSA_SIG *e = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(p, 32, NULL), *s = BN_bin2bn(p + 32, 32, NULL);
	unsigned char *der = NULL;
	int n = 0;

	if (e != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(e, r, s) == 1) {
		r = s = NULL;	/* are e's */
		n = i2d_ECDSA_SIG(e, &der);
		if (n > 0)
			str_add(out, der, (size_t)n);
	}
	OPENSSL_free(der);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(e);
	return n > 0;
}

static bool
verify(const struct jwk *k, enum jwt_alg alg, struct slice text,
    struct slice sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	bool good;

	good = ctx != NULL && EVP_DigestVerifyInit(ctx, &pc,
	    alg == JWT_EDDSA ? NULL : EVP_sha256(), NULL, k->key) == 1;
	if (good && alg == JWT_PS256)
		good = EVP_PKEY_CTX_set_rsa_padding(pc,
		    RSA_PKCS1_PSS_PADDING) > 0 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pc,
		    RSA_PSS_SALTLEN_DIGEST) > 0;
	good = good && EVP_DigestVerify(ctx, (const unsigned char *)sig.p,
	    sig.n, (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

bool
jwk_verify(const struct jwk *k, enum jwt_alg alg, struct slice text,
    struct slice sig)
{
	struct str der = STR_INIT;
	bool good;

	if (alg != JWT_ES256)
		return verify(k, alg, text, sig);
	good = sig.n == 64 && ecdsa_der(sig, &der) &&
	    verify(k, alg, text, slice_str(&der));
	str_free(&der);
	return good;
}
