/*
 * lex.h - one IMAP command as it comes from the client: RFC 3501 and 9051
 * section 9, RFC 7888 (non-synchronising literals), RFC 3516 (literal8).
 *
 * imap_lex_command reads tag and name; typed functions then pull argument by
 * argument, imap_lex_end wants the end of the line, and imap_lex_finish
 * (always) drops what was not read.  Whatever they return lies in the
 * command's arena, each slice followed by a NUL byte that it does not count.
 *
 * The error is sticky, as io's: after the first every function returns false
 * (the counting ones -1), so a command checks once, at imap_lex_end:
 *
 *	imap_lex_sp(l); imap_lex_mailbox(l, &from);
 *	imap_lex_sp(l); imap_lex_mailbox(l, &to);
 *	if (!imap_lex_end(l))
 *		return;		(the loop replies with l->error)
 *
 * Memory: limits.line bytes of lines, limits.literals of literals, and
 * structures within limits.count.  A line end is only ever read when the
 * command needs it, so what is pipelined behind it stays in io.
 *
 * A literal that is refused: where it synchronises, the command is over (the
 * client does not send it once it has a tagged reply); else its bytes are
 * dropped by imap_lex_finish, and the rest of the command with it.
 */
#ifndef IMAP_LEX_H
#define IMAP_LEX_H

#include "base/arena.h"
#include "base/io.h"
#include "base/str.h"

#include "imap/seqset.h"

struct imap_limits {
	size_t line;		/* of all lines of a command, no literals */
	size_t literal;		/* of one literal that is an argument */
	size_t literals;	/* of all of them in a command */
	uint64_t nonsync;	/* of {n+}, LITERAL-: 4096; 0: no limit */
	uint64_t drop;		/* unwanted bytes; behind it IMAP_LEX_BYE */
	unsigned depth;		/* of parentheses and search keys, <= 64 */
	unsigned count;		/* elements of a list, ranges, search keys */
};
/* 64K, 64K, 256K, none, 64M, 64, 10000 */
extern const struct imap_limits imap_limits_default;

enum imap_lex_kind {
	IMAP_LEX_OK,
	IMAP_LEX_NO,		/* tag NO [code] text */
	IMAP_LEX_BAD,		/* tag BAD [code] text */
	IMAP_LEX_BYE,		/* the same as BAD, then the connection ends */
	IMAP_LEX_GONE,		/* end of file or io->err: nobody to reply to */
};

struct imap_lex_error {
	enum imap_lex_kind kind;
	char code[160];		/* "TOOBIG" without brackets, or "" */
	char text[160];		/* "a number is expected at byte 14: \"x\"" */
};

enum {
	IMAP_LEX_UTF8 = 1,	/* UTF8=ACCEPT or rev2 is enabled: UTF-8 in
				 * quoted strings, mailbox names are UTF-8 */
	IMAP_LEX_BARE_LF = 2,	/* a line may end with LF alone */
	IMAP_LEX_BLANKS = 4,	/* more blanks than one, and before the end */
	IMAP_LEX_8BIT = 8,	/* UTF-8 in quoted strings without being asked;
				 * mailbox names stay modified UTF-7 */
};

struct imap_lex {
	struct io *io;		/* NULL: text only (imap_lex_init_text) */
	struct arena *arena;
	struct imap_limits limits;
	unsigned flags;
	/* Asks for a literal; NULL: "+ OK" into io, which is flushed when
	 * it is read. */
	void (*more)(void *arg);
	void *more_arg;

	/* the command, after imap_lex_command */
	struct slice tag;	/* "*" where it could not be read */
	struct slice name;	/* as it came; behind UID the second word */
	bool uid;		/* it began with UID */
	struct imap_lex_error error;

