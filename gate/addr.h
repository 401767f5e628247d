/*
 * addr.h - addresses as sixteen bytes, IPv4 mapped into IPv6, so that they are
 * keys; and networks that are compared often.
 */
#ifndef GATE_ADDR_H
#define GATE_ADDR_H

#include "base/err.h"
#include "base/field.h"

struct sockaddr;
struct addr { unsigned char b[16]; };
enum { ADDR_TEXT = 64 };

/* false: it is of no such family; port_r may be NULL */
bool addr_of(const struct sockaddr *sa, struct addr *a, int *port_r);
bool addr_parse(struct slice s, struct addr *a);
void addr_v4(struct addr *a, const unsigned char ip[4]);
bool addr_is_v4(const struct addr *a);
/* as inet_ntop prints it, an IPv4 address as such; returns out */
const char *addr_text(const struct addr *a, char out[ADDR_TEXT]);
/* its network, bits behind the prefix zero */
struct addr addr_network(const struct addr *a, int v4_prefix, int v6_prefix);
/* the same with its prefix, "192.0.2.0/24" */
const char *addr_network_text(const struct addr *a, int v4_prefix,
    int v6_prefix, char out[ADDR_TEXT]);

/* a list as base/networks.h has it, parsed once */
struct nets {
	struct net { struct addr a; unsigned bits; } *v;
	size_t n;
};
/* 0, or -1: err names the word */
int nets_parse(const struct strlist *words, struct nets *n, struct err *err);
bool nets_have(const struct nets *n, const struct addr *a);
void nets_free(struct nets *n);

#endif
