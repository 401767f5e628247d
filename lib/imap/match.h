/*
 * match.h - LIST patterns: RFC 3501 and 9051 section 6.3.9.
 *
 * * matches anything, % anything but the separator.  Names and patterns are
 * UTF-8; bytes are compared, but INBOX at the start of a name in any case.
 * Time is at most name length times pattern length, whatever the pattern.
 */
#ifndef IMAP_MATCH_H
#define IMAP_MATCH_H

#include "base/arena.h"
#include "base/str.h"

enum imap_match {
	IMAP_MATCH_NO = 0,
	IMAP_MATCH_YES = 1,
	/* the name does not match, but a name below it may: go down */
	IMAP_MATCH_CHILDREN = 2,
	/* IMAP_MATCH_YES | IMAP_MATCH_CHILDREN: both */
};

/* reference and pattern put together; longer than IMAP_PATTERN_MAX: 0 */
enum { IMAP_PATTERN_MAX = 2000 };
int imap_pattern_join(struct slice reference, struct slice pattern, char sep,
    struct str *out);
/* bits of enum imap_match; sep 0: a flat name space */
unsigned imap_match(struct slice pattern, struct slice name, char sep);
/* Names below `name`, at any depth, of which some prefix level matches: for
 * % in LSUB and for RECURSIVEMATCH.  The length of the shortest prefix of name
 * (up to a separator) that matches, or 0. */
size_t imap_match_parent(struct slice pattern, struct slice name, char sep);

#endif
