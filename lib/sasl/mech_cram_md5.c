/*
 * mech_cram_md5.c - CRAM-MD5, RFC 2195: for old devices that know nothing
 * better.  The client answers our challenge with "name digest".
 */
#include "sasl/sasl.h"

#include "base/clock.h"
#include "sasl/password.h"

enum { START, ASKED };

static enum sasl_result
ask(struct sasl *s, struct str *challenge)
{
	unsigned char noise[16];
	struct str hex = STR_INIT;

	random_bytes(noise, sizeof(noise));
	hex_encode(&hex, noise, sizeof(noise));
	snprintf(s->challenge, sizeof(s->challenge), "<%s@postrider>", hex.s);
	str_free(&hex);
	str_adds(challenge, s->challenge);
	s->state = ASKED;
	return SASL_MORE;
}

static enum sasl_result
cram_step(struct sasl *s, struct slice response, struct str *challenge)
{
	size_t blank = slice_rfind(response, ' ');
	struct slice digest = slice_sub(response, blank + 1, response.n);
	unsigned char half[CRAM_MAX];
	char want[33];
	bool same;
	int r;

	if (s->state == START)
		return response.n > 0 ? sasl_fail(s, "an initial response") :
		    ask(s, challenge);
	if (blank == response.n || blank == 0 || digest.n != 32)
		return sasl_fail(s, "malformed response");
	if (sasl_take_name(s, s->authcid, slice_sub(response, 0, blank)) < 0)
		return SASL_FAIL;
	r = s->host != NULL ? s->host->cram(s, half) : -1;
	if (r < 0)
		return sasl_fail(s, "no answer from the table");
	cram_digest(half, slice_of(s->challenge), want);
	same = same_bytes(want, digest.p, 32);
	explicit_bzero(half, sizeof(half));
	if (!same || r == 0)
		return sasl_fail(s, r == 0 ? "no such user, or one without a "
		    "verifier for CRAM-MD5" : "wrong password");
	s->proven = true;
	return SASL_DONE;
}

const struct sasl_mech sasl_mech_cram_md5 = { "CRAM-MD5", cram_step, 0, 0 };
