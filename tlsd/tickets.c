/*
 * tickets.c - session tickets, sealed with secrets that all tlsd have from
 * keyd: AES-256-CBC, then HMAC-SHA-256.  Nothing is kept here of a session.
 *
 * A ticket holds what its first handshake alone could tell: when that was, and
 * the hash of the certificate that the client then got (tls-server-end-point).
 * Who showed a certificate has to show it again before long, and always when
 * it has ended: tickets are renewed, and nobody looks at it in between.
 */
#include "tlsd.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "base/clock.h"

enum { NAME = 16, AES = 32, HMAC_KEY = 32, SECRET = 80, MOST = 8,
	SHOW_AGAIN_S = 12 * 3600 };

struct note {
	int64_t at;		/* unix seconds */
	size_t n;
	unsigned char end_point[END_POINT_MAX];
};

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

static const void *
note_of(SSL_SESSION *ss)
{
	void *p = NULL;
	size_t n = 0;

	return SSL_SESSION_get0_ticket_appdata(ss, &p, &n) == 1 &&
	    n == sizeof(struct note) ? p : NULL;
}

int
tickets_note(SSL *ssl, void *arg UNUSED)
{
	struct note n;

	/* it has one, also where this is the second ticket */
	if (SSL_session_reused(ssl) == 1 ||
	    note_of(SSL_get_session(ssl)) != NULL)
		return 1;
	memset(&n, 0, sizeof(n));
	n.at = wall_s();
	n.n = certs_end_point(ssl, n.end_point);
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &n,
	    sizeof(n));
}

size_t
tickets_end_point(SSL *ssl, unsigned char md[END_POINT_MAX])
{
	struct note n;
	const void *p = note_of(SSL_get_session(ssl));

	if (p == NULL)
		return 0;
	memcpy(&n, p, sizeof(n));
	memcpy(md, n.end_point, sizeof(n.end_point));
	return MIN(n.n, sizeof(n.end_point));
}

/* is the certificate that the client showed to be believed still? */
static bool
fresh(SSL_SESSION *ss)
{
	const X509 *x = SSL_SESSION_get0_peer(ss);
	const void *p = note_of(ss);
	struct note n;

	if (x == NULL)
		return true;
	if (p == NULL)
		return false;
	memcpy(&n, p, sizeof(n));
	return wall_s() - n.at < SHOW_AGAIN_S &&
	    X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
}

SSL_TICKET_RETURN
tickets_judge(SSL *ssl UNUSED, SSL_SESSION *ss,
    const unsigned char *name UNUSED, size_t n UNUSED,
    SSL_TICKET_STATUS status, void *arg UNUSED)
{
	if ((status != SSL_TICKET_SUCCESS && status !=
	    SSL_TICKET_SUCCESS_RENEW) || !fresh(ss))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE :
	    SSL_TICKET_RETURN_USE_RENEW;
}
