/*
 * status.h - the items of STATUS, which LIST may return too (RFC 5819).
 */
#ifndef IMAPD_STATUS_H
#define IMAPD_STATUS_H

#include "session.h"

/* "(MESSAGES UIDNEXT ...)": a bit each; the lexer's error for others */
bool status_items(struct imap_lex *l, unsigned *items_r);
/* "* STATUS name (...)" CRLF, appended: 0, or -1 and err */
int status_put(struct session *s, const char *name, unsigned items,
    struct str *out, struct err *err);

#endif
