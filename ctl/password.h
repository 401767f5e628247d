/*
 * password.h - inside ctl: asking people.
 */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include "base/str.h"

/* appended: asked for twice on a terminal, else the first line of standard
 * input.  EXIT_OK or EXIT_FAILED. */
int password_get(struct str *out);
/* appended: one of 100 random bits, without letters that look like others */
void password_generate(struct str *out);
/* a question on the terminal; false where there is none */
bool confirmed(const char *question);

#endif
