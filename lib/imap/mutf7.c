/*
 * mutf7.c - a run &...- is UTF-16 in base64 with , for / and without padding.
 * Only what imap_mutf7_encode would write is decoded.
 */
#include "imap/mutf7.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static void
put_utf8(struct str *out, uint32_t c)
{
	char b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (char)c;
	} else if (c < 0x800) {
		b[n++] = (char)(0xc0 | c >> 6);
		b[n++] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		b[n++] = (char)(0xe0 | c >> 12);
		b[n++] = (char)(0x80 | (c >> 6 & 63));
		b[n++] = (char)(0x80 | (c & 63));
	} else {
		b[n++] = (char)(0xf0 | c >> 18);
		b[n++] = (char)(0x80 | (c >> 12 & 63));
		b[n++] = (char)(0x80 | (c >> 6 & 63));
		b[n++] = (char)(0x80 | (c & 63));
	}
	str_add(out, b, n);
}

struct utf16 {
	struct str *out;
	uint32_t high;		/* a high surrogate that waits, or 0 */
};

static bool
put_unit(struct utf16 *u, uint32_t c)
{
	if (u->high != 0) {
		if (c < 0xdc00 || c > 0xdfff)
			return false;
		put_utf8(u->out, 0x10000 + ((u->high - 0xd800) << 10) +
		    (c - 0xdc00));
		u->high = 0;
		return true;
	}
	if (c >= 0xd800 && c <= 0xdbff) {
		u->high = c;
		return true;
	}
	/* printable ASCII stands for itself, NUL for nothing */
	if ((c >= 0xdc00 && c <= 0xdfff) || (c >= 0x20 && c <= 0x7e) || c == 0)
		return false;
	put_utf8(u->out, c);
	return true;
}

/* the base64 of one run */
static bool
decode_run(struct slice run, struct str *out)
{
	struct utf16 u = { out, 0 };
	uint32_t bits = 0;
	unsigned have = 0;
	const char *d;
	size_t i;

	if (run.n < 3)		/* 16 bits at least */
		return false;
	for (i = 0; i < run.n; i++) {
		d = run.p[i] ? memchr(digits, run.p[i], 64) : NULL;
		if (d == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(d - digits);
		have += 6;
		if (have >= 16) {
			have -= 16;
			if (!put_unit(&u, bits >> have & 0xffff))
				return false;
			bits &= (1u << have) - 1;
		}
	}
	return have < 6 && bits == 0 && u.high == 0;
}

static bool
decode(struct slice s, struct str *out)
{
	bool after_run = false;
	struct slice run;
	size_t i = 0;

	while (i < s.n) {
		if (!ascii_isprint((unsigned char)s.p[i]))
			return false;
		if (s.p[i] != '&') {
			str_addc(out, s.p[i++]);
			after_run = false;
			continue;
		}
		run = slice_sub(s, i + 1, s.n);
		run.n = slice_find(run, '-');
		i += run.n + 2;
		if (i > s.n)		/* no - */
			return false;
		if (run.n == 0) {
			str_addc(out, '&');
			after_run = false;
			continue;
		}
		if (after_run || !decode_run(run, out))
			return false;
		after_run = true;
	}
	return true;
}

int
imap_mutf7_decode(struct slice name, struct str *utf8)
{
	size_t keep = utf8->len;

	if (decode(name, utf8))
		return 1;
	str_trunc(utf8, keep);
	return 0;
}

/* the character at *i of valid UTF-8 */
static uint32_t
next_char(struct slice s, size_t *i)
{
	const unsigned char *p = (const unsigned char *)s.p + *i;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
	size_t k;

	for (k = 1; k < n; k++)
		c = c << 6 | (p[k] & 63);
	*i += n;
	return c;
}

struct run {
	struct str *out;
	uint32_t bits;
	unsigned have;
	bool open;
};

static void
run_unit(struct run *r, uint32_t unit)
{
	if (!r->open)
		str_addc(r->out, '&');
	r->open = true;
	r->bits = r->bits << 16 | unit;
	for (r->have += 16; r->have >= 6; ) {
		r->have -= 6;
		str_addc(r->out, digits[r->bits >> r->have & 63]);
	}
	r->bits &= (1u << r->have) - 1;
}

static void
run_close(struct run *r)
{
	if (!r->open)
		return;
	if (r->have > 0)
		str_addc(r->out, digits[r->bits << (6 - r->have) & 63]);
	str_addc(r->out, '-');
	*r = (struct run){ .out = r->out };
}

int
imap_mutf7_encode(struct slice utf8, struct str *out)
{
	struct run r = { .out = out };
	uint32_t c;
	size_t i = 0;

	if (!utf8_valid(utf8))
		return 0;
	while (i < utf8.n) {
		c = next_char(utf8, &i);
		if (c >= 0x20 && c <= 0x7e) {
			run_close(&r);
			str_addc(out, (char)c);
			if (c == '&')
				str_addc(out, '-');
		} else if (c < 0x10000) {
			run_unit(&r, c);
		} else {
			run_unit(&r, 0xd800 + ((c - 0x10000) >> 10));
			run_unit(&r, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	run_close(&r);
	return 1;
}

/* RFC 5198 section 2 and RFC 9051 section 5.1 */
static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
	    c == 0x2029 || c == 0xfeff;
}

static const char *
check_level(struct slice level, char sep)
{
	if (level.n == 0)
		return "a mailbox name has an empty level";
	if (slice_eqz(level, ".") || slice_eqz(level, ".."))
		return "no level of a mailbox name is . or ..";
	if (sep != '/' && slice_find(level, '/') < level.n)
		return "no mailbox name has a / in it";
	return NULL;
}

const char *
imap_name_check(struct slice utf8, char sep, unsigned flags)
{
	struct slice rest = utf8, level;
	const char *why;
	unsigned levels = 0;
	size_t i = 0;

	if (utf8.n == 0)
		return "a mailbox name is empty";
	if (utf8.n > IMAP_NAME_MAX)
		return "the mailbox name is too long";
	if (!utf8_valid(utf8))
		return "the mailbox name is no UTF-8";
	while (i < utf8.n)
		if (is_control(next_char(utf8, &i)))
			return "a control character in the mailbox name";
	if ((flags & IMAP_NAME_NEW) && (slice_find(utf8, '*') < utf8.n ||
	    slice_find(utf8, '%') < utf8.n))
		return "no * and % in the name of a new mailbox";
	while (slice_cut(&rest, sep, &level)) {
		why = check_level(level, sep);
		if (why != NULL)
			return why;
		if (++levels > IMAP_LEVELS_MAX)
			return "the mailbox name has too many levels";
	}
	return NULL;
}

bool
imap_name_is_inbox(struct slice name)
{
	return slice_ieqz(name, "INBOX");
}

bool
imap_name_in_inbox(struct slice name, char sep)
{
	return slice_istarts(name, "INBOX") &&
	    (name.n == 5 || (sep != '\0' && name.p[5] == sep));
}
