/*
 * policy.h - how much TLS does a server need?  The configured level of the
 * next hop, DANE (RFC 7672), MTA-STS (RFC 8461): DANE wins where a server has
 * TLSA records that are proven.  What happened is counted for TLSRPT.
 */
#ifndef SMTP_POLICY_H
#define SMTP_POLICY_H

#include "proto/sts.h"
#include "proto/tls.h"
#include "target.h"

#define TLS_LEVELS "none|may|encrypt|verify|secure|fingerprint|dane|dane-only"
enum tls_level { LEVEL_NONE, LEVEL_MAY, LEVEL_ENCRYPT, LEVEL_VERIFY,
	LEVEL_SECURE, LEVEL_FINGERPRINT, LEVEL_DANE, LEVEL_DANE_ONLY };

/* what holds for the next hop, whichever of its servers is taken */
struct domain_policy {
	enum tls_level level;	/* configured */
	struct strlist names, fingerprints;	/* of the row, if any */
	int min;		/* TLS_MIN_...: of the row */
	bool requiretls;	/* of the message: at least `secure`, and the
				 * next server must offer REQUIRETLS */
	const char *sender;	/* of the message; set by who knows it: stsd
				 * counts no sessions that bring its reports */
	struct sts_policy_out sts;	/* mode none: there is none */
};
/* 0; -1: err_temp, it can not be said */
int policy_domain(const struct targets *t, bool requiretls,
    const char *session, struct arena *a, struct domain_policy *p,
    struct err *err);

/* RFC 8689 section 4.2.2: what the next hop demands does not count; what an
 * administrator does, does */
void policy_ignore(struct domain_policy *p);

/* for one server */
struct tls_policy {
	enum tls_level level;	/* the one in force; STS enforce: secure */
	bool starttls;		/* no STARTTLS, no delivery here */
	bool fallback;		/* TLS failed: again without it is allowed */
	struct tls_client_in in;	/* for tls_connect */
	enum sts_kind kind;	/* for reports */
	struct strlist text, mx;
	bool testing;		/* STS testing: a failure is only counted; a
				 * certificate that is not good is a fact, see
				 * policy_done */
	bool counted;		/* a failure was told before we connected */
	const char *sender;
	const char *why;	/* "dane", "sts", "configured": for the log */
};
/* 1: use it with *p; 0: not this server, err says why (temporary) and it is
 * counted */
int policy_target(const struct domain_policy *d, const struct targets *all,
    const struct target *t, const char *session, struct arena *a,
    struct tls_policy *p, struct err *err);
/* tell stsd of a session that failed: where there was no STARTTLS, why may be
 * NULL; what is not about TLS (why is no 4.7.x) is not told */
void policy_count(const struct tls_policy *p, const struct targets *all,
    const struct target *t, const char *local, const char *helo,
    enum sts_result result, const struct err *why);
/* may the server be tried again without TLS?  Only where the handshake failed,
 * not where we could not even begin one */
bool policy_fallback(const struct tls_policy *p, const struct err *why);
/* which result is a failure that tlsd told */
enum sts_result policy_result(const struct tls_policy *p,
    const struct err *why);
/* tell stsd of a session whose handshake is done: good, or, in testing, what
 * would have been wrong */
void policy_done(const struct tls_policy *p, const struct targets *all,
    const struct target *t, const char *local, const char *helo,
    const struct tls_facts_out *facts);

#endif
