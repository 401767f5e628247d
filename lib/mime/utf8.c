/*
 * utf8.c - characters of UTF-8 (RFC 3629: shortest form, no surrogates).
 */
#include "mime/impl.h"

static const struct {
	unsigned char lead_min, lead_max, second_min, second_max, length;
} forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* octets of the character at p, 0: none, -1: none yet, it may be cut */
static int
length_at(const unsigned char *p, size_t n)
{
	size_t i, k;

	if (p[0] < 0x80)
		return 1;
	for (k = 0; k < ARRAY_LEN(forms) && p[0] > forms[k].lead_max; k++)
		;
	if (k == ARRAY_LEN(forms) || p[0] < forms[k].lead_min)
		return 0;
	if (n > 1 && (p[1] < forms[k].second_min ||
	    p[1] > forms[k].second_max))
		return 0;
	for (i = 2; i < forms[k].length && i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n < forms[k].length ? -1 : forms[k].length;
}

size_t
mime_utf8_get(const char *p, size_t n, uint32_t *cp_r)
{
	const unsigned char *u = (const unsigned char *)p;
	int len = length_at(u, n), i;
	uint32_t cp;

	if (len <= 0)
		return 0;
	cp = len == 1 ? u[0] : u[0] & (0x7fu >> len);
	for (i = 1; i < len; i++)
		cp = cp << 6 | (u[i] & 0x3f);
	*cp_r = cp;
	return (size_t)len;
}

void
mime_utf8_put(uint32_t cp, struct str *out)
{
	char b[4];
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4, i;

	if (n == 1) {
		str_addc(out, (char)cp);
		return;
	}
	for (i = n; i-- > 1; cp >>= 6)
		b[i] = (char)(0x80 | (cp & 0x3f));
	b[0] = (char)((0xf00 >> n & 0xff) | cp);
	str_add(out, b, n);
}

size_t
mime_utf8_whole(struct slice s)
{
	const unsigned char *u = (const unsigned char *)s.p;
	size_t back;

	for (back = 1; back <= 3 && back <= s.n; back++)
		if (u[s.n - back] >= 0xc0)
			return length_at(u + s.n - back, back) < 0 ?
			    s.n - back : s.n;
	return s.n;
}

size_t
mime_ascii_run(struct slice s)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t w;
	size_t i = 0;

	for (; s.n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s.p + i, sizeof(w));
		/* an octet over 127, or one that is NUL */
		if ((w | (w - ones)) & high)
			break;
	}
	while (i < s.n && (signed char)s.p[i] > 0)
		i++;
	return i;
}
