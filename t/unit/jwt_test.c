/* jwt_test.c - tokens that are good, and every way in which they are not.  The
 * issuer is played here, with keys of its own. */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "sasl/jwt.h"
#include "sasl/sasl.h"
#include "test/tap.h"

enum { NOW = 1700000000 };

static EVP_PKEY *rsa, *ec, *ed, *other;
static struct arena arena;
static struct strlist audience, scope, algorithms;

static void
url64(struct str *out, const void *p, size_t n)
{
	size_t from = out->len;

	base64_encode(out, p, n);
	for (; from < out->len; from++) {
		if (out->s[from] == '+')
			out->s[from] = '-';
		else if (out->s[from] == '/')
			out->s[from] = '_';
	}
	while (out->len > 0 && out->s[out->len - 1] == '=')
		str_trunc(out, out->len - 1);
}

static void
add_bn(struct str *out, EVP_PKEY *k, const char *param, int width)
{
	unsigned char buf[600];
	BIGNUM *bn = NULL;
	int n;

	if (EVP_PKEY_get_bn_param(k, param, &bn) != 1)
		die("no %s", param);
	n = width > 0 ? BN_bn2binpad(bn, buf, width) : BN_bn2bin(bn, buf);
	url64(out, buf, (size_t)n);
	BN_free(bn);
}

