/*
 * ext_enhancedstatuscodes.c - RFC 2034: reply() writes the codes, whether
 * EHLO was said or HELO.
 */
#include "ext.h"

const struct ext ext_enhancedstatuscodes = {
	.keyword = "ENHANCEDSTATUSCODES"
};
