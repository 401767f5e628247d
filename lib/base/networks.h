/*
 * networks.h - is an address in one of the networks of a list?
 *
 * A word is an address or a prefix with a mask: 192.0.2.0/24, 2001:db8::/32,
 * also in brackets.  An IPv4 address that was mapped into IPv6 is the IPv4
 * address.  Bits behind the mask must be zero: who writes 192.0.2.5/8 means
 * something else than 192.0.0.0/8.
 */
#ifndef BASE_NETWORKS_H
#define BASE_NETWORKS_H

#include "base/err.h"
#include "base/field.h"

/* are all words networks?  0, or -1: err names the word and the hint */
int networks_check(const struct strlist *l, struct err *err);
/* addr as inet_ntop prints it; what is no address is in none */
bool networks_has(const struct strlist *l, const char *addr);

#endif
