/*
 * charset_names.h - the charsets that we know.
 */
#ifndef MIME_CHARSET_NAMES_H
#define MIME_CHARSET_NAMES_H

#include "base/str.h"

enum charset_how {
	CHARSET_GUESS,		/* UTF-8 or windows-1252 */
	CHARSET_UTF8,
	CHARSET_WIN1252,
	CHARSET_ICONV,
};

struct charset {
	const char *name;
	enum charset_how how;
	const char *iconv;	/* iconv's name for it */
};

/* NULL: unknown.  An empty name is US-ASCII. */
const struct charset *mime_charset_find(struct slice name);

#endif
