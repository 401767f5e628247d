/*
 * registry.c - all mechanisms: only auth needs them.
 */
#include "sasl/sasl.h"

/* TO ADD A MECHANISM: write mech_NAME.c, declare it in sasl.h, add it here;
 * the order is that in which they are offered. */
static const struct sasl_mech *const mechs[] = {
	&sasl_mech_scram_sha256_plus,
	&sasl_mech_scram_sha256,
	&sasl_mech_scram_sha1_plus,
	&sasl_mech_scram_sha1,
	&sasl_mech_external,
	&sasl_mech_oauthbearer,
	&sasl_mech_xoauth2,
	&sasl_mech_cram_md5,
	&sasl_mech_plain,
	&sasl_mech_login,
};

const struct sasl_mech *
sasl_mech_at(size_t i)
{
	return i < ARRAY_LEN(mechs) ? mechs[i] : NULL;
}

const struct sasl_mech *
sasl_mech_any(struct slice name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(mechs); i++)
		if (slice_ieqz(name, mechs[i]->name))
			return mechs[i];
	return NULL;
}
