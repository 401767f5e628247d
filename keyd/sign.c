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

static int
make_signer(struct signer *r, EVP_PKEY *key, const struct scheme *s)
{
	r->md = EVP_MD_fetch(NULL, s->digest, NULL);
	r->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (r->md != NULL && r->ctx != NULL &&
	    EVP_PKEY_sign_init(r->ctx) == 1 && (s->key != KEY_RSA ||
	    EVP_PKEY_CTX_set_rsa_padding(r->ctx, RSA_PKCS1_PADDING) == 1) &&
	    (!s->pss || set_pss(r->ctx) == 0) &&
	    EVP_PKEY_CTX_set_signature_md(r->ctx, r->md) == 1) {
		r->scheme = s;
		return 0;
	}
	EVP_PKEY_CTX_free(r->ctx);
	EVP_MD_free(r->md);
	*r = (struct signer){ 0 };
	return -1;
}

/* NULL: there is no room, or none for this kind of key */
static struct signer *
find_signer(struct loaded *l, const struct scheme *s)
{
	size_t i;

	if (s->digest[0] == '\0')
		return NULL;
	for (i = 0; i < SIGNERS && l->signers[i].scheme != NULL; i++)
		if (l->signers[i].scheme == s)
			return &l->signers[i];
	return i < SIGNERS && make_signer(&l->signers[i], l->key, s) == 0 ?
	    &l->signers[i] : NULL;
}

/* what no signer is there for: malloced by OpenSSL, or NULL */
static unsigned char *
sign_once(EVP_PKEY *key, const struct scheme *s, struct slice tbs, size_t *n)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	unsigned char *sig = NULL;
	const unsigned char *p = (const unsigned char *)tbs.p;

	if (md != NULL && EVP_DigestSignInit_ex(md, &ctx, s->digest[0] ?
	    s->digest : NULL, NULL, NULL, key, NULL) == 1 &&
	    (!s->pss || set_pss(ctx) == 0) &&
	    EVP_DigestSign(md, NULL, n, p, tbs.n) == 1 &&
	    (sig = OPENSSL_malloc(*n)) != NULL &&
	    EVP_DigestSign(md, sig, n, p, tbs.n) != 1) {
		OPENSSL_free(sig);
		sig = NULL;
	}
	EVP_MD_CTX_free(md);
	return sig;
}

static unsigned char *
sign(struct loaded *l, const struct scheme *s, struct slice tbs, size_t *n)
{
	struct signer *r = find_signer(l, s);
	unsigned char md[EVP_MAX_MD_SIZE], *sig;
	unsigned md_n = 0;

	if (r == NULL)
		return sign_once(l->key, s, tbs, n);
	*n = (size_t)EVP_PKEY_get_size(l->key);
	sig = OPENSSL_malloc(*n);
	if (sig == NULL || EVP_Digest(tbs.p, tbs.n, md, &md_n, r->md, NULL) !=
	    1 || EVP_PKEY_sign(r->ctx, sig, n, md, md_n) != 1) {
		OPENSSL_free(sig);
		return NULL;
	}
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
