/*
 * voucher.c - base64 of: HMAC-SHA-256 of the rest, then strings, each ended by
 * a zero octet: expiry, session, fingerprint, subject, mailboxes.  Nothing is
 * read before the HMAC was found right.
 */
#include "voucher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { MAC = 32 };

static void
put(struct str *out, const char *z)
{
	str_add(out, z, strlen(z) + 1);
}

static bool
mac(const unsigned char secret[VOUCHER_SECRET], struct slice s,
    unsigned char r[MAC])
{
	unsigned n = MAC;

	return HMAC(EVP_sha256(), secret, VOUCHER_SECRET,
	    (const unsigned char *)s.p, s.n, r, &n) != NULL && n == MAC;
}

int
voucher_make(const unsigned char secret[VOUCHER_SECRET],
    const struct key_vouch_in *in, int64_t expires_ms, struct str *out,
    struct err *err)
{
	struct str body = STR_INIT, all = STR_INIT;
	unsigned char m[MAC];
	size_t i;
	int rc = 0;

	str_addf(&body, "%lld", (long long)expires_ms);
	str_addc(&body, '\0');
	put(&body, in->session);
	put(&body, in->fingerprint);
	put(&body, in->subject);
	for (i = 0; i < in->mailboxes.n; i++)
		put(&body, in->mailboxes.v[i]);
	if (body.len > VOUCHER_MAX)
		rc = err_perm(err, "5.3.4", "voucher of %zu bytes", body.len);
	else if (!mac(secret, slice_str(&body), m))
		rc = err_temp(err, "4.3.0", "HMAC failed");
	if (rc == 0) {
		str_add(&all, m, MAC);
		str_add(&all, body.s, body.len);
		base64_encode(out, all.s, all.len);
	}
	str_free(&all);
	str_free(&body);
	return rc;
}

/* the next string of s as a C string of the arena, or NULL */
static const char *
next(struct slice *s, struct arena *a)
{
	size_t n = slice_find(*s, '\0');
	const char *z;

	if (n == s->n)
		return NULL;
	z = arena_slice(a, slice_sub(*s, 0, n));
	*s = slice_sub(*s, n + 1, s->n);
	return z;
}

static int
parse(struct slice s, int64_t now_ms, struct arena *a,
    struct key_vouch_in *out, struct err *err)
{
	const char *when = next(&s, a), *z;
	uint64_t expires;

	if (when == NULL || !slice_u64(slice_of(when), INT64_MAX, &expires))
		return err_perm(err, "5.7.0", "bad voucher");
	if ((int64_t)expires <= now_ms)
		return err_perm(err, "5.7.0", "voucher is too old");
	out->session = next(&s, a);
	out->fingerprint = next(&s, a);
	out->subject = next(&s, a);
	out->mailboxes = (struct strlist){ 0 };
	if (out->subject == NULL)
		return err_perm(err, "5.7.0", "bad voucher");
	while ((z = next(&s, a)) != NULL)
		strlist_add(&out->mailboxes, a, z);
	return s.n == 0 ? 0 : err_perm(err, "5.7.0", "bad voucher");
}

int
voucher_read(const unsigned char secret[VOUCHER_SECRET], const char *text,
    int64_t now_ms, struct arena *a, struct key_vouch_in *out,
    struct err *err)
{
	struct str all = STR_INIT;
	unsigned char m[MAC];
	struct slice body;
	int rc;

	if (strlen(text) > 2 * VOUCHER_MAX ||
	    !base64_decode(&all, slice_of(text)) || all.len < MAC) {
		str_free(&all);
		return err_perm(err, "5.7.0", "not a voucher");
	}
	body = slice_sub(slice_str(&all), MAC, all.len);
	if (!mac(secret, body, m) || CRYPTO_memcmp(m, all.s, MAC) != 0)
		rc = err_perm(err, "5.7.0", "not a voucher of ours");
	else
		rc = parse(body, now_ms, a, out, err);
	str_free(&all);
	return rc;
}
