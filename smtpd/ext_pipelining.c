/*
 * ext_pipelining.c - RFC 2920.  Nothing to do but to say so: struct io reads
 * ahead and holds replies back until it would wait for the client.
 */
#include "ext.h"

const struct ext ext_pipelining = { .keyword = "PIPELINING" };
