/*
 * init_tls.c - a key and a self-signed certificate for a new instance.
 */
#include "ctl.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

enum { VALID_S = 3650 * 86400 };

static int
crypto_err(struct err *err, const char *what)
{
	return err_temp(err, "4.3.0", "cannot make %s", what);
}

static int
add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int r;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	r = e != NULL && X509_add_ext(x, e, -1) == 1 ? 0 : -1;
	X509_EXTENSION_free(e);
	return r;
}

static int
set_serial(X509 *x)
{
	unsigned char b[16];
	BIGNUM *n;
	int r;

	if (RAND_bytes(b, sizeof(b)) != 1)
		return -1;
	b[0] &= 0x7f;
	n = BN_bin2bn(b, sizeof(b), NULL);
	r = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) !=
	    NULL ? 0 : -1;
	BN_free(n);
	return r;
}

static int
fill(X509 *x, EVP_PKEY *key, const char *host, const char *names)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (X509_set_version(x, X509_VERSION_3) != 1 || set_serial(x) != 0 ||
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(x), VALID_S) == NULL ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)host, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, name) != 1 ||
	    X509_set_pubkey(x, key) != 1)
		return -1;
	if (add_ext(x, NID_subject_alt_name, names) != 0 ||
	    add_ext(x, NID_basic_constraints, "critical,CA:FALSE") != 0 ||
	    add_ext(x, NID_ext_key_usage, "serverAuth") != 0)
		return -1;
	return X509_sign(x, key, EVP_sha256()) > 0 ? 0 : -1;
}

static int
save(const char *path, mode_t mode, BIO *bio, struct err *err)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	struct slice text = { p, (size_t)MAX(n, 0L) };

	return file_replace(path, text, mode, err);
}

static int
write_pair(const char *dir, EVP_PKEY *key, X509 *x, struct err *err)
{
	char *key_path = xasprintf("%s/key.pem", dir);
	char *cert_path = xasprintf("%s/cert.pem", dir);
	BIO *k = BIO_new(BIO_s_mem()), *c = BIO_new(BIO_s_mem());
	int r = -1;

	if (k == NULL || c == NULL || PEM_write_bio_PrivateKey(k, key, NULL,
	    NULL, 0, NULL, NULL) != 1 || PEM_write_bio_X509(c, x) != 1)
		crypto_err(err, "the certificate's files");
	else
		r = save(key_path, 0600, k, err) != 0 ||
		    save(cert_path, 0644, c, err) != 0 ? -1 : 0;
	BIO_free(k);
	BIO_free(c);
	free(key_path);
	free(cert_path);
	return r;
}

int
init_tls(const char *dir, const char *host, const struct strlist *domains,
    struct err *err)
{
	struct str names = STR_INIT;
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	size_t i;
	int r = -1;

	str_addf(&names, "DNS:%s,IP:127.0.0.1,IP:::1", host);
	for (i = 0; i < domains->n && i < 50; i++)
		if (slice_is_ascii(slice_of(domains->v[i])) &&
		    strcmp(domains->v[i], host) != 0)
			str_addf(&names, ",DNS:%s", domains->v[i]);
	key = EVP_EC_gen("P-256");
	x = X509_new();
	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		err_sys(err, "cannot make %s", dir);
	else if (key == NULL || x == NULL || fill(x, key, host, names.s) != 0)
		crypto_err(err, "a certificate");
	else
		r = write_pair(dir, key, x, err);
	X509_free(x);
	EVP_PKEY_free(key);
	str_free(&names);
	return r;
}
