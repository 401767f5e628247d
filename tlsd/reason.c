/*
 * reason.c - why a handshake failed, for who reads the log.
 */
#include "tlsd.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "provider.h"

static const struct { int reason; const char *server, *client; } known[] = {
	{ SSL_R_WRONG_VERSION_NUMBER, "the client sent plain text, not TLS",
	    "the server sent plain text, not TLS" },
	{ SSL_R_HTTP_REQUEST, "the client sent an HTTP request", NULL },
	{ SSL_R_HTTPS_PROXY_REQUEST, "the client sent an HTTP request", NULL },
	{ SSL_R_NO_SHARED_CIPHER, "no shared cipher suite", NULL },
	{ SSL_R_UNSUPPORTED_PROTOCOL, "no shared protocol version",
	    "no shared protocol version" },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, "no shared protocol version", NULL },
	{ SSL_R_VERSION_TOO_LOW, "no shared protocol version", NULL },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, "no shared group", NULL },
	{ SSL_R_NO_SUITABLE_GROUPS, "no shared group", NULL },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
	    "no signature scheme that fits our certificates", NULL },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
	    "no signature scheme that fits our certificates", NULL },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA,
	    "the client does not know who issued our certificate", NULL },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
	    "the client refused our certificate", NULL },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
	    "the client refused our certificate", NULL },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
	    "for the client our certificate has expired", NULL },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the client refused",
	    "the server refused" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "no shared protocol version",
	    "no shared protocol version" },
};

void
reason_verify(long rc, char *to, size_t cap)
{
	if (rc == X509_V_ERR_CERT_HAS_EXPIRED)
		slice_copy(to, cap, SLICE_LIT(TLS_WHY_EXPIRED));
	else if (rc == X509_V_ERR_HOSTNAME_MISMATCH)
		slice_copy(to, cap, SLICE_LIT(TLS_WHY_NAME));
	else if (rc == X509_V_ERR_IP_ADDRESS_MISMATCH)
		slice_copy(to, cap, SLICE_LIT(TLS_WHY_ADDRESS));
	else
		snprintf(to, cap, TLS_WHY_CERTIFICATE "%s",
		    X509_verify_cert_error_string(rc));
}

static void
of_queue(const struct session *s, char *to, size_t cap)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_REASON(e);
	const char *text;
	size_t i;

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		reason_verify(SSL_get_verify_result(s->ssl), to, cap);
		return;
	}
	if (ERR_GET_LIB(e) == ERR_LIB_USER && reason == REASON_KEYD) {
		slice_copy(to, cap, SLICE_LIT("keyd gave no signature"));
		return;
	}
	for (i = 0; i < ARRAY_LEN(known); i++) {
		text = s->server ? known[i].server : known[i].client;
		if (ERR_GET_LIB(e) == ERR_LIB_SSL && text != NULL &&
		    known[i].reason == reason) {
			slice_copy(to, cap, slice_of(text));
			return;
		}
	}
	text = ERR_reason_error_string(e);
	slice_copy(to, cap, slice_of(text != NULL ? text : "unknown error"));
}

/* The queue is empty afterwards. */
static bool
ours(void)
{
	bool yes = false;
	unsigned long e;
	int reason;

	while ((e = ERR_get_error()) != 0) {
		reason = ERR_GET_REASON(e);
		yes |= reason == ERR_R_MALLOC_FAILURE || reason ==
		    ERR_R_INTERNAL_ERROR || reason == ERR_R_INIT_FAIL;
	}
	return yes;
}

bool
reason_text(const struct session *s, int e, char *to, size_t cap)
{
	const struct handshake *h = s->hs;

	if (h != NULL && h->no_cert)
		slice_copy(to, cap, SLICE_LIT("there is no certificate"));
	else if (h != NULL && h->alpn_refused != NULL)
		snprintf(to, cap, "the client wants %.60s (ALPN)",
		    h->alpn_refused);
	else if (e == SSL_ERROR_ZERO_RETURN || (e == SSL_ERROR_SYSCALL &&
	    ERR_peek_error() == 0 && (errno == 0 || errno == EPIPE)))
		snprintf(to, cap, "the %s closed the connection",
		    s->server ? "client" : "server");
	else if (e == SSL_ERROR_SYSCALL && ERR_peek_error() == 0)
		slice_copy(to, cap, slice_of(strerror(errno)));
	else
		of_queue(s, to, cap);
	return ours();
}
