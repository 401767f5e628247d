/* gate_proxy_test.c - PROXY headers, and addresses as keys */
#include "../../gate/proxy.h"

#include "test/tap.h"

static struct str
unhex(const char *z)
{
	static const char digits[] = "0123456789abcdef";
	struct str s = STR_INIT;
	const char *a, *b;

	for (; *z != '\0'; z++) {
		if (*z == ' ')
			continue;
		a = strchr(digits, z[0]);
		b = strchr(digits, z[1]);
		assert(a != NULL && b != NULL);
		str_addc(&s, (char)((a - digits) << 4 | (b - digits)));
		z++;
	}
	return s;
}

/* "192.0.2.1:1025 192.0.2.2:25", "local" or the reason */
static const char *
parse(const char *p, size_t n, int *len)
{
	static char text[200];
	char from[ADDR_TEXT], to[ADDR_TEXT];
	const char *why = "?";
	struct proxy px;

	*len = proxy_parse(p, n, &px, &why);
	if (*len < 0)
		return why;
	if (*len == 0)
		return "more";
	if (px.local)
		return "local";
	snprintf(text, sizeof(text), "%s:%d %s:%d", addr_text(&px.from, from),
	    px.from_port, addr_text(&px.to, to), px.to_port);
	return text;
}

static const struct { const char *line, *want; } v1[] = {
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 1025 25\r\n",
	    "192.0.2.1:1025 192.0.2.2:25" },
	{ "PROXY TCP6 2001:db8::1 2001:db8::2 65535 1\r\n",
	    "2001:db8::1:65535 2001:db8::2:1" },
	{ "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 5 1\r\n",
	    "192.0.2.1:5 2001:db8::2:1" },
	{ "PROXY UNKNOWN\r\n", "local" },
	{ "PROXY UNKNOWN ffff::1 what ever 1 2\r\n", "local" },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 1025\r\n", "expected five words" },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 1025 25 \r\n",
	    "expected five words" },
	{ "PROXY TCP4  192.0.2.1 192.0.2.2 1025 25\r\n",
	    "expected five words" },
	{ "PROXY TCP4 192.0.2.1  1025 25\r\n", "bad address" },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 0 25\r\n", "bad port" },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 01 25\r\n", "bad port" },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n", "bad port" },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 +5 25\r\n", "bad port" },
	{ "PROXY TCP4 ::1 ::1 5 25\r\n", "bad address" },
	{ "PROXY TCP6 192.0.2.1 192.0.2.2 5 25\r\n", "bad address" },
	{ "PROXY TCP4 192.0.2.256 192.0.2.2 5 25\r\n", "bad address" },
	{ "PROXY UDP4 192.0.2.1 192.0.2.2 5 25\r\n", "unknown protocol" },
	{ "PROXY TCP4 192.0.2.1 192.0.2.2 5 25\n", "bad line" },
	{ "PROXY\r\n", "no header" },
	{ "proxy TCP4 192.0.2.1 192.0.2.2 5 25\r\n", "no header" },
	{ "EHLO me\r\n", "no header" },
};

static void
test_v1(void)
{
	struct str s = STR_INIT;
	size_t i, n, k;
	int len;

	for (i = 0; i < ARRAY_LEN(v1); i++) {
		n = strlen(v1[i].line);
		str_reset(&s);
		str_addf(&s, "%sEHLO me\r\n", v1[i].line);
		is_str(parse(s.s, s.len, &len), v1[i].want, "%.*s",
		    (int)n - 2, v1[i].line);
		if (len <= 0)
			continue;
		is_int(len, n, "its length");
		for (k = 0; k < n; k++)
			if (proxy_parse(s.s, k, &(struct proxy){ 0 },
			    &(const char *){ "" }) != 0)
				break;
		is_int(k, n, "no part of it is a header or none");
	}
	str_reset(&s);
	str_adds(&s, "PROXY UNKNOWN ");
	while (s.len < 105)
		str_addc(&s, 'x');
	str_adds(&s, "\r\n");
	is_str(parse(s.s, s.len, &len), "local", "107 bytes");
	str_trunc(&s, 105);
	str_adds(&s, "x\r\n");
	is_str(parse(s.s, s.len, &len), "line too long", "108");
	str_free(&s);
}

#define SIG "0d0a0d0a000d0a515549540a"
#define IP4 "c0000201 c0000202 0401 0019"
#define IP6 "20010db8000000000000000000000001" \
	"20010db8000000000000000000000002 ffff 0001"
