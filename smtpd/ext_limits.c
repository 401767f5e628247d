/*
 * ext_limits.c - RFC 9422: clients need not run into the limits to know them.
 */
#include "ext.h"

static void
limits_args(const struct session *s UNUSED, struct str *out)
{
	str_adds(out, " MAILMAX=");
	str_addi(out, conf.transactions);
	str_adds(out, " RCPTMAX=");
	str_addi(out, conf.recipients);
}

const struct ext ext_limits = {
	.keyword = "LIMITS",
	.args = limits_args,
};
