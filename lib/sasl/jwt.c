/*
 * jwt.c - is the token good?  The signature is checked before anything that
 * the token claims is looked at; what the header says is compared with what is
 * allowed and what the key is for, and with nothing else.
 */
#include "sasl/jwt.h"

#include <jansson.h>
#include <math.h>

#include "sasl/sasl.h"

static json_t *
decode_part(struct slice part)
{
	struct str raw = STR_INIT;
	json_t *j = NULL;

	if (base64url_decode(&raw, part))
		j = json_loadb(raw.s, raw.len, JSON_REJECT_DUPLICATES, NULL);
	str_free(&raw);
	if (!json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static const char *
check_signature(const json_t *header, struct slice text, struct slice sig64,
    const struct jwks *keys, const struct jwt_rules *rules)
{
	const char *name = json_string_value(json_object_get(header, "alg"));
	const char *kid = json_string_value(json_object_get(header, "kid"));
	enum jwt_alg alg = jwt_alg_find(name);
	const char *why = "a token of no known key";
	struct str sig = STR_INIT;
	struct jwk *k;
	size_t i;

	if (alg == JWT_NONE || !strlist_has(rules->algorithms, name))
		return "a token by a way to sign that is not allowed";
	if (json_object_get(header, "crit") != NULL)
		return "a token with unknown demands";
	if (!base64url_decode(&sig, sig64)) {
		str_free(&sig);
		return "a malformed token";
	}
	for (i = 0; (k = jwk_at(keys, i)) != NULL; i++) {
		if (!jwk_fits(k, kid != NULL ? kid : "", alg))
			continue;
		why = jwk_verify(k, alg, text, slice_str(&sig)) ? NULL :
		    "a token with a wrong signature";
		if (why == NULL)
			break;
	}
	str_free(&sig);
	return why;
}

/* one of a list, or the one */
static bool
audience_ok(const json_t *aud, const struct strlist *want)
{
	const char *z = json_string_value(aud);
	size_t i;

	if (z != NULL)
		return strlist_has(want, z);
	for (i = 0; i < json_array_size(aud); i++) {
		z = json_string_value(json_array_get(aud, i));
		if (z != NULL && strlist_has(want, z))
			return true;
	}
	return false;
}

static bool
scope_has(const json_t *scope, const char *want)
{
	struct slice rest = slice_of(json_string_value(scope)), word;
	const char *z;
	size_t i;

	if (json_is_string(scope)) {
		while (slice_word(&rest, &word))
			if (slice_eqz(word, want))
				return true;
		return false;
	}
	for (i = 0; i < json_array_size(scope); i++) {
		z = json_string_value(json_array_get(scope, i));
		if (z != NULL && strcmp(z, want) == 0)
			return true;
	}
	return false;
}

static bool
scope_ok(const json_t *claims, const struct strlist *want)
{
	const json_t *scope = json_object_get(claims, "scope");
	size_t i;

	if (scope == NULL)
		scope = json_object_get(claims, "scp");
	for (i = 0; i < want->n; i++)
		if (!scope_has(scope, want->v[i]))
			return false;
	return true;
}

/* seconds since 1970, perhaps with a fraction */
static bool
is_time(const json_t *j)
{
	return json_is_number(j) && isfinite(json_number_value(j));
}

static const char *
check_times(const json_t *claims, const struct jwt_rules *r)
{
	const json_t *exp = json_object_get(claims, "exp");
	const json_t *nbf = json_object_get(claims, "nbf");
	double now = (double)r->now, leeway = (double)r->leeway;

	if (!is_time(exp))
		return "a token without an end";
	if (json_number_value(exp) <= now - leeway)
		return "a token that has expired";
	if (nbf != NULL && (!is_time(nbf) ||
	    json_number_value(nbf) > now + leeway))
		return "a token that is not valid yet";
	return NULL;
}

static const char *
check_claims(const json_t *claims, const struct jwt_rules *r,
    struct str *user)
{
	const char *iss = json_string_value(json_object_get(claims, "iss"));
	const char *name = json_string_value(json_object_get(claims,
	    r->user_claim));
	const char *why = check_times(claims, r);

	if (why != NULL)
		return why;
	if (iss == NULL || strcmp(iss, r->issuer) != 0)
		return "a token of another issuer";
	if (!audience_ok(json_object_get(claims, "aud"), r->audience))
		return "a token for others";
	if (!scope_ok(claims, r->scope))
		return "a token without the scope";
	if (name == NULL || name[0] == '\0')
		return "a token that names nobody";
	/* an address that its owner only says is his */
	if (strcmp(r->user_claim, "email") == 0 &&
	    json_is_false(json_object_get(claims, "email_verified")))
		return "a token with an address that was not verified";
	str_adds(user, name);
	return NULL;
}

const char *
jwt_verify(struct slice token, const struct jwks *keys,
    const struct jwt_rules *rules, struct str *user)
{
	struct slice rest = token, header, payload, text;
	const char *why = "a malformed token";
	json_t *h, *claims;

	if (token.n > SASL_TOKEN_MAX || !slice_cut(&rest, '.', &header) ||
	    !slice_cut(&rest, '.', &payload) || rest.p == NULL ||
	    slice_find(rest, '.') < rest.n)
		return why;
	text = slice_sub(token, 0, header.n + 1 + payload.n);
	h = decode_part(header);
	if (h == NULL)
		return why;
	why = check_signature(h, text, rest, keys, rules);
	json_decref(h);
	if (why != NULL)
		return why;
	claims = decode_part(payload);
	why = claims == NULL ? "a malformed token" :
	    check_claims(claims, rules, user);
	json_decref(claims);
	return why;
}
