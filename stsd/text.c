/*
 * text.c - parsers of what strangers publish.  A line that is not understood
 * is no policy; a field that is not known is left out (RFC 8461 section 3.2).
 */
#include "text.h"

#include "smtp/address.h"

static bool
is_label(struct slice l)
{
	size_t i;

	if (l.n == 0 || l.n > SMTP_LABEL_MAX)
		return false;
	for (i = 0; i < l.n; i++)
		if (!ascii_isalnum((unsigned char)l.p[i]) && l.p[i] != '_' &&
		    (l.p[i] != '-' || i == 0 || i == l.n - 1))
			return false;
	return true;
}

/* two labels or more, the last no number */
static bool
is_name(struct slice s)
{
	struct slice rest = s, l = SLICE_NULL;
	size_t n = 0, i;
	bool number = true;

	if (s.n == 0 || s.n > SMTP_DOMAIN_MAX - 2)
		return false;
	while (slice_cut(&rest, '.', &l)) {
		if (!is_label(l))
			return false;
		n++;
	}
	for (i = 0; i < l.n; i++)
		number &= ascii_isdigit((unsigned char)l.p[i]);
	return n >= 2 && !number;
}

const char *
domain_name(const char *z, struct arena *a)
{
	struct slice s = slice_of(z);
	char *r;
	size_t i;

	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (!is_name(s))
		return NULL;
	r = arena_slice(a, s);
	for (i = 0; r[i] != '\0'; i++)
		r[i] = (char)ascii_lower((unsigned char)r[i]);
	return r;
}

bool
pattern_valid(struct slice s)
{
	if (slice_starts(s, "*."))
		s = slice_sub(s, 2, s.n);
	return is_name(s);
}

/* --- policies --- */

struct reading {
	struct sts_text *r;
	struct arena *a;
	size_t bytes;		/* of mx */
	bool version, mode, max_age;
};

static int
take_mode(struct reading *p, struct slice v, struct err *err)
{
	static const char *const modes[] = { "none", "testing", "enforce" };
	int i;

	for (i = STS_NONE; i <= STS_ENFORCE; i++)
		if (slice_eqz(v, modes[i])) {
			p->r->mode = (enum sts_mode)i;
			p->mode = true;
			return 0;
		}
	return err_perm(err, "5.7.0", "mode is none of %s", STS_MODES);
}

static int
take_max_age(struct reading *p, struct slice v, struct err *err)
{
	uint64_t n;

	if (v.n > 10 || !slice_u64(v, 9999999999, &n))
		return err_perm(err, "5.7.0", "max_age is no number of "
		    "seconds");
	p->r->max_age = (int64_t)MIN(n, (uint64_t)MAX_AGE_MAX);
	p->max_age = true;
	return 0;
}

static int
take_mx(struct reading *p, struct slice v, struct err *err)
{
	char *z;
	size_t i;

	if (v.n > 0 && v.p[v.n - 1] == '.')
		v.n--;
	if (!pattern_valid(v))
		return err_perm(err, "5.7.0", "mx is no name of a host");
	p->bytes += v.n;
	if (p->r->mx.n >= STS_MX_MAX || p->bytes > STS_MX_BYTES)
		return err_perm(err, "5.7.0", "more than %d mx", STS_MX_MAX);
	z = arena_slice(p->a, v);
	for (i = 0; z[i] != '\0'; i++)
		z[i] = (char)ascii_lower((unsigned char)z[i]);
	strlist_add(&p->r->mx, p->a, z);
	return 0;
}

static int
take_version(struct reading *p, struct slice v, struct err *err)
{
	if (!slice_eqz(v, "STSv1"))
		return err_perm(err, "5.7.0", "version is not STSv1");
	p->version = true;
	return 0;
}

/* Of fields but mx the first counts: RFC 8461 section 3.2. */
static int
take_line(struct reading *p, struct slice line, struct err *err)
{
	size_t colon = slice_find(line, ':');
	struct slice name, value;

	name = slice_trim(slice_sub(line, 0, colon));
	value = slice_trim(slice_sub(line, colon + 1, line.n));
	if (colon == line.n || name.n == 0)
		return err_perm(err, "5.7.0", "a line without a name");
	if (slice_eqz(name, "version"))
		return p->version ? 0 : take_version(p, value, err);
	if (slice_eqz(name, "mode"))
		return p->mode ? 0 : take_mode(p, value, err);
	if (slice_eqz(name, "max_age"))
		return p->max_age ? 0 : take_max_age(p, value, err);
	if (slice_eqz(name, "mx"))
		return take_mx(p, value, err);
	return 0;
}

static int
is_whole(const struct reading *p, struct err *err)
{
	if (!p->version)
		return err_perm(err, "5.7.0", "version is missing");
	if (!p->mode)
		return err_perm(err, "5.7.0", "mode is missing");
	if (!p->max_age)
		return err_perm(err, "5.7.0", "max_age is missing");
	if (p->r->mode != STS_NONE && p->r->mx.n == 0)
		return err_perm(err, "5.7.0", "mx is missing");
	return 1;
}

int
policy_parse(struct slice body, struct arena *a, struct sts_text *r,
    struct err *err)
{
	struct reading p = { .r = r, .a = a };
	struct slice line;

