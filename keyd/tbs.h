/*
 * tbs.h - is this what the server of a TLS handshake signs?  A key that
 * signs nothing else is of no use for anything else, whoever asks.
 */
#ifndef KEYD_TBS_H
#define KEYD_TBS_H

#include "base/str.h"

enum tbs { TBS_NONE, TBS_12, TBS_13 };

/* TBS_13: CertificateVerify of a server (RFC 8446 4.4.3).  TBS_12: the
 * randoms and parameters of ServerKeyExchange, ECDHE (RFC 8422 5.4) or DHE
 * (RFC 5246 7.4.3); TLS 1.0 and 1.1 sign the same. */
enum tbs tbs_kind(struct slice tbs);

enum key_type { KEY_NONE, KEY_RSA, KEY_EC, KEY_ED25519 };
/* How a SignatureScheme (RFC 8446 4.2.3) is done: its key, its digest ("" none)
 * and padding.  weak: SHA-1 and MD5 with SHA-1, which only TLS before 1.2
 * needs; the latter has no number and is SCHEME_MD5_SHA1 here. */
struct scheme {
	int64_t number;
	enum key_type key;
	const char *digest;
	bool pss, only_12, weak;
};
enum { SCHEME_MD5_SHA1 = 0 };
const struct scheme *scheme_find(int64_t number);	/* or NULL */

#endif
