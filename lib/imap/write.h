/*
 * write.h - what the server says: RFC 3501 and 9051 section 9, appended to a
 * struct str.
 *
 * Whatever bytes come in, what goes out is right syntax: a string that
 * quotes can not hold becomes a literal, one with NUL a literal8 where that
 * is allowed, else its NULs become 0x80 (RFC 3501 section 4.3.1: a literal has
 * no NUL).  utf8: the client has enabled UTF8=ACCEPT or IMAP4rev2.
 */
#ifndef IMAP_WRITE_H
#define IMAP_WRITE_H

#include "imap/lex.h"

enum { IMAP_QUOTED_MAX = 1000 };	/* longer ones are literals */

/* "quoted" or {n} literal */
void imap_put_string(struct str *out, struct slice s, bool utf8);
/* The same, in quotes, for text that needs no look at each octet: printable
 * ASCII without quotes and backslashes.  false: it is not, nothing was put. */
bool imap_put_plain(struct str *out, struct slice s);
void imap_put_nstring(struct str *out, struct slice s, bool utf8); /* NIL */
/* an atom where it is one, else as imap_put_string */
void imap_put_astring(struct str *out, struct slice s, bool utf8);
/* {n}, CRLF and s; NULs become 0x80 */
void imap_put_literal(struct str *out, struct slice s);
/* {n} CRLF or ~{n} CRLF alone: the caller sends n octets behind it */
void imap_put_literal_head(struct str *out, uint64_t n, bool eight);
/* ~{n} with NUL, else as imap_put_string (BINARY[], METADATA) */
void imap_put_string8(struct str *out, struct slice s, bool utf8);
/* a mailbox name that is held in UTF-8 */
void imap_put_mailbox(struct str *out, struct slice name, bool utf8);
/* always quoted: the separator, or NIL for 0 */
void imap_put_separator(struct str *out, char sep);
/* (\Answered key ...), with its parentheses; keywords that are no atoms are
 * left out */
void imap_put_flags(struct str *out, unsigned system,
    const struct slice *keyword, size_t n);
bool imap_is_atom(struct slice s);	/* could stand as an atom */
bool imap_is_astring_atom(struct slice s);
/* human text behind a code: one line, printable, at least one character */
void imap_put_text(struct str *out, const char *text);

/* "tag OK [CODE] text" CRLF; code NULL or "": none.  tag "*" untagged, "+" a
 * continuation without status word (status NULL). */
void imap_put_status(struct str *out, struct slice tag, const char *status,
    const char *code, const char *text);
/* the reply to an error of the lexer or a parser over it; GONE: nothing */
void imap_put_error(struct str *out, const struct imap_lex *l);

/* "17-Jul-1996 02:44:25 -0700", quoted, in that zone (minutes east) */
void imap_put_date_time(struct str *out, int64_t unix_s, int zone);
/* the whole slice without quotes: 1, or 0 */
int imap_parse_date_time(struct slice s, int64_t *unix_r, int *zone_r);
int imap_parse_date(struct slice s, int32_t *day_r);	/* 1-Feb-1994 */
/* the day that a moment is in, in a zone */
int32_t imap_day(int64_t unix_s, int zone);

#endif
