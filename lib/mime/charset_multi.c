/*
 * charset_multi.c - each charset is a function that looks at the next
 * character; ISO-2022-JP, UTF-7 and windows-1258 have a state.
 */
#include "mime/charset_multi.h"
#include "mime/charset_names.h"
#include "mime/impl.h"

enum { BAD = -1, MORE = 0 };	/* of a step; else: octets of it */
enum { ESC = 0x1b };
enum set { ASCII, ROMAN, KANA, X0208, X0212, BASE64, BASE64_FIRST };

/* At p lies the next character, n > 0: how many octets it has, BAD: none
 * begins here, MORE: it may have more than n.  cp: what it is, at most two; 0:
 * nothing. */
typedef int step_fn(struct mime_multi *m, const unsigned char *p, size_t n,
    uint32_t cp[2]);

static int
from_table(const struct charset_two *t, const unsigned char *p, uint32_t cp[2])
{
	size_t trails = t->trail_end - t->trail + 1u;
	unsigned u;

	if (p[0] < t->lead || p[0] > t->lead_end || p[1] < t->trail ||
	    p[1] > t->trail_end)
		return BAD;
	u = t->v[(size_t)(p[0] - t->lead) * trails + p[1] - t->trail];
	if (u >= 0xd800 && u < 0xe000) {
		cp[0] = t->wide[u - 0xd800].cp;
		cp[1] = t->wide[u - 0xd800].then;
	} else {
		cp[0] = u;
	}
	return u != 0 ? 2 : BAD;
}

/* ASCII, and two octets of the table */
static int
two(const struct charset_two *t, const unsigned char *p, size_t n,
    uint32_t cp[2])
{
	if (p[0] < 0x80) {
		cp[0] = p[0];
		return 1;
	}
	if (p[0] < t->lead || p[0] > t->lead_end)
		return BAD;
	return n < 2 ? MORE : from_table(t, p, cp);
}

static int
big5(struct mime_multi *m UNUSED, const unsigned char *p, size_t n,
    uint32_t cp[2])
{
	if (p[0] == 0x80) {	/* as iconv has it */
		cp[0] = p[0];
		return 1;
	}
	return two(&mime_big5, p, n, cp);
}

static int
euc_kr(struct mime_multi *m UNUSED, const unsigned char *p, size_t n,
    uint32_t cp[2])
{
	return two(&mime_uhc, p, n, cp);
}

static int
half_width(unsigned char c, uint32_t cp[2])
{
	if (c < 0xa1 || c > 0xdf)
		return BAD;
	cp[0] = 0xff61u + c - 0xa1;
	return 1;
}

static int
shift_jis(struct mime_multi *m UNUSED, const unsigned char *p, size_t n,
    uint32_t cp[2])
{
	if (half_width(p[0], cp) == 1)
		return 1;
	return two(&mime_sjis, p, n, cp);
}

static int
euc_jp(struct mime_multi *m UNUSED, const unsigned char *p, size_t n,
    uint32_t cp[2])
{
	if (p[0] == 0x8e) {
		if (n < 2)
			return MORE;
		return half_width(p[1], cp) == 1 ? 2 : BAD;
	}
	if (p[0] == 0x8f) {
		if (n < 2 || (n < 3 && p[1] >= 0xa1 && p[1] != 0xff))
			return MORE;
		return n > 2 && from_table(&mime_jis0212, p + 1, cp) == 2 ?
		    3 : BAD;
	}
	if (p[0] < 0xa0) {	/* controls of 8 bits, too */
		cp[0] = p[0];
		return 1;
	}
	return two(&mime_jis0208, p, n, cp);
}

/* four octets, as a number */
static int
gb_four(const unsigned char *p, size_t n, uint32_t cp[2])
{
	size_t lo = 0, hi = mime_gb_nranges, mid;
	uint32_t k;

	if (n > 2 && (p[2] < 0x81 || p[2] == 0xff))
		return BAD;
	if (n < 4)
		return MORE;
	if (p[3] < '0' || p[3] > '9')
		return BAD;
	k = ((p[0] - 0x81u) * 10 + p[1] - '0') * 1260 + (p[2] - 0x81u) * 10 +
	    p[3] - '0';
	if (k >= 189000) {
		cp[0] = 0x10000 + k - 189000;
		return cp[0] <= 0x10ffff ? 4 : BAD;
	}
	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (mime_gb_ranges[mid].from <= k)
			lo = mid;
		else
			hi = mid;
	}
	if (mime_gb_ranges[lo].from > k || mime_gb_ranges[lo].cp == 0)
		return BAD;
	cp[0] = mime_gb_ranges[lo].cp + k - mime_gb_ranges[lo].from;
	return 4;
}

