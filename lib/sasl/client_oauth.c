/*
 * client_oauth.c - XOAUTH2 and OAUTHBEARER (RFC 7628).  A server that does not
 * take the token says why in a challenge; it wants an answer before it says
 * no.
 */
#include "sasl/client.h"

/* what it says goes into a log: no controls, and no token could be in it */
static void
take_reason(struct sasl_client *c, struct slice challenge)
{
	size_t i;

	slice_copy(c->why, sizeof(c->why), challenge);
	for (i = 0; c->why[i] != '\0'; i++)
		if (!ascii_isprint((unsigned char)c->why[i]))
			c->why[i] = '?';
}

static int
refused(struct sasl_client *c, struct slice challenge, const char *answer,
    struct str *response)
{
	if (c->state++ > 0)
		return sasl_client_fail(c, "a second challenge to a token");
	take_reason(c, challenge);
	str_adds(response, answer);
	c->final = false;
	return 0;
}

int
client_xoauth2(struct sasl_client *c, struct slice challenge,
    struct str *response)
{
	if (challenge.p != NULL)
		return refused(c, challenge, "", response);
	str_grow(response, strlen(c->user) + strlen(c->secret) + 32);
	str_addf(response, "user=%s\1auth=Bearer ", c->user);
	str_adds(response, c->secret);
	str_adds(response, "\1\1");
	c->final = true;
	return 0;
}

int
client_oauthbearer(struct sasl_client *c, struct slice challenge,
    struct str *response)
{
	if (challenge.p != NULL)
		return refused(c, challenge, "\1", response);
	str_grow(response, 3 * strlen(c->user) + strlen(c->host) +
	    strlen(c->secret) + 64);
	str_adds(response, "n,a=");
	sasl_client_name(c->user, response);
	str_adds(response, ",\1");
	if (c->host[0] != '\0')
		str_addf(response, "host=%s\1", c->host);
	str_adds(response, "auth=Bearer ");
	str_adds(response, c->secret);
	str_adds(response, "\1\1");
	c->final = true;
	return 0;
}
