/*
 * mech_plain.c - PLAIN, RFC 4616: [authzid] NUL authcid NUL passwd.
 * Without an initial response the challenge is empty.
 */
#include "sasl/sasl.h"

static enum sasl_result
plain_step(struct sasl *s, struct slice response,
    struct str *challenge UNUSED)
{
	struct slice rest = response, authzid, authcid;

	if (response.p == NULL)
		return SASL_MORE;
	if (!slice_cut(&rest, '\0', &authzid) || rest.p == NULL ||
	    !slice_cut(&rest, '\0', &authcid) || rest.p == NULL)
		return sasl_fail(s, "malformed response");
	if (authcid.n == 0)
		return sasl_fail(s, "empty name");
	if (sasl_take_name(s, s->authzid, authzid) != 0 ||
	    sasl_take_name(s, s->authcid, authcid) != 0 ||
	    sasl_take_password(s, rest) != 0)
		return SASL_FAIL;
	return SASL_DONE;
}

const struct sasl_mech sasl_mech_plain = { "PLAIN", plain_step,
	MECH_CLEAR, 0 };
