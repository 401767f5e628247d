/*
 * peer.c - where we are the client: what the server's certificate must be.
 */
#include "tlsd.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static int
set_names(SSL *ssl, const struct strlist *names, struct err *err)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	size_t i;
	int ok = 1;

	if (names->n == 0)
		return err_perm(err, "5.5.4", "no name to be verified");
	for (i = 0; i < names->n && ok == 1; i++) {
		if (i == 0 && X509_VERIFY_PARAM_set1_ip_asc(param,
		    names->v[0]) == 1)
			continue;
		ok = SSL_add1_host(ssl, names->v[i]);
	}
	ERR_clear_error();
	return ok == 1 ? 0 : err_perm(err, "5.5.4", "bad name");
}

/* "3 1 1 HEX": 1 used, 0 not usable (RFC 7672 3.1.3), -1 malformed */
static int
add_tlsa(SSL *ssl, const char *text)
{
	struct slice rest = slice_of(text), word;
	struct str data = STR_INIT;
	uint64_t v[3];
	size_t i;
	int rc = -1;

	for (i = 0; i < 3; i++)
		if (!slice_word(&rest, &word) || !slice_u64(word, 255, &v[i]))
			return -1;
	if (!slice_word(&rest, &word))
		goto out;
	str_grow(&data, word.n / 2);
	if (word.n == 0 || !hex_decode(word, (unsigned char *)data.s,
	    word.n / 2))
		goto out;
	rc = 0;
	if (v[0] == 2 || v[0] == 3)
		rc = SSL_dane_tlsa_add(ssl, (uint8_t)v[0], (uint8_t)v[1],
		    (uint8_t)v[2], (unsigned char *)data.s, word.n / 2) > 0;
out:
	ERR_clear_error();
	str_free(&data);
	return rc;
}

static int
set_dane(SSL *ssl, const struct tls_client_in *in, struct err *err)
{
	size_t i;
	int rc, usable = 0;

	if (in->names.n == 0 || SSL_dane_enable(ssl, in->names.v[0]) != 1)
		return err_perm(err, "5.5.4", "no name for DANE");
	for (i = 1; i < in->names.n; i++)
		if (SSL_add1_host(ssl, in->names.v[i]) != 1)
			return err_perm(err, "5.5.4", "bad name");
	for (i = 0; i < in->tlsa.n; i++) {
		rc = add_tlsa(ssl, in->tlsa.v[i]);
		if (rc < 0)
			return err_perm(err, "5.5.4", "bad TLSA record");
		usable += rc;
	}
	return usable > 0 ? 0 : err_temp(err, "4.7.5", TLS_WHY_TLSA);
}

int
peer_demand(SSL *ssl, const struct tls_client_in *in, struct err *err)
{
	/* RFC 9525: names are those of subjectAltName, a wildcard is a label */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (in->min != TLS_MIN_ANY && SSL_set_min_proto_version(ssl,
	    in->min == TLS_MIN_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
		return err_temp(err, "4.3.5", "protocol version");
	switch (in->verify) {
	case TLS_PKIX:
		/* not asked for, it is looked at all the same */
		SSL_set_verify(ssl, in->lenient ? SSL_VERIFY_NONE :
		    SSL_VERIFY_PEER, NULL);
		if (ctx_load_cas(err) < 0) {
			err->kind = ERR_TEMP;	/* our own trouble */
			slice_copy(err->dsn, sizeof(err->dsn),
			    SLICE_LIT("4.3.5"));
			return -1;
		}
		return set_names(ssl, &in->names, err);
	case TLS_DANE:
		SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
		return set_dane(ssl, in, err);
	case TLS_FINGERPRINT:
		break;
	default:
		/* any encryption is better than none */
		SSL_set_security_level(ssl, MIN(1,
		    SSL_get_security_level(ssl)));
		break;
	}
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	return 0;
}

static bool
listed(const struct strlist *l, const unsigned char *md, unsigned n)
{
	struct str hex = STR_INIT;
	bool found;

	hex_encode(&hex, md, n);
	found = strlist_ihas(l, slice_str(&hex));
	str_free(&hex);
	return found;
}

int
peer_check(SSL *ssl, const struct tls_client_in *in, struct err *err)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned n = 0;
	bool ok;
	int len;

	if (in->verify != TLS_FINGERPRINT)
		return 0;
	ok = x != NULL && X509_digest(x, EVP_sha256(), md, &n) == 1 &&
	    listed(&in->fingerprints, md, n);
	len = x == NULL || ok ? 0 :
	    i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	if (len > 0)
		ok = EVP_Digest(der, (size_t)len, md, &n, EVP_sha256(),
		    NULL) == 1 && listed(&in->fingerprints, md, n);
	OPENSSL_free(der);
	return ok ? 0 : err_temp(err, "4.7.5", TLS_WHY_CERTIFICATE
	    "its fingerprint is none of those that were given");
}
