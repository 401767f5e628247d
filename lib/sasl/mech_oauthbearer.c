/*
 * mech_oauthbearer.c - OAUTHBEARER, RFC 7628:
 *   n,a=user@example.org,^Ahost=...^Aport=...^Aauth=Bearer TOKEN^A^A
 */
#include "sasl/token.h"

/* the pairs behind the header, each ended by ^A, and one more */
static int
take_pairs(struct slice rest, struct slice *token)
{
	bool found = false;
	struct slice pair;

	if (rest.n < 2 || rest.p[0] != '\1' || rest.p[rest.n - 1] != '\1' ||
	    rest.p[rest.n - 2] != '\1')
		return 0;
	rest = slice_sub(rest, 1, rest.n - 3);
	while (slice_cut(&rest, '\1', &pair)) {
		if (pair.n == 0 && rest.p == NULL)
			break;
		if (slice_find(pair, '=') == pair.n)
			return 0;
		if (!slice_starts(pair, "auth="))
			continue;
		if (found || !token_of(slice_sub(pair, 5, pair.n), token))
			return 0;
		found = true;
	}
	return found;
}

static enum sasl_result
oauthbearer_step(struct sasl *s, struct slice response,
    struct str *challenge)
{
	struct slice rest = response, flag, authzid, token;

	if (s->state == TOKEN_REFUSED)
		return sasl_fail(s, s->why);
	if (response.p == NULL)
		return SASL_MORE;
	if (!slice_cut(&rest, ',', &flag) || !slice_cut(&rest, ',',
	    &authzid) || rest.p == NULL)
		return sasl_fail(s, "malformed response");
	if (!slice_eqz(flag, "n") && !slice_eqz(flag, "y"))
		return sasl_fail(s, "a channel binding without -PLUS");
	if (authzid.n > 0 && (!slice_starts(authzid, "a=") ||
	    sasl_take_saslname(s, s->authzid,
	    slice_sub(authzid, 2, authzid.n)) < 0))
		return sasl_fail(s, "malformed name");
	if (!take_pairs(rest, &token))
		return sasl_fail(s, "malformed response");
	return token_check(s, token, "{\"status\":\"invalid_token\"}",
	    challenge);
}

const struct sasl_mech sasl_mech_oauthbearer = { "OAUTHBEARER",
	oauthbearer_step, MECH_CLEAR | MECH_TOKEN, 0 };
