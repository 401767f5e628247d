/*
 * sasl.c - what all mechanisms check.
 *
 * An exchange that ended (state ENDED) answers every further step with a
 * failure, and one that failed holds no password any more.
 */
#include "sasl/sasl.h"

enum { ENDED = -1 };

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

	if (response.n > (s->mech->flags & MECH_TOKEN ? SASL_TOKEN_MAX :
	    SASL_RESPONSE_MAX))
		r = sasl_fail(s, "response too long");
	else
		r = s->mech->step(s, response, challenge);
	/* nobody is let in without a name and a proof or a password */
	assert(r != SASL_DONE || (s->authcid[0] != '\0' &&
	    (s->proven || s->password[0] != '\0')));
	if (r == SASL_FAIL)
		explicit_bzero(s->password, sizeof(s->password));
	if (r != SASL_MORE)
		s->state = ENDED;
	return r;
}

void
sasl_set(struct sasl *s, const struct sasl_host *host, void *ctx,
    const struct sasl_channel *channel)
{
	s->host = host;
	s->ctx = ctx;
	s->channel = *channel;
}

enum sasl_result
sasl_start(struct sasl *s, const struct sasl_mech *mech,
    const struct slice *initial, struct str *challenge)
{
	struct slice response = SLICE_NULL;
	const struct sasl_host *host;
	struct sasl_channel channel;
	void *ctx;

	if (initial != NULL) {
		response = *initial;
		if (response.p == NULL)
			response.p = "";	/* empty, but there */
	}
	host = s->host;
	ctx = s->ctx;
	channel = s->channel;
	sasl_wipe(s);
	sasl_set(s, host, ctx, &channel);
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
sasl_take_saslname(struct sasl *s, char dst[SASL_NAME_MAX + 1],
    struct slice name)
{
	struct str plain = STR_INIT;
	int r = -1;
	size_t i;

	for (i = 0; i < name.n; i++) {
		if (name.p[i] != '=') {
			str_addc(&plain, name.p[i]);
			continue;
		}
		if (slice_starts(slice_sub(name, i, 3), "=2C"))
			str_addc(&plain, ',');
		else if (slice_starts(slice_sub(name, i, 3), "=3D"))
			str_addc(&plain, '=');
		else
			break;
		i += 2;
	}
	if (i < name.n)
		s->why = "bad escape in a name";
	else
		r = sasl_take_name(s, dst, slice_str(&plain));
	str_free(&plain);
	return r;
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
