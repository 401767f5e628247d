/*
 * tbs.c - shapes are checked to the last octet: what is left over, or is
 * missing, makes it something else.
 */
#include "tbs.h"

enum { BLANKS = 64, RANDOMS = 64, CURVE_NAMED = 3, DH_MIN = 128,
	DH_MAX = 1024 };

static const struct scheme schemes[] = {
	{ SCHEME_MD5_SHA1, KEY_RSA, "MD5-SHA1", false, true, true },
	{ 0x0201, KEY_RSA, "SHA1", false, true, true },
	{ 0x0203, KEY_EC, "SHA1", false, true, true },
	{ 0x0401, KEY_RSA, "SHA256", false, true, false },
	{ 0x0501, KEY_RSA, "SHA384", false, true, false },
	{ 0x0601, KEY_RSA, "SHA512", false, true, false },
	{ 0x0403, KEY_EC, "SHA256", false, false, false },
	{ 0x0503, KEY_EC, "SHA384", false, false, false },
	{ 0x0603, KEY_EC, "SHA512", false, false, false },
	{ 0x0804, KEY_RSA, "SHA256", true, false, false },
	{ 0x0805, KEY_RSA, "SHA384", true, false, false },
	{ 0x0806, KEY_RSA, "SHA512", true, false, false },
	{ 0x0807, KEY_ED25519, "", false, false, false },
};

const struct scheme *
scheme_find(int64_t number)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes); i++)
		if (schemes[i].number == number)
			return &schemes[i];
	return NULL;
}

static bool
is_verify(struct slice s)
{
	static const char context[] = "TLS 1.3, server CertificateVerify";
	size_t i, hash;

	if (s.n < BLANKS + sizeof(context))
		return false;
	hash = s.n - BLANKS - sizeof(context);
	if (hash != 32 && hash != 48)
		return false;
	for (i = 0; i < BLANKS; i++)
		if (s.p[i] != ' ')
			return false;
	/* with the zero octet that ends it */
	return memcmp(s.p + BLANKS, context, sizeof(context)) == 0;
}

/* octets of a point on a group (IANA: TLS Supported Groups), 0: unknown */
static size_t
point_size(unsigned group, bool *raw)
{
	static const struct { unsigned group; size_t n; bool raw; } known[] = {
		{ 23, 65, false }, { 24, 97, false }, { 25, 133, false },
		{ 26, 65, false }, { 27, 97, false }, { 28, 129, false },
		{ 29, 32, true }, { 30, 56, true },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].group == group) {
			*raw = known[i].raw;
			return known[i].n;
		}
	return 0;
}

static unsigned
octet(struct slice s, size_t i)
{
	return (unsigned char)s.p[i];
}

static bool
is_ecdhe(struct slice s)
{
	bool raw = false;
	size_t n;

	if (s.n < 5 || octet(s, 0) != CURVE_NAMED)
		return false;
	n = point_size(octet(s, 1) << 8 | octet(s, 2), &raw);
	if (n == 0 || octet(s, 3) != n || s.n != 4 + n)
		return false;
	return raw || octet(s, 4) == 4;		/* uncompressed */
}

/* a number of two octets of length, cut off; 0 octets: not there */
static size_t
cut_number(struct slice *s)
{
	size_t n;

	if (s->n < 2)
		return 0;
	n = octet(*s, 0) << 8 | octet(*s, 1);
	if (n > s->n - 2)
		return 0;
	*s = slice_sub(*s, 2 + n, s->n);
	return n;
}

static bool
is_dhe(struct slice s)
{
	size_t p = cut_number(&s), g = cut_number(&s), y = cut_number(&s);

	return p >= DH_MIN && p <= DH_MAX && g > 0 && g <= p && y > 0 &&
	    y <= p && s.n == 0;
}

enum tbs
tbs_kind(struct slice tbs)
{
	struct slice params;

	if (is_verify(tbs))
		return TBS_13;
	if (tbs.n <= RANDOMS)
		return TBS_NONE;
	params = slice_sub(tbs, RANDOMS, tbs.n);
	return is_ecdhe(params) || is_dhe(params) ? TBS_12 : TBS_NONE;
}
