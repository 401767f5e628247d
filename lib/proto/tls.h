/*
 * tls.h - tlsd: takes a connected descriptor, returns a descriptor of plain
 * text and what is known of the encrypted session.  One wrap at a time.  A
 * connection ends after one as the client, and between two as the server when
 * tlsd likes.  Closing the plain descriptor ends the session with a
 * close_notify.
 *
 * Programs use serve/tls.h.
 */
#ifndef PROTO_TLS_H
#define PROTO_TLS_H

#include "ipc/ipc.h"

/* Facts, "" where there is nothing.  Binary things are base64. */
struct tls_facts_out {
	const char *version;		/* TLSv1.3, TLSv1.2 */
	const char *cipher;		/* OpenSSL's name of it */
	int64_t bits;
	bool resumed;
	const char *sni;		/* name that the client asked for */
	const char *alpn;
	/* channel bindings: RFC 9266 ("" where TLS 1.2 has no extended master
	 * secret), RFC 5929 4 */
	const char *exporter, *end_point;
	/* the peer's certificate, where it sent one */
	const char *subject, *issuer, *fingerprint;	/* SHA-256, hex */
	struct strlist mailboxes;	/* rfc822Name and SmtpUTF8Mailbox */
	bool verified;			/* by our CAs, or as tls_client says */
	const char *why;		/* not verified: a text */
	/* Only with a verified client certificate: what auth asks keyd to
	 * check before it believes the above (RFC 4422 EXTERNAL). */
	const char *voucher;
};

struct tls_server_in {
	const char *service;		/* smtp, lmtp, pop3, imap, sieve: picks
					 * ALPN names; for the log */
	const char *client_addr, *session;
	bool ask_certificate;		/* of the client */
	int64_t timeout;		/* ms for the handshake */
};
/* errors: 4.7.0 handshake failed (text says why), 4.3.2 too many sessions,
 * 4.3.5 no certificate */
extern const struct verb_def tls_server;	/* fd in, fd out */

/* what a client demands of a server's certificate */
#define TLS_VERIFY "none|pkix|fingerprint|dane"
enum { TLS_NONE, TLS_PKIX, TLS_FINGERPRINT, TLS_DANE };
#define TLS_MIN "any|TLSv1.2|TLSv1.3"
enum { TLS_MIN_ANY, TLS_MIN_1_2, TLS_MIN_1_3 };
struct tls_client_in {
	const char *service, *session;
	const char *sni;		/* "" none */
	int verify;
	struct strlist names;		/* pkix, dane: one of them must match */
	struct strlist fingerprints;	/* SHA-256 of certificate or key, hex */
	struct strlist tlsa;		/* "usage selector type HEX" */
	const char *alpn;
	int min;			/* version: TLS_MIN_... */
	bool lenient;			/* a certificate that does not fulfil
					 * this is a fact, not an error */
	int64_t timeout;
};
/* how the text of 4.7.5, or `why` of the facts, begins */
#define TLS_WHY_EXPIRED "certificate: certificate has expired"
#define TLS_WHY_NAME "certificate: hostname mismatch"
#define TLS_WHY_ADDRESS "certificate: IP address mismatch"
#define TLS_WHY_CERTIFICATE "certificate: "
#define TLS_WHY_TLSA "no TLSA record can be used"
/* errors: 4.7.5 not verified, 4.7.0 handshake failed */
extern const struct verb_def tls_client;	/* fd in, fd out */

struct tls_stat_out {
	int64_t sessions, handshakes, failed, resumed;	/* since start */
	int64_t certificates;
};
extern const struct verb_def tls_stat;
extern const struct verb_def *const tls_verbs[];	/* NULL ends */

#endif