	/* private: the line at hand, and the literal that it ends with */
	struct slice line;
	size_t pos;
	size_t lines_used, literals_used, counted;
	uint64_t dropped;
	enum { IMAP_LIT_NONE, IMAP_LIT_SYNC, IMAP_LIT_NONSYNC,
		IMAP_LIT_OPEN } lit;
	size_t lit_at;		/* where it is announced in the line */
	uint64_t lit_left;
	bool lit8, overlong;
	unsigned depth;
	uint64_t first;		/* bit n: no element of list n was read */
};

/* l is overwritten.  The arena stays the caller's, who resets it between
 * commands (not before imap_lex_finish). */
void imap_lex_init(struct imap_lex *l, struct io *io, struct arena *arena,
    const struct imap_limits *limits, unsigned flags);
/* Arguments from memory, which must last: no literals, no command name; for
 * filters, stored searches and tests.  Pull at once. */
void imap_lex_init_text(struct imap_lex *l, struct slice text,
    struct arena *arena, unsigned flags);

/* ---- a whole command ---------------------------------------------------- */

/* Wait for the next command: tag, blank, name (and the word behind UID).  1;
 * 0 the client is gone (IMAP_LEX_GONE); -1 error (an empty line, too).
 * Starts with a clean error; call imap_lex_finish and then reset the arena
 * before each further one. */
int imap_lex_command(struct imap_lex *l);
/* Nothing may follow.  True: arguments were right. */
bool imap_lex_end(struct imap_lex *l);
/* Drop what is left of the command.  False: it can not go on (error.kind is
 * BYE or GONE).  Does not touch an earlier error but for these; so an error is
 * replied to (imap_put_error) after it. */
bool imap_lex_finish(struct imap_lex *l);
/* A line outside of commands, without its end: DONE, the client's turn in
 * AUTHENTICATE.  After imap_lex_end.  1; 0 gone; -1 it is longer than max (and
 * was dropped) or ends wrongly: error. */
int imap_lex_line(struct imap_lex *l, size_t max, struct slice *line_r);
/* Set the sticky error, unless there is one; false, for `return`.  code
 * "" for none. */
bool imap_lex_fail(struct imap_lex *l, enum imap_lex_kind kind,
    const char *code, const char *fmt, ...) PRINTF(4, 5);
/* BAD "<what> is expected at byte N, not <what is there>"; false */
bool imap_lex_expected(struct imap_lex *l, const char *what);
/* count n more things against limits.count */
bool imap_lex_count(struct imap_lex *l, unsigned n);
static inline bool
imap_lex_ok(const struct imap_lex *l)
{
	return l->error.kind == IMAP_LEX_OK;
}

/* ---- punctuation -------------------------------------------------------- */

/* next byte without taking it; -1 at the end of the line or after an error.
 * A literal shows as '{' or '~'. */
int imap_lex_peek(const struct imap_lex *l);
bool imap_lex_sp(struct imap_lex *l);		/* one blank */
bool imap_lex_char(struct imap_lex *l, char c);
/* take c where it is next; else false without an error */
bool imap_lex_try(struct imap_lex *l, char c);
bool imap_lex_try_sp(struct imap_lex *l);
/* take this atom (any case) where it is next, whole; else no error */
bool imap_lex_try_word(struct imap_lex *l, const char *word);
/*
 * Lists, of any depth up to limits.depth:
 *	for (imap_lex_open(l); imap_lex_next(l); )
 *		imap_lex_flag(l, &f);
 * next takes the blank between two elements; false behind the ')' or after
 * an error.  An empty list is right here.  It counts against limits.count.
 */
bool imap_lex_open(struct imap_lex *l);
bool imap_lex_next(struct imap_lex *l);

/* ---- strings ------------------------------------------------------------ */

