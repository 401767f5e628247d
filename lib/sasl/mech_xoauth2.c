/*
 * mech_xoauth2.c - XOAUTH2, which was there before RFC 7628 and which clients
 * of large providers still speak:
 *   user=ann@example.org^Aauth=Bearer TOKEN^A^A
 */
#include "sasl/token.h"

static enum sasl_result
xoauth2_step(struct sasl *s, struct slice response, struct str *challenge)
{
	struct slice rest = response, user, auth, token, empty;

	if (s->state == TOKEN_REFUSED)
		return sasl_fail(s, s->why);
	if (response.p == NULL)
		return SASL_MORE;
	if (!slice_cut(&rest, '\1', &user) || !slice_cut(&rest, '\1',
	    &auth) || !slice_cut(&rest, '\1', &empty) || empty.n > 0 ||
	    rest.n > 0 || !slice_starts(user, "user=") ||
	    !slice_starts(auth, "auth="))
		return sasl_fail(s, "malformed response");
	if (user.n == 5)
		return sasl_fail(s, "empty name");
	if (sasl_take_name(s, s->authzid, slice_sub(user, 5, user.n)) < 0)
		return SASL_FAIL;
	if (!token_of(slice_sub(auth, 5, auth.n), &token))
		return sasl_fail(s, "malformed response");
	return token_check(s, token, "{\"status\":\"401\","
	    "\"schemes\":\"bearer\",\"scope\":\"\"}", challenge);
}

const struct sasl_mech sasl_mech_xoauth2 = { "XOAUTH2", xoauth2_step,
	MECH_CLEAR | MECH_TOKEN, 0 };
