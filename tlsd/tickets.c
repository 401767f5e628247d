/*
 * tickets.c - session tickets, sealed with secrets that all tlsd have from
 * keyd: AES-256-CBC, then HMAC-SHA-256.  Nothing is kept here of a session.
 */
#include "tlsd.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

enum { NAME = 16, AES = 32, HMAC_KEY = 32, SECRET = 80, MOST = 8 };

static unsigned char secrets[MOST][SECRET];
static size_t nsecrets;

void
tickets_set(const struct strlist *keys)
{
	struct str raw = STR_INIT;
	size_t i;

	OPENSSL_cleanse(secrets, sizeof(secrets));
	nsecrets = 0;
	for (i = 0; i < keys->n && nsecrets < MOST; i++) {
		str_reset(&raw);
		if (!base64_decode(&raw, slice_of(keys->v[i])) ||
		    raw.len != SECRET)
			continue;
		memcpy(secrets[nsecrets++], raw.s, SECRET);
	}
	if (raw.len > 0)
		OPENSSL_cleanse(raw.s, raw.len);
	str_free(&raw);
}

static int
set_mac(EVP_MAC_CTX *mac, const unsigned char *key)
{
	OSSL_PARAM params[3];

	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
	    (void *)key, HMAC_KEY);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    (char *)"SHA256", 0);
	params[2] = OSSL_PARAM_construct_end();
	return EVP_MAC_CTX_set_params(mac, params);
}

static int
seal(unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac)
{
	if (nsecrets == 0)
		return 0;
	memcpy(name, secrets[0], NAME);
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1 ||
	    EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL,
	    secrets[0] + NAME, iv) != 1 ||
	    set_mac(mac, secrets[0] + NAME + AES) != 1)
		return -1;
	return 1;
}

/* 1, 2 the client gets a new ticket, 0 unknown */
int
tickets_use(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	size_t i;

	if (encrypt)
		return seal(name, iv, cipher, mac);
	for (i = 0; i < nsecrets; i++)
		if (CRYPTO_memcmp(name, secrets[i], NAME) == 0)
			break;
	if (i == nsecrets)
		return 0;
	if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL,
	    secrets[i] + NAME, iv) != 1 ||
	    set_mac(mac, secrets[i] + NAME + AES) != 1)
		return -1;
	/* a client of TLS 1.3 uses a ticket once (RFC 8446 C.4) */
	return i == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}
