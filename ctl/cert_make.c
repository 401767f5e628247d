/*
 * cert_make.c - keys and self-signed certificates.
 *
 * The key is there before its certificate is.  One that is there already is
 * kept, so a renewal replaces one file, and pinned keys stay.
 */
#include "cert.h"
#include "conf/common.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

enum { CN_MAX = 64 };		/* longer ones are in subjectAltName only */

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

/* names: as for subjectAltName */
static int
fill(X509 *x, EVP_PKEY *key, const char *host, const char *names, int64_t days)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (X509_set_version(x, X509_VERSION_3) != 1 || set_serial(x) != 0 ||
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, NULL) ==
	    NULL ||
	    (strlen(host) <= CN_MAX && X509_NAME_add_entry_by_txt(name, "CN",
	    MBSTRING_UTF8, (const unsigned char *)host, -1, -1, 0) != 1) ||
	    X509_set_issuer_name(x, name) != 1 ||
	    X509_set_pubkey(x, key) != 1)
		return -1;
	if (add_ext(x, NID_subject_alt_name, names) != 0 ||
	    add_ext(x, NID_basic_constraints, "critical,CA:FALSE") != 0 ||
	    add_ext(x, NID_ext_key_usage, "serverAuth") != 0)
		return -1;
	return X509_sign(x, key, EVP_sha256()) > 0 ? 0 : -1;
}

/* The key as PEM text, owned by who may read keys. */
static int
write_key(const char *path, EVP_PKEY *key, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p;
	long n;
	int r;

	if (bio == NULL || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0,
	    NULL, NULL) != 1) {
		BIO_free(bio);
		return crypto_err(err, "the key's file");
	}
	n = BIO_get_mem_data(bio, &p);
	r = file_replace_as(path, (struct slice){ p, (size_t)MAX(n, 0L) },
	    0600, common.uid[ROLE_KEY], common.gid[ROLE_KEY], err);
	BIO_free(bio);
	return r;
}

static int
write_cert(const char *path, X509 *x, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;
	int r;

	if (bio == NULL || PEM_write_bio_X509(bio, x) != 1) {
		BIO_free(bio);
		return crypto_err(err, "the certificate's file");
	}
	n = BIO_get_mem_data(bio, &p);
	r = file_replace(path, (struct slice){ p, (size_t)MAX(n, 0L) }, 0644,
	    err);
	BIO_free(bio);
	return r;
}

/* DNS:a,IP:b as OpenSSL wants it */
static void
alt_names(const struct strlist *names, struct str *out)
{
	unsigned char ip[16];
	size_t i;

	for (i = 0; i < names->n; i++)
		str_addf(out, "%s%s:%s", i > 0 ? "," : "",
		    inet_pton(AF_INET, names->v[i], ip) == 1 ||
		    inet_pton(AF_INET6, names->v[i], ip) == 1 ? "IP" : "DNS",
		    names->v[i]);
}

int
cert_make(const struct cert_order *o, struct err *err)
{
	struct str alt = STR_INIT;
	EVP_PKEY *key = o->key;
	X509 *x = X509_new();
	int r = -1;

	alt_names(&o->names, &alt);
	if (key == NULL)
		key = EVP_EC_gen("P-256");
	if (key == NULL || x == NULL || fill(x, key, o->names.v[0], alt.s,
	    o->days) != 0)
		crypto_err(err, "a certificate");
	else if (o->key != NULL || write_key(o->key_path, key, err) == 0)
		r = write_cert(o->cert_path, x, err);
	X509_free(x);
	if (key != o->key)
		EVP_PKEY_free(key);
	str_free(&alt);
	return r;
}

int
init_tls(const char *dir, const char *host, const struct strlist *domains,
    struct err *err)
{
	struct cert_order o = { .days = CERT_DAYS,
		.cert_path = arena_printf(&ctl_arena, "%s/cert.pem", dir),
		.key_path = arena_printf(&ctl_arena, "%s/key.pem", dir) };
	size_t i;

	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make %s", dir);
	strlist_add(&o.names, &ctl_arena, host);
	if (strcmp(host, "localhost") != 0)
		strlist_add(&o.names, &ctl_arena, "localhost");
	strlist_add(&o.names, &ctl_arena, "127.0.0.1");
	strlist_add(&o.names, &ctl_arena, "::1");
	for (i = 0; i < domains->n && i < CERT_DOMAINS; i++)
		if (slice_is_ascii(slice_of(domains->v[i])) &&
		    strcmp(domains->v[i], host) != 0 &&
		    strcmp(domains->v[i], "localhost") != 0)
			strlist_add(&o.names, &ctl_arena, domains->v[i]);
	return cert_make(&o, err);
}
