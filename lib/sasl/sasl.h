/*
 * sasl.h - the server's side of SASL (RFC 4422), without any I/O.
 *
 * A mechanism takes the client's decoded responses and yields challenges.
 * PLAIN and LOGIN end with a name and a password that the caller (auth, alone)
 * then checks; the others ask for what is stored by the functions of a struct
 * sasl_host and end with a name that is proven.  Base64, the `*` that cancels
 * and line limits belong to the protocol.  `struct sasl` holds secrets: call
 * sasl_wipe on every way out.  One exchange, one struct; a failed one is never
 * used again.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "base/err.h"
#include "base/str.h"
#include "sasl/scram.h"

#define SASL_NAME_MAX 255	/* bytes of authcid and of authzid */
#define SASL_PASSWORD_MAX 511	/* what crypt(3) takes */
#define SASL_RESPONSE_MAX 1200	/* of a decoded response; 1600 in base64 */
#define SASL_TOKEN_MAX 9216	/* the same of OAUTHBEARER and XOAUTH2; 12288 */
enum { SASL_KEYS_MAX = 32, SASL_BINDING_MAX = 128 };

enum sasl_result { SASL_MORE, SASL_DONE, SASL_FAIL };

/* What SCRAM checks a proof against: salt and iterations of key[0] hold for
 * all of them.  A made-up one lets nobody in. */
struct sasl_keys {
	size_t n;
	bool made_up;
	struct scram_verifier key[SASL_KEYS_MAX];
};

struct sasl;
/* Each is about s->authcid, which is set, or sets it.  -1: trouble of ours,
 * which the host remembers; the exchange fails. */
struct sasl_host {
	/* always at least one key: made up where there is no such account, so
	 * that a client can not tell */
	int (*scram)(struct sasl *s, enum scram_hash hash,
	    struct sasl_keys *keys);
	/* 1; 0: there is none (then half is noise) */
	int (*cram)(struct sasl *s, unsigned char half[32]);
	/* Whose is the token?  1 and s->authcid; 0: nobody's */
	int (*token)(struct sasl *s, struct slice token);
	/* Whose is the client's certificate?  The same */
	int (*certificate)(struct sasl *s);
};

/* what is below: no binding has length 0 */
struct sasl_channel {
	unsigned char exporter[SASL_BINDING_MAX], end_point[SASL_BINDING_MAX];
	size_t exporter_len, end_point_len;
	bool plus;		/* mechanisms -PLUS were offered */
};

/* of a SCRAM exchange */
struct sasl_scram {
	size_t header_len, bare_len, first_len, nonce_len;
	const unsigned char *binding;
	size_t binding_len;
	char header[SASL_NAME_MAX + 40];	/* gs2-header */
	char nonce[256];			/* the client's and ours */
	/* AuthMessage as it grows: client-first-message-bare, ... */
	char message[2 * SASL_RESPONSE_MAX + 600];
	size_t message_len;
	struct sasl_keys keys;
};

struct sasl_mech;
struct sasl {
	const struct sasl_mech *mech;
	const struct sasl_host *host;
	void *ctx;			/* the host's */
	struct sasl_channel channel;
	int state;
	const char *why;	/* after SASL_FAIL: a text for the log */
	/* after SASL_DONE: valid UTF-8, not empty, names without controls */
	char authcid[SASL_NAME_MAX + 1];
	char authzid[SASL_NAME_MAX + 1];	/* "": as authcid */
	char password[SASL_PASSWORD_MAX + 1];
	bool proven;		/* there is no password to be checked */
	size_t key;		/* proven by SCRAM: which of the keys */
	char challenge[64];	/* of CRAM-MD5 */
	struct sasl_scram scram;
};

/* registry.c: by name, ASCII case folded; NULL: unknown */
const struct sasl_mech *sasl_mech_any(struct slice name);
/* the i-th, in the order in which they are offered; NULL ends */
const struct sasl_mech *sasl_mech_at(size_t i);
/* Facts for the exchanges to come; sasl_start keeps them, sasl_wipe not. */
void sasl_set(struct sasl *s, const struct sasl_host *host, void *ctx,
    const struct sasl_channel *channel);
/*
 * Begin; initial is the initial response, NULL where the client gave none
 * (an empty one is not none).  SASL_MORE: send what was appended to challenge
 * (for PLAIN nothing: an empty challenge) and give the answer to sasl_step.
 * SASL_DONE: proven, or check the password; then whether authcid may act as
 * authzid.  SASL_FAIL: s->why.
 */
enum sasl_result sasl_start(struct sasl *s, const struct sasl_mech *mech,
    const struct slice *initial, struct str *challenge);
enum sasl_result sasl_step(struct sasl *s, struct slice response,
    struct str *challenge);
void sasl_wipe(struct sasl *s);		/* zeroes all, the password first */

/* --- for those who write a mechanism: mech_NAME.c, one line in sasl.c --- */
enum {
	MECH_CLEAR = 1,		/* the password, or what is as good, is sent */
	MECH_PLUS = 2,		/* needs a channel binding */
	MECH_TOKEN = 4,		/* long responses */
	MECH_CERTIFICATE = 8	/* needs a client's certificate */
};
struct sasl_mech {
	const char *name;
	/* s->state is 0 at the start, else what the mechanism made of it;
	 * response.p == NULL: the client gave no initial response */
	enum sasl_result (*step)(struct sasl *s, struct slice response,
	    struct str *challenge);
	unsigned flags;
	enum scram_hash hash;
};
extern const struct sasl_mech sasl_mech_plain, sasl_mech_login,
    sasl_mech_scram_sha256_plus, sasl_mech_scram_sha256,
    sasl_mech_scram_sha1_plus, sasl_mech_scram_sha1, sasl_mech_external,
    sasl_mech_oauthbearer, sasl_mech_xoauth2, sasl_mech_cram_md5;
enum sasl_result sasl_fail(struct sasl *s, const char *why);
/* copy what the client said into s, checked: 0, or -1 with s->why */
int sasl_take_name(struct sasl *s, char dst[SASL_NAME_MAX + 1],
    struct slice name);
int sasl_take_password(struct sasl *s, struct slice password);
/* a saslname of RFC 5801: =2C and =3D inside; 0 or -1 */
int sasl_take_saslname(struct sasl *s, char dst[SASL_NAME_MAX + 1],
    struct slice name);

#endif