static int
gb18030(struct mime_multi *m UNUSED, const unsigned char *p, size_t n,
    uint32_t cp[2])
{
	if (n > 1 && p[0] > 0x80 && p[0] < 0xff && p[1] >= '0' && p[1] <= '9')
		return gb_four(p, n, cp);
	return two(&mime_gbk, p, n, cp);
}

/* ---- with a state -------------------------------------------------------- */

static int
escape(struct mime_multi *m, const unsigned char *p, size_t n)
{
	static const struct { const char *s; enum set set; } e[] = {
		{ "\x1b(B", ASCII }, { "\x1b(J", ROMAN }, { "\x1b(I", KANA },
		{ "\x1b$@", X0208 }, { "\x1b$B", X0208 }, { "\x1b$(D", X0212 },
	};
	size_t i, k;
	bool more = false;

	for (i = 0; i < ARRAY_LEN(e); i++) {
		k = strlen(e[i].s);
		if (memcmp(p, e[i].s, MIN(n, k)) != 0)
			continue;
		if (n >= k) {
			m->set = e[i].set;
			return (int)k;
		}
		more = true;
	}
	return more ? MORE : BAD;
}

/* RFC 1468 */
static int
iso_2022_jp(struct mime_multi *m, const unsigned char *p, size_t n,
    uint32_t cp[2])
{
	unsigned char z[2];

	if (p[0] == ESC)
		return escape(m, p, n);
	if (p[0] >= 0x80)
		return BAD;
	cp[0] = p[0];
	if (m->set == ASCII || p[0] <= 0x20 || p[0] == 0x7f)
		return 1;
	if (m->set == ROMAN) {
		if (p[0] == 0x5c)
			cp[0] = 0xa5;
		if (p[0] == 0x7e)
			cp[0] = 0x203e;
		return 1;
	}
	z[0] = p[0] | 0x80;
	if (m->set == KANA)
		return half_width(z[0], cp);
	if (n < 2)
		return MORE;
	if (p[1] >= 0x80)
		return BAD;
	z[1] = p[1] | 0x80;
	return from_table(m->set == X0208 ? &mime_jis0208 : &mime_jis0212, z,
	    cp);
}

