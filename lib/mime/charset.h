/*
 * charset.h - text of any charset to UTF-8.
 *
 * UTF-8, US-ASCII, ISO-8859-x (1 is read as windows-1252, as all the world
 * does), windows-125x, KOI8 and some more are converted here, by tables, and so
 * are UTF-7 and those that mail from East Asia has (charset_multi.h).  Others
 * are left to iconv, whose descriptors are cached.  Only charsets of our list
 * are ever given to it: a mail can not load any module that it names.  glibc
 * reads its modules from a directory: a jailed program lacks them.
 * What can not be converted becomes U+FFFD; the output is always valid UTF-8
 * (NULs become U+FFFD).  Nothing converts from UTF-8 to others.
 */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include "base/str.h"

/* known to us by that name or an alias (folded case; blanks at the ends and
 * quotes are left out) */
bool mime_charset_known(struct slice name);
/* Append s in UTF-8: 1, 0 where the charset is unknown or iconv lacks it (out
 * untouched). An empty name is US-ASCII, with 8-bit octets as mime_utf8_guess
 * reads them. */
int mime_to_utf8(struct slice charset, struct slice s, struct str *out);
/* UTF-8 where it is that, else windows-1252 */
void mime_utf8_guess(struct slice s, struct str *out);
/* UTF-8 with each octet that is none replaced by U+FFFD */
void mime_utf8_clean(struct slice s, struct str *out);

/* where a text in a charset of charset_multi.h stands */
struct mime_multi {
	int kind, set;
	uint32_t bits, high;	/* what is not yet a character */
	unsigned nbits;
};

/* Text in pieces that are cut anywhere.  An unknown charset is read as
 * UTF-8 with windows-1252 for what is not. */
struct mime_conv {
	int how;
	const uint16_t *table;
	struct mime_multi multi;	/* kind 0: not one of these */
	void *cd;		/* an iconv descriptor of its own */
	char hold[16];		/* start of a character that was cut */
	size_t n;
};
void mime_conv_open(struct mime_conv *c, struct slice charset);
void mime_conv_add(struct mime_conv *c, struct slice s, struct str *out);
void mime_conv_close(struct mime_conv *c, struct str *out);

#endif
