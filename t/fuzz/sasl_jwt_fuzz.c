/*
 * sasl_jwt_fuzz.c - any bytes as a token, as a set of keys, or as a stored
 * verifier (the first byte says which).  No token is good: nobody here has the
 * private key.
 */
#include "sasl/jwt.h"
#include "sasl/password.h"
#include "sasl/prep.h"
#include "sasl/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char set[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"EC\","
    "\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

static void
try_token(struct slice in)
{
	static struct jwks *keys;
	static struct arena a;
	static struct strlist audience, scope, algorithms;
	const struct jwt_rules rules = { .issuer = "i",
		.audience = &audience, .scope = &scope,
		.algorithms = &algorithms, .user_claim = "sub",
		.now = 1000, .leeway = 0 };
	struct str user = STR_INIT;
	struct err err;

	if (keys == NULL) {
		strlist_add(&audience, &a, "a");
		strlist_add(&algorithms, &a, "EdDSA");
		strlist_add(&algorithms, &a, "ES256");
		if (jwks_parse(SLICE_LIT(set), &keys, &err) != 0 ||
		    jwks_count(keys) != 2)
			abort();
	}
	if (jwt_verify(in, keys, &rules, &user) == NULL || user.len > 0)
		abort();
	str_free(&user);
}

static void
try_set(struct slice in)
{
	struct jwks *k = NULL;
	struct err err = ERR_INIT;

	if (jwks_parse(in, &k, &err) == 0 && jwks_count(k) > JWKS_KEYS)
		abort();
	jwks_free(k);
}

/* what is read is printed and read again as the same */
static void
try_verifier(struct slice in)
{
	struct scram_verifier v, w;
	unsigned char half[CRAM_MAX];
	struct str out = STR_INIT;

	if (scram_parse(in, &v) == 1) {
		scram_print(&v, &out);
		if (scram_parse(slice_str(&out), &w) != 1 ||
		    memcmp(&v, &w, sizeof(v)) != 0)
			abort();
	}
	(void)cram_parse(in, half);
	str_reset(&out);
	if (prep_password(in, &out) == 1 && !utf8_valid(slice_str(&out)))
		abort();
	str_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data + 1, n - 1 };

	if (n == 0)
		return 0;
	if (data[0] % 3 == 0)
		try_token(in);
	else if (data[0] % 3 == 1)
		try_set(in);
	else
		try_verifier(in);
	return 0;
}
