/*
 * scram.c - verifiers of SCRAM.  Whatever was derived from a password and is
 * not the result is wiped on every way out.
 */
#include "sasl/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "sasl/prep.h"

static const char *const names[] = { "SCRAM-SHA-1", "SCRAM-SHA-256" };

static const EVP_MD *
digest(enum scram_hash h)
{
	return h == SCRAM_SHA1 ? EVP_sha1() : EVP_sha256();
}

size_t
scram_key_len(enum scram_hash h)
{
	return h == SCRAM_SHA1 ? 20 : 32;
}

bool
same_bytes(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

static void
hmac(enum scram_hash h, const void *key, size_t key_len, struct slice data,
    unsigned char *out)
{
	unsigned len = 0;

	if (HMAC(digest(h), key, (int)key_len,
	    (const unsigned char *)data.p, data.n, out, &len) == NULL)
		die("HMAC failed");
}

void
scram_hmac256(const void *key, size_t key_len, struct slice data,
    unsigned char out[32])
{
	hmac(SCRAM_SHA256, key, key_len, data, out);
}

static void
hash(enum scram_hash h, const unsigned char *in, unsigned char *out)
{
	if (EVP_Digest(in, scram_key_len(h), out, NULL, digest(h),
	    NULL) != 1)
		die("hash failed");
}

/* base64 of exactly n bytes */
static int
take_bytes(struct slice text, unsigned char *to, size_t min, size_t max,
    size_t *n_r)
{
	struct str raw = STR_INIT;
	int r = base64_decode(&raw, text) && raw.len >= min &&
	    raw.len <= max;

	if (r) {
		memcpy(to, raw.s, raw.len);
		if (n_r != NULL)
			*n_r = raw.len;
	}
	if (raw.cap > 0)
		explicit_bzero(raw.s, raw.cap);
	str_free(&raw);
	return r ? 1 : -1;
}

int
scram_parse_keys(struct slice text, struct scram_verifier *v)
{
	size_t n = scram_key_len(v->hash);
	struct slice stored;

	slice_cut(&text, ':', &stored);
	if (text.p == NULL || take_bytes(stored, v->stored, n, n, NULL) < 0)
		return -1;
	return take_bytes(text, v->server, n, n, NULL);
}

static int
take_cost(struct slice text, struct scram_verifier *v)
{
	uint64_t n;

	if (!slice_u64(text, SCRAM_ITERATIONS_MAX, &n) ||
	    n < SCRAM_ITERATIONS_MIN)
		return -1;
	v->iterations = (uint32_t)n;
	return 1;
}

/* i:salt$stored:server, or with commas all over */
static int
parse_rest(struct slice text, bool commas, struct scram_verifier *v)
{
	struct slice cost, salt, stored;
	size_t n = scram_key_len(v->hash);

	slice_cut(&text, commas ? ',' : ':', &cost);
	if (text.p == NULL || take_cost(cost, v) < 0)
		return -1;
	slice_cut(&text, commas ? ',' : '$', &salt);
	if (text.p == NULL || take_bytes(salt, v->salt, 1, SCRAM_SALT_MAX,
	    &v->salt_len) < 0)
		return -1;
	if (!commas)
		return scram_parse_keys(text, v);
	slice_cut(&text, ',', &stored);
	if (text.p == NULL || take_bytes(stored, v->stored, n, n, NULL) < 0)
		return -1;
	return take_bytes(text, v->server, n, n, NULL);
}

int
scram_parse(struct slice text, struct scram_verifier *v)
{
	bool braced = text.n > 0 && text.p[0] == '{';
	int h, r = 0;
	size_t n;

	memset(v, 0, sizeof(*v));
	if (braced)
		text = slice_sub(text, 1, text.n);
	/* the longer name is no prefix of the other */
	for (h = SCRAM_SHA1; h <= SCRAM_SHA256 && r == 0; h++) {
		n = strlen(names[h]);
		if (text.n <= n || !slice_ieqz(slice_sub(text, 0, n),
		    names[h]) || text.p[n] != (braced ? '}' : '$'))
			continue;
		v->hash = (enum scram_hash)h;
		r = parse_rest(slice_sub(text, n + 1, text.n), braced, v);
	}
	return r;
}

void
scram_print_keys(const struct scram_verifier *v, struct str *out)
{
	base64_encode(out, v->stored, scram_key_len(v->hash));
	str_addc(out, ':');
	base64_encode(out, v->server, scram_key_len(v->hash));
}

void
scram_print(const struct scram_verifier *v, struct str *out)
{
	str_addf(out, "%s$%u:", names[v->hash], v->iterations);
	base64_encode(out, v->salt, v->salt_len);
	str_addc(out, '$');
	scram_print_keys(v, out);
}

/* the keys of a password, the client's too: 0 or -1 */
static int
derive(struct scram_verifier *v, const char *password, unsigned char *client)
{
	unsigned char salted[SCRAM_KEY_MAX];
	size_t n = scram_key_len(v->hash);
	struct str prepared = STR_INIT;
	int r = -1;

	if (prep_password(slice_of(password), &prepared) == 1 &&
	    PKCS5_PBKDF2_HMAC(prepared.s, (int)prepared.len, v->salt,
	    (int)v->salt_len, (int)v->iterations, digest(v->hash), (int)n,
	    salted) == 1) {
		hmac(v->hash, salted, n, SLICE_LIT("Client Key"), client);
		hash(v->hash, client, v->stored);
		hmac(v->hash, salted, n, SLICE_LIT("Server Key"), v->server);
		r = 0;
	}
	explicit_bzero(salted, sizeof(salted));
	if (prepared.cap > 0)
		explicit_bzero(prepared.s, prepared.cap);
	str_free(&prepared);
	return r;
}

int
scram_derive(struct scram_verifier *v, const char *password)
{
	unsigned char client[SCRAM_KEY_MAX];
	int r = derive(v, password, client);

	explicit_bzero(client, sizeof(client));
	return r;
}

int
scram_prove(struct scram_verifier *v, const char *password,
    struct slice message, unsigned char *proof, unsigned char *signature)
{
	unsigned char client[SCRAM_KEY_MAX];
	size_t n = scram_key_len(v->hash), i;
	int r = derive(v, password, client);

	if (r == 0) {
		hmac(v->hash, v->stored, n, message, proof);
		for (i = 0; i < n; i++)
			proof[i] = (unsigned char)(proof[i] ^ client[i]);
		scram_signature(v, message, signature);
	}
	explicit_bzero(client, sizeof(client));
	return r;
}

int
scram_make(enum scram_hash h, uint32_t iterations, const char *password,
    struct scram_verifier *v, struct err *err)
{
	memset(v, 0, sizeof(*v));
	v->hash = h;
	v->iterations = iterations;
	v->salt_len = 16;
	random_bytes(v->salt, v->salt_len);
	if (scram_derive(v, password) < 0)
		return err_perm(err, "5.7.0", "a password with characters "
		    "that none can have");
	return 0;
}

int
scram_check(const struct scram_verifier *v, const char *password)
{
	struct scram_verifier got = *v;
	size_t n = scram_key_len(v->hash);
	int r = scram_derive(&got, password) == 0 &&
	    same_bytes(got.stored, v->stored, n);

	explicit_bzero(&got, sizeof(got));
	return r;
}

bool
scram_proof_ok(const struct scram_verifier *v, struct slice message,
    const unsigned char *proof)
{
	unsigned char key[SCRAM_KEY_MAX], got[SCRAM_KEY_MAX];
	size_t n = scram_key_len(v->hash), i;
	bool same;

	hmac(v->hash, v->stored, n, message, key);
	for (i = 0; i < n; i++)
		key[i] = (unsigned char)(key[i] ^ proof[i]);
	hash(v->hash, key, got);
	same = same_bytes(got, v->stored, n);
	explicit_bzero(key, sizeof(key));
	return same;
}

void
scram_signature(const struct scram_verifier *v, struct slice message,
    unsigned char *out)
{
	hmac(v->hash, v->server, scram_key_len(v->hash), message, out);
}
