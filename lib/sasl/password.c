/*
 * password.c - which scheme is it?  Every copy of a password is wiped.
 *
 * What crypt leaves in its work area tells about the password: it is wiped
 * before it is freed, always.
 */
#include "sasl/password.h"

#include <crypt.h>

#include "base/clock.h"
#include "sasl/sasl.h"
#include "sasl/scram.h"

static enum password_scheme scheme = PASSWORD_YESCRYPT;
static int64_t cost;
static bool plain_allowed;

/* the same time wherever they differ; the lengths of hashes are no secret */
static bool
equal(const char *a, const char *b)
{
	size_t n = strlen(a);

	return strlen(b) == n && same_bytes(a, b, n);
}

/* the hash of password by setting, appended: 0, or -1 with errno */
static int
hash_by(const char *setting, const char *password, struct str *out)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	const char *h;
	int e;

	errno = 0;
	h = crypt_rn(password, setting, data, (int)sizeof(*data));
	e = errno;
	if (h != NULL && h[0] != '*')
		str_adds(out, h);
	else
		h = NULL;
	explicit_bzero(data, sizeof(*data));
	free(data);
	errno = e != 0 ? e : EINVAL;
	return h != NULL ? 0 : -1;
}

bool
sasl_password_locked(const char *hash)
{
	return hash[0] == '\0' || hash[0] == '!' || hash[0] == '*';
}

void
sasl_password_by(enum password_scheme s, int64_t c)
{
	scheme = s;
	cost = c;
}

int
sasl_password_cost(enum password_scheme s, int64_t c, struct err *err)
{
	static const int64_t range[][2] = { { 1, 11 }, { 8192, 262144 },
		{ 4, 20 }, { 1000, 262144 } };

	if (c == 0 || (c >= range[s][0] && c <= range[s][1]))
		return 0;
	return err_perm(err, "5.3.5", "password_cost = %lld: expected 0 or a "
	    "number between %lld and %lld for this scheme", (long long)c,
	    (long long)range[s][0], (long long)range[s][1]);
}

void
sasl_password_allow_plain(void)
{
	plain_allowed = true;
}

static int
check_crypt(const char *hash, const char *password, struct err *err)
{
	struct str got = STR_INIT;
	int r;

	if (hash_by(hash, password, &got) != 0) {
		str_free(&got);
		return err_sys(err, "a stored password hash can not be used");
	}
	r = equal(got.s, hash);
	explicit_bzero(got.s, got.len);
	str_free(&got);
	return r;
}

static int
check_cram(const char *hash, const char *password)
{
	unsigned char want[CRAM_MAX], got[CRAM_MAX];
	int r = cram_parse(slice_of(hash), want);

	cram_make(password, got);
	r = r == 1 && same_bytes(want, got, sizeof(got));
	explicit_bzero(want, sizeof(want));
	explicit_bzero(got, sizeof(got));
	return r;
}

static int
check_plain(const char *hash, const char *password, struct err *err)
{
	if (!plain_allowed)
		return err_temp(err, "4.3.5", "a password is stored as it is, "
		    "which allow_plain_storage does not allow");
	return equal(hash + strlen("{PLAIN}"), password);
}

/* {BLF-CRYPT}$2y$...: what stands in braces is also told by the hash */
static const char *
skip_prefix(const char *hash)
{
	const char *end = strchr(hash, '}');

	return hash[0] == '{' && end != NULL && end[1] == '$' ? end + 1 :
	    hash;
}

static int
check(const char *hash, const char *password, struct err *err)
{
	struct scram_verifier v;
	int r = scram_parse(slice_of(hash), &v);

	if (r < 0)
		return err_temp(err, "4.3.5", "a stored SCRAM verifier can not "
		    "be used");
	if (r == 1)
		return scram_check(&v, password);
	if (slice_istarts(slice_of(hash), "{CRAM-MD5}"))
		return check_cram(hash, password);
	if (slice_istarts(slice_of(hash), "{PLAIN}"))
		return check_plain(hash, password, err);
	hash = skip_prefix(hash);
	return argon2_is(hash) ? argon2_check(hash, password, err) :
	    check_crypt(hash, password, err);
}

