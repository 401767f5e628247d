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

/* one network or address; IPv4 is mapped, ::ffff:a.b.c.d, with 96 bits more */
struct network {
	unsigned char ip[16];
	unsigned bits;
};
/* NULL, or the reason why it is none */
const char *network_parse(struct slice s, struct network *n);
/* an address alone, IPv4 mapped as above */
bool network_address(struct slice s, unsigned char ip[16]);
bool network_is_v4(const unsigned char ip[16]);

#endif
