/*
 * client_plain.c - PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195).
 */
#include "sasl/client.h"

#include "sasl/password.h"

int
client_plain(struct sasl_client *c, struct slice challenge,
    struct str *response)
{
	if (challenge.p != NULL)
		return sasl_client_fail(c, "a challenge to PLAIN");
	str_grow(response, strlen(c->user) + strlen(c->secret) + 3);
	str_addc(response, '\0');
	str_adds(response, c->user);
	str_addc(response, '\0');
	str_adds(response, c->secret);
	c->final = true;
	return 0;
}

/* What servers ask has many spellings; the order has one. */
int
client_login(struct sasl_client *c, struct slice challenge,
    struct str *response)
{
	if (challenge.p == NULL) {
		c->silent = true;
		return 0;
	}
	switch (c->state++) {
	case 0:
		str_adds(response, c->user);
		return 0;
	case 1:
		str_adds(response, c->secret);
		c->final = true;
		return 0;
	default:
		return sasl_client_fail(c, "a third question of LOGIN");
	}
}

int
client_cram_md5(struct sasl_client *c, struct slice challenge,
    struct str *response)
{
	unsigned char half[CRAM_MAX];
	char hex[33];

	if (challenge.p == NULL) {
		c->silent = true;
		return 0;
	}
	if (c->state++ > 0 || challenge.n == 0)
		return sasl_client_fail(c, "a challenge that is none of "
		    "CRAM-MD5");
	cram_make(c->secret, half);
	cram_digest(half, challenge, hex);
	explicit_bzero(half, sizeof(half));
	str_addf(response, "%s %s", c->user, hex);
	c->final = true;
	return 0;
}
