/*
 * imap.h - what imap-login and imapd share: the loop over commands and the
 * ways to reply.
 *
 * A command is a row of a table and a function, which pulls its arguments
 * from the lexer, checks them once with imap_args_end, writes untagged
 * responses, and sets its tagged reply with imap_ok or imap_no.  The loop
 * sends it, after what the session has to tell of other changes.  A function
 * that leaves an error in the lexer needs no reply: the loop gives it.
 */
#ifndef IMAPD_IMAP_H
#define IMAPD_IMAP_H

#include "imap/lex.h"
#include "imap/write.h"

enum { IN_LOGIN = 1, IN_AUTH = 2, IN_SELECTED = 4 };

struct imap;
enum {
	CMD_UID = 1,		/* UID may stand before it */
	CMD_ONLY_UID = 2,	/* and must */
	CMD_SEQ = 4,		/* has sequence numbers: no EXPUNGE is sent
				 * during it, but after UID (RFC 3501 7.4.1) */
	CMD_LAST = 8,		/* nothing is told after it */
	CMD_NO_UIDONLY = 16,	/* not without UID after ENABLE UIDONLY */
};
struct imap_command {
	const char *name;
	unsigned states;	/* IN_... */
	unsigned flags;
	void (*fn)(void *session);
};

/* the first member of the session of each program */
struct imap {
	struct io *io;
	struct arena arena;	/* of the command at work */
	struct imap_lex lex;
	struct str tagged;	/* the reply to it */
	bool replied;
	bool secret;		/* nothing of a command is left behind */
	unsigned state;		/* IN_... */
	const struct imap_command *commands;	/* sorted by name, n of them */
	size_t n_commands;
	const struct imap_command *at;		/* the command at work */
	/* before a command is read, or NULL: waits for it, telling news */
	void (*wait)(void *session);
	/* before the tagged reply: updates */
	void (*update)(void *session);
	/* once the reply is out; then forgotten */
	void (*after)(void *session);
	bool utf8;		/* UTF8=ACCEPT or rev2 is enabled */
	bool uidonly;
	const char *end;	/* not NULL: the session ends so */
	int64_t max_errors, max_commands;
	uint64_t errors, count;
};

void imap_init(struct imap *im, struct io *io, unsigned state,
    const struct imap_command *commands, size_t n);
void imap_free(struct imap *im);
/* until im->end is set, which it is then: "logout", "eof", "timeout", "lost",
 * "shutdown", "errors" */
void imap_run(struct imap *im);

/* nothing may follow: true, or the lexer's error stands */
#define imap_args_end(im) imap_lex_end(&(im)->lex)

/* tag OK [code] text; code NULL: none; text may be a format */
void imap_ok(struct imap *im, const char *code, const char *fmt, ...)
    PRINTF(3, 4);
void imap_no(struct imap *im, const char *code, const char *fmt, ...)
    PRINTF(3, 4);
void imap_bad(struct imap *im, const char *code, const char *fmt, ...)
    PRINTF(3, 4);
/* the response code for the status code of an error, or NULL */
const char *imap_code(const struct err *err);
/* NO for an error of a library: its status code chooses the response code;
 * trouble of ours is logged */
void imap_fail(struct imap *im, const struct err *err);
/* untagged: "* " line CRLF */
void imap_say(struct imap *im, const char *fmt, ...) PRINTF(2, 3);
/* what the caller built, which is emptied */
void imap_put(struct imap *im, struct str *s);

#endif