bool imap_lex_atom(struct imap_lex *l, struct slice *r);
bool imap_lex_quoted(struct imap_lex *l, struct slice *r);
bool imap_lex_string(struct imap_lex *l, struct slice *r);
bool imap_lex_astring(struct imap_lex *l, struct slice *r);
bool imap_lex_nstring(struct imap_lex *l, struct slice *r); /* NIL: p NULL */
/* string or ~{n} with any bytes; NIL: p NULL (METADATA values) */
bool imap_lex_nstring8(struct imap_lex *l, struct slice *r);
/* an astring that is all base64, decoded; "=" is the empty one (SASL-IR) */
bool imap_lex_base64(struct imap_lex *l, struct slice *r);
/* A mailbox name, as UTF-8, from modified UTF-7 or (IMAP_LEX_UTF8) as it is;
 * INBOX in any case becomes INBOX.  A bad encoding, NUL or control is NO
 * [CANNOT]; what else a name may be is imap_name_check's. */
bool imap_lex_mailbox(struct imap_lex *l, struct slice *r);
/* the same with * and %; INBOX is left alone */
bool imap_lex_pattern(struct imap_lex *l, struct slice *r);

/* ---- literals that are streamed (APPEND) -------------------------------- */

struct imap_literal {
	uint64_t size;
	bool sync;		/* {n}: the client waits */
	bool eight;		/* ~{n} */
};
/* Announced next is a literal of any size: *r, and nothing was sent yet.
 * Then either imap_lex_literal_accept and imap_lex_literal_read until it
 * returns 0, or imap_lex_fail ([TOOBIG]) and the end of the command. */
bool imap_lex_literal(struct imap_lex *l, struct imap_literal *r);
bool imap_lex_literal_accept(struct imap_lex *l);
/* 1: some bytes, that borrow io's buffer until the next call; 0: all were
 * read, the arguments go on behind it; -1: error */
int imap_lex_literal_read(struct imap_lex *l, struct slice *r);

/* ---- numbers, dates, flags, sets ---------------------------------------- */

bool imap_lex_number(struct imap_lex *l, uint32_t *r);
bool imap_lex_nz_number(struct imap_lex *l, uint32_t *r);
bool imap_lex_number64(struct imap_lex *l, uint64_t *r);	/* < 2^63 */
/* "[-]1:[-]500" of RFC 9394, ordered so that |lo| <= |hi|, never 0 */
struct imap_partial {
	int64_t lo, hi;		/* both < 0: counted from the end */
};
bool imap_lex_partial(struct imap_lex *l, struct imap_partial *r);
/* what it asks for of n things: from *from to before *to, or none (equal) */
void imap_partial_range(const struct imap_partial *p, size_t n, size_t *from,
    size_t *to);
/* d-Mon-yyyy, quoted or not: days since 1970-01-01, maybe negative */
bool imap_lex_date(struct imap_lex *l, int32_t *day_r);
/* "dd-Mon-yyyy hh:mm:ss +zzzz": seconds since 1970; zone in minutes east */
bool imap_lex_date_time(struct imap_lex *l, int64_t *unix_r, int *zone_r);
/* Each number, range and * within limits.count; "$" sets r->saved.  The
 * order and form of the client are kept: imap_seqset_resolve first. */
bool imap_lex_seqset(struct imap_lex *l, struct imap_seqset *r);

enum {
	IMAP_ANSWERED = 1, IMAP_FLAGGED = 2, IMAP_DELETED = 4, IMAP_SEEN = 8,
	IMAP_DRAFT = 16,
	IMAP_RECENT = 32,	/* a client can not set it: leave it out */
	IMAP_FLAG_BITS = 6,
};
struct imap_flags {
	unsigned system;	/* IMAP_SEEN ... */
	struct slice *keyword;	/* as they came, without doubles (any case) */
	size_t n, cap;
};
/* one flag into *r, which is {0} at first */
bool imap_lex_flag(struct imap_lex *l, struct imap_flags *r);
/* (flag flag ...) */
bool imap_lex_flag_list(struct imap_lex *l, struct imap_flags *r);
/* (flag ...) or flag SP flag ... to the end of the line, as in STORE */
bool imap_lex_store_flags(struct imap_lex *l, struct imap_flags *r);
/* the bit of "\Seen" (any case), or 0 */
unsigned imap_flag_bit(struct slice name);
const char *imap_flag_name(unsigned bit);	/* "\\Seen" */

#endif
