/*
 * mech_login.c - LOGIN, never standardized (draft-murchison-sasl-login-00)
 * and still what some clients know: the name and then the password, each
 * asked for.  The prompts are those that clients compare with.  A name that
 * comes with the command is taken; an empty one there is asked for.
 */
#include "sasl/sasl.h"

enum { START, ASKED_NAME, ASKED_PASSWORD };

static enum sasl_result
take_name(struct sasl *s, struct slice name, struct str *challenge)
{
	if (name.n == 0)
		return sasl_fail(s, "empty name");
	if (sasl_take_name(s, s->authcid, name) != 0)
		return SASL_FAIL;
	s->state = ASKED_PASSWORD;
	str_adds(challenge, "Password:");
	return SASL_MORE;
}

static enum sasl_result
login_step(struct sasl *s, struct slice response, struct str *challenge)
{
	switch (s->state) {
	case START:
		if (response.n > 0)
			return take_name(s, response, challenge);
		s->state = ASKED_NAME;
		str_adds(challenge, "Username:");
		return SASL_MORE;
	case ASKED_NAME:
		return take_name(s, response, challenge);
	default:
		if (sasl_take_password(s, response) != 0)
			return SASL_FAIL;
		return SASL_DONE;
	}
}

const struct sasl_mech sasl_mech_login = { "LOGIN", login_step,
	MECH_CLEAR, 0 };
