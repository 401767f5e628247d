/*
 * mech_scram.c - SCRAM-SHA-256 and SCRAM-SHA-1 with and without channel
 * binding: RFC 5802, 7677; tls-exporter is RFC 9266, tls-server-end-point
 * RFC 5929 4.
 *
 * The exchange with a name that nobody has is that of a wrong password, to the
 * last byte: keys are made up and the proof is computed.  A client that can
 * bind a channel and was told that we can not ('y'), where we had offered it,
 * talks to somebody in between: refused.
 */
#include "sasl/sasl.h"

#include "base/clock.h"

enum { START, SENT_FIRST, SENT_FINAL };
enum { NONCE = 18, CLIENT_NONCE_MAX = 160 };

static bool
printable(struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.n > 0;
}

/* "r=..." cut off a message whose attributes are parted by commas */
static int
take_attribute(struct slice *rest, char name, struct slice *value)
{
	struct slice part;

	if (!slice_cut(rest, ',', &part) || part.n < 2 || part.p[0] != name ||
	    part.p[1] != '=')
		return -1;
	*value = slice_sub(part, 2, part.n);
	return 0;
}

static int
refuse(struct sasl *s, const char *why)
{
	s->why = why;
	return -1;
}

/* p=NAME: the bytes that the client must have bound to */
static int
take_binding(struct sasl *s, struct slice name)
{
	struct sasl_channel *c = &s->channel;
	struct sasl_scram *x = &s->scram;

	if (slice_eqz(name, "tls-exporter")) {
		x->binding = c->exporter;
		x->binding_len = c->exporter_len;
	} else if (slice_eqz(name, "tls-server-end-point")) {
		x->binding = c->end_point;
		x->binding_len = c->end_point_len;
	}
	return x->binding_len > 0 ? 0 :
	    refuse(s, "a channel binding that is not there");
}

static int
take_flag(struct sasl *s, struct slice flag)
{
	bool plus = (s->mech->flags & MECH_PLUS) != 0;

	if (slice_starts(flag, "p="))
		return plus ? take_binding(s, slice_sub(flag, 2, flag.n)) :
		    refuse(s, "a channel binding without -PLUS");
	if (plus)
		return refuse(s, "-PLUS without a channel binding");
	if (slice_eqz(flag, "y"))
		return s->channel.plus ? refuse(s, "downgrade: the client was "
		    "not told of -PLUS") : 0;
	return slice_eqz(flag, "n") ? 0 : refuse(s, "malformed response");
}

/* gs2-cbind-flag , [a=authzid] , : cut off */
static int
take_header(struct sasl *s, struct slice *rest)
{
	struct slice whole = *rest, flag, authzid;
	struct sasl_scram *x = &s->scram;

	if (!slice_cut(rest, ',', &flag) || !slice_cut(rest, ',', &authzid) ||
	    rest->p == NULL)
		return refuse(s, "malformed response");
	if (take_flag(s, flag) < 0)
		return -1;
	if (authzid.n > 0 && (!slice_starts(authzid, "a=") ||
	    authzid.n == 2))
		return refuse(s, "malformed response");
	if (authzid.n > 0 && sasl_take_saslname(s, s->authzid,
	    slice_sub(authzid, 2, authzid.n)) < 0)
		return -1;
	x->header_len = (size_t)(rest->p - whole.p);
	if (x->header_len >= sizeof(x->header))
		return refuse(s, "name too long");
	memcpy(x->header, whole.p, x->header_len);
	return 0;
}

static void
add_message(struct sasl_scram *x, struct slice part)
{
	if (x->message_len > 0)
		x->message[x->message_len++] = ',';
	assert(part.n < sizeof(x->message) - x->message_len);
	memcpy(x->message + x->message_len, part.p, part.n);
	x->message_len += part.n;
}

/* n=name,r=nonce[,extensions]; a mandatory extension (m=) is unknown */
static int
take_first(struct sasl *s, struct slice bare)
{
	struct slice rest = bare, name, nonce;
	struct sasl_scram *x = &s->scram;
	struct str made = STR_INIT;
	unsigned char noise[NONCE];

	if (slice_starts(bare, "m="))
		return refuse(s, "an unknown extension");
	if (take_attribute(&rest, 'n', &name) < 0 ||
	    take_attribute(&rest, 'r', &nonce) < 0 || !printable(nonce))
		return refuse(s, "malformed response");
	if (name.n == 0)
		return refuse(s, "empty name");
	if (nonce.n > CLIENT_NONCE_MAX)
		return refuse(s, "nonce too long");
	if (sasl_take_saslname(s, s->authcid, name) < 0)
		return -1;
	random_bytes(noise, sizeof(noise));
	str_addsl(&made, nonce);
	base64_encode(&made, noise, sizeof(noise));
	slice_copy(x->nonce, sizeof(x->nonce), slice_str(&made));
	x->nonce_len = made.len;
	str_free(&made);
	add_message(x, bare);
	return 0;
}

