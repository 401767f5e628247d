/*
 * charset.c - to UTF-8.  iconv only ever hears names of the table.
 */
#include <iconv.h>

#include "mime/charset.h"
#include "mime/charset_names.h"
#include "mime/impl.h"

/* errors in one text after which a run of 8-bit octets is one error */
enum { MANY_ERRORS = 1000 };

static const char replacement[] = "\xef\xbf\xbd";

/* ---- here ---------------------------------------------------------------- */

/* 0x80..0x9f of windows-1252; 0: none */
static const uint16_t upper[32] = {
	0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0,
	0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
};

static void
put_1252(unsigned char c, struct str *out)
{
	uint32_t cp = c >= 0x80 && c < 0xa0 ? upper[c - 0x80] : c;

	mime_utf8_put(cp != 0 ? cp : 0xfffd, out);
}

/* UTF-8 is passed on; other octets: as windows-1252, or U+FFFD */
static void
utf8(struct slice s, bool as_1252, struct str *out)
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
		else if (as_1252)
			put_1252((unsigned char)s.p[0], out);
		else
			str_adds(out, replacement);
		s = slice_sub(s, MAX(k, (size_t)1), s.n);
	}
}

static void
win1252(struct slice s, struct str *out)
{
	size_t k;

	str_grow(out, s.n);
	while (s.n > 0) {
		k = mime_ascii_run(s);
		str_add(out, s.p, k);
		if (k < s.n)
			put_1252((unsigned char)s.p[k++], out);
		s = slice_sub(s, k, s.n);
	}
}

void
mime_utf8_clean(struct slice s, struct str *out)
{
	utf8(s, false, out);
}

void
mime_utf8_guess(struct slice s, struct str *out)
{
	if (mime_ascii_run(s) == s.n || utf8_valid(s))
		str_addsl(out, s);
	else
		win1252(s, out);
}

/* ---- iconv --------------------------------------------------------------- */

static struct {
	const char *name;	/* NULL: free */
	iconv_t cd;
	uint64_t used;
} cache[CHARSET_CACHE];
static uint64_t uses;

/* A descriptor in its initial state; (iconv_t)-1: there is none. */
static iconv_t
cached(const char *name)
{
	size_t i, old = 0;
	iconv_t cd;

	for (i = 0; i < CHARSET_CACHE; i++) {
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
	utf8(slice_str(&raw), false, out);
	str_free(&raw);
}

int
mime_to_utf8(struct slice charset, struct slice s, struct str *out)
{
	const struct charset *c = mime_charset_find(charset);
	iconv_t cd;

	if (c == NULL)
		return 0;
	switch (c->how) {
	case CHARSET_GUESS:
		mime_utf8_guess(s, out);
		break;
	case CHARSET_UTF8:
		utf8(s, false, out);
		break;
	case CHARSET_WIN1252:
		win1252(s, out);
		break;
	case CHARSET_ICONV:
		cd = cached(c->iconv);
		if (cd == (iconv_t)-1)
			return 0;
		convert(cd, s, out);
		break;
	}
	return 1;
}

/* ---- in pieces ----------------------------------------------------------- */

void
mime_conv_open(struct mime_conv *c, struct slice charset)
{
	const struct charset *cs = mime_charset_find(charset);
	iconv_t cd;

	c->how = cs != NULL ? cs->how : CHARSET_GUESS;
	c->cd = NULL;
	c->n = 0;
	if (c->how != CHARSET_ICONV)
		return;
	/* the cache keeps the module loaded; the state is our own */
	cd = cached(cs->iconv);
	if (cd != (iconv_t)-1)
		cd = iconv_open("UTF-8", cs->iconv);
	if (cd == (iconv_t)-1)
		c->how = CHARSET_GUESS;
	else
		c->cd = cd;
}

static struct slice
piece(struct mime_conv *c, struct slice s, struct str *out)
{
	struct str raw = STR_INIT;
	size_t whole;

	switch ((enum charset_how)c->how) {
	case CHARSET_WIN1252:
		win1252(s, out);
		return SLICE_NULL;
	case CHARSET_ICONV:
		s = run_iconv(c->cd, s, &raw);
		utf8(slice_str(&raw), false, out);
		str_free(&raw);
		return s;
	case CHARSET_GUESS:
	case CHARSET_UTF8:
		break;
	}
	whole = mime_utf8_whole(s);
	utf8(slice_sub(s, 0, whole), c->how == CHARSET_GUESS, out);
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
		utf8(slice_str(&raw), false, out);
		str_free(&raw);
		iconv_close(c->cd);
	}
	if (c->how == CHARSET_GUESS)
		utf8((struct slice){ c->hold, c->n }, true, out);
	else if (c->n > 0)
		str_adds(out, replacement);
	c->n = 0;
	c->cd = NULL;
}

void
mime_charset_preload(void)
{
	static const char *const usual[CHARSET_CACHE] = { "windows-1251",
		"koi8-r", "gb18030", "big5", "iso-2022-jp", "shift_jis",
		"iso-8859-2", "iso-8859-15" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(usual); i++)
		cached(mime_charset_find(slice_of(usual[i]))->iconv);
}

void
mime_charset_forget(void)
{
	size_t i;

	for (i = 0; i < CHARSET_CACHE; i++) {
		if (cache[i].name != NULL)
			iconv_close(cache[i].cd);
		cache[i].name = NULL;
		cache[i].used = 0;
	}
}
