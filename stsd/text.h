/*
 * text.h - what others wrote: policies (RFC 8461 section 3.2) and TXT records
 * (RFC 8461 section 3.1, RFC 8460 section 3).  Nothing of it is believed
 * before it was parsed whole.
 */
#ifndef STSD_TEXT_H
#define STSD_TEXT_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/sts.h"

enum { ID_MAX = 32, MAX_AGE_MAX = 31557600, RUA_MAX = 4, URI_MAX = 1000 };

struct sts_text {
	enum sts_mode mode;
	struct strlist mx;	/* in small letters */
	int64_t max_age;	/* seconds, at most MAX_AGE_MAX */
};
/* 1; -1: err_perm, it is no policy */
int policy_parse(struct slice body, struct arena *a, struct sts_text *r,
    struct err *err);
/* the lines of such a policy, for reports; appended */
void policy_lines(const struct sts_text *p, struct arena *a,
    struct strlist *lines);

/* Of all TXT records of _mta-sts.DOMAIN: 1 exactly one is of STSv1, and has
 * this id; 0 there is none; -1: err, as if there were none */
int sts_txt(const struct strlist *rr, char id[ID_MAX + 1], struct err *err);
/* Of those of _smtp._tls.DOMAIN: 1 and its mailto: and https: URIs, at most
 * RUA_MAX; 0 none; -1: err, as if there were none */
int tlsrpt_txt(const struct strlist *rr, struct arena *a, struct strlist *rua,
    struct err *err);
/* the address of a mailto: URI, percent-decoded; false: it has none that
 * could be used */
bool mailto_address(const char *uri, struct arena *a, const char **addr_r);

/* a next hop that can have a policy: in small letters without a last dot, in
 * the arena; NULL: an address, a single label, or no name at all */
const char *domain_name(const char *z, struct arena *a);
/* the same for a pattern of a policy, which may begin with "*." */
bool pattern_valid(struct slice s);

#endif
