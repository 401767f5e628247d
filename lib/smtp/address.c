/*
 * address.c - reads addresses and paths.  What comes out is canonical (see
 * address.h): two spellings of one mailbox give the same bytes but for case.
 */
#include "smtp/address.h"

#include <sys/socket.h>

#include <arpa/inet.h>

static int
bad(struct err *err, const char *why)
{
	return err_perm(err, "5.1.3", "bad address syntax: %s", why);
}

/* RFC 5322 atext; bytes of UTF-8 are judged as a whole elsewhere */
static bool
is_atext(int c)
{
	return ascii_isalnum(c) || c >= 0x80 ||
	    (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* No controls, C1 and the Unicode line ends included; valid UTF-8. */
static bool
is_clean(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i;

	if (!utf8_valid(s))
		return false;
	for (i = 0; i < s.n; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
		if (p[i] == 0xc2 && p[i + 1] < 0xa0)
			return false;
		if (p[i] == 0xe2 && p[i + 1] == 0x80 &&
		    (p[i + 2] == 0xa8 || p[i + 2] == 0xa9))
			return false;
	}
	return true;
}

/* U+3002 U+FF0E U+FF61: dots to IDNA 2003, so not to be taken as letters */
static bool
has_wide_dot(struct slice s)
{
	size_t i;

	for (i = 0; i + 2 < s.n; i++)
		if (memcmp(s.p + i, "\xe3\x80\x82", 3) == 0 ||
		    memcmp(s.p + i, "\xef\xbc\x8e", 3) == 0 ||
		    memcmp(s.p + i, "\xef\xbd\xa1", 3) == 0)
			return true;
	return false;
}

static bool
label_valid(struct slice l, bool *utf8)
{
	size_t i;

	if (l.n == 0 || l.p[0] == '-' || l.p[l.n - 1] == '-')
		return false;
	if (slice_is_ascii(l)) {
		if (l.n > SMTP_LABEL_MAX)
			return false;
	} else if (!is_clean(l) || has_wide_dot(l)) {
		return false;
	} else {
		*utf8 = true;
	}
	for (i = 0; i < l.n; i++) {
		unsigned char c = (unsigned char)l.p[i];

		if (c < 0x80 && !ascii_isalnum(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

int
smtp_domain_valid(struct slice s, bool *utf8_r)
{
	struct slice label;
	bool utf8 = false;

	if (s.n == 0 || s.n > SMTP_DOMAIN_MAX)
		return 0;
	while (slice_cut(&s, '.', &label))
		if (!label_valid(label, &utf8))
			return 0;
	if (utf8_r != NULL)
		*utf8_r = utf8;
	return utf8_r != NULL || !utf8;
}

int
smtp_literal_parse(struct slice s, unsigned char ip[16])
{
	char buf[64];

	if (s.n < 3 || s.n - 2 >= sizeof(buf) || s.p[0] != '[' ||
	    s.p[s.n - 1] != ']' || slice_has_nul(s))
		return 0;
	s = slice_sub(s, 1, s.n - 2);
	if (slice_istarts(s, "IPv6:")) {
		slice_copy(buf, sizeof(buf), slice_sub(s, 5, s.n));
		return inet_pton(AF_INET6, buf, ip) == 1 ? AF_INET6 : 0;
	}
	slice_copy(buf, sizeof(buf), s);
	return inet_pton(AF_INET, buf, ip) == 1 ? AF_INET : 0;
}

/* a quoted string at *i, which stands on the quote; appended without quotes
 * and backslashes: 1, or -1 */
static int
quoted(struct slice s, size_t *i, struct str *out, struct err *err)
{
	for (++*i; *i < s.n; ++*i) {
		if (s.p[*i] == '"') {
			++*i;
			return 1;
		}
		if (s.p[*i] == '\\' && ++*i == s.n)
			break;
		str_addc(out, s.p[*i]);
	}
	return bad(err, "unbalanced quotes");
}

/*
 * The local part: words of atoms or quoted strings with dots between them
 * (RFC 5321 knows one word only; RFC 5322's obsolete form is tolerated, and
 * so are dots in odd places, which some providers hand out).  *i stops at
 * the @ or the end.
 */
static int
local_part(struct slice s, size_t *i, struct str *out, struct err *err)
{
	bool after_quote = false;

	while (*i < s.n && s.p[*i] != '@') {
		unsigned char c = (unsigned char)s.p[*i];

		if (c == '"') {
			if (*i > 0 && s.p[*i - 1] != '.')
				return bad(err, "quote inside a word");
			if (quoted(s, i, out, err) < 0)
				return -1;
			after_quote = true;
			continue;
		}
		if (c != '.' && (after_quote || !is_atext(c)))
			return bad(err, "character not allowed in the local "
			    "part");
		after_quote = false;
		str_addc(out, (char)c);
		++*i;
	}
	if (out->len > SMTP_LOCAL_MAX)
		return bad(err, "local part too long");
	if (out->len == 0)
		return bad(err, "no local part");
	return 1;
}

static int
domain_part(struct slice s, struct arena *a, struct smtp_address *r,
    struct err *err)
{
	unsigned char ip[16];
	struct str text = STR_INIT;
	char quad[SMTP_DOMAIN_MAX + 1];
	int family;

	if (s.n > 0 && s.p[0] == '[') {
		if ((family = smtp_literal_parse(s, ip)) == 0)
			return bad(err, "malformed address literal");
		smtp_literal_print(family, ip, &text);
		r->domain = (struct slice){
			arena_slice(a, slice_str(&text)), text.len };
		str_free(&text);
		r->literal = true;
		return 1;
	}
	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	if (!smtp_domain_valid(s, &r->utf8))
		return bad(err, "malformed domain");
	if (inet_pton(AF_INET, slice_copy(quad, sizeof(quad), s), ip) == 1)
		return bad(err, "an IP address belongs into [brackets]");
	r->domain = (struct slice){ arena_slice(a, s), s.n };
	return 1;
}

static int
parse(struct slice s, unsigned flags, struct arena *a, struct smtp_address *r,
    struct str *local, struct err *err)
{
	size_t i = 0;

	if (s.n > SMTP_PATH_MAX)
		return bad(err, "too long");
	if (!is_clean(s))
		return bad(err, "control character or malformed UTF-8");
	if (local_part(s, &i, local, err) < 0)
		return -1;
	r->local = (struct slice){ arena_slice(a, slice_str(local)),
		local->len };
	if (i < s.n) {
		if (domain_part(slice_sub(s, i + 1, s.n), a, r, err) < 0)
			return -1;
	} else if ((flags & SMTP_ADDR_POSTMASTER) &&
	    slice_ieqz(r->local, "postmaster")) {
		r->postmaster = true;
	} else if (!(flags & SMTP_ADDR_BARE)) {
		return bad(err, "no domain");
	}
	if (!slice_is_ascii(r->local))
		r->utf8 = true;
	return 1;
}

int
smtp_address_parse(struct slice s, unsigned flags, struct arena *a,
    struct smtp_address *r, struct err *err)
{
	struct str local = STR_INIT;
	int rc;

	memset(r, 0, sizeof(*r));
	r->local = r->domain = SLICE_LIT("");
	if (s.n == 0) {
		if (!(flags & SMTP_ADDR_NULL))
			return bad(err, "empty");
		r->null = true;
		return 1;
	}
	rc = parse(s, flags, a, r, &local, err);
	str_free(&local);
	return rc;
}

/* index of the closing > of a path that starts at s.p[0] == '<', or s.n */
static size_t
path_end(struct slice s)
{
	bool quote = false;
	size_t i;

	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '\\' && quote)
			i++;
		else if (s.p[i] == '"')
			quote = !quote;
		else if (s.p[i] == '>' && !quote)
			return i;
	}
	return s.n;
}

/* Take "@a,@b:" away from the front of *s. */
static int
source_route(struct slice *s, struct err *err)
{
	unsigned char ip[16];
	struct slice hop, list;
	bool bracket = false;
	bool utf8;
	size_t i;

	for (i = 0; i < s->n && (bracket || s->p[i] != ':'); i++)
		bracket = s->p[i] == '[' || (bracket && s->p[i] != ']');
	if (i == s->n)
		return bad(err, "malformed source route");
	list = slice_sub(*s, 0, i);
	*s = slice_sub(*s, i + 1, s->n);
	while (slice_cut(&list, ',', &hop)) {
		if (hop.n < 2 || hop.p[0] != '@')
			return bad(err, "malformed source route");
		hop = slice_sub(hop, 1, hop.n);
		if (!smtp_domain_valid(hop, &utf8) &&
		    smtp_literal_parse(hop, ip) == 0)
			return bad(err, "malformed source route");
	}
	return 1;
}

int
smtp_path_parse(struct slice *rest, unsigned flags, struct arena *a,
    struct smtp_address *r, struct err *err)
{
	struct slice in;
	size_t end;

	if (rest->n == 0)
		return bad(err, "empty");
	if (rest->p[0] != '<') {
		end = slice_find(*rest, ' ');
		in = slice_sub(*rest, 0, end);
		*rest = slice_sub(*rest, end, rest->n);
		return smtp_address_parse(in, flags & ~SMTP_ADDR_NULL, a, r,
		    err);
	}
	end = path_end(*rest);
	if (end == rest->n)
		return bad(err, "no closing >");
	if (end > SMTP_PATH_MAX)
		return bad(err, "too long");
	in = slice_sub(*rest, 1, end - 1);
	*rest = slice_sub(*rest, end + 1, rest->n);
	if (in.n > 0 && in.p[0] == '@') {
		if (source_route(&in, err) < 0)
			return -1;
		flags &= ~SMTP_ADDR_NULL;
	}
	return smtp_address_parse(in, flags, a, r, err);
}
