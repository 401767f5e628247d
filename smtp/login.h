/*
 * login.h - AUTH as a client: RFC 4954.  Passwords and tokens are auth's
 * (proto/auth.h); what is said to the server is what auth hands out.
 */
#ifndef SMTP_LOGIN_H
#define SMTP_LOGIN_H

#include "smtp.h"

/* Log in where there is an account for that place.  1 logged in; 0: no account
 * for the place; -1: err, temporary, logged: the session can not be used.
 * s->by_sender: another sender may have another account. */
int smtp_login(struct session *s, const char *sender, struct err *err);

#endif
