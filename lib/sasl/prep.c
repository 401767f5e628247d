/*
 * prep.c - SASLprep by libunistring.
 */
#include "sasl/prep.h"

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum { PREPARED_MAX = 4096 };	/* NFKC makes some characters longer */

/* RFC 3454 table B.1: commonly mapped to nothing */
static bool
is_nothing(ucs4_t c)
{
	return c == 0xad || c == 0x34f || c == 0x1806 ||
	    (c >= 0x180b && c <= 0x180d) || (c >= 0x200b && c <= 0x200d) ||
	    c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

/* tables C.2 to C.9 */
static bool
is_forbidden(ucs4_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffc ||
	    c == 0xfffd || (c & 0xfffe) == 0xfffe ||
	    (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xe0000 && c <= 0xe007f))
		return true;
	return uc_is_general_category_withtable(c,
	    UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Co |
	    UC_CATEGORY_MASK_Cn | UC_CATEGORY_MASK_Zl |
	    UC_CATEGORY_MASK_Zp) ||
	    (c >= 0x2ff0 && c <= 0x2ffb) || (c >= 0x206a && c <= 0x206f) ||
	    (c >= 0x202a && c <= 0x202e) || c == 0x200e || c == 0x200f;
}

static void
add_char(struct str *out, ucs4_t c)
{
	uint8_t buf[6];
	int n = u8_uctomb(buf, c, sizeof(buf));

	if (n > 0)
		str_add(out, buf, (size_t)n);
}

/* the mappings of RFC 4013 2.1 */
static void
map_chars(struct slice in, struct str *out)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t n = in.n;
	ucs4_t c;
	int len;

	while (n > 0) {
		len = u8_mbtoucr(&c, p, n);
		if (len <= 0)
			return;
		if (c > 0x7f && uc_is_general_category_withtable(c,
		    UC_CATEGORY_MASK_Zs))
			c = ' ';
		if (!is_nothing(c))
			add_char(out, c);
		p += len;
		n -= (size_t)len;
	}
}

static bool
all_allowed(const uint8_t *p, size_t n)
{
	ucs4_t c;
	int len;

	while (n > 0) {
		len = u8_mbtoucr(&c, p, n);
		if (len <= 0 || is_forbidden(c))
			return false;
		p += len;
		n -= (size_t)len;
	}
	return true;
}

/* RFC 3454 section 6: who writes from right to left does so from the first
 * letter to the last */
static bool
is_one_way(const uint8_t *p, size_t n)
{
	bool right = false, left = false, first = false, last = false;
	bool begun = false;
	ucs4_t c;
	int len, class;

	while (n > 0) {
		len = u8_mbtoucr(&c, p, n);
		if (len <= 0)
			return false;
		class = uc_bidi_class(c);
		last = class == UC_BIDI_R || class == UC_BIDI_AL;
		left |= class == UC_BIDI_L;
		right |= last;
		if (!begun)
			first = last;
		begun = true;
		p += len;
		n -= (size_t)len;
	}
	return !right || (!left && first && last);
}

static int
normalize(struct slice in, struct str *out)
{
	struct str mapped = STR_INIT;
	size_t n = 0;
	uint8_t *norm;
	int r;

	str_grow(&mapped, in.n + 1);
	map_chars(in, &mapped);
	norm = u8_normalize(UNINORM_NFKC, (const uint8_t *)mapped.s,
	    mapped.len, NULL, &n);
	r = norm != NULL && n > 0 && n <= PREPARED_MAX &&
	    all_allowed(norm, n) && is_one_way(norm, n);
	if (r)
		str_add(out, norm, n);
	if (norm != NULL)
		explicit_bzero(norm, n);
	free(norm);
	if (mapped.cap > 0)
		explicit_bzero(mapped.s, mapped.cap);
	str_free(&mapped);
	return r;
}

int
prep_password(struct slice in, struct str *out)
{
	if (in.n == 0 || in.n > PREPARED_MAX || !utf8_valid(in))
		return 0;
	if (!slice_is_ascii(in))
		return normalize(in, out);
	if (!all_allowed((const uint8_t *)in.p, in.n))
		return 0;
	str_add(out, in.p, in.n);
	return 1;
}
