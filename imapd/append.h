/*
 * append.h - messages that come with a command: APPEND and its relatives.
 */
#ifndef IMAPD_APPEND_H
#define IMAPD_APPEND_H

#include "session.h"

/* [SP (flags)] [SP date-time] SP message, from the lexer into add, for one
 * message.  False: the lexer's error is set. */
bool append_message(struct session *s, struct mailbox *mb,
    struct mailbox_add *add);
/* The folder for it.  NULL: the lexer's error is set ([TRYCREATE]). */
struct mailbox *append_folder(struct session *s, struct slice name);
/* "APPENDUID v first[:last]" */
void append_code(const struct mailbox *mb, uint32_t first, size_t n,
    struct str *out);

#endif
