/*
 * mutf7.h - mailbox names: modified UTF-7 (RFC 3501 section 5.1.3) and UTF-8,
 * and what a name may be.
 *
 * Each name has one encoding, and only that is decoded: no encoding of
 * printable ASCII, no two runs in a row, no bits left over, no lone
 * surrogate, no 8-bit byte.  So decode then encode gives the same bytes.
 */
#ifndef IMAP_MUTF7_H
#define IMAP_MUTF7_H

#include "base/str.h"

enum { IMAP_NAME_MAX = 1000, IMAP_LEVELS_MAX = 50 };

/* 1, or 0 where it is malformed or holds NUL (out untouched) */
int imap_mutf7_decode(struct slice name, struct str *utf8);
/* 1, or 0 where it is no UTF-8 or holds NUL (out untouched) */
int imap_mutf7_encode(struct slice utf8, struct str *out);

enum {
	IMAP_NAME_NEW = 1,	/* to be created: no * and % either */
};
/*
 * NULL, or why this UTF-8 name can not be one (a static text for NO
 * [CANNOT]): empty, too long, too deep, no UTF-8, controls (C0, DEL, C1, line
 * and paragraph separator, byte order mark), an empty level, a level "." or
 * "..", a "/" where the separator is another.
 */
const char *imap_name_check(struct slice utf8, char sep, unsigned flags);
/* INBOX in any case */
bool imap_name_is_inbox(struct slice name);
/* INBOX or below it, which starts with INBOX in any case and sep */
bool imap_name_in_inbox(struct slice name, char sep);

#endif
