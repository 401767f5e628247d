/*
 * mbox_log.c - records of .state/log: words with one blank between, the
 * CRC-32C of all before the last blank as eight hex digits, a newline.
 * Whatever bytes a log holds, reading it is bounded by its length.
 */
#include "store/mbox.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_CRC_INSTRUCTION 1
#include <nmmintrin.h>
#endif

#define CRC_POLY 0x82f63b78U
enum { CRC_LONG = 16384 };

static uint32_t table[8][256];

static void
make_table(void)
{
	uint32_t c, i;
	int k;

	for (i = 0; i < 256; i++) {
		for (c = i, k = 0; k < 8; k++)
			c = (c >> 1) ^ (c & 1 ? CRC_POLY : 0);
		table[0][i] = c;
	}
	for (i = 0; i < 256; i++)
		for (k = 1; k < 8; k++)
			table[k][i] = (table[k - 1][i] >> 8) ^
			    table[0][table[k - 1][i] & 0xff];
}

/* eight bytes at a time, for machines without the instruction */
static uint32_t
crc_table(uint32_t crc, const unsigned char *p, size_t n)
{
	uint32_t c;

	if (table[0][1] == 0)
		make_table();
	for (; n >= 8; n -= 8, p += 8) {
		c = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
		crc = table[7][c & 0xff] ^ table[6][(c >> 8) & 0xff] ^
		    table[5][(c >> 16) & 0xff] ^ table[4][c >> 24] ^
		    table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
		    table[0][p[7]];
	}
	while (n-- > 0)
		crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 0xff];
	return crc;
}

#ifdef HAVE_CRC_INSTRUCTION
__attribute__((target("sse4.2"))) static uint32_t
crc_instruction(uint32_t crc, const unsigned char *p, size_t n)
{
	uint64_t c = crc, v;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&v, p, 8);
		c = _mm_crc32_u64(c, v);
	}
	while (n-- > 0)
		c = _mm_crc32_u8((uint32_t)c, *p++);
	return (uint32_t)c;
}

/* a times b, polynomials modulo that of the sum, highest power in bit 0 */
static uint32_t
crc_times(uint32_t a, uint32_t b)
{
	uint32_t r = 0, bit;

	for (bit = 1U << 31; bit != 0; bit >>= 1) {
		if (a & bit)
			r ^= b;
		b = (b >> 1) ^ ((b & 1) ? CRC_POLY : 0);
	}
	return r;
}

/* the register behind n octets of zero */
static uint32_t
crc_zeros(uint32_t crc, size_t n)
{
	uint32_t power = 1U << 23;	/* one octet */

	for (; n > 0; n >>= 1) {
		if (n & 1)
			crc = crc_times(crc, power);
		power = crc_times(power, power);
	}
	return crc;
}

/* The instruction takes three cycles and can begin at each: three thirds side
 * by side, put together as the sum is linear. */
__attribute__((target("sse4.2"))) static uint32_t
crc_thirds(uint32_t crc, const unsigned char *p, size_t n)
{
	size_t third = n / 24 * 8, i;
	uint64_t a = crc, b = 0, c = 0, v[3];

	for (i = 0; i < third; i += 8) {
		memcpy(&v[0], p + i, 8);
		memcpy(&v[1], p + third + i, 8);
		memcpy(&v[2], p + 2 * third + i, 8);
		a = _mm_crc32_u64(a, v[0]);
		b = _mm_crc32_u64(b, v[1]);
		c = _mm_crc32_u64(c, v[2]);
	}
	b ^= crc_zeros((uint32_t)a, third);
	c ^= crc_zeros((uint32_t)b, third);
	return crc_instruction((uint32_t)c, p + 3 * third, n - 3 * third);
}
#endif

uint32_t
mbox_crc(uint32_t crc, const void *p, size_t n)
{
	crc = ~crc;
#ifdef HAVE_CRC_INSTRUCTION
	if (__builtin_cpu_supports("sse4.2"))
		return ~(n < CRC_LONG ? crc_instruction(crc, p, n) :
		    crc_thirds(crc, p, n));
#endif
	return ~crc_table(crc, p, n);
}

