/*
 * encode.c - base64, hex and UTF-8: each decoder accepts exactly the
 * canonical form, so that two spellings never mean one thing.
 */
#include "base/str.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct str *out, const void *p, size_t n)
{
	const unsigned char *u = p;
	char q[4];
	unsigned v;
	size_t i, k;

	for (i = 0; i < n; i += 3) {
		k = MIN(n - i, (size_t)3);
		v = (unsigned)u[i] << 16;
		if (k > 1)
			v |= (unsigned)u[i + 1] << 8;
		if (k > 2)
			v |= u[i + 2];
		q[0] = digits[v >> 18];
		q[1] = digits[v >> 12 & 63];
		q[2] = k > 1 ? digits[v >> 6 & 63] : '=';
		q[3] = k > 2 ? digits[v & 63] : '=';
		str_add(out, q, 4);
	}
}

static int
digit_value(char c)
{
	const char *q = c ? memchr(digits, c, 64) : NULL;

	return q ? (int)(q - digits) : -1;
}

/* one group of four: bytes written to b (1..3), or 0 where it is malformed */
static size_t
decode_group(const char *g, bool last, unsigned char b[3])
{
	size_t pad = last ? (size_t)(g[3] == '=') + (g[2] == '=' &&
	    g[3] == '=') : 0;
	unsigned v = 0;
	size_t i;
	int d;

	for (i = 0; i < 4 - pad; i++) {
		d = digit_value(g[i]);
		if (d < 0)
			return 0;
		v |= (unsigned)d << (18 - 6 * i);
	}
	/* bits that padding throws away must be zero (RFC 4648, 3.5) */
	if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
		return 0;
	b[0] = (unsigned char)(v >> 16);
	b[1] = (unsigned char)(v >> 8);
	b[2] = (unsigned char)v;
	return 3 - pad;
}

int
base64_decode(struct str *out, struct slice in)
{
	size_t keep = out->len, i, n;
	unsigned char b[3];

	if (in.n % 4 != 0)
		return 0;
	for (i = 0; i < in.n; i += 4) {
		n = decode_group(in.p + i, i + 4 == in.n, b);
		if (n == 0) {
			str_trunc(out, keep);
			return 0;
		}
		str_add(out, b, n);
	}
	return 1;
}

void
hex_encode(struct str *out, const void *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *u = p;
	size_t i;

	for (i = 0; i < n; i++) {
		str_addc(out, hex[u[i] >> 4]);
		str_addc(out, hex[u[i] & 15]);
	}
}

int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
hex_decode(struct slice hex, unsigned char *p, size_t n)
{
	size_t i;
	int hi, lo;

	if (hex.n % 2 != 0 || hex.n / 2 != n)
		return false;
	for (i = 0; i < n; i++) {
		hi = hex_digit((unsigned char)hex.p[2 * i]);
		lo = hex_digit((unsigned char)hex.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		p[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

/* length of the character at p (at most n bytes), 0 where it is none */
static size_t
utf8_char(const unsigned char *p, size_t n)
{
	unsigned lo = 0x80, hi = 0xbf;
	size_t len, i;

	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

bool
utf8_valid(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, k;

	while (i < s.n) {
		k = utf8_char(p + i, s.n - i);
		if (k == 0)
			return false;
		i += k;
	}
	return true;
}

struct slice
utf8_cut(struct slice s, size_t n)
{
	size_t at = n, i;

	if (s.n <= n)
		return s;
	/* back to the first octet of the character that n falls into */
	for (i = 0; i < 3 && at > 0 && ((unsigned char)s.p[at] & 0xc0) ==
	    0x80; i++)
		at--;
	/* octets that are no character of ours may be parted anywhere */
	if (utf8_char((const unsigned char *)s.p + at, s.n - at) == 0)
		at = n;
	return slice_sub(s, 0, at);
}

bool
slice_is_ascii(struct slice s)
{
	uint64_t word;
	size_t i;

	/* whole contents are looked through, so eight at a time */
	for (i = 0; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			return false;
	}
	for (; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}