int
sasl_password_check(const char *hash, const char *password, struct err *err)
{
	bool locked = sasl_password_locked(hash), usable =
	    password[0] != '\0' && strlen(password) <= SASL_PASSWORD_MAX;
	int r;

	/* what can not be right takes as long as what is wrong */
	r = check(locked ? sasl_dummy_hash() : hash, usable ? password : "x",
	    err);
	return r < 0 ? -1 : r && !locked && usable;
}

int
sasl_password_ok(const char *hash, const char *password)
{
	struct err err = ERR_INIT;

	return sasl_password_check(hash, password, &err) == 1;
}

static int
make_setting(char setting[CRYPT_GENSALT_OUTPUT_SIZE], struct err *err)
{
	const char *prefix = scheme == PASSWORD_BCRYPT ? "$2b$" :
	    scheme == PASSWORD_SHA512 ? "$6$" : "$y$";

	/* cost 0: the default; no random bytes given: crypt asks the kernel */
	if (crypt_gensalt_rn(prefix, (unsigned long)cost, NULL, 0, setting,
	    CRYPT_GENSALT_OUTPUT_SIZE) == NULL)
		return err_sys(err, "cannot make a salt");
	return 0;
}

static int
make_crypt(struct str *out, const char *password, struct err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (make_setting(setting, err) < 0)
		return -1;
	if (hash_by(setting, password, out) != 0)
		return err_sys(err, "cannot hash a password");
	return 0;
}

int
sasl_password_hash(struct str *out, const char *password, struct err *err)
{
	if (password[0] == '\0')
		return err_perm(err, "5.7.0", "an empty password");
	if (strlen(password) > SASL_PASSWORD_MAX)
		return err_perm(err, "5.7.0",
		    "a password of more than %d bytes", SASL_PASSWORD_MAX);
	if (!utf8_valid(slice_of(password)))
		return err_perm(err, "5.7.0", "a password that is not UTF-8");
	if (scheme == PASSWORD_ARGON2ID)
		return argon2_make(out, (uint32_t)cost, password, err);
	return make_crypt(out, password, err);
}

/* what stands in front of the salt: $y$j9T$, $2b$12$, $6$rounds=9999$ */
static struct slice
params(const char *hash)
{
	struct slice s = slice_of(skip_prefix(hash));
	size_t i, want = 3, seen = 0;

	if (slice_starts(s, "$argon2"))
		want = 4;
	else if (slice_starts(s, "$6$") && !slice_starts(s, "$6$rounds="))
		want = 2;
	for (i = 0; i < s.n && seen < want; i++)
		seen += s.p[i] == '$';
	return slice_sub(s, 0, i);
}

bool
sasl_password_current(const char *hash)
{
	return slice_eq(params(skip_prefix(hash)), params(sasl_dummy_hash()));
}

/* A hash of nothing: a salt, and noise where the hash would be.  To compute
 * one would cost each start of auth as much as a login. */
static int
make_up(struct str *out, struct err *err)
{
	static const char digits[] = "./0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	unsigned char noise[86];
	size_t i, n = scheme == PASSWORD_BCRYPT ? 31 :
	    scheme == PASSWORD_SHA512 ? 86 : 43;

	if (make_setting(setting, err) < 0)
		return -1;
	random_bytes(noise, sizeof(noise));
	str_adds(out, setting);
	if (scheme != PASSWORD_BCRYPT)
		str_addc(out, '$');
	for (i = 0; i < n; i++)
		str_addc(out, digits[noise[i] % 64]);
	return 0;
}

const char *
sasl_dummy_hash(void)
{
	static char *hash;
	unsigned char noise[32];
	struct str hex = STR_INIT, out = STR_INIT;
	struct err err = ERR_INIT;
	int r;

	if (hash != NULL)
		return hash;
	if (scheme == PASSWORD_ARGON2ID) {
		random_bytes(noise, sizeof(noise));
		hex_encode(&hex, noise, sizeof(noise));
		r = sasl_password_hash(&out, hex.s, &err);
	} else {
		r = make_up(&out, &err);
	}
	if (r != 0)
		die("%s", err.text);
	str_free(&hex);
	hash = str_steal(&out);
	return hash;
}