void
mbox_log_seal(struct str *out, size_t start)
{
	uint32_t crc = mbox_crc(0, out->s + start, out->len - start);
	char end[] = " 00000000\n";
	int i;

	for (i = 8; crc != 0; i--, crc >>= 4)
		end[i] = "0123456789abcdef"[crc & 15];
	str_add(out, end, sizeof(end) - 1);
}

/* A log of many messages is many numbers: printf takes its time. */
char *
mbox_log_before(char *p, int64_t v)
{
	static const char pairs[] =
	    "00010203040506070809101112131415161718192021222324"
	    "25262728293031323334353637383940414243444546474849"
	    "50515253545556575859606162636465666768697071727374"
	    "75767778798081828384858687888990919293949596979899";
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	bool zero = u == 0;

	*--p = ' ';
	for (; u >= 10; u /= 100) {
		*--p = pairs[u % 100 * 2 + 1];
		*--p = pairs[u % 100 * 2];
	}
	if (u > 0 || zero)
		*--p = (char)('0' + u);
	if (v < 0)
		*--p = '-';
	return p;
}

void
mbox_log_number(struct str *out, int64_t v)
{
	char buf[MBOX_NUMBER_MAX], *end = buf + sizeof(buf), *p;

	p = mbox_log_before(end, v);
	str_add(out, p, (size_t)(end - p));
}

void
mbox_log_addf(struct str *out, const char *fmt, ...)
{
	size_t start = out->len;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(out, fmt, ap);
	va_end(ap);
	mbox_log_seal(out, start);
}

/* Is there nothing to be escaped?  Eight octets at a time: a high bit is set
 * where one is over 127 or, behind the subtractions, where one is too small or
 * has become zero. */
static bool
is_plain(const char *s, size_t n)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t w, bad = 0;
	size_t i = 0;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		bad |= w | (w - ones * 0x21) | ((w ^ ones * 0x7f) - ones) |
		    ((w ^ ones * '%') - ones);
	}
	for (; i < n; i++)
		if ((unsigned char)s[i] <= 0x20 || s[i] == 0x7f || s[i] == '%')
			return false;
	return (bad & high) == 0;
}

void
mbox_log_text(struct str *out, const char *s)
{
	size_t n = strlen(s);
	const char *p;

	if (is_plain(s, n)) {
		str_add(out, s, n);
		return;
	}
	for (;; s = p + 1) {
		for (p = s; (unsigned char)*p > 0x20 && *p != 0x7f &&
		    *p != '%'; p++)
			;
		str_add(out, s, (size_t)(p - s));
		if (*p == '\0')
			return;
		str_addf(out, "%%%02X", (unsigned char)*p);
	}
}

bool
mbox_log_untext(struct str *out, struct slice s)
{
	size_t i;
	int hi, lo;

	if (slice_find(s, '%') == s.n) {
		str_addsl(out, s);
		return true;
	}
	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			str_addc(out, s.p[i]);
			continue;
		}
		if (s.n - i < 3)
			return false;
		hi = hex_digit(s.p[i + 1]);
		lo = hex_digit(s.p[i + 2]);
		if (hi < 0 || lo < 0 || hi + lo == 0)
			return false;
		str_addc(out, (char)(hi << 4 | lo));
		i += 2;
	}
	return true;
}

static bool
crc_good(struct slice line)
{
	uint32_t want = 0;
	size_t i;
	int d;

	if (line.n < 10 || line.p[line.n - 9] != ' ')
		return false;
	for (i = line.n - 8; i < line.n; i++) {
		d = hex_digit(line.p[i]);
		if (d < 0)
			return false;
		want = want << 4 | (uint32_t)d;
	}
	return mbox_crc(0, line.p, line.n - 9) == want;
}

