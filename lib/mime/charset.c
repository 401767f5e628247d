/*
 * charset.c - to UTF-8.  iconv only ever hears names of the table, and of
 * these only what neither charset_tables.c nor charset_multi.c has.
 */
#include <iconv.h>

#include "mime/charset_multi.h"
#include "mime/charset_names.h"
#include "mime/impl.h"

/* errors in one text after which a run of 8-bit octets is one error */
enum { MANY_ERRORS = 1000, CACHE = 4 };

static const char replacement[] = "\xef\xbf\xbd";

/* ---- here ---------------------------------------------------------------- */

static void
put_octet(const uint16_t *table, unsigned char c, struct str *out)
{
	uint32_t cp = c >= 0x80 ? table[c - 0x80] : c;

	mime_utf8_put(cp != 0 ? cp : 0xfffd, out);
}

/* UTF-8 is passed on; other octets: by the table, or U+FFFD */
static void
utf8(struct slice s, const uint16_t *table, struct str *out)
{
	uint32_t cp = 1;
	size_t k;

	str_grow(out, s.n);
	while (s.n > 0) {
		k = mime_ascii_run(s);
		if (k == 0) {
			k = mime_utf8_get(s.p, s.n, &cp);
			k = cp == 0 && k == 1 ? 0 : k;
		}
		if (k > 0)
			str_add(out, s.p, k);
		else if (table != NULL)
			put_octet(table, (unsigned char)s.p[0], out);
		else
			str_adds(out, replacement);
		s = slice_sub(s, MAX(k, (size_t)1), s.n);
	}
}

static void
by_table(const uint16_t *table, struct slice s, struct str *out)
{
	size_t k;

	str_grow(out, s.n);
	while (s.n > 0) {
		k = mime_ascii_run(s);
		str_add(out, s.p, k);
		if (k < s.n)
			put_octet(table, (unsigned char)s.p[k++], out);
		s = slice_sub(s, k, s.n);
	}
}

void
mime_utf8_clean(struct slice s, struct str *out)
{
	utf8(s, NULL, out);
}

void
mime_utf8_guess(struct slice s, struct str *out)
{
	if (mime_ascii_run(s) == s.n || utf8_valid(s))
		str_addsl(out, s);
	else
		by_table(mime_charset_table("CP1252"), s, out);
}

/* ---- iconv --------------------------------------------------------------- */

static struct {
	const char *name;	/* NULL: free */
	iconv_t cd;
	uint64_t used;
} cache[CACHE];
static uint64_t uses;

/* A descriptor in its initial state; (iconv_t)-1: there is none. */
static iconv_t
cached(const char *name)
{
	size_t i, old = 0;
	iconv_t cd;

	for (i = 0; i < CACHE; i++) {
		if (cache[i].name != NULL &&
		    strcmp(cache[i].name, name) == 0) {
			cache[i].used = ++uses;
			iconv(cache[i].cd, NULL, NULL, NULL, NULL);
			return cache[i].cd;
		}
		if (cache[i].used < cache[old].used)
			old = i;
	}
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1)
		return cd;
	if (cache[old].name != NULL)
		iconv_close(cache[old].cd);
	cache[old].name = name;
	cache[old].cd = cd;
	cache[old].used = ++uses;
	return cd;
}

/* What the descriptor makes of s; the rest that is an unfinished character is
 * what is returned.  raw may hold NULs. */
static struct slice
run_iconv(iconv_t cd, struct slice s, struct str *raw)
{
	char buf[4096], *in = (char *)(uintptr_t)s.p, *to;
	size_t n = s.n, room, errors = 0, r;

	while (n > 0) {
		to = buf;
		room = sizeof(buf);
		r = iconv(cd, &in, &n, &to, &room);
		str_add(raw, buf, (size_t)(to - buf));
		if (r != (size_t)-1 || errno == E2BIG)
			continue;
		if (errno == EINVAL)
			break;
		str_adds(raw, replacement);
		do {
			in++;
			n--;
		} while (n > 0 && errors > MANY_ERRORS && *in < 0);
		errors++;
	}
	return (struct slice){ in, n };
}

/* what a descriptor holds back: a letter that an accent might follow */
static void
finish(iconv_t cd, struct str *raw)
{
	char buf[64], *to = buf;
	size_t room = sizeof(buf);

	iconv(cd, NULL, NULL, &to, &room);
	str_add(raw, buf, (size_t)(to - buf));
}

