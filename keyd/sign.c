/*
 * sign.c - signatures for handshakes, and for nothing else.
 */
#include "keyd.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

static int
set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
	    1 ? 0 : -1;
}

/* a key made ready for a scheme: what each signature begins with */
static EVP_MD_CTX *
make_signer(EVP_PKEY *key, const struct scheme *s)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;

	if (md != NULL && EVP_DigestSignInit_ex(md, &ctx, s->digest[0] ?
	    s->digest : NULL, NULL, NULL, key, NULL) == 1 &&
	    (!s->pss || set_pss(ctx) == 0))
		return md;
	EVP_MD_CTX_free(md);
	return NULL;
}

/* NULL: OpenSSL can not */
static const EVP_MD_CTX *
find_signer(struct loaded *l, const struct scheme *s)
{
	size_t i;

	for (i = 0; i < SIGNERS && l->signers[i].scheme != NULL; i++)
		if (l->signers[i].scheme == s)
			return l->signers[i].ready;
	assert(i < SIGNERS);	/* no type of key has more schemes */
	l->signers[i].ready = make_signer(l->key, s);
	if (l->signers[i].ready != NULL)
		l->signers[i].scheme = s;
	return l->signers[i].ready;
}

/* malloced by OpenSSL, or NULL */
static unsigned char *
sign(struct loaded *l, const struct scheme *s, struct slice tbs, size_t *n)
{
	const EVP_MD_CTX *ready = find_signer(l, s);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char *sig;

	*n = (size_t)EVP_PKEY_get_size(l->key);
	sig = OPENSSL_malloc(*n);
	if (ready == NULL || md == NULL || sig == NULL ||
	    EVP_MD_CTX_copy_ex(md, ready) != 1 || EVP_DigestSign(md, sig, n,
	    (const unsigned char *)tbs.p, tbs.n) != 1) {
		OPENSSL_free(sig);
		sig = NULL;
	}
	EVP_MD_CTX_free(md);
	return sig;
}

static const struct scheme *
check(const struct key_sign_in *in, const struct loaded *cert,
    struct slice tbs, struct err *err)
{
	const struct scheme *s = scheme_find(in->scheme);
	enum tbs kind = tbs_kind(tbs);

	if (kind == TBS_NONE) {
		err_perm(err, "5.7.0", "not a step of a TLS handshake");
		return NULL;
	}
	if (s == NULL || s->key != cert->type || (s->only_12 && kind !=
	    TBS_12) || (s->weak && !conf.weak_hashes)) {
		err_perm(err, "5.5.4", "scheme %lld is not for this key or "
		    "step", (long long)in->scheme);
		return NULL;
	}
	return s;
}

int
sign_do(struct call *c, const void *arg, void *res, struct err *err)
{
	const struct key_sign_in *in = arg;
	struct key_sign_out *out = res;
	struct loaded *cert = certs_find(in->id);
	const struct scheme *s;
	struct str tbs = STR_INIT, text = STR_INIT;
	unsigned char *sig = NULL;
	size_t n = 0;

	if (cert == NULL)
		return err_perm(err, "5.5.1", "unknown key");
	if (!base64_decode(&tbs, slice_of(in->tbs)))
		return err_perm(err, "5.5.4", "tbs is not base64");
	s = check(in, cert, slice_str(&tbs), err);
	if (s != NULL) {
		sig = sign(cert, s, slice_str(&tbs), &n);
		if (sig == NULL)
			err_temp(err, "4.3.0", "signature failed: %s",
			    ERR_reason_error_string(ERR_peek_last_error()));
		ERR_clear_error();
	}
	str_free(&tbs);
	if (sig == NULL)
		return -1;
	base64_encode(&text, sig, n);
	OPENSSL_free(sig);
	out->signature = arena_slice(c->arena, slice_str(&text));
	str_free(&text);
	return 0;
}