static void
add_jwk(struct str *out, EVP_PKEY *k, const char *kid, const char *more)
{
	unsigned char raw[32];
	size_t n = sizeof(raw);
	int type = EVP_PKEY_get_base_id(k);

	str_addf(out, "{\"kid\":\"%s\"%s,", kid, more);
	if (type == EVP_PKEY_RSA) {
		str_adds(out, "\"kty\":\"RSA\",\"n\":\"");
		add_bn(out, k, OSSL_PKEY_PARAM_RSA_N, 0);
		str_adds(out, "\",\"e\":\"");
		add_bn(out, k, OSSL_PKEY_PARAM_RSA_E, 0);
	} else if (type == EVP_PKEY_EC) {
		str_adds(out, "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
		add_bn(out, k, OSSL_PKEY_PARAM_EC_PUB_X, 32);
		str_adds(out, "\",\"y\":\"");
		add_bn(out, k, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	} else {
		str_adds(out, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"");
		if (EVP_PKEY_get_raw_public_key(k, raw, &n) != 1)
			die("no raw key");
		url64(out, raw, n);
	}
	str_adds(out, "\"}");
}

/* r and s, 32 bytes each, of a DER signature */
static void
raw_ecdsa(struct str *sig)
{
	const unsigned char *p = (const unsigned char *)sig->s;
	ECDSA_SIG *e = d2i_ECDSA_SIG(NULL, &p, (long)sig->len);
	unsigned char raw[64];

	BN_bn2binpad(ECDSA_SIG_get0_r(e), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(e), raw + 32, 32);
	ECDSA_SIG_free(e);
	str_reset(sig);
	str_add(sig, raw, sizeof(raw));
}

static void
sign(EVP_PKEY *k, bool pss, struct slice text, struct str *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	unsigned char buf[600];
	size_t n = sizeof(buf);
	int type = EVP_PKEY_get_base_id(k);

	if (EVP_DigestSignInit(ctx, &pc, type == EVP_PKEY_ED25519 ? NULL :
	    EVP_sha256(), NULL, k) != 1)
		die("sign");
	if (pss) {
		EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST);
	}
	if (EVP_DigestSign(ctx, buf, &n, (const unsigned char *)text.p,
	    text.n) != 1)
		die("sign");
	str_add(sig, buf, n);
	if (type == EVP_PKEY_EC)
		raw_ecdsa(sig);
	EVP_MD_CTX_free(ctx);
}

static void
make_token(struct str *out, const char *header, const char *claims,
    EVP_PKEY *k, bool pss)
{
	struct str sig = STR_INIT;

	url64(out, header, strlen(header));
	str_addc(out, '.');
	url64(out, claims, strlen(claims));
	sign(k, pss, slice_str(out), &sig);
	str_addc(out, '.');
	url64(out, sig.s, sig.len);
	str_free(&sig);
}

#define GOOD "{\"iss\":\"https://id.test\",\"aud\":\"mail\"," \
	"\"exp\":1700000100,\"scope\":\"openid mail.all\"," \
	"\"email\":\"ann@b.test\"}"

static const struct {
	const char *name, *header, *claims;
	EVP_PKEY **key;
	bool pss;
	const char *want;		/* the user, or why not */
} rows[] = {
	{ "RS256", "{\"alg\":\"RS256\",\"kid\":\"r\"}", GOOD, &rsa, false,
	    "ann@b.test" },
	{ "PS256", "{\"alg\":\"PS256\",\"kid\":\"r\"}", GOOD, &rsa, true,
	    "ann@b.test" },
	{ "ES256", "{\"alg\":\"ES256\",\"kid\":\"e\"}", GOOD, &ec, false,
	    "ann@b.test" },
	{ "EdDSA", "{\"alg\":\"EdDSA\",\"kid\":\"o\"}", GOOD, &ed, false,
	    "ann@b.test" },
	{ "no kid", "{\"alg\":\"RS256\"}", GOOD, &rsa, false,
	    "ann@b.test" },
	{ "a key of others", "{\"alg\":\"RS256\",\"kid\":\"r\"}", GOOD,
	    &other, false, "a token with a wrong signature" },
	{ "an unknown kid", "{\"alg\":\"RS256\",\"kid\":\"x\"}", GOOD, &rsa,
	    false, "a token of no known key" },
	{ "a kid of another kind", "{\"alg\":\"RS256\",\"kid\":\"e\"}", GOOD,
	    &rsa, false, "a token of no known key" },
	{ "a key for PS256 alone", "{\"alg\":\"RS256\",\"kid\":\"p\"}", GOOD,
	    &rsa, false, "a token of no known key" },
	{ "a key for encryption", "{\"alg\":\"RS256\",\"kid\":\"enc\"}",
	    GOOD, &rsa, false, "a token of no known key" },
	{ "none", "{\"alg\":\"none\"}", GOOD, &rsa, false,
	    "a token by a way to sign that is not allowed" },
	{ "HS256", "{\"alg\":\"HS256\",\"kid\":\"r\"}", GOOD, &rsa, false,
	    "a token by a way to sign that is not allowed" },
	{ "no alg", "{\"kid\":\"r\"}", GOOD, &rsa, false,
	    "a token by a way to sign that is not allowed" },
	{ "crit", "{\"alg\":\"RS256\",\"crit\":[\"x\"]}", GOOD, &rsa, false,
	    "a token with unknown demands" },
	{ "a list of audiences", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test\",\"aud\":[\"x\",\"mail\"],\"exp\":1700000100,"
	    "\"scp\":[\"mail.all\"],\"email\":\"bob@b.test\"}", &rsa, false,
	    "bob@b.test" },
	{ "another audience", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test\",\"aud\":[\"x\"],\"exp\":1700000100,"
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token for others" },
	{ "no audience", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test\",\"exp\":1700000100,"
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token for others" },
	{ "another issuer", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test/\",\"aud\":\"mail\",\"exp\":1700000100,"
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token of another issuer" },
	{ "expired", "{\"alg\":\"RS256\"}", "{\"iss\":\"https://id.test\","
	    "\"aud\":\"mail\",\"exp\":1699999940,\"scope\":\"mail.all\","
	    "\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token that has expired" },
	{ "expired within the leeway", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test\",\"aud\":\"mail\",\"exp\":1699999941,"
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\"}", &rsa, false,
	    "ann@b.test" },
	{ "no end", "{\"alg\":\"RS256\"}", "{\"iss\":\"https://id.test\","
	    "\"aud\":\"mail\",\"scope\":\"mail.all\","
	    "\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token without an end" },
	{ "an end that is text", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test\",\"aud\":\"mail\",\"exp\":\"1700000100\","
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token without an end" },
	{ "not yet", "{\"alg\":\"RS256\"}", "{\"iss\":\"https://id.test\","
	    "\"aud\":\"mail\",\"exp\":1700000100,\"nbf\":1700000061,"
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token that is not valid yet" },
	{ "no scope", "{\"alg\":\"RS256\"}", "{\"iss\":\"https://id.test\","
	    "\"aud\":\"mail\",\"exp\":1700000100,\"scope\":\"mail.allx\","
	    "\"email\":\"ann@b.test\"}", &rsa, false,
	    "a token without the scope" },
	{ "nobody", "{\"alg\":\"RS256\"}", "{\"iss\":\"https://id.test\","
	    "\"aud\":\"mail\",\"exp\":1700000100,\"scope\":\"mail.all\","
	    "\"email\":7}", &rsa, false, "a token that names nobody" },
	{ "not verified", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test\",\"aud\":\"mail\",\"exp\":1700000100,"
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\","
	    "\"email_verified\":false}", &rsa, false,
	    "a token with an address that was not verified" },
	{ "a claim twice", "{\"alg\":\"RS256\"}", "{\"iss\":"
	    "\"https://id.test\",\"aud\":\"mail\",\"exp\":1700000100,"
	    "\"scope\":\"mail.all\",\"email\":\"ann@b.test\","
	    "\"email\":\"bob@b.test\"}", &rsa, false, "a malformed token" },
	{ "claims that are a list", "{\"alg\":\"RS256\"}", "[]", &rsa, false,
	    "a malformed token" },
};

static struct jwks *
make_keys(void)
{
	struct str json = STR_INIT;
	struct jwks *keys;
	struct err err = ERR_INIT;

	str_adds(&json, "{\"keys\":[");
	add_jwk(&json, rsa, "r", ",\"use\":\"sig\"");
	str_addc(&json, ',');
	add_jwk(&json, rsa, "p", ",\"alg\":\"PS256\"");
	str_addc(&json, ',');
	add_jwk(&json, rsa, "enc", ",\"use\":\"enc\"");
	str_addc(&json, ',');
	add_jwk(&json, ec, "e", "");
	str_addc(&json, ',');
	add_jwk(&json, ed, "o", ",\"alg\":\"EdDSA\"");
	str_adds(&json, ",{\"kty\":\"oct\",\"k\":\"AAAA\"},{},7]}");
	if (jwks_parse(slice_str(&json), &keys, &err) != 0)
		die("%s", err.text);
	str_free(&json);
	return keys;
}

static const struct jwt_rules rules = { .issuer = "https://id.test",
	.audience = &audience, .scope = &scope, .algorithms = &algorithms,
	.user_claim = "email", .now = NOW, .leeway = 60 };

static void
test_tokens(const struct jwks *keys)
{
	struct str token = STR_INIT, user = STR_INIT;
	const char *why;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		str_reset(&token);
		str_reset(&user);
		make_token(&token, rows[i].header, rows[i].claims,
		    *rows[i].key, rows[i].pss);
		why = jwt_verify(slice_str(&token), keys, &rules, &user);
		is_str(why != NULL ? why : user.s, rows[i].want, "%s",
		    rows[i].name);
	}
	str_free(&token);
	str_free(&user);
}

/* every byte of a good token counts */
static void
test_changed(const struct jwks *keys)
{
	struct str token = STR_INIT, user = STR_INIT;
	size_t i, good = 0, dots;
	char c;

	make_token(&token, rows[3].header, rows[3].claims, ed, false);
	/* but for the last bits of base64 */
	for (i = 0; i + 1 < token.len; i++) {
		c = token.s[i];
		token.s[i] = c == 'A' ? 'B' : 'A';
		good += jwt_verify(slice_str(&token), keys, &rules,
		    &user) == NULL;
		token.s[i] = c;
	}
	is_int(good, 0, "no byte can be changed");
	for (i = 0, dots = 0; i < token.len; i++)
		good += jwt_verify(slice_sub(slice_str(&token), 0, i), keys,
		    &rules, &user) == NULL;
	is_int(good, 0, "nor cut off");
	for (dots = 0; dots < 5; dots++) {
		str_addc(&token, '.');
		good += jwt_verify(slice_str(&token), keys, &rules,
		    &user) == NULL;
	}
	is_int(good, 0, "nor added");
	str_free(&token);
	str_free(&user);
}

static void
test_sets(void)
{
	static const char *const bad[] = { "", "x", "[]", "{}",
		"{\"keys\":{}}", "{\"keys\":[],\"keys\":[]}" };
	struct jwks *keys;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++)
		is_int(jwks_parse(slice_of(bad[i]), &keys, &err), -1,
		    "no set of keys: %s", bad[i]);
	is_int(jwks_parse(SLICE_LIT("{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB"
	    "\",\"e\":\"AQAB\"}]}"), &keys, &err), 0, "a short RSA key");
	is_int(jwks_count(keys), 0, "is none");
	jwks_free(keys);
	jwks_free(NULL);
}

int
main(void)
{
	struct jwks *keys;

	rsa = EVP_RSA_gen(2048);
	other = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	strlist_add(&audience, &arena, "mail");
	strlist_add(&scope, &arena, "mail.all");
	strlist_add(&algorithms, &arena, "RS256");
	strlist_add(&algorithms, &arena, "PS256");
	strlist_add(&algorithms, &arena, "ES256");
	strlist_add(&algorithms, &arena, "EdDSA");
	keys = make_keys();
	is_int(jwks_count(keys), 4, "keys of known kinds, for signatures");
	test_tokens(keys);
	test_changed(keys);
	test_sets();
	jwks_free(keys);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(other);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ed);
	arena_free(&arena);
	return tap_done();
}
