/*
 * sasl_exchange_fuzz.c - a client says anything: the first byte picks the
 * mechanism, lines are its responses, in which a % is the nonce that SCRAM has
 * sent.  Nobody is let in without a name, and nobody whose proof the host does
 * not take.
 */
#include "sasl/password.h"
#include "sasl/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
host_scram(struct sasl *s, enum scram_hash h, struct sasl_keys *keys)
{
	if (s->authcid[0] == '\0')
		abort();
	memset(keys, 0, sizeof(*keys));
	keys->n = 2;
	keys->key[0] = (struct scram_verifier){ .hash = h,
	    .iterations = 4096, .salt_len = 2, .salt = "ab" };
	keys->key[1] = keys->key[0];
	keys->key[1].stored[0] = 1;
	return 0;
}

static int
host_cram(struct sasl *s UNUSED, unsigned char half[32])
{
	memset(half, 0, 32);
	return 0;
}

static int
host_token(struct sasl *s, struct slice token)
{
	if (token.n == 0 || slice_has_nul(token))
		abort();
	if (!slice_eqz(token, "good"))
		return 0;
	return sasl_take_name(s, s->authcid, SLICE_LIT("ann")) == 0;
}

static int
host_certificate(struct sasl *s)
{
	return sasl_take_name(s, s->authcid, SLICE_LIT("ann")) == 0;
}

static const struct sasl_host host = { host_scram, host_cram, host_token,
	host_certificate };

static void
check(const struct sasl *s, enum sasl_result r)
{
	if (r == SASL_FAIL && s->why == NULL)
		abort();
	if (r != SASL_DONE)
		return;
	if (s->authcid[0] == '\0' || (!s->proven && s->password[0] == '\0'))
		abort();
	if (!utf8_valid(slice_of(s->authcid)))
		abort();
	/* all keys are made of nothing, so nobody has made a proof */
	if (slice_starts(slice_of(s->mech->name), "SCRAM"))
		abort();
}

/* the line with what stands behind "r=" of the challenge for each % */
static struct slice
filled(struct slice line, struct slice challenge, struct str *out)
{
	struct slice part, nonce = SLICE_NULL;

	if (slice_starts(challenge, "r="))
		nonce = slice_sub(challenge, 2, slice_find(challenge, ',') -
		    2);
	str_reset(out);
	while (slice_cut(&line, '%', &part)) {
		str_addsl(out, part);
		if (line.p != NULL)
			str_addsl(out, nonce);
	}
	return slice_str(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sasl_channel ch = { .exporter = "EX", .exporter_len = 2,
	    .end_point = "END", .end_point_len = 3 };
	static struct sasl s;
	struct slice rest, line;
	struct str chal = STR_INIT, said = STR_INIT;
	enum sasl_result r;
	int steps = 0;

	if (n == 0)
		return 0;
	ch.plus = data[0] & 0x80;
	rest = (struct slice){ (const char *)data + 1, n - 1 };
	sasl_wipe(&s);
	sasl_set(&s, &host, NULL, &ch);
	r = slice_cut(&rest, '\n', &line) ? sasl_start(&s,
	    sasl_mech_at(data[0] % 10), &line, &chal) :
	    sasl_start(&s, sasl_mech_at(data[0] % 10), NULL, &chal);
	check(&s, r);
	while (r == SASL_MORE && steps++ < 8) {
		if (!slice_cut(&rest, '\n', &line))
			line = SLICE_LIT("");
		line = filled(line, slice_str(&chal), &said);
		str_reset(&chal);
		r = sasl_step(&s, line, &chal);
		check(&s, r);
	}
	if (r == SASL_MORE)
		abort();
	str_free(&chal);
	str_free(&said);
	sasl_wipe(&s);
	return 0;
}
