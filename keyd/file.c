/*
 * file.c - a certificate and its key, from PEM files.  Nothing of a bad file
 * is kept; the text of a key is wiped as soon as it was read.
 */
#include "keyd.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/err.h>
#include <sys/stat.h>

char *
file_read(const char *path, size_t *n_r, struct err *err)
{
	char *p = read_file(path, FILE_MAX, n_r);

	if (p == NULL)
		err_sys(err, "%s", path);
	return p;
}

/* "x/fullchain.pem" -> "x/" */
static struct slice
folder(const char *path)
{
	struct slice s = slice_of(path);
	size_t n = slice_rfind(s, '/');

	return slice_sub(s, 0, n == s.n ? 0 : n + 1);
}

const char *
file_key_place(const char *cert, size_t i, struct arena *a)
{
	struct slice dir = folder(cert), name;

	name = slice_sub(slice_of(cert), dir.n, strlen(cert));
	if (i == 0)
		return arena_strdup(a, cert);
	if (i == 1)
		return arena_printf(a, "%s.key", cert);
	/* what postrider init writes, and what ACME clients do */
	if (i == 2)
		return arena_printf(a, "%.*s%s", (int)dir.n, dir.p,
		    slice_eqz(name, "fullchain.pem") ? "privkey.pem" :
		    "key.pem");
	i -= 3;
	return i < conf.keys.n ? conf.keys.v[i] : NULL;
}

static int
read_chain(const char *path, struct loaded *r, struct err *err)
{
	size_t n;
	char *text = file_read(path, &n, err);
	BIO *bio = text != NULL ? BIO_new_mem_buf(text, (int)n) : NULL;
	X509 *x;

	if (text == NULL)
		return -1;
	while (bio != NULL && r->n < CHAIN_MAX &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		r->chain[r->n++] = x;
	ERR_clear_error();
	BIO_free(bio);
	OPENSSL_cleanse(text, n);
	free(text);
	return r->n > 0 ? 0 : err_perm(err, "5.3.5", "%s: no certificate in "
	    "PEM form", path);
}

/* a key with a passphrase is not asked for one */
static int
no_passphrase(char *buf UNUSED, int n UNUSED, int rw UNUSED, void *u UNUSED)
{
	return -1;
}

/* 1, 0 there is none in the file (or no such file), -1: err */
static int
read_key(const char *path, EVP_PKEY **key_r, struct err *err)
{
	struct stat st;
	size_t n;
	char *text;
	BIO *bio;
	bool there;

	*key_r = NULL;
	if (stat(path, &st) < 0 && errno == ENOENT)
		return 0;
	text = file_read(path, &n, err);
	if (text == NULL)
		return -1;
	there = strstr(text, "PRIVATE KEY-----") != NULL;
	bio = there ? BIO_new_mem_buf(text, (int)n) : NULL;
	if (bio != NULL)
		*key_r = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase,
		    NULL);
	ERR_clear_error();
	BIO_free(bio);
	OPENSSL_cleanse(text, n);
	free(text);
	if (!there)
		return 0;
	if (*key_r == NULL)
		return err_perm(err, "5.3.5", "%s: no key that can be read "
		    "(is it encrypted?)", path);
	if ((st.st_mode & 07) == 0)
		return 1;
	EVP_PKEY_free(*key_r);
	*key_r = NULL;
	return err_perm(err, "5.3.5", "%s: mode %04o lets everybody read a "
	    "private key; it should be 0600", path,
	    (unsigned)st.st_mode & 07777);
}

static enum key_type
type_of(EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA"))
		return bits >= 1024 && bits <= 8192 ? KEY_RSA : KEY_NONE;
	if (EVP_PKEY_is_a(key, "EC"))
		return KEY_EC;
	return EVP_PKEY_is_a(key, "ED25519") ? KEY_ED25519 : KEY_NONE;
}

/* 1 it is the certificate's, 0 nothing there, -1: err */
static int
try_key(const char *path, const char *place, struct loaded *r,
    struct err *err)
{
	int rc = read_key(place, &r->key, err);

	if (rc <= 0)
		return rc;
	if (X509_check_private_key(r->chain[0], r->key) == 1) {
		r->key_file = xstrdup(place);
		return 1;
	}
	ERR_clear_error();
	EVP_PKEY_free(r->key);
	r->key = NULL;
	return err_perm(err, "5.3.5", "%s: the key in %s is another "
	    "certificate's", path, place);
}

/* The first key of all places that is the certificate's.  Where there is none,
 * what is wrong with the first is told, but rather that it is the wrong one
 * than that we may not read it: that may be somebody else's. */
static int
find_key(const char *path, struct loaded *r, struct err *err)
{
	struct arena a = { 0 };
	struct err first;
	const char *place;
	size_t i;
	int rc = 0;

	err_perm(&first, "5.3.5", "%s: there is no key for it", path);
	first.kind = ERR_NONE;
	for (i = 0; rc != 1 && (place = file_key_place(path, i, &a)) != NULL;
	    i++) {
		rc = try_key(path, place, r, err);
		if (rc < 0 && (first.kind == ERR_NONE || (first.kind ==
		    ERR_TEMP && err->kind == ERR_PERM)))
			first = *err;
	}
	arena_free(&a);
	if (rc == 1)
		return 0;
	*err = first;
	err->kind = ERR_PERM;
	return -1;
}

static int
set_id(struct loaded *r, struct err *err)
{
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned n = 0;
	struct str hex = STR_INIT;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(r->chain[0]), &der);

	if (len <= 0 || EVP_Digest(der, (size_t)len, md, &n, EVP_sha256(),
	    NULL) != 1) {
		OPENSSL_free(der);
		return err_perm(err, "5.3.5", "a key that can not be written");
	}
	hex_encode(&hex, md, n);
	slice_copy(r->id, sizeof(r->id), slice_str(&hex));
	str_free(&hex);
	OPENSSL_free(der);
	return 0;
}

int
file_load(const char *path, struct loaded *r, struct err *err)
{
	memset(r, 0, sizeof(*r));
	if (read_chain(path, r, err) < 0 || find_key(path, r, err) < 0 ||
	    set_id(r, err) < 0) {
		file_free(r);
		return -1;
	}
	r->type = type_of(r->key);
	if (r->type != KEY_NONE)
		return 0;
	file_free(r);
	return err_perm(err, "5.3.5", "%s: its key is neither RSA of 1024 to "
	    "8192 bits nor EC nor Ed25519", path);
}

void
file_free(struct loaded *l)
{
	size_t i;

	for (i = 0; i < SIGNERS; i++)
		EVP_MD_CTX_free(l->signers[i].ready);
	while (l->n > 0)
		X509_free(l->chain[--l->n]);
	EVP_PKEY_free(l->key);
	free(l->key_file);
	memset(l, 0, sizeof(*l));
}
