/*
 * params.c - the values of parameters: xtext, NOTIFY, RET, ENVID, ORCPT
 * (RFC 3461, 6533), SIZE (RFC 1870), BODY (RFC 6152, 3030).  What is decoded
 * holds no control characters and is valid UTF-8.
 */
#include "smtp/command.h"

void
smtp_xtext_encode(struct str *out, struct slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c > 0x20 && c < 0x7f && c != '+' && c != '=')
			str_addc(out, (char)c);
		else
			str_addf(out, "+%02X", c);
	}
}

/* a decoded byte that may stand in a header field or a log line */
static bool
is_text(int c)
{
	return c >= 0x20 && c != 0x7f;
}

int
smtp_xtext_decode(struct str *out, struct slice s)
{
	size_t was = out->len, i;
	int hi, lo, c;

	for (i = 0; i < s.n; i++) {
		c = (unsigned char)s.p[i];
		if (c <= 0x20 || c >= 0x7f)
			goto bad;
		if (c == '+') {
			if (s.n - i < 3 ||
			    (hi = hex_digit((unsigned char)s.p[i + 1])) < 0 ||
			    (lo = hex_digit((unsigned char)s.p[i + 2])) < 0)
				goto bad;
			c = hi * 16 + lo;
			i += 2;
		}
		if (!is_text(c))
			goto bad;
		str_addc(out, (char)c);
	}
	if (utf8_valid(slice_sub(slice_str(out), was, out->len)))
		return 1;
bad:
	str_trunc(out, was);
	return 0;
}