	*r = (struct sts_text){ .mode = STS_NONE };
	if (slice_has_nul(body) || !utf8_valid(body))
		return err_perm(err, "5.7.0", "no text");
	while (slice_cut(&body, '\n', &line)) {
		line = slice_trim(line);
		if (line.n > 0 && take_line(&p, line, err) < 0)
			return -1;
	}
	return is_whole(&p, err);
}

void
policy_lines(const struct sts_text *p, struct arena *a,
    struct strlist *lines)
{
	static const char *const modes[] = { "none", "testing", "enforce" };
	size_t i;

	strlist_add(lines, a, "version: STSv1");
	strlist_add(lines, a, arena_printf(a, "mode: %s", modes[p->mode]));
	for (i = 0; i < p->mx.n; i++)
		strlist_add(lines, a, arena_printf(a, "mx: %s", p->mx.v[i]));
	strlist_add(lines, a, arena_printf(a, "max_age: %lld",
	    (long long)p->max_age));
}

/* --- TXT records --- */

/* The one record that begins with the tag and a semicolon.  1; 0; -1: more
 * than one */
static int
find_one(const struct strlist *rr, const char *tag, struct slice *rest,
    struct err *err)
{
	struct slice s, word;
	size_t i, n = 0;

	for (i = 0; i < rr->n; i++) {
		s = slice_of(rr->v[i]);
		slice_cut(&s, ';', &word);
		if (!slice_eqz(slice_trim(word), tag))
			continue;
		*rest = s;
		n++;
	}
	if (n > 1)
		return err_perm(err, "5.7.0", "%zu records of %s", n, tag);
	return (int)n;
}

/* name=value between semicolons: the value of the first of that name; 1, 0,
 * or -1 malformed */
static int
find_field(struct slice rest, const char *name, struct slice *value)
{
	struct slice part;
	size_t eq;
	int r = 0;

	while (slice_cut(&rest, ';', &part)) {
		part = slice_trim(part);
		eq = slice_find(part, '=');
		if (part.n == 0)
			continue;
		if (eq == part.n || eq == 0)
			return -1;
		if (r == 0 && slice_eqz(slice_trim(slice_sub(part, 0, eq)),
		    name)) {
			*value = slice_trim(slice_sub(part, eq + 1, part.n));
			r = 1;
		}
	}
	return r;
}

int
sts_txt(const struct strlist *rr, char id[ID_MAX + 1], struct err *err)
{
	struct slice rest = SLICE_NULL, v = SLICE_NULL;
	int r = find_one(rr, "v=STSv1", &rest, err);
	size_t i;

	if (r <= 0)
		return r;
	if (find_field(rest, "id", &v) <= 0 || v.n == 0 || v.n > ID_MAX)
		return err_perm(err, "5.7.0", "TXT record without an id");
	for (i = 0; i < v.n; i++)
		if (!ascii_isalnum((unsigned char)v.p[i]))
			return err_perm(err, "5.7.0", "TXT record with a "
			    "malformed id");
	slice_copy(id, ID_MAX + 1, v);
	return 1;
}

static bool
is_uri(struct slice s)
{
	size_t i;

	if (s.n > URI_MAX)
		return false;
	for (i = 0; i < s.n; i++)
		if (!ascii_isprint((unsigned char)s.p[i]) || s.p[i] == ' ' ||
		    strchr("\"\\<>!", s.p[i]) != NULL)
			return false;
	return slice_istarts(s, "mailto:") || slice_istarts(s, "https://");
}

int
tlsrpt_txt(const struct strlist *rr, struct arena *a, struct strlist *rua,
    struct err *err)
{
	struct slice rest = SLICE_NULL, v = SLICE_NULL, uri;
	int r = find_one(rr, "v=TLSRPTv1", &rest, err);

	if (r <= 0)
		return r;
	if (find_field(rest, "rua", &v) <= 0)
		return err_perm(err, "5.7.0", "TXT record without rua");
	while (rua->n < RUA_MAX && slice_cut(&v, ',', &uri)) {
		uri = slice_trim(uri);
		if (is_uri(uri))
			strlist_add(rua, a, arena_slice(a, uri));
	}
	return rua->n > 0 ? 1 : err_perm(err, "5.7.0", "no URI in rua that "
	    "could be used");
}

bool
mailto_address(const char *uri, struct arena *a, const char **addr_r)
{
	struct slice s = slice_of(uri);
	struct smtp_address addr;
	struct str out = STR_INIT;
	struct err err;
	bool good = slice_istarts(s, "mailto:");
	size_t i;

	s = slice_sub(s, strlen("mailto:"), s.n);
	s = slice_sub(s, 0, slice_find(s, '?'));
	for (i = 0; i < s.n && good; i++) {
		if (s.p[i] != '%') {
			str_addc(&out, s.p[i]);
			continue;
		}
		good = i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 &&
		    hex_digit(s.p[i + 2]) >= 0;
		if (good)
			str_addc(&out, (char)(hex_digit(s.p[i + 1]) << 4 |
			    hex_digit(s.p[i + 2])));
		i += 2;
	}
	good = good && slice_is_ascii(slice_str(&out)) &&
	    smtp_address_parse(slice_str(&out), 0, a, &addr, &err) == 1;
	str_reset(&out);
	if (good) {
		smtp_address_print(&addr, &out);
		*addr_r = arena_slice(a, slice_str(&out));
	}
	str_free(&out);
	return good;
}
