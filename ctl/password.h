/*
 * password.h - inside ctl: asking people.
 */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include "base/str.h"

/* appended: arg, or, where that is NULL, asked twice on a terminal, or the
 * first line of standard input.  EXIT_OK or EXIT_FAILED. */
int password_get(const char *arg, struct str *out);
/* a question on the terminal; false where there is none */
bool confirmed(const char *question);

#endif
