/*
 * proxy.h - the header of the PROXY protocol, versions 1 and 2, as a load
 * balancer sends it in front of all that a client says.
 */
#ifndef GATE_PROXY_H
#define GATE_PROXY_H

#include "addr.h"

enum { PROXY_MAX = 4096 };	/* bytes of a header */

struct proxy {
	int version;
	bool local;		/* the proxy speaks for itself, or for whom it
				 * does not know: addresses of the connection */
	struct addr from, to;
	int from_port, to_port;	/* 1..65535 */
};

/* The length of the header that p begins with; 0: more of it must come, and
 * all n bytes are of it; -1: it is none, *why says how.  What is behind the
 * header is not looked at. */
int proxy_parse(const char *p, size_t n, struct proxy *out,
    const char **why);

#endif
