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
/* one literal of a message that was begun, counted in *total */
bool append_literal(struct session *s, struct mailbox_add *add,
    uint64_t *total);
/* the lexer's error for trouble with the mailbox; false */
bool append_failed(struct session *s, const struct err *err);
/* what stands behind CATENATE, as a message that is begun: catenate.c */
bool catenate(struct session *s, struct mailbox_add *add);
/* The folder for it.  NULL: the lexer's error is set ([TRYCREATE]). */
struct mailbox *append_folder(struct session *s, struct slice name);
/* "APPENDUID v first[:last]" */
void append_code(const struct mailbox *mb, uint32_t first, size_t n,
    struct str *out);

#endif
