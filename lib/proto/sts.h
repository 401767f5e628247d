/*
 * sts.h - stsd: what the domains of others say of TLS to their servers, and
 * how it went.  MTA-STS policies (RFC 8461) are fetched and kept; results of
 * TLS sessions are counted for their reports (RFC 8460).
 */
#ifndef PROTO_STS_H
#define PROTO_STS_H

#include "ipc/ipc.h"

#define STS_MODES "none|testing|enforce"
enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

/* The policy that holds for a next-hop domain now.  mode none: there is no
 * policy, or it could not be had (RFC 8461 section 3.3: as if there were
 * none).  May take as long as a fetch, at most `timeout`. */
struct sts_policy_in { const char *domain; const char *session;
	int64_t timeout /* ms */; };
struct sts_policy_out {
	int mode;		/* enum sts_mode */
	struct strlist mx;	/* "mail.example.com", "*.example.net" */
	int64_t max_age;	/* seconds that are left */
	struct strlist text;	/* lines of the policy, for reports */
};
/* errors: 4.4.3 it can not be said (dnsd or our cache is away) */
extern const struct verb_def sts_policy;

/* A TLS session to a server of others, or its failure: RFC 8460 section 4.3. */
#define STS_KINDS "no-policy-found|tlsa|sts"
enum sts_kind { STS_NO_POLICY, STS_TLSA, STS_STS };
#define STS_RESULTS "success|starttls-not-supported|" \
	"certificate-host-mismatch|certificate-expired|" \
	"certificate-not-trusted|validation-failure|tlsa-invalid|" \
	"dnssec-invalid|dane-required|sts-policy-fetch-error|" \
	"sts-policy-invalid|sts-webpki-invalid"
enum sts_result { STS_SUCCESS, STS_NO_STARTTLS, STS_HOST_MISMATCH, STS_EXPIRED,
	STS_NOT_TRUSTED, STS_VALIDATION, STS_TLSA_INVALID, STS_DNSSEC_INVALID,
	STS_DANE_REQUIRED, STS_FETCH_ERROR, STS_POLICY_INVALID,
	STS_WEBPKI_INVALID };
struct sts_count_in {
	const char *domain;	/* next hop */
	int kind;		/* enum sts_kind */
	struct strlist policy;	/* its lines, or TLSA records */
	struct strlist mx;	/* patterns of the policy, or MX names */
	int result;		/* enum sts_result */
	int64_t n;		/* sessions */
	const char *source;	/* our address */
	const char *mx_host, *mx_helo, *mx_addr;	/* theirs */
	const char *reason;	/* text: why */
	const char *sender;	/* of the message: sessions that carry our own
				 * reports are not counted, RFC 8460 5.3 */
};
extern const struct verb_def sts_count;		/* VERB_NO_REPLY */

/* for `postrider tls-policy`: what is kept */
struct sts_list_more {
	const char *domain, *id;
	int mode;
	struct strlist mx;
	int64_t fetched, expires;	/* unix seconds */
	const char *why;	/* the last fetch failed */
};
extern const struct verb_def sts_list;
/* forget it, fetch it anew when it is asked for */
struct sts_refresh_in { const char *domain; };
extern const struct verb_def sts_refresh;
/* make the reports of a day (unix seconds within it; 0: yesterday) now */
struct sts_report_in { int64_t day; bool send; };
/* a long json comes in pieces: further ones have domain "" */
struct sts_report_more { const char *domain, *to, *json, *why; };
extern const struct verb_def sts_report;
extern const struct verb_def *const sts_verbs[];	/* NULL ends */

/* --- sts-fetch: what of this needs the network, asked by stsd alone --- */

/* GET https://mta-sts.DOMAIN/.well-known/mta-sts.txt, and what it says */
enum { STS_MX_MAX = 200, STS_MX_BYTES = 16384 };
struct sts_fetch_in { const char *domain; int64_t timeout /* ms */; };
struct sts_fetch_out {
	int result;	/* enum sts_result: success, or why there is none */
	const char *why;
	int mode;
	struct strlist mx;
	int64_t max_age;
};
extern const struct verb_def sts_fetch;
/* POST the file to an https: URL.  Errors: 4.x again later, 5.x refused */
struct sts_post_in { const char *url; const char *type; int64_t timeout; };
extern const struct verb_def sts_post;		/* fd in */
/* put the file into the queue, as a message to one recipient */
struct sts_mail_in { const char *sender, *to; };
struct sts_mail_out { const char *q; };
extern const struct verb_def sts_mail;		/* fd in */
extern const struct verb_def *const sts_fetch_verbs[];

#endif
