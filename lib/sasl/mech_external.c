/*
 * mech_external.c - EXTERNAL, RFC 4422 appendix A: the client is known by its
 * certificate, the response names who it wants to act as, or nobody.
 */
#include "sasl/sasl.h"

static enum sasl_result
external_step(struct sasl *s, struct slice response,
    struct str *challenge UNUSED)
{
	int r;

	if (response.p == NULL)
		return SASL_MORE;
	if (sasl_take_name(s, s->authzid, response) < 0)
		return SASL_FAIL;
	r = s->host != NULL ? s->host->certificate(s) : 0;
	if (r < 0)
		return sasl_fail(s, "the certificate could not be checked");
	if (r == 0)
		return sasl_fail(s, s->why != NULL ? s->why :
		    "a certificate of nobody");
	s->proven = true;
	return SASL_DONE;
}

const struct sasl_mech sasl_mech_external = { "EXTERNAL", external_step,
	MECH_CERTIFICATE, 0 };
