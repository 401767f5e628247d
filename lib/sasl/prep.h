/*
 * prep.h - a password as both sides of SCRAM must hash it (RFC 5802 5.1: the
 * SASLprep profile, RFC 4013).
 *
 * ASCII stays as it is.  Else: characters of table B.1 are dropped, other
 * spaces become U+0020, the whole is normalized to NFKC; what holds controls,
 * noncharacters, private use, surrogates or code points that are not assigned
 * is refused.  Not done: the rule for right-to-left text (RFC 3454 6), which
 * only tells whether a string looks odd.
 */
#ifndef SASL_PREP_H
#define SASL_PREP_H

#include "base/str.h"

/* appended: 1, or 0: it can be no password (empty, no UTF-8, or as above) */
int prep_password(struct slice in, struct str *out);

#endif
