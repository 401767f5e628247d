/*
 * dns.h - dnsd: the validating, caching resolver of the suite.
 *
 * What happened is told apart up to whoever decides: no such name, no such
 * record, servers that fail, an answer that DNSSEC proves false, no answer in
 * time.  Only the first two are facts; the others are trouble that passes.
 *
 * Programs use serve/dns.h.
 */
#ifndef PROTO_DNS_H
#define PROTO_DNS_H

#include "ipc/ipc.h"

enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_PTR = 12,
	DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33,
	DNS_TLSA = 52 };
#define DNS_STATUS "ok|nodata|nxdomain|servfail|bogus|timeout"
enum dns_status { DNS_OK, DNS_NODATA, DNS_NXDOMAIN, DNS_SERVFAIL, DNS_BOGUS,
	DNS_TIMEOUT };

/* Several questions at once: parallel lists, at most DNS_QUESTIONS. */
enum { DNS_QUESTIONS = 64 };
struct dns_query_in {
	struct strlist name;	/* with or without the dot at the end; labels
				 * outside ASCII are made A-labels */
	struct strlist type;	/* enum dns_type as a number */
	int64_t timeout;	/* ms for all of them; 0: dnsd's own */
	const char *session;	/* for the log */
};
/* one more record for each question, as it is known; then ok */
struct dns_query_more {
	int64_t i;		/* index of the question */
	int status;		/* enum dns_status */
	bool secure;		/* proven by DNSSEC: the records, or that there
				 * are none, and each CNAME on the way */
	int64_t ttl;		/* seconds */
	const char *canon;	/* the name that has the records, in small
				 * letters, behind all CNAMEs */
	/*
	 * Records as text; names in small letters without a dot at their end,
	 * the root is ".":  A, AAAA address;  MX "10 host";  CNAME, PTR, NS
	 * name;  SRV "priority weight port host";  TLSA "3 1 1 HEX" in
	 * small letters;  TXT its strings joined, a byte outside 0x20 to 0x7e
	 * and \ as \DDD;  any other type "\# LENGTH HEX".
	 */
	struct strlist rr;
	const char *why;	/* of servfail, bogus, timeout */
};
extern const struct verb_def dns_query;		/* VERB_AGAIN */

/* The name of a client: its PTR, where that name has the client's address.
 * The answer comes when it is known or the time is over. */
struct dns_client_in {
	const char *addr;
	int64_t timeout;	/* ms; 0: dnsd's own */
	const char *session;	/* for the log */
};
struct dns_client_out {
	const char *name;	/* "": it has none, or not in time */
};
extern const struct verb_def dns_client;

struct dns_stat_out {
	int64_t queries, cached, failed, bogus, timeouts, under_way;
};
extern const struct verb_def dns_stat;
/* forget a name and what is below it; "." all */
struct dns_flush_in { const char *name; };
extern const struct verb_def dns_flush;
extern const struct verb_def *const dns_verbs[];	/* NULL ends */

#endif
