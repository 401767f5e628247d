/*
 * password.c - crypt(3), with every copy of a password wiped.
 *
 * What crypt leaves in its work area tells about the password: it is wiped
 * before it is freed, always.
 */
#include "sasl/password.h"

#include <crypt.h>

#include "base/clock.h"
#include "sasl/sasl.h"

/* the same time wherever they differ; the lengths of hashes are no secret */
static bool
equal(const char *a, const char *b)
{
	size_t n = strlen(a), i;
	volatile unsigned char diff = 0;

	if (strlen(b) != n)
		return false;
	for (i = 0; i < n; i++)
		diff = (unsigned char)(diff | (a[i] ^ b[i]));
	return diff == 0;
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

static bool
is_locked(const char *hash)
{
	return hash[0] == '\0' || hash[0] == '!' || hash[0] == '*';
}

int
sasl_password_check(const char *hash, const char *password, struct err *err)
{
	bool locked = is_locked(hash), usable = password[0] != '\0' &&
	    strlen(password) <= SASL_PASSWORD_MAX;
	struct str got = STR_INIT;
	int r;

	/* what can not be right takes as long as what is wrong */
	if (hash_by(locked ? sasl_dummy_hash() : hash, usable ? password : "x",
	    &got) != 0) {
		str_free(&got);
		return err_sys(err, "a stored password hash can not be used");
	}
	r = equal(got.s, locked ? sasl_dummy_hash() : hash);
	explicit_bzero(got.s, got.len);
	str_free(&got);
	return r && !locked && usable;
}

int
sasl_password_ok(const char *hash, const char *password)
{
	struct err err = ERR_INIT;

	return sasl_password_check(hash, password, &err) == 1;
}

int
sasl_password_hash(struct str *out, const char *password, struct err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (password[0] == '\0')
		return err_perm(err, "5.7.0", "an empty password");
	if (strlen(password) > SASL_PASSWORD_MAX)
		return err_perm(err, "5.7.0",
		    "a password of more than %d bytes", SASL_PASSWORD_MAX);
	if (!utf8_valid(slice_of(password)))
		return err_perm(err, "5.7.0", "a password that is not UTF-8");
	/* cost 0: the default; no random bytes given: crypt asks the kernel */
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting,
	    (int)sizeof(setting)) == NULL)
		return err_sys(err, "cannot make a salt");
	if (hash_by(setting, password, out) != 0)
		return err_sys(err, "cannot hash a password");
	return 0;
}

const char *
sasl_dummy_hash(void)
{
	static char *hash;
	unsigned char noise[32];
	struct str hex = STR_INIT, out = STR_INIT;
	struct err err = ERR_INIT;

	if (hash != NULL)
		return hash;
	random_bytes(noise, sizeof(noise));
	hex_encode(&hex, noise, sizeof(noise));
	if (sasl_password_hash(&out, hex.s, &err) != 0)
		die("%s", err.text);
	explicit_bzero(noise, sizeof(noise));
	explicit_bzero(hex.s, hex.len);
	str_free(&hex);
	hash = str_steal(&out);
	return hash;
}
