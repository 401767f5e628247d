/*
 * from_line.h - a message as a mailbox of mbox form has it: a line "From
 * sender  date" in front, `>' before each line that could be one, an empty line
 * at the end.  The text may come in pieces.
 */
#ifndef MIME_FROM_LINE_H
#define MIME_FROM_LINE_H

#include "base/str.h"

struct from_line {
	const char *end;	/* of lines as they are written */
	bool plain;		/* no `>': only ends of lines are made so */
	bool within;		/* a line */
};

/* sender "": MAILER-DAEMON; the time as ctime(3) prints it, of unix_s */
void from_line_begin(struct str *out, const struct from_line *f,
    const char *sender, int64_t unix_s);
/* Lines with LF.  How much of text was used: what a line begins with may still
 * be to come, unless it is the last piece. */
size_t from_line_add(struct str *out, struct from_line *f, struct slice text,
    bool last);
void from_line_end(struct str *out, const struct from_line *f);

#endif
