/*
 * sasl.c - the mechanisms, and what all of them check.
 *
 * An exchange that ended (state ENDED) answers every further step with a
 * failure, and one that failed holds no password any more.
 */
#include "sasl/sasl.h"

enum { ENDED = -1 };

/* TO ADD A MECHANISM: write mech_NAME.c, declare it in sasl.h, add it here;
 * the order is that in which they are offered. */
static const struct sasl_mech *const mechs[] = {
	&sasl_mech_plain,
	&sasl_mech_login,
};

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
	size_t i;

	for (i = 0; i < ARRAY_LEN(mechs); i++)
		str_addf(out, "%s%s", i ? " " : "", mechs[i]->name);
}

enum sasl_result
sasl_fail(struct sasl *s, const char *why)
{
	s->why = why;
	return SASL_FAIL;
}

static enum sasl_result
run(struct sasl *s, struct slice response, struct str *challenge)
{
	enum sasl_result r;

	if (response.n > SASL_RESPONSE_MAX)
		r = sasl_fail(s, "response too long");
	else
		r = s->mech->step(s, response, challenge);
	if (r == SASL_DONE && s->authzid[0] != '\0' &&
	    strcmp(s->authzid, s->authcid) != 0)
		r = sasl_fail(s, "authorization as another user");
	if (r == SASL_FAIL)
		explicit_bzero(s->password, sizeof(s->password));
	if (r != SASL_MORE)
		s->state = ENDED;
	return r;
}

enum sasl_result
sasl_start(struct sasl *s, const struct sasl_mech *mech,
    const struct slice *initial, struct str *challenge)
{
	struct slice response = SLICE_NULL;

	if (initial != NULL) {
		response = *initial;
		if (response.p == NULL)
			response.p = "";	/* empty, but there */
	}
	sasl_wipe(s);
	s->mech = mech;
	return run(s, response, challenge);
}

enum sasl_result
sasl_step(struct sasl *s, struct slice response, struct str *challenge)
{
	if (s->mech == NULL || s->state == ENDED) {
		explicit_bzero(s->password, sizeof(s->password));
		return sasl_fail(s, "the exchange is over");
	}
	if (response.p == NULL)
		response.p = "";
	return run(s, response, challenge);
}

void
sasl_wipe(struct sasl *s)
{
	explicit_bzero(s, sizeof(*s));
}

int
sasl_take_name(struct sasl *s, char dst[SASL_NAME_MAX + 1],
    struct slice name)
{
	size_t i;

	if (name.n > SASL_NAME_MAX) {
		s->why = "name too long";
		return -1;
	}
	if (name.n > 0 && !utf8_valid(name)) {
		s->why = "name is not UTF-8";
		return -1;
	}
	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f) {
			s->why = "control character in a name";
			return -1;
		}
	slice_copy(dst, SASL_NAME_MAX + 1, name);
	return 0;
}

int
sasl_take_password(struct sasl *s, struct slice password)
{
	if (password.n == 0) {
		s->why = "empty password";
		return -1;
	}
	if (password.n > SASL_PASSWORD_MAX) {
		s->why = "password too long";
		return -1;
	}
	/* no NUL is in it either, so crypt(3) sees all of it */
	if (!utf8_valid(password)) {
		s->why = "password is not UTF-8";
		return -1;
	}
	slice_copy(s->password, sizeof(s->password), password);
	return 0;
}
