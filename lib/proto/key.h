/*
 * key.h - keyd: holds private keys, signs what may be signed, and vouches for
 * certificates of clients.  No key ever leaves it.
 */
#ifndef PROTO_KEY_H
#define PROTO_KEY_H

#include "ipc/ipc.h"

/* one `more` for each certificate and its chain, in the order of keyd.conf */
struct key_cert_more {
	const char *id;		/* of the key: hex of its SHA-256 (SPKI) */
	struct strlist chain;	/* base64 DER, the host's own first */
	const char *staple;	/* base64 of an OCSP response, or "" */
};
/* generation: changes whenever a file did.  known: the caller's generation;
 * the answer waits (at most wait ms) until there is another one. */
struct key_certs_in { int64_t known; int64_t wait; };
struct key_certs_out { int64_t generation; };
extern const struct verb_def key_certs;		/* tlsd */

/* A TLS CertificateVerify (1.3) or ServerKeyExchange (1.2) and nothing else:
 * tbs is the data itself, and is looked at. */
struct key_sign_in {
	const char *id;
	int64_t scheme;		/* SignatureScheme, RFC 8446 4.2.3 */
	const char *tbs;	/* base64 */
};
struct key_sign_out { const char *signature; };	/* base64 */
/* errors: 5.7.0 not such a thing, 5.5.1 unknown key, 5.5.4 scheme */
extern const struct verb_def key_sign;		/* tlsd */

/* secrets of session tickets, the newest first: all tlsd have the same, and
 * each is forgotten after ticket_lifetime */
struct key_tickets_out {
	struct strlist keys;	/* base64 of 80 bytes: name, AES, HMAC */
	int64_t next;		/* ms until there is a new one */
};
extern const struct verb_def key_tickets;	/* tlsd */

/* A certificate of a client was verified in a session: a statement that auth
 * can have checked, and that is good for some minutes. */
struct key_vouch_in {
	const char *session, *fingerprint, *subject;
	struct strlist mailboxes;
};
struct key_vouch_out { const char *voucher; };
extern const struct verb_def key_vouch;		/* tlsd */
struct key_check_in { const char *voucher; };
extern const struct verb_def key_check;		/* auth; out: key_vouch_in */

extern const struct verb_def *const key_verbs[];	/* NULL ends */

#endif
