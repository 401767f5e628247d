/*
 * proxy.c - PROXY protocol ("proxy-protocol.txt" of HAProxy).  What is behind
 * the addresses in version 2 (TLVs) is checked for its form and its checksum,
 * and otherwise none of our business.
 */
#include "proxy.h"

enum { V1_MAX = 107, V2_HEAD = 16 };
enum { TLV_CRC32C = 0x03, TLV_UNIQUE_ID = 0x05, UNIQUE_ID_MAX = 128 };
static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
enum { SIGNATURE = 12 };

static int
bad(const char **why, const char *text)
{
	*why = text;
	return -1;
}

/* no sign, no leading zero, not 0: a port that a client can have */
static bool
parse_port(struct slice s, int *port)
{
	uint64_t n;

	if (s.n == 0 || s.p[0] == '0' || !slice_u64(s, 65535, &n))
		return false;
	*port = (int)n;
	return true;
}

static bool
parse_pair(struct slice from, struct slice to, bool v4, struct proxy *out)
{
	return addr_parse(from, &out->from) && addr_parse(to, &out->to) &&
	    (slice_find(from, ':') == from.n) == v4 &&
	    (slice_find(to, ':') == to.n) == v4;
}

/* "TCP4 192.0.2.1 192.0.2.2 1025 25" */
static int
parse_words(struct slice line, struct proxy *out, const char **why)
{
	struct slice w[5];
	size_t n = 0;

	while (n < ARRAY_LEN(w) && slice_cut(&line, ' ', &w[n]))
		n++;
	if (n > 0 && slice_eqz(w[0], "UNKNOWN")) {
		out->local = true;
		return 0;
	}
	if (n != ARRAY_LEN(w) || line.p != NULL)
		return bad(why, "expected five words");
	if (!slice_eqz(w[0], "TCP4") && !slice_eqz(w[0], "TCP6"))
		return bad(why, "unknown protocol");
	if (!parse_pair(w[1], w[2], slice_eqz(w[0], "TCP4"), out))
		return bad(why, "bad address");
	if (!parse_port(w[3], &out->from_port) ||
	    !parse_port(w[4], &out->to_port))
		return bad(why, "bad port");
	return 0;
}

static int
parse_v1(const char *p, size_t n, struct proxy *out, const char **why)
{
	const char *lf = memchr(p, '\n', MIN(n, (size_t)V1_MAX));
	struct slice line;

	if (lf == NULL)
		return n < V1_MAX ? 0 : bad(why, "line too long");
	line = (struct slice){ p, (size_t)(lf - p) };
	if (!slice_ends(line, "\r") || slice_has_nul(line))
		return bad(why, "bad line");
	line.n--;
	out->version = 1;
	if (parse_words(slice_sub(line, 6, line.n), out, why) < 0)
		return -1;
	return (int)(lf - p) + 1;
}

static int
get16(const unsigned char *p)
{
	return p[0] << 8 | p[1];
}

/* the CRC of RFC 4960 appendix B over a header whose own field counts as 0 */
static uint32_t
crc32c(const unsigned char *p, size_t n, size_t at)
{
	uint32_t crc = 0xffffffff;
	size_t i;
	int k;

	for (i = 0; i < n; i++) {
		crc ^= i >= at && i < at + 4 ? 0 : p[i];
		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static int
check_tlvs(const unsigned char *p, size_t at, size_t n, const char **why)
{
	size_t len;
	uint32_t sum;

	for (; at < n; at += 3 + len) {
		if (n - at < 3)
			return bad(why, "bad TLV");
		len = (size_t)get16(p + at + 1);
		if (len > n - at - 3 ||
		    (p[at] == TLV_UNIQUE_ID && len > UNIQUE_ID_MAX))
			return bad(why, "bad TLV");
		if (p[at] != TLV_CRC32C)
			continue;
		if (len != 4)
			return bad(why, "bad TLV");
		sum = (uint32_t)get16(p + at + 3) << 16 |
		    (uint32_t)get16(p + at + 5);
		if (crc32c(p, n, at + 3) != sum)
			return bad(why, "bad checksum");
	}
	return 0;
}

/* the addresses; returns where the TLVs begin, or -1 */
static int
parse_block(const unsigned char *p, size_t n, struct proxy *out,
    const char **why)
{
	const unsigned char *a = p + V2_HEAD;

	if (p[13] == 0x11 && n >= V2_HEAD + 12) {
		addr_v4(&out->from, a);
		addr_v4(&out->to, a + 4);
		out->from_port = get16(a + 8);
		out->to_port = get16(a + 10);
		a += 12;
	} else if (p[13] == 0x21 && n >= V2_HEAD + 36) {
		memcpy(out->from.b, a, 16);
		memcpy(out->to.b, a + 16, 16);
		out->from_port = get16(a + 32);
		out->to_port = get16(a + 34);
		a += 36;
	} else {
		return bad(why, "no TCP connection");
	}
	if (out->from_port == 0 || out->to_port == 0)
		return bad(why, "bad port");
	return (int)(a - p);
}

static int
parse_v2(const unsigned char *p, size_t n, struct proxy *out,
    const char **why)
{
	size_t len;
	int at;

	if (n < V2_HEAD)
		return 0;
	if (p[12] >> 4 != 2 || (p[12] & 15) > 1)
		return bad(why, "unknown version or command");
	len = V2_HEAD + (size_t)get16(p + 14);
	if (len > PROXY_MAX)
		return bad(why, "header too long");
	if (n < len)
		return 0;
	out->version = 2;
	out->local = (p[12] & 15) == 0 || p[13] == 0;
	if (out->local)
		return (int)len;
	at = parse_block(p, len, out, why);
	if (at < 0 || check_tlvs(p, (size_t)at, len, why) < 0)
		return -1;
	return (int)len;
}

int
proxy_parse(const char *p, size_t n, struct proxy *out, const char **why)
{
	static const char v1[] = "PROXY ";

	*out = (struct proxy){ 0 };
	if (memcmp(p, v1, MIN(n, sizeof(v1) - 1)) == 0)
		return n < sizeof(v1) ? 0 : parse_v1(p, n, out, why);
	if (memcmp(p, signature, MIN(n, (size_t)SIGNATURE)) == 0)
		return parse_v2((const unsigned char *)p, n, out, why);
	return bad(why, "no header");
}