static int
base64_value(unsigned char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != 0 ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* sixteen bits are whole */
static void
utf16_unit(struct mime_multi *m, uint32_t u, uint32_t cp[2])
{
	uint32_t high = m->high;

	m->high = 0;
	if (high != 0 && u >= 0xdc00 && u < 0xe000) {
		cp[0] = 0x10000 + ((high - 0xd800) << 10) + (u - 0xdc00);
		return;
	}
	if (high != 0)
		cp[0] = 0xfffd;
	if (u >= 0xd800 && u < 0xdc00)
		m->high = u;
	else
		cp[high != 0] = u == 0 || (u >= 0xdc00 && u < 0xe000) ?
		    0xfffd : u;
}

/* back to ASCII, at octet c, which is no digit */
static void
utf_7_end(struct mime_multi *m, unsigned char c, uint32_t cp[2])
{
	if (m->high != 0)
		cp[0] = 0xfffd;
	if (c != '-')
		cp[m->high != 0] = c != 0 ? c : 0xfffd;
	else if (m->set == BASE64_FIRST)
		cp[0] = '+';
	m->set = ASCII;
	m->bits = 0;
	m->nbits = 0;
	m->high = 0;
}

/* RFC 2152 */
static int
utf_7(struct mime_multi *m, const unsigned char *p, size_t n UNUSED,
    uint32_t cp[2])
{
	int v = base64_value(p[0]);

	if (p[0] >= 0x80) {
		utf_7_end(m, p[0], cp);
		return BAD;
	}
	if (m->set == ASCII) {
		if (p[0] == '+')
			m->set = BASE64_FIRST;
		else
			cp[0] = p[0];
		return 1;
	}
	if (v < 0) {
		utf_7_end(m, p[0], cp);
		return 1;
	}
	m->set = BASE64;
	m->bits = m->bits << 6 | (uint32_t)v;
	m->nbits += 6;
	if (m->nbits >= 16) {
		m->nbits -= 16;
		utf16_unit(m, m->bits >> m->nbits & 0xffff, cp);
	}
	return 1;
}

/* Accents follow their letters, which wait for them: other programs have one
 * character for both, and that is what is searched for. */
static int
windows_1258(struct mime_multi *m, const unsigned char *p, size_t n UNUSED,
    uint32_t cp[2])
{
	const unsigned char *mark = memchr(mime_1258_marks, p[0], MARKS_1258);
	uint32_t letter = m->high, c = p[0];
	size_t k = 0;

	if (c >= 0x80)
		c = mime_charset_table("CP1258")[c - 0x80];
	m->high = 0;
	if (letter != 0 && mark != NULL) {
		cp[0] = mime_1258[m->bits][mark - mime_1258_marks];
		if (cp[0] != 0)
			return 1;
	}
	if (letter != 0)
		cp[k++] = letter;
	if (p[0] >= 'A' && c != 0) {
		m->high = c;
		m->bits = p[0];
	} else {
		cp[k] = c != 0 ? c : 0xfffd;
	}
	return 1;
}

/* ---- all of them --------------------------------------------------------- */

static const struct {
	const char *iconv;
	step_fn *step;
} kinds[] = {
	{ "", NULL },
	{ "GB18030", gb18030 },
	{ "BIG5-HKSCS", big5 },
	{ "CP932", shift_jis },
	{ "EUC-JP", euc_jp },
	{ "CP949", euc_kr },
	{ "ISO-2022-JP", iso_2022_jp },
	{ "UTF-7", utf_7 },
	{ "CP1258", windows_1258 },
};

int
mime_multi_find(const char *iconv)
{
	size_t i;

	for (i = 1; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].iconv, iconv) == 0)
			return (int)i;
	return 0;
}

void
mime_multi_begin(struct mime_multi *m, int kind)
{
	assert(kind > 0 && (size_t)kind < ARRAY_LEN(kinds));
	*m = (struct mime_multi){ .kind = kind, .set = ASCII };
}

/* octets at the start of s that are themselves, whichever charset it is; not
 * all of them, for there may be an escape soon */
static size_t
plain(const struct mime_multi *m, struct slice s)
{
	const char *stop = NULL;

	if (m->set != ASCII || kinds[m->kind].step == windows_1258)
		return 0;
	s = slice_sub(s, 0, 256);
	if (kinds[m->kind].step == iso_2022_jp)
		stop = memchr(s.p, ESC, s.n);
	else if (kinds[m->kind].step == utf_7)
		stop = memchr(s.p, '+', s.n);
	if (stop != NULL)
		s.n = (size_t)(stop - s.p);
	return mime_ascii_run(s);
}

struct slice
mime_multi_run(struct mime_multi *m, struct slice s, struct str *out)
{
	uint32_t cp[2];
	size_t i, k;
	int r;

	str_grow(out, s.n);
	while (s.n > 0) {
		k = plain(m, s);
		str_add(out, s.p, k);
		s = slice_sub(s, k, s.n);
		if (s.n == 0)
			break;
		cp[0] = cp[1] = 0;
		r = kinds[m->kind].step(m, (const unsigned char *)s.p, s.n,
		    cp);
		if (r == MORE)
			break;
		if (r == BAD) {
			cp[0] = 0xfffd;
			cp[1] = 0;
		} else if (cp[0] == 0 && s.p[0] == 0) {
			cp[0] = 0xfffd;
		}
		for (i = 0; i < 2; i++)
			if (cp[i] != 0)
				mime_utf8_put(cp[i], out);
		s = slice_sub(s, r == BAD ? 1 : (size_t)r, s.n);
	}
	return s;
}

void
mime_multi_end(struct mime_multi *m, struct slice rest, struct str *out)
{
	if (m->high != 0)
		mime_utf8_put(kinds[m->kind].step == windows_1258 ? m->high :
		    0xfffd, out);
	else if (rest.n > 0)
		mime_utf8_put(0xfffd, out);
	m->high = 0;
}
