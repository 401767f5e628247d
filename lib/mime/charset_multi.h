/*
 * charset_multi.h - the usual charsets of more octets a character: those of
 * East Asia, UTF-7, and windows-1258 with its accents.  Their tables are made
 * of iconv's when Postrider is built (mkcharset.c); that needs the C library's
 * conversion modules, which some systems have in a package of their own.
 *
 * As iconv has them, but: ISO-2022-JP and EUC-JP have what Shift JIS has in
 * the rows that JIS X 0208 left free (circled digits, as Windows writes them);
 * ISO-2022-JP may have half-width Katakana and JIS X 0212, too (CP50221);
 * UTF-7 may have any octet of ASCII outside of base64.
 */
#ifndef MIME_CHARSET_MULTI_H
#define MIME_CHARSET_MULTI_H

#include "mime/charset.h"

/* by iconv's name: a kind; 0: none of these */
int mime_multi_find(const char *iconv);
void mime_multi_begin(struct mime_multi *m, int kind);
/* Append s in UTF-8; what is no character becomes U+FFFD.  The rest that may
 * be the start of one, 3 octets at most, is what is returned. */
struct slice mime_multi_run(struct mime_multi *m, struct slice s,
    struct str *out);
/* nothing follows but rest, which is no character */
void mime_multi_end(struct mime_multi *m, struct slice rest, struct str *out);

/* ---- of charset_data.c --------------------------------------------------- */

struct charset_wide {
	uint32_t cp, then;	/* a character above U+FFFF; or two, else 0 */
};

/* two octets; v[(first - lead) * trails + second - trail] is the character; 0
 * none; 0xd800 + i is wide[i] */
struct charset_two {
	unsigned char lead, lead_end, trail, trail_end;	/* first and last */
	const uint16_t *v;
	const struct charset_wide *wide;
};

extern const struct charset_two mime_gbk, mime_big5, mime_uhc, mime_sjis,
    mime_jis0208, mime_jis0212;

/* windows-1258: what an octet and the accent behind it are in one; 0: none */
enum { MARKS_1258 = 5 };
extern const unsigned char mime_1258_marks[MARKS_1258];
extern const uint16_t mime_1258[256][MARKS_1258];

/* numbers of GB18030's four octets from `from' on, until the next row's, are
 * characters from cp on; cp 0: none */
struct charset_range {
	uint32_t from, cp;
};

extern const struct charset_range mime_gb_ranges[];
extern const size_t mime_gb_nranges;

#endif