static const struct { const char *hex, *want; int len; } v2[] = {
	{ SIG "21 11 000c" IP4, "192.0.2.1:1025 192.0.2.2:25", 28 },
	{ SIG "21 21 0024" IP6, "2001:db8::1:65535 2001:db8::2:1", 52 },
	{ SIG "20 00 0000", "local", 16 },
	{ SIG "20 11 000c" IP4, "local", 28 },
	{ SIG "21 00 0003 ffffff", "local", 19 },
	{ SIG "21 11 000b" IP4, "no TCP connection", -1 },
	{ SIG "21 12 000c" IP4, "no TCP connection", -1 },
	{ SIG "21 31 00d8", "more", 0 },
	{ SIG "11 11 000c" IP4, "unknown version or command", -1 },
	{ SIG "22 11 000c" IP4, "unknown version or command", -1 },
	{ SIG "21 11 000c c0000201 c0000202 0000 0019", "bad port", -1 },
	{ SIG "21 11 000f" IP4 "040000", "192.0.2.1:1025 192.0.2.2:25", 31 },
	{ SIG "21 11 0011" IP4 "02 0002 6162",
	    "192.0.2.1:1025 192.0.2.2:25", 33 },
	{ SIG "21 11 0011" IP4 "02 0003 6162", "bad TLV", -1 },
	{ SIG "21 11 000e" IP4 "02 00", "bad TLV", -1 },
	{ SIG "21 11 0013" IP4 "03 0004 00000000", "bad checksum", -1 },
	{ SIG "21 11 0010" IP4 "03 0001 00", "bad TLV", -1 },
	{ SIG "21 11 ffff" IP4, "header too long", -1 },
	{ SIG "21 11 0ff0", "more", 0 },
	{ SIG "21 11 0ff1", "header too long", -1 },
	{ "0d0a0d0a000d0a515549540b 21 11 000c" IP4, "no header", -1 },
};

static void
test_v2(void)
{
	struct str s;
	size_t i, k, whole;
	int len;

	for (i = 0; i < ARRAY_LEN(v2); i++) {
		s = unhex(v2[i].hex);
		whole = s.len;
		if (v2[i].len > 0)	/* what is behind is not looked at */
			str_adds(&s, "EHLO me\r\n");
		is_str(parse(s.s, s.len, &len), v2[i].want, "%s", v2[i].hex);
		is_int(len, v2[i].len, "its length");
		for (k = 0; len > 0 && k < whole; k++)
			if (proxy_parse(s.s, k, &(struct proxy){ 0 },
			    &(const char *){ "" }) != 0)
				break;
		is_int(k, len > 0 ? whole : 0, "nor any part of it");
		str_free(&s);
	}
}

/* a checksum made bit by bit elsewhere: "123456789" gives e3069283 */
static void
test_checksum(void)
{
	struct str s = unhex(SIG "21 11 0013" IP4 "03 0004 00000000");
	uint32_t crc = 0xffffffff;
	size_t i;
	int k, len;

	for (i = 0; i < s.len; i++)
		for (k = 0, crc ^= (unsigned char)s.s[i]; k < 8; k++)
			crc = crc >> 1 ^ (0x82f63b78U & -(crc & 1));
	crc = ~crc;
	for (i = 0; i < 4; i++)
		s.s[s.len - 1 - i] = (char)(crc >> 8 * i);
	is_str(parse(s.s, s.len, &len), "192.0.2.1:1025 192.0.2.2:25",
	    "a good checksum");
	s.s[20] ^= 1;
	is_str(parse(s.s, s.len, &len), "bad checksum", "a bit is wrong");
	str_free(&s);
}

static const struct { const char *addr, *net; int v4, v6; } nets[] = {
	{ "192.0.2.77", "192.0.2.0/24", 24, 64 },
	{ "192.0.2.77", "192.0.2.77/32", 32, 64 },
	{ "192.0.2.77", "192.0.2.64/28", 28, 64 },
	{ "::ffff:192.0.2.77", "192.0.0.0/9", 9, 64 },
	{ "2001:db8:1:2:3::4", "2001:db8:1:2::/64", 24, 64 },
	{ "2001:db8:1:2:3::4", "2001:db8::/35", 24, 35 },
};

static void
test_nets(void)
{
	const char *v[] = { "198.51.100.0/24", "[2001:db8::]/32", "::1" };
	struct strlist l = { v, 3, 3 };
	struct nets n = { NULL, 0 };
	struct err err = ERR_INIT;
	char text[ADDR_TEXT];
	struct addr a;
	size_t i;

	for (i = 0; i < ARRAY_LEN(nets); i++) {
		addr_parse(slice_of(nets[i].addr), &a);
		is_str(addr_network_text(&a, nets[i].v4, nets[i].v6, text),
		    nets[i].net, "network of %s", nets[i].addr);
	}
	is_int(nets_parse(&l, &n, &err), 0, "networks");
	addr_parse(SLICE_LIT("198.51.100.9"), &a);
	ok(nets_have(&n, &a), "has it");
	addr_parse(SLICE_LIT("198.51.101.9"), &a);
	ok(!nets_have(&n, &a), "has not");
	addr_parse(SLICE_LIT("2001:db8:9::"), &a);
	ok(nets_have(&n, &a), "in brackets");
	addr_parse(SLICE_LIT("::1"), &a);
	ok(nets_have(&n, &a), "one address");
	addr_parse(SLICE_LIT("::2"), &a);
	ok(!nets_have(&n, &a), "not another");
	nets_free(&n);
}

int
main(void)
{
	test_v1();
	test_v2();
	test_checksum();
	test_nets();
	return tap_done();
}