static enum sasl_result
first(struct sasl *s, struct slice response, struct str *challenge)
{
	struct sasl_scram *x = &s->scram;
	const struct scram_verifier *v = &x->keys.key[0];

	if (take_header(s, &response) < 0 || take_first(s, response) < 0)
		return SASL_FAIL;
	if (s->host == NULL || s->host->scram(s, s->mech->hash,
	    &x->keys) < 0)
		return sasl_fail(s, "no answer from the table");
	assert(x->keys.n > 0);
	str_addf(challenge, "r=%s,s=", x->nonce);
	base64_encode(challenge, v->salt, v->salt_len);
	str_addf(challenge, ",i=%u", v->iterations);
	add_message(x, slice_str(challenge));
	s->state = SENT_FIRST;
	return SASL_MORE;
}

/* c=: the header once more, and the data of the channel */
static bool
binding_ok(const struct sasl_scram *x, struct slice text)
{
	struct str got = STR_INIT;
	bool same;

	same = base64_decode(&got, text) &&
	    got.len == x->header_len + x->binding_len &&
	    same_bytes(got.s, x->header, x->header_len) &&
	    (x->binding_len == 0 || same_bytes(got.s + x->header_len,
	    x->binding, x->binding_len));
	str_free(&got);
	return same;
}

/* which of the keys is it?  All are tried: the time tells nothing */
static bool
find_key(struct sasl *s, const unsigned char *proof)
{
	struct sasl_scram *x = &s->scram;
	struct slice message = { x->message, x->message_len };
	bool found = false;
	size_t i;

	for (i = 0; i < x->keys.n; i++)
		if (scram_proof_ok(&x->keys.key[i], message, proof) &&
		    !found) {
			found = true;
			s->key = i;
		}
	return found && !x->keys.made_up;
}

static enum sasl_result
check_proof(struct sasl *s, struct slice text, struct str *challenge)
{
	struct sasl_scram *x = &s->scram;
	unsigned char sig[SCRAM_KEY_MAX];
	size_t n = scram_key_len(s->mech->hash);
	struct str proof = STR_INIT;
	bool right;

	right = base64_decode(&proof, text) && proof.len == n;
	if (right)
		right = find_key(s, (const unsigned char *)proof.s);
	str_free(&proof);
	if (!right)
		return sasl_fail(s, x->keys.made_up ?
		    "no such user, or one without a SCRAM verifier" :
		    "wrong password");
	scram_signature(&x->keys.key[s->key],
	    (struct slice){ x->message, x->message_len }, sig);
	str_adds(challenge, "v=");
	base64_encode(challenge, sig, n);
	s->state = SENT_FINAL;
	return SASL_MORE;
}

/* c=...,r=nonce[,extensions],p=proof */
static enum sasl_result
final(struct sasl *s, struct slice response, struct str *challenge)
{
	struct sasl_scram *x = &s->scram;
	struct slice rest = response, binding, nonce, without = response;
	size_t comma = slice_rfind(response, ',');

	without.n = comma;
	if (comma == response.n ||
	    !slice_starts(slice_sub(response, comma, 3), ",p="))
		return sasl_fail(s, "malformed response");
	if (take_attribute(&rest, 'c', &binding) < 0 ||
	    take_attribute(&rest, 'r', &nonce) < 0)
		return sasl_fail(s, "malformed response");
	if (!slice_eq(nonce, (struct slice){ x->nonce, x->nonce_len }))
		return sasl_fail(s, "another nonce");
	if (!binding_ok(x, binding))
		return sasl_fail(s, x->binding_len > 0 ?
		    "another channel: somebody is in between" :
		    "malformed response");
	add_message(x, without);
	return check_proof(s, slice_sub(response, comma + 3, response.n),
	    challenge);
}

static enum sasl_result
scram_step(struct sasl *s, struct slice response, struct str *challenge)
{
	switch (s->state) {
	case START:
		if (response.p == NULL)
			return SASL_MORE;
		return first(s, response, challenge);
	case SENT_FIRST:
		return final(s, response, challenge);
	default:
		if (response.n > 0)
			return sasl_fail(s, "malformed response");
		s->proven = true;
		return SASL_DONE;
	}
}

const struct sasl_mech sasl_mech_scram_sha256 = { "SCRAM-SHA-256",
	scram_step, 0, SCRAM_SHA256 };
const struct sasl_mech sasl_mech_scram_sha256_plus = { "SCRAM-SHA-256-PLUS",
	scram_step, MECH_PLUS, SCRAM_SHA256 };
const struct sasl_mech sasl_mech_scram_sha1 = { "SCRAM-SHA-1",
	scram_step, 0, SCRAM_SHA1 };
const struct sasl_mech sasl_mech_scram_sha1_plus = { "SCRAM-SHA-1-PLUS",
	scram_step, MECH_PLUS, SCRAM_SHA1 };
