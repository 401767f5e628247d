/*
 * regex.h - one regular expression (PCRE2), as tables of type pcre have them.
 *
 * Subjects are UTF-8, and what is none in them matches nothing.  A match is
 * bounded: one that takes too long is an error, temporary, and says nothing
 * about the subject.  Before the jail closes expressions become machine code
 * (map/jit.h), afterwards PCRE2 interprets them.  One thread.
 */
#ifndef MAP_REGEX_H
#define MAP_REGEX_H

#include "base/err.h"
#include "base/str.h"

enum { REGEX_GROUPS = 99,	/* of one expression */
	REGEX_SUBJECT = 65536 };	/* bytes; a longer one is an error */

struct regex;

/* flags: letters, each toggles: i (on: case does not matter), m (off: ^ and $
 * at each line), s (on: a dot is a newline, too), x (off: blanks and comments
 * in the expression), A (off: only at the beginning), E (off: $ not before a
 * last newline), U (off: not greedy), X (nothing, as in PCRE2).
 * 0: *re_r is the caller's; -1 err, temporary. */
int regex_new(struct slice pattern, struct slice flags, struct regex **re_r,
    struct err *err);
void regex_free(struct regex *re);			/* NULL is fine */
unsigned regex_groups(const struct regex *re);
/* 1, 0, or -1: err, a limit */
int regex_match(const struct regex *re, struct slice subject,
    struct err *err);
/* of the last match that said 1, of whatever expression; n 0 is all that
 * matched; a group that took no part is empty */
struct slice regex_group(struct slice subject, unsigned n);

#endif
