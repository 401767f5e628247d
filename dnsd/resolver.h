/*
 * resolver.h - what dnsd.conf says, for libunbound.
 */
#ifndef DNSD_RESOLVER_H
#define DNSD_RESOLVER_H

#include "base/err.h"

struct ub_ctx;

/* read the files that the configuration names; 0 or -1 */
int options_load(struct err *err);
/* the ports that it names may be connected to */
void options_ports(void);
int options_set(struct ub_ctx *ub, struct err *err);

#endif
