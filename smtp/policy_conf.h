/*
 * policy_conf.h - options of how much TLS.
 */
#ifndef SMTP_POLICY_CONF_H
#define SMTP_POLICY_CONF_H

#include "base/field.h"

struct policy_conf {
	int level;			/* enum tls_level */
	const char *table;		/* next hop: level and what goes with
					 * it */
	bool mta_sts, reports;
	int64_t sts_timeout;
};
#define POLICY_FIELDS(st, m) \
	{ "tls_level", FIELD_ENUM, 0, offsetof(st, m.level), "dane", 0, 0, \
	    "none|may|encrypt|verify|secure|fingerprint|dane|dane-only", \
	    "what is demanded of servers" }, \
	{ "tls_policy", FIELD_STR, 0, offsetof(st, m.table), "", 0, 0, 0, \
	    "table of next hops: tls_level of each, with its names" }, \
	{ "mta_sts", FIELD_BOOL, 0, offsetof(st, m.mta_sts), "yes", 0, 0, 0, \
	    "ask stsd for the policies of domains" }, \
	{ "sts_timeout", FIELD_TIME, 0, offsetof(st, m.sts_timeout), "60s", \
	    "1s", "10m", 0, "for a policy that has to be fetched" }, \
	{ "tls_reports", FIELD_BOOL, 0, offsetof(st, m.reports), "yes", 0, 0, \
	    0, "tell stsd how TLS sessions went" }

/* Before the jail; conf stays the caller's and where it is.  0 or -1 */
int policy_start(const struct policy_conf *conf, struct err *err);
/* is the configuration good?  0 or -1 */
int policy_check(const struct policy_conf *conf, struct err *err);

#endif
