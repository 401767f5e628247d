/*
 * srs.c - senders of forwarded mail, see srs.h.
 */
#include "srs.h"

#include "base/hmac.h"
#include "secrets.h"

enum { HASH_LEN = 8, DAYS = 1024 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void
make_hash(size_t key, struct slice text, char out[HASH_LEN])
{
	struct str folded = STR_INIT;
	struct slice secret = secrets_get(key);
	unsigned char mac[HMAC_SHA256];
	size_t i, bit;

	for (i = 0; i < text.n; i++)
		str_addc(&folded, (char)ascii_lower((unsigned char)text.p[i]));
	hmac_sha256(secret, slice_str(&folded), mac);
	for (i = 0; i < HASH_LEN; i++) {
		bit = 5 * i;
		out[i] = digits[((mac[bit / 8] << 8 | mac[bit / 8 + 1]) >>
		    (11 - bit % 8)) & 31];
	}
	str_free(&folded);
}

/* with any of the secrets, letters of either case */
static bool
hash_ok(struct slice hash, struct slice text)
{
	char want[HASH_LEN], got[HASH_LEN];
	size_t i;
	bool good = false;

	if (hash.n != HASH_LEN)
		return false;
	for (i = 0; i < HASH_LEN; i++)
		got[i] = (char)ascii_upper((unsigned char)hash.p[i]);
	for (i = 0; i < secrets_count(); i++) {
		make_hash(i, text, want);
		good |= hmac_same(want, got, HASH_LEN);
	}
	return good;
}

bool
srs_is(struct slice local)
{
	return local.n > 5 && (slice_istarts(local, "SRS0") ||
	    slice_istarts(local, "SRS1")) && strchr("=+-", local.p[4]);
}

static const char *
print(struct slice local, const char *domain, struct arena *a)
{
	struct smtp_address addr = { .local = local,
		.domain = slice_of(domain) };
	struct str s = STR_INIT;
	const char *z;

	smtp_address_print(&addr, &s);
	z = arena_slice(a, slice_str(&s));
	str_free(&s);
	return z;
}

/* first=REST, where REST begins with the separator behind SRS0 */
static bool
cut_first(struct slice text, struct slice *first, struct slice *rest)
{
	*rest = text;
	return slice_cut(rest, '=', first) && first->n > 0 &&
	    rest->p != NULL && rest->n >= 2 && strchr("=+-", rest->p[0]);
}

/* The part that is signed, appended to text; of which kind?  -1: one that only
 * looks like SRS1 would not lead back, and stays as it is. */
static int
make_text(const struct smtp_address *sender, int64_t day, struct str *text)
{
	struct slice rest, hash, first, more;
	int tt = (int)(day % DAYS);

	if (!srs_is(sender->local)) {
		str_addf(text, "%c%c=%.*s=%.*s", digits[tt >> 5],
		    digits[tt & 31], (int)sender->domain.n, sender->domain.p,
		    (int)sender->local.n, sender->local.p);
		return 0;
	}
	rest = slice_sub(sender->local, 4, sender->local.n);
	if (slice_istarts(sender->local, "SRS0")) {
		str_addf(text, "%.*s=%.*s", (int)sender->domain.n,
		    sender->domain.p, (int)rest.n, rest.p);
		return 1;
	}
	/* one of SRS1: who made it is left out, the first stays */
	rest = slice_sub(rest, 1, rest.n);
	if (!slice_cut(&rest, '=', &hash) || rest.p == NULL ||
	    !cut_first(rest, &first, &more))
		return -1;
	str_addsl(text, rest);
	return 1;
}

int
srs_rewrite(const struct smtp_address *sender, const char *domain,
    int64_t day, struct arena *a, const char **out_r, struct err *err)
{
	struct str text = STR_INIT, local = STR_INIT;
	char hash[HASH_LEN];
	int kind, r = secrets_refresh(err);

	if (r <= 0)
		return r;
	kind = make_text(sender, day, &text);
	if (kind >= 0) {
		make_hash(0, slice_str(&text), hash);
		str_addf(&local, "SRS%d=%.*s=%s", kind, (int)HASH_LEN, hash,
		    text.s);
	}
	r = kind >= 0 && local.len <= SMTP_LOCAL_MAX;
	if (r > 0)
		*out_r = print(slice_str(&local), domain, a);
	str_free(&text);
	str_free(&local);
	return r;
}

static int
digit(char c)
{
	const char *at = strchr(digits, ascii_upper((unsigned char)c));

	return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

/* DAY=domain=local */
static int
reverse0(struct slice text, int64_t day, int64_t max_days, struct arena *a,
    const char **out_r, struct err *err)
{
	struct slice tt, domain, rest = text;
	int64_t age;

	if (!slice_cut(&rest, '=', &tt) || !slice_cut(&rest, '=', &domain) ||
	    rest.p == NULL || rest.n == 0 || domain.n == 0 || tt.n != 2 ||
	    digit(tt.p[0]) < 0 || digit(tt.p[1]) < 0)
		return err_perm(err, "5.7.1", "not a forwarded sender");
	age = (day % DAYS + DAYS - digit(tt.p[0]) * 32 - digit(tt.p[1])) %
	    DAYS;
	/* made by a host whose clock is ahead: tomorrow */
	if (age > max_days && age != DAYS - 1)
		return err_perm(err, "5.1.1", "the forwarded sender has "
		    "expired");
	*out_r = print(rest, arena_slice(a, domain), a);
	return 1;
}

static int
reverse1(struct slice text, struct arena *a, const char **out_r,
    struct err *err)
{
	struct slice first, rest;
	const char *local;

	if (!cut_first(text, &first, &rest))
		return err_perm(err, "5.7.1", "not a forwarded sender");
	local = arena_printf(a, "SRS0%.*s", (int)rest.n, rest.p);
	*out_r = print(slice_of(local), arena_slice(a, first), a);
	return 1;
}

int
srs_reverse(struct slice local, int64_t day, int64_t max_days,
    struct arena *a, const char **out_r, struct err *err)
{
	struct slice hash, rest = slice_sub(local, 5, local.n);
	int r = secrets_refresh(err);

	if (r < 0)
		return -1;
	if (r == 0)
		return err_perm(err, "5.1.1", "no such user");
	if (!slice_cut(&rest, '=', &hash) || rest.p == NULL ||
	    !hash_ok(hash, rest))
		return err_perm(err, "5.7.1", "not a forwarded sender of "
		    "this host");
	if (local.p[3] == '0')
		return reverse0(rest, day, max_days, a, out_r, err);
	return reverse1(rest, a, out_r, err);
}
