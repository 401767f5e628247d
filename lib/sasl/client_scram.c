/*
 * client_scram.c - SCRAM as the client: RFC 5802, 7677.  Nothing is believed of
 * a server before its signature was right; a cost below that of the RFC, which
 * would make guessing cheap for who listens, is refused.
 */
#include "sasl/client.h"

#include "base/clock.h"

enum { START, SENT_FIRST, SENT_FINAL, OVER };
enum { NONCE = 18, SERVER_NONCE_MAX = 300 };

static int
bad(struct sasl_client *c)
{
	return sasl_client_fail(c, "a challenge that is none of SCRAM");
}

/* gs2-header: p= bound; y: we could, but the server does not offer it (who has
 * taken that out of its offer is found out); n: we can not */
static void
make_header(struct sasl_client *c)
{
	const struct sasl_channel *ch = &c->channel;
	bool can = ch->exporter_len > 0 || ch->end_point_len > 0;
	const char *flag = can && !ch->plus ? "y" : "n";

	if (c->mech->flags & MECH_PLUS) {
		flag = ch->exporter_len > 0 ? "p=tls-exporter" :
		    "p=tls-server-end-point";
		c->binding = ch->exporter_len > 0 ? ch->exporter :
		    ch->end_point;
		c->binding_len = ch->exporter_len > 0 ? ch->exporter_len :
		    ch->end_point_len;
	}
	snprintf(c->header, sizeof(c->header), "%s,,", flag);
}

static int
first(struct sasl_client *c, struct str *response)
{
	unsigned char noise[NONCE];
	struct str text = STR_INIT;

	make_header(c);
	if ((c->mech->flags & MECH_PLUS) && c->binding_len == 0)
		return sasl_client_fail(c, "there is nothing to bind to");
	if (c->nonce[0] == '\0') {
		random_bytes(noise, sizeof(noise));
		base64_encode(&text, noise, sizeof(noise));
		slice_copy(c->nonce, sizeof(c->nonce), slice_str(&text));
		str_free(&text);
	}
	str_adds(&c->message, "n=");
	sasl_client_name(c->user, &c->message);
	str_addf(&c->message, ",r=%s", c->nonce);
	str_addf(response, "%s%s", c->header, c->message.s);
	c->state = SENT_FIRST;
	return 0;
}

/* "x=..." cut off a message */
static int
take(struct slice *rest, char name, struct slice *value)
{
	struct slice part;

	if (!slice_cut(rest, ',', &part) || part.n < 3 || part.p[0] != name ||
	    part.p[1] != '=')
		return -1;
	*value = slice_sub(part, 2, part.n);
	return 0;
}

/* it begins with ours, and adds to it */
static bool
nonce_ok(const struct sasl_client *c, struct slice nonce)
{
	size_t n = strlen(c->nonce), i;

	for (i = 0; i < nonce.n; i++)
		if (!ascii_isprint((unsigned char)nonce.p[i]) ||
		    nonce.p[i] == ' ')
			return false;
	return nonce.n > n && nonce.n <= SERVER_NONCE_MAX &&
	    memcmp(nonce.p, c->nonce, n) == 0;
}

static int
take_salt(struct sasl_client *c, struct slice text, struct slice cost,
    struct scram_verifier *v)
{
	struct str raw = STR_INIT;
	uint64_t n = 0;
	bool good = base64_decode(&raw, text) && raw.len > 0 &&
	    raw.len <= SCRAM_SALT_MAX;

	if (good) {
		memcpy(v->salt, raw.s, raw.len);
		v->salt_len = raw.len;
	}
	str_free(&raw);
	if (!good)
		return bad(c);
	if (!slice_u64(cost, SCRAM_ITERATIONS_MAX, &n) ||
	    n < SCRAM_ITERATIONS_MIN)
		return sasl_client_fail(c, "iterations of SCRAM out of "
		    "bounds: %.*s", (int)MIN(cost.n, (size_t)20), cost.p);
	v->iterations = (uint32_t)n;
	return 0;
}

static int
prove(struct sasl_client *c, struct scram_verifier *v, struct slice nonce,
    struct str *response)
{
	unsigned char proof[SCRAM_KEY_MAX];
	struct str bound = STR_INIT;
	int rc;

	str_adds(&bound, c->header);
	if (c->binding_len > 0)
		str_add(&bound, (const char *)c->binding, c->binding_len);
	str_adds(response, "c=");
	base64_encode(response, bound.s, bound.len);
	str_adds(response, ",r=");
	str_addsl(response, nonce);
	str_free(&bound);
	str_addc(&c->message, ',');
	str_add(&c->message, response->s, response->len);
	rc = scram_prove(v, c->secret, slice_str(&c->message), proof,
	    c->signature);
	explicit_bzero(c->secret, sizeof(c->secret));
	if (rc < 0)
		return sasl_client_fail(c, "a password with characters that "
		    "none can have");
	str_adds(response, ",p=");
	base64_encode(response, proof, scram_key_len(v->hash));
	c->state = SENT_FINAL;
	return 0;
}

/* r=nonce,s=salt,i=iterations[,extensions] */
static int
second(struct sasl_client *c, struct slice challenge, struct str *response)
{
	struct scram_verifier v = { .hash = c->mech->hash };
	struct slice rest = challenge, nonce, salt, cost;
	int rc;

	if (take(&rest, 'r', &nonce) < 0 || take(&rest, 's', &salt) < 0 ||
	    take(&rest, 'i', &cost) < 0 || slice_has_nul(challenge))
		return bad(c);
	if (!nonce_ok(c, nonce))
		return sasl_client_fail(c, "the nonce is not ours");
	if (take_salt(c, salt, cost, &v) < 0)
		return -1;
	str_addc(&c->message, ',');
	str_addsl(&c->message, challenge);
	rc = prove(c, &v, nonce, response);
	explicit_bzero(&v, sizeof(v));
	return rc;
}

/* v=signature, or e=error */
static int
verify(struct sasl_client *c, struct slice challenge)
{
	struct str got = STR_INIT;
	struct slice rest = challenge, value;
	size_t n = scram_key_len(c->mech->hash);
	bool right;

	if (take(&rest, 'e', &value) == 0 && utf8_valid(value) &&
	    !slice_has_nul(value))
		return sasl_client_fail(c, "the server says: %.*s",
		    (int)MIN(value.n, (size_t)60), value.p);
	rest = challenge;
	if (take(&rest, 'v', &value) < 0)
		return bad(c);
	right = base64_decode(&got, value) && got.len == n &&
	    same_bytes(got.s, c->signature, n);
	str_free(&got);
	c->forged = !right;
	if (!right)
		return sasl_client_fail(c, "the server does not know the "
		    "password: its proof is false");
	c->final = true;
	c->state = OVER;
	return 0;
}

int
client_scram(struct sasl_client *c, struct slice challenge,
    struct str *response)
{
	if (c->state == START && challenge.p == NULL)
		return first(c, response);
	if (c->state == SENT_FIRST)
		return second(c, challenge, response);
	if (c->state == SENT_FINAL)
		return verify(c, challenge);
	return bad(c);
}
