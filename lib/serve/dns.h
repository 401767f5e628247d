/*
 * dns.h - asking dnsd.  Questions that belong together are asked together.
 */
#ifndef SERVE_DNS_H
#define SERVE_DNS_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/dns.h"

struct dns_answer {
	enum dns_status status;
	bool secure;
	int64_t ttl;		/* seconds */
	const char *canon;	/* "" unless it is known */
	const char *const *rr;	/* n records as proto/dns.h has them */
	size_t n;
	const char *why;
};
struct dns_question {
	const char *name;
	enum dns_type type;
	struct dns_answer a;
};
/*
 * Ask n questions (at most DNS_QUESTIONS) and fill their answers, whose
 * strings go to the arena.  session may be "".  0, each with its status; or
 * -1: dnsd is not there (err_temp 4.4.3).
 */
int dns_ask(struct dns_question *q, size_t n, int timeout_ms,
    const char *session, struct arena *a, struct err *err);
/* What an answer that is not DNS_OK means for a delivery: no such name
 * err_perm 5.1.2, no such record err_perm 5.1.2, all else err_temp 4.4.3, with
 * a text that names the question.  -1 */
int dns_err(const struct dns_question *q, struct err *err);
/* in-addr.arpa or ip6.arpa name of an address; false: it is none */
bool dns_reverse_name(const char *addr, struct str *out);
const char *dns_type_name(enum dns_type type);	/* "MX" */
/* "MX", "mx", "15", "TYPE15"; false: no such type */
bool dns_type_find(const char *word, enum dns_type *type_r);
const char *dns_status_name(enum dns_status s);		/* "nxdomain" */

/*
 * The name of a client is asked for when it comes, and wanted later: one at a
 * time.  Where dnsd does not answer, there is none, and it is not asked again
 * for a while.
 */
void dns_client_ask(const char *addr, int timeout_ms, const char *session);
/* Append the name: 1; 0 there is none, or (wait false) none yet.  Waits for as
 * long as was said when it was asked. */
int dns_client_name(struct str *out, bool wait);
/* the answer is not wanted any more */
void dns_client_drop(void);

/* Connections are few: who may be silent for long gives his back. */
void dns_release(void);

#endif