static void
add_utf8(struct str *out, uint32_t c)
{
	if (c < 0x80) {
		str_addc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		str_addc(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			str_addc(out, (char)(0xe0 | c >> 12));
		} else {
			str_addc(out, (char)(0xf0 | c >> 18));
			str_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	str_addc(out, (char)(0x80 | (c & 0x3f)));
}

/* "{" 2 to 6 hex digits "}" at s: the octets taken, or 0 */
static size_t
embedded(struct slice s, uint32_t *c_r)
{
	uint32_t c = 0;
	size_t i;
	int d;

	if (s.n == 0 || s.p[0] != '{')
		return 0;
	for (i = 1; i < s.n && i <= 6; i++) {
		if ((d = hex_digit((unsigned char)s.p[i])) < 0)
			break;
		c = c * 16 + (uint32_t)d;
	}
	if (i < 3 || i == s.n || s.p[i] != '}' || c > 0x10ffff)
		return 0;
	*c_r = c;
	return i + 1;
}

/* RFC 6533 section 3: utf-8-addr-xtext and utf-8-addr-unitext, which differ
 * from xtext by \x{HEX} and raw UTF-8 */
static int
unitext_decode(struct str *out, struct slice s)
{
	size_t was = out->len, i, n;
	uint32_t c;

	for (i = 0; i < s.n; i++) {
		c = (unsigned char)s.p[i];
		if (!is_text((int)c))
			goto bad;
		if (c != '\\') {
			str_addc(out, (char)c);
			continue;
		}
		if (s.n - i < 2 || ascii_lower(s.p[i + 1]) != 'x')
			goto bad;
		n = embedded(slice_sub(s, i + 2, s.n), &c);
		if (n == 0 || !is_text((int)c))
			goto bad;
		add_utf8(out, c);
		i += 1 + n;
	}
	/* what \x made may be a surrogate: judged here with the rest */
	if (utf8_valid(slice_sub(slice_str(out), was, out->len)))
		return 1;
bad:
	str_trunc(out, was);
	return 0;
}

int
smtp_notify_parse(struct slice v, unsigned *r, struct err *err)
{
	struct slice word;
	unsigned bits = 0, bit;

	while (slice_cut(&v, ',', &word)) {
		bit = slice_ieqz(word, "NEVER") ? SMTP_NOTIFY_NEVER :
		    slice_ieqz(word, "SUCCESS") ? SMTP_NOTIFY_SUCCESS :
		    slice_ieqz(word, "FAILURE") ? SMTP_NOTIFY_FAILURE :
		    slice_ieqz(word, "DELAY") ? SMTP_NOTIFY_DELAY : 0;
		if (bit == 0)
			return err_perm(err, "5.5.4", "bad NOTIFY parameter");
		bits |= bit;
	}
	if (bits == 0 || ((bits & SMTP_NOTIFY_NEVER) &&
	    bits != SMTP_NOTIFY_NEVER))
		return err_perm(err, "5.5.4", "bad NOTIFY parameter");
	*r = bits;
	return 1;
}

void
smtp_notify_print(unsigned bits, struct str *out)
{
	static const struct { unsigned bit; const char *word; } words[] = {
		{ SMTP_NOTIFY_NEVER, "NEVER" },
		{ SMTP_NOTIFY_SUCCESS, "SUCCESS" },
		{ SMTP_NOTIFY_FAILURE, "FAILURE" },
		{ SMTP_NOTIFY_DELAY, "DELAY" },
	};
	const char *sep = "";
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (!(bits & words[i].bit))
			continue;
		str_addf(out, "%s%s", sep, words[i].word);
		sep = ",";
	}
}

int
smtp_ret_parse(struct slice v, enum smtp_ret *r, struct err *err)
{
	if (slice_ieqz(v, "FULL"))
		*r = SMTP_RET_FULL;
	else if (slice_ieqz(v, "HDRS"))
		*r = SMTP_RET_HDRS;
	else
		return err_perm(err, "5.5.4", "RET is FULL or HDRS");
	return 1;
}

int
smtp_body_parse(struct slice v, enum smtp_body *r, struct err *err)
{
	if (slice_ieqz(v, "7BIT"))
		*r = SMTP_BODY_7BIT;
	else if (slice_ieqz(v, "8BITMIME"))
		*r = SMTP_BODY_8BITMIME;
	else if (slice_ieqz(v, "BINARYMIME"))
		*r = SMTP_BODY_BINARYMIME;
	else
		return err_perm(err, "5.5.4", "unknown BODY type");
	return 1;
}

int
smtp_size_parse(struct slice v, uint64_t *r, struct err *err)
{
	if (v.n > 20 || !slice_u64(v, INT64_MAX, r))
		return err_perm(err, "5.5.4", "SIZE is not a number");
	return 1;
}

int
smtp_envid_parse(struct slice v, struct str *out, struct err *err)
{
	if (v.n == 0 || v.n > SMTP_ENVID_MAX || !smtp_xtext_decode(out, v))
		return err_perm(err, "5.5.4", "malformed ENVID");
	return 1;
}

int
smtp_orcpt_parse(struct slice v, struct str *out, struct err *err)
{
	size_t was = out->len, semi = slice_find(v, ';'), i;
	struct slice type = slice_sub(v, 0, semi);
	struct slice addr = slice_sub(v, semi + 1, v.n);

	if (v.n > SMTP_ORCPT_MAX || type.n == 0 || semi == v.n || addr.n == 0)
		return err_perm(err, "5.5.4", "malformed ORCPT");
	for (i = 0; i < type.n; i++)
		if (!ascii_isalnum((unsigned char)type.p[i]) &&
		    type.p[i] != '-')
			return err_perm(err, "5.5.4", "malformed ORCPT");
	str_addsl(out, type);
	str_addc(out, ';');
	if (slice_ieqz(type, "utf-8") ? unitext_decode(out, addr) :
	    smtp_xtext_decode(out, addr))
		return 1;
	str_trunc(out, was);
	return err_perm(err, "5.5.4", "malformed ORCPT");
}

bool
smtp_text_ok(const char *z, size_t max)
{
	struct slice s = slice_of(z);
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!is_text((unsigned char)s.p[i]))
			return false;
	return s.n <= max && utf8_valid(s);
}

bool
smtp_notify_ok(const char *z)
{
	struct err ignored;
	unsigned bits;

	return *z == '\0' || smtp_notify_parse(slice_of(z), &bits,
	    &ignored) == 1;
}

bool
smtp_ret_ok(const char *z)
{
	struct err ignored;
	enum smtp_ret ret;

	return *z == '\0' || smtp_ret_parse(slice_of(z), &ret, &ignored) == 1;
}

bool
smtp_envid_ok(const char *z)
{
	struct str plain = STR_INIT;
	struct err ignored;
	bool ok = *z == '\0' || smtp_envid_parse(slice_of(z), &plain,
	    &ignored) == 1;

	str_free(&plain);
	return ok;
}

bool
smtp_orcpt_ok(const char *z)
{
	struct str plain = STR_INIT;
	struct err ignored;
	bool ok = *z == '\0' || smtp_orcpt_parse(slice_of(z), &plain,
	    &ignored) == 1;

	str_free(&plain);
	return ok;
}
