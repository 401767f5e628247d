/*
 * list.c - what everybody can do, for programs that do not ask auth which
 * mechanisms there are.
 */
#include "sasl/sasl.h"

static const struct sasl_mech *const mechs[] = { &sasl_mech_plain,
	&sasl_mech_login };

const struct sasl_mech *
sasl_mech_find(struct slice name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(mechs); i++)
		if (slice_ieqz(name, mechs[i]->name))
			return mechs[i];
	return NULL;
}

const char *
sasl_mech_name(const struct sasl_mech *mech)
{
	return mech->name;
}

void
sasl_mech_list(struct str *out)
{
	str_adds(out, "PLAIN LOGIN");
}
