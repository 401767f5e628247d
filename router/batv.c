/*
 * batv.c - senders that are signed, see batv.h.
 */
#include "batv.h"

#include "base/hmac.h"
#include "proto/router.h"
#include "secrets.h"
#include "srs.h"

enum { DAYS = 1000, DAY_LEN = 4, HASH_LEN = 6, TAG_LEN = 10, PREFIX_LEN = 5 };

bool
batv_starts(struct slice local)
{
	return slice_istarts(local, "prvs=");
}

bool
batv_is(struct slice local, struct slice *plain_r)
{
	const char *tag = local.p + PREFIX_LEN;
	size_t i;

	if (!batv_starts(local) || local.n < PREFIX_LEN + TAG_LEN + 2 ||
	    tag[TAG_LEN] != '=')
		return false;
	for (i = 0; i < TAG_LEN; i++)
		if (strchr(i < DAY_LEN ? "0123456789" :
		    "0123456789abcdefABCDEF", tag[i]) == NULL ||
		    tag[i] == '\0')
			return false;
	*plain_r = slice_sub(local, PREFIX_LEN + TAG_LEN + 1, local.n);
	return true;
}

/* day: K and DDD */
static void
make_hash(size_t key, struct slice day, struct slice local,
    struct slice domain, struct str *out)
{
	struct str text = STR_INIT;
	struct slice secret = secrets_get(key);
	unsigned char mac[HMAC_SHA1];
	size_t i;

	str_addsl(&text, day);
	str_addsl(&text, local);
	str_addc(&text, '@');
	str_addsl(&text, domain);
	/* some hosts fold local parts */
	for (i = 0; i < text.len; i++)
		text.s[i] = (char)ascii_lower((unsigned char)text.s[i]);
	hmac_sha1(secret, slice_str(&text), mac);
	hex_encode(out, mac, HASH_LEN / 2);
	str_free(&text);
}

int
batv_sign(const struct smtp_address *sender, struct slice domain,
    int64_t day, int64_t days, struct arena *a, const char **out_r,
    struct err *err)
{
	struct str local = STR_INIT, out = STR_INIT;
	struct smtp_address made = *sender;
	int r;

	if (batv_starts(sender->local) || srs_is(sender->local))
		return 0;
	r = secrets_refresh(err);
	if (r <= 0)
		return r;
	str_addf(&local, "prvs=0%03d", (int)((day + days) % DAYS));
	make_hash(0, slice_sub(slice_str(&local), PREFIX_LEN, local.len),
	    sender->local, domain, &local);
	str_addc(&local, '=');
	str_addsl(&local, sender->local);
	made.local = slice_str(&local);
	r = local.len <= SMTP_LOCAL_MAX;
	smtp_address_print(&made, &out);
	if (r > 0)
		*out_r = arena_slice(a, slice_str(&out));
	str_free(&local);
	str_free(&out);
	return r;
}

/* with any of the secrets */
static bool
hash_ok(struct slice tag, struct slice plain, struct slice domain)
{
	struct str want = STR_INIT;
	char got[HASH_LEN];
	size_t i;
	bool good = false;

	for (i = 0; i < HASH_LEN; i++)
		got[i] = (char)ascii_lower((unsigned char)tag.p[DAY_LEN + i]);
	for (i = 0; i < secrets_count(); i++) {
		str_reset(&want);
		make_hash(i, slice_sub(tag, 0, DAY_LEN), plain, domain, &want);
		good |= hmac_same(want.s, got, HASH_LEN);
	}
	str_free(&want);
	return good;
}

int
batv_check(const struct smtp_address *addr, int64_t day, int64_t days,
    struct err *err)
{
	struct slice plain, tag;
	int64_t left;
	int r = secrets_refresh(err);

	/* nothing is signed */
	if (r <= 0)
		return r < 0 ? -1 : BATV_NONE;
	if (!batv_starts(addr->local))
		return BATV_MISSING;
	if (!batv_is(addr->local, &plain))
		return BATV_INVALID;
	tag = slice_sub(addr->local, PREFIX_LEN, TAG_LEN);
	left = ((tag.p[1] - '0') * 100 + (tag.p[2] - '0') * 10 +
	    (tag.p[3] - '0') - day % DAYS + DAYS) % DAYS;
	/* one more: made by a host whose clock is ahead */
	if (left > days + 1 || !hash_ok(tag, plain, addr->domain))
		return BATV_INVALID;
	return BATV_VALID;
}
