/*
 * str.h - the one growing string, and the slice to parse in place.
 *
 * struct str owns its bytes (free with str_free), is always NUL-terminated
 * once something was appended, may hold NUL bytes, and grows or dies: an
 * append can not fail.  `(struct str)STR_INIT` is the empty string.
 * Producers append to `struct str *out` and never clear it.
 *
 * struct slice borrows: it points into somebody's memory, has a length and no
 * NUL.  A parser takes slices and never sees a C string.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

struct str {
	char *s;
	size_t len, cap;
};
#define STR_INIT { (char *)"", 0, 0 }

struct slice {
	const char *p;
	size_t n;
};
#define SLICE_NULL ((struct slice){ NULL, 0 })
#define SLICE_LIT(lit) ((struct slice){ (lit), sizeof(lit) - 1 })

void str_free(struct str *s);			/* leaves STR_INIT */
void str_wipe(struct str *s);	/* as str_free, after zeros */
void str_reset(struct str *s);			/* empty, keeps memory */
void str_grow(struct str *s, size_t extra);	/* room for extra more bytes */
void str_add(struct str *s, const void *p, size_t n);
void str_addc(struct str *s, char c);
void str_adds(struct str *s, const char *z);
void str_addsl(struct str *s, struct slice sl);
void str_addu(struct str *s, uint64_t n);	/* decimal */
void str_addi(struct str *s, int64_t n);
void str_addf(struct str *s, const char *fmt, ...) PRINTF(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list ap) PRINTF(2, 0);
void str_trunc(struct str *s, size_t len);	/* len <= s->len */
/* give the bytes away (malloced, NUL-terminated); s is empty afterwards */
char *str_steal(struct str *s);

struct slice slice_of(const char *z);		/* of a C string; NULL: empty */
struct slice slice_str(const struct str *s);
struct slice slice_sub(struct slice s, size_t from, size_t n);	/* clamped */
bool slice_eq(struct slice a, struct slice b);
bool slice_eqz(struct slice a, const char *z);
bool slice_ieq(struct slice a, struct slice b);		/* ASCII case folded */
bool slice_ieqz(struct slice a, const char *z);
bool slice_starts(struct slice s, const char *z);
bool slice_istarts(struct slice s, const char *z);
bool slice_ends(struct slice s, const char *z);
bool slice_iends(struct slice s, const char *z);
bool slice_has_nul(struct slice s);
/* index of the first c, or s.n */
size_t slice_find(struct slice s, char c);
size_t slice_rfind(struct slice s, char c);	/* of the last c, or s.n */
/* without blanks (space, tab, CR, LF) at both ends */
struct slice slice_trim(struct slice s);
/* cut the part up to sep (or all) off *rest into *part: 1, or 0 where *rest
 * is used up (p == NULL).  "a,b" gives "a" "b"; "a," gives "a" ""; a rest
 * with p == NULL gives nothing. */
int slice_cut(struct slice *rest, char sep, struct slice *part);
/* next word between blanks: 1, or 0 at the end */
int slice_word(struct slice *rest, struct slice *word);
/* the whole slice as a decimal number, no sign, no blanks: 1, or 0 where it
 * is not one or is over max */
int slice_u64(struct slice s, uint64_t max, uint64_t *r);
char *slice_dup(struct slice s);		/* malloced C string */
/* copy as C string, truncated; returns dst */
char *slice_copy(char *dst, size_t cap, struct slice s);

/* ASCII only, no locale */
int ascii_lower(int c);
int ascii_upper(int c);
bool ascii_isdigit(int c);
bool ascii_isalpha(int c);
bool ascii_isalnum(int c);
bool ascii_isprint(int c);			/* 0x20..0x7e */
bool ascii_isblank(int c);			/* space or tab */
void str_lower(struct str *s);

/* RFC 4648 base64; decode: 1, or 0 for anything malformed (out untouched) */
void base64_encode(struct str *out, const void *p, size_t n);
int base64_decode(struct str *out, struct slice in);
void hex_encode(struct str *out, const void *p, size_t n);
/* the n octets of 2 * n digits, of either case; false: it is anything else,
 * and p may be written in part */
bool hex_decode(struct slice hex, unsigned char *p, size_t n);
int hex_digit(int c);		/* its value, of either case; -1: it is none */

/* RFC 3629: shortest form, no surrogates, no NUL */
bool utf8_valid(struct slice s);
/* its first octets, at most n, without a character of which some would be
 * left behind */
struct slice utf8_cut(struct slice s, size_t n);
bool slice_is_ascii(struct slice s);

#endif