int
mbox_log_next(struct slice *rest, struct slice *rec)
{
	const char *nl = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	struct slice line;

	if (nl == NULL)
		return 0;
	line = slice_sub(*rest, 0, (size_t)(nl - rest->p));
	*rest = slice_sub(*rest, line.n + 1, rest->n);
	if (!crc_good(line))
		return -1;
	*rec = slice_sub(line, 0, line.n - 9);
	return 1;
}

int
mbox_set_next(struct slice *set, struct uid_range *r)
{
	struct slice part;
	size_t colon;
	uint64_t a, b;

	if (!slice_cut(set, ',', &part))
		return 0;
	colon = slice_find(part, ':');
	if (!slice_u64(slice_sub(part, 0, colon), UINT32_MAX, &a))
		return 0;
	b = a;
	if (colon < part.n && !slice_u64(slice_sub(part, colon + 1, part.n),
	    UINT32_MAX, &b))
		return 0;
	if (a == 0 || b < a)
		return 0;
	*r = (struct uid_range){ (uint32_t)a, (uint32_t)b };
	return 1;
}

/* eight digits as a number, or UINT32_MAX: they are none */
static uint32_t
eight_digits(const char *p)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return UINT32_MAX;
	w -= ones * '0';	/* a byte over 9 is seen by one of the two */
	if (((w + ones * 0x76) | w) & ones << 7)
		return UINT32_MAX;
	/* pairs, then fours, then all */
	w = w * 10 + (w >> 8);
	w = ((w & 0x000000ff000000ff) * (100 + (1000000ULL << 32)) +
	    (w >> 16 & 0x000000ff000000ff) * (1 + (10000ULL << 32))) >> 32;
	return (uint32_t)w;
}

/* Digits up to the next blank, which goes, too.  A log is read whole at an open
 * without a snapshot, and most of it is numbers: each octet is seen once. */
static bool
take_digits(struct slice *rest, uint64_t max, uint64_t *r)
{
	const char *p = rest->p, *end = p + rest->n;
	struct slice w;
	uint64_t v = 0;
	uint32_t eight;
	unsigned d;

	if (rest->n == 0)
		return false;
	for (; end - p >= 8 && (eight = eight_digits(p)) != UINT32_MAX; p += 8)
		v = v * 100000000 + eight;
	for (; p < end && (d = (unsigned char)*p - (unsigned)'0') <= 9; p++)
		v = v * 10 + d;
	if (p - rest->p > 19)	/* it may not fit */
		return slice_cut(rest, ' ', &w) && slice_u64(w, max, r);
	if (p == rest->p || (p < end && *p != ' ') || v > max)
		return false;
	*rest = p == end ? SLICE_NULL : slice_sub(*rest,
	    (size_t)(p - rest->p) + 1, rest->n);
	*r = v;
	return true;
}

bool
mbox_word_u64(struct slice *rest, uint64_t *r)
{
	return take_digits(rest, UINT64_MAX, r);
}

bool
mbox_word_i64(struct slice *rest, int64_t *r)
{
	bool minus = rest->n > 0 && rest->p[0] == '-';
	uint64_t v;

	if (minus)
		*rest = slice_sub(*rest, 1, rest->n);
	if (!take_digits(rest, INT64_MAX, &v))
		return false;
	*r = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

bool
mbox_word_date(struct slice *rest, int64_t *r)
{
	if (rest->n > 0 && rest->p[0] == '-' &&
	    (rest->n == 1 || rest->p[1] == ' ')) {
		*r = MBOX_NO_DATE;
		*rest = rest->n == 1 ? SLICE_NULL :
		    slice_sub(*rest, 2, rest->n);
		return true;
	}
	return mbox_word_i64(rest, r);
}

void
mbox_flagspec_add(struct str *out, unsigned flags, const uint16_t *num,
    size_t n)
{
	size_t len = out->len, i;

	mbox_letters(out, flags, SLICE_LIT(""));
	if (out->len == len)
		str_addc(out, '-');
	for (i = 0; i < n; i++)
		str_addf(out, ",%u", num[i]);
}
