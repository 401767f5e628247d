/*
 * argon2.c - argon2id (RFC 9106), computed in this thread alone: the jail has
 * no others, and the result is the same.  What a table demands is bounded.
 */
#include <argon2.h>

#include "base/clock.h"
#include "sasl/password.h"
#include "sasl/scram.h"

enum { KIB = 32768, PASSES = 3,		/* of new ones */
	KIB_MAX = 262144, PASSES_MAX = 16, LANES_MAX = 16,
	SALT_MIN = 8, SALT_MAX = 64, OUT_MIN = 16, OUT_MAX = 64 };

struct stored {
	uint64_t kib, passes, lanes;
	size_t salt_len, out_len;
	unsigned char salt[SALT_MAX], out[OUT_MAX];
};

bool
argon2_is(const char *hash)
{
	return slice_starts(slice_of(hash), "$argon2id$");
}

/* base64 without its padding */
static int
take_bytes(struct slice text, unsigned char *to, size_t min, size_t max,
    size_t *n_r)
{
	struct str padded = STR_INIT, raw = STR_INIT;
	int r;

	str_addsl(&padded, text);
	while (padded.len % 4 != 0 && padded.len < text.n + 2)
		str_addc(&padded, '=');
	r = base64_decode(&raw, slice_str(&padded)) && raw.len >= min &&
	    raw.len <= max;
	if (r) {
		memcpy(to, raw.s, raw.len);
		*n_r = raw.len;
	}
	str_free(&padded);
	str_free(&raw);
	return r;
}

/* NAME=number, cut off */
static int
take_number(struct slice *rest, const char *name, uint64_t max, uint64_t *r)
{
	struct slice part;

	if (!slice_cut(rest, ',', &part) || !slice_starts(part, name))
		return 0;
	return slice_u64(slice_sub(part, strlen(name), part.n), max, r) &&
	    *r > 0;
}

static int
parse(const char *hash, struct stored *s)
{
	struct slice rest = slice_of(hash + strlen("$argon2id$")), part, salt;

	if (!slice_cut(&rest, '$', &part) || !slice_eqz(part, "v=19") ||
	    !slice_cut(&rest, '$', &part) || !slice_cut(&rest, '$', &salt) ||
	    rest.p == NULL)
		return 0;
	return take_number(&part, "m=", KIB_MAX, &s->kib) &&
	    take_number(&part, "t=", PASSES_MAX, &s->passes) &&
	    take_number(&part, "p=", LANES_MAX, &s->lanes) &&
	    part.p == NULL && take_bytes(salt, s->salt, SALT_MIN, SALT_MAX,
	    &s->salt_len) &&
	    take_bytes(rest, s->out, OUT_MIN, OUT_MAX, &s->out_len);
}

static int
compute(const struct stored *s, const char *password, unsigned char *out)
{
	char *copy = xstrdup(password);
	argon2_context c = {
		.out = out, .outlen = (uint32_t)s->out_len,
		.pwd = (uint8_t *)copy, .pwdlen = (uint32_t)strlen(copy),
		.salt = (uint8_t *)(uintptr_t)s->salt,
		.saltlen = (uint32_t)s->salt_len,
		.t_cost = (uint32_t)s->passes, .m_cost = (uint32_t)s->kib,
		.lanes = (uint32_t)s->lanes, .threads = 1,
		.flags = ARGON2_FLAG_CLEAR_PASSWORD,
		.version = ARGON2_VERSION_13 };
	int r = argon2id_ctx(&c);

	explicit_bzero(copy, strlen(password));
	free(copy);
	return r;
}

static int
trouble(int code, struct err *err)
{
	return err_temp(err, "4.3.0", "argon2: %s",
	    argon2_error_message(code));
}

int
argon2_check(const char *hash, const char *password, struct err *err)
{
	unsigned char got[OUT_MAX];
	struct stored s;
	int r;

	if (!parse(hash, &s))
		return err_temp(err, "4.3.5", "a stored argon2id hash can not "
		    "be used");
	r = compute(&s, password, got);
	if (r != ARGON2_OK)
		return trouble(r, err);
	r = same_bytes(got, s.out, s.out_len);
	explicit_bzero(got, sizeof(got));
	return r;
}

static void
add_bare(struct str *out, const void *p, size_t n)
{
	base64_encode(out, p, n);
	while (out->s[out->len - 1] == '=')
		str_trunc(out, out->len - 1);
}

int
argon2_make(struct str *out, uint32_t kib, const char *password,
    struct err *err)
{
	struct stored s = { .kib = kib != 0 ? kib : KIB, .passes = PASSES,
		.lanes = 1, .salt_len = 16, .out_len = 32 };
	int r;

	random_bytes(s.salt, s.salt_len);
	r = compute(&s, password, s.out);
	if (r != ARGON2_OK)
		return trouble(r, err);
	str_addf(out, "$argon2id$v=19$m=%u,t=%u,p=1$", (unsigned)s.kib,
	    (unsigned)s.passes);
	add_bare(out, s.salt, s.salt_len);
	str_addc(out, '$');
	add_bare(out, s.out, s.out_len);
	return 0;
}