static void
convert(iconv_t cd, struct slice s, struct str *out)
{
	struct str raw = STR_INIT;
	size_t cut = run_iconv(cd, s, &raw).n;

	finish(cd, &raw);
	if (cut > 0)
		str_adds(&raw, replacement);
	utf8(slice_str(&raw), NULL, out);
	str_free(&raw);
}

int
mime_to_utf8(struct slice charset, struct slice s, struct str *out)
{
	const struct charset *c = mime_charset_find(charset);
	const uint16_t *table;
	struct mime_multi m;
	iconv_t cd;
	int kind;

	if (c == NULL)
		return 0;
	if (c->how == CHARSET_GUESS) {
		mime_utf8_guess(s, out);
	} else if (c->how == CHARSET_UTF8) {
		utf8(s, NULL, out);
	} else if ((kind = mime_multi_find(c->iconv)) != 0) {
		mime_multi_begin(&m, kind);
		s = mime_multi_run(&m, s, out);
		mime_multi_end(&m, s, out);
	} else if ((table = mime_charset_table(c->iconv)) != NULL) {
		by_table(table, s, out);
	} else {
		cd = cached(c->iconv);
		if (cd == (iconv_t)-1)
			return 0;
		convert(cd, s, out);
	}
	return 1;
}

/* ---- in pieces ----------------------------------------------------------- */

void
mime_conv_open(struct mime_conv *c, struct slice charset)
{
	const struct charset *cs = mime_charset_find(charset);
	iconv_t cd = (iconv_t)-1;
	int kind;

	c->how = cs != NULL ? (int)cs->how : CHARSET_GUESS;
	c->table = NULL;
	c->multi.kind = 0;
	c->cd = NULL;
	c->n = 0;
	if (c->how == CHARSET_NAMED &&
	    (kind = mime_multi_find(cs->iconv)) != 0) {
		mime_multi_begin(&c->multi, kind);
	} else if (c->how == CHARSET_NAMED) {
		c->table = mime_charset_table(cs->iconv);
		/* the cache keeps the module loaded; the state is our own */
		if (c->table == NULL && cached(cs->iconv) != (iconv_t)-1)
			cd = iconv_open("UTF-8", cs->iconv);
		if (cd != (iconv_t)-1)
			c->cd = cd;
		else if (c->table == NULL)
			c->how = CHARSET_GUESS;
	}
	if (c->how == CHARSET_GUESS)
		c->table = mime_charset_table("CP1252");
}

/* what of s is converted; returns the rest */
static struct slice
piece(struct mime_conv *c, struct slice s, struct str *out)
{
	struct str raw = STR_INIT;
	size_t whole;

	if (c->cd != NULL) {
		s = run_iconv(c->cd, s, &raw);
		utf8(slice_str(&raw), NULL, out);
		str_free(&raw);
		return s;
	}
	if (c->multi.kind != 0)
		return mime_multi_run(&c->multi, s, out);
	if (c->how == CHARSET_NAMED) {
		by_table(c->table, s, out);
		return SLICE_NULL;
	}
	whole = mime_utf8_whole(s);
	utf8(slice_sub(s, 0, whole), c->table, out);
	return slice_sub(s, whole, s.n);
}

void
mime_conv_add(struct mime_conv *c, struct slice s, struct str *out)
{
	struct str joined = STR_INIT;
	struct slice rest;

	if (c->n > 0) {
		str_add(&joined, c->hold, c->n);
		str_addsl(&joined, s);
		s = slice_str(&joined);
	}
	rest = piece(c, s, out);
	if (rest.n > sizeof(c->hold)) {		/* no charset of ours */
		str_adds(out, replacement);
		rest.n = 0;
	}
	c->n = rest.n;
	if (rest.n > 0)
		memcpy(c->hold, rest.p, rest.n);
	str_free(&joined);
}

void
mime_conv_close(struct mime_conv *c, struct str *out)
{
	struct str raw = STR_INIT;

	if (c->cd != NULL) {
		finish(c->cd, &raw);
		utf8(slice_str(&raw), NULL, out);
		str_free(&raw);
		iconv_close(c->cd);
	}
	if (c->multi.kind != 0)
		mime_multi_end(&c->multi, (struct slice){ c->hold, c->n },
		    out);
	else if (c->how == CHARSET_GUESS)
		utf8((struct slice){ c->hold, c->n }, c->table, out);
	else if (c->n > 0)
		str_adds(out, replacement);
	c->n = 0;
	c->cd = NULL;
}
