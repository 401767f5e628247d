/*
 * sasl_jwt_fuzz.c - any bytes as a token, as a set of keys, as a stored
 * verifier, or as a header and claims that are signed here (the first byte says
 * which).  No other token is good: the fuzzer does not know the private key.
 */
#include <openssl/evp.h>

#include "sasl/jwt.h"
#include "sasl/password.h"
#include "sasl/prep.h"
#include "sasl/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char set[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"EC\","
    "\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

/* the private part of the first of them: RFC 8037 appendix A.1 */
static const char private[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

/* why a token is not good; NULL: it is, and *user is appended to */
static const char *
verify(struct slice in, struct str *user)
{
	static struct jwks *keys;
	static struct arena a;
	static struct strlist audience, scope, algorithms;
	const struct jwt_rules rules = { .issuer = "i",
		.audience = &audience, .scope = &scope,
		.algorithms = &algorithms, .user_claim = "sub",
		.now = 1000, .leeway = 0 };
	struct err err;

	if (keys == NULL) {
		strlist_add(&audience, &a, "a");
		strlist_add(&scope, &a, "mail");
		strlist_add(&algorithms, &a, "EdDSA");
		strlist_add(&algorithms, &a, "ES256");
		if (jwks_parse(SLICE_LIT(set), &keys, &err) != 0 ||
		    jwks_count(keys) != 2)
			abort();
	}
	return jwt_verify(in, keys, &rules, user);
}

static void
try_token(struct slice in)
{
	struct str user = STR_INIT;

	if (verify(in, &user) == NULL || user.len > 0)
		abort();
	str_free(&user);
}

static void
add_base64url(struct str *out, struct slice s)
{
	size_t i = out->len;

	base64_encode(out, s.p, s.n);
	for (; i < out->len; i++)
		if (out->s[i] == '+')
			out->s[i] = '-';
		else if (out->s[i] == '/')
			out->s[i] = '_';
	while (out->len > 0 && out->s[out->len - 1] == '=')
		str_trunc(out, out->len - 1);
}

static void
sign(struct str *token)
{
	static EVP_PKEY *key;
	unsigned char sig[64];
	struct str raw = STR_INIT;
	size_t n = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (key == NULL && base64url_decode(&raw, slice_of(private)) == 1)
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
		    (const unsigned char *)raw.s, raw.len);
	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, (const unsigned char *)token->s,
	    token->len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	str_free(&raw);
	str_addc(token, '.');
	add_base64url(token, (struct slice){ (const char *)sig, n });
}

/* a line that is the header, then the claims */
static void
try_claims(struct slice in)
{
	struct str token = STR_INIT, user = STR_INIT;
	struct slice head;

	slice_cut(&in, '\n', &head);
	add_base64url(&token, head);
	str_addc(&token, '.');
	add_base64url(&token, in);
	sign(&token);
	if (verify(slice_str(&token), &user) != NULL)
		assert(user.len == 0);
	else
		assert(user.len > 0 && utf8_valid(slice_str(&user)) &&
		    !slice_has_nul(slice_str(&user)));
	str_free(&token);
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
	if (data[0] % 4 == 0)
		try_token(in);
	else if (data[0] % 4 == 1)
		try_set(in);
	else if (data[0] % 4 == 2)
		try_verifier(in);
	else
		try_claims(in);
	return 0;
}
