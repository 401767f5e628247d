/*
 * charset_names.h - the charsets that we know.
 */
#ifndef MIME_CHARSET_NAMES_H
#define MIME_CHARSET_NAMES_H

#include "base/str.h"

enum charset_how {
	CHARSET_GUESS,		/* UTF-8 or windows-1252 */
	CHARSET_UTF8,
	CHARSET_NAMED,		/* a table of ours, or iconv's */
};

struct charset {
	const char *name;
	enum charset_how how;
	const char *iconv;	/* iconv's name for it; NULL: as `how` says */
};

/* NULL: unknown.  An empty name is US-ASCII. */
const struct charset *mime_charset_find(struct slice name);
/* 128 characters for the octets from 0x80 on, 0: none; NULL: no such charset,
 * or more than an octet a character */
const uint16_t *mime_charset_table(const char *iconv);

#endif
