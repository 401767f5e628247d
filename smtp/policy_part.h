/*
 * policy_part.h - inside the policy: row.c reads the table, dane.c asks for
 * TLSA records, count.c tells stsd.
 */
#ifndef SMTP_POLICY_PART_H
#define SMTP_POLICY_PART_H

#include "policy.h"
#include "policy_conf.h"

extern const struct policy_conf *policy_conf;

/* --- row.c --- */
/*
 * A row of tls_policy: a level, then match=NAME:NAME..., min=1.2|1.3 and, for
 * fingerprint, SHA-256 digests in hex, colons between the bytes or not.  0, or
 * -1: err_temp 4.3.5.
 */
int row_parse(const char *text, struct arena *a, struct domain_policy *p,
    struct err *err);
/* RFC 8461 section 4.1: * stands for the first label, and only as a whole */
bool sts_match(const char *pattern, const char *host);

/* --- dane.c --- */
struct dane {
	const char *base;	/* that has the records */
	struct strlist usable;	/* RFC 7672 section 3.1 */
	struct strlist all;	/* for reports */
};
/* 1 there are proven records; 0 there are none; -1: it can not be said, the
 * host is not to be used: err_temp.  *bogus_r: for it was proven false */
int dane_find(const struct target *t, const char *session, struct arena *a,
    struct dane *d, bool *bogus_r, struct err *err);

#endif
