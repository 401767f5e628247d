/*
 * lex_part.h - what the files of the lexer share.
 */
#ifndef IMAP_LEX_PART_H
#define IMAP_LEX_PART_H

#include "imap/lex.h"

/* classes of bytes: RFC 3501 and 9051 section 9 */
enum lex_class {
	LEX_ATOM = 1,		/* ATOM-CHAR */
	LEX_ASTRING = 2,	/* ASTRING-CHAR: and ] */
	LEX_LIST = 4,		/* list-char: and % * */
	LEX_TAG = 8,		/* ASTRING-CHAR without + */
	LEX_SET = 16,		/* digits * : , $ */
};
bool lex_is(unsigned char c, enum lex_class k);
/* one or more bytes of that class, in the line; false without an error where
 * there are none */
bool lex_take(struct imap_lex *l, enum lex_class k, struct slice *r);
/* a copy with a NUL behind it */
struct slice lex_copy(struct imap_lex *l, struct slice s);
/* the literal that is next, whole; eight: ~{n} is right, too */
bool lex_literal(struct imap_lex *l, bool eight, struct slice *r);
/*
 * The next line into l->line, as much of it as may be kept; keep 0: none.
 * False with an error where it is too long or ends wrongly; l->line and l->lit
 * are good nevertheless.  False with GONE or BYE: they are not.
 */
bool lex_read_line(struct imap_lex *l, size_t keep);
/* what io has, one byte at least */
bool lex_read_bytes(struct imap_lex *l, struct slice *buf);
/* an end of the connection goes over whatever was wrong before; false */
bool lex_fail_hard(struct imap_lex *l, enum imap_lex_kind kind,
    const char *text);

#endif
