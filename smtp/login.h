/*
 * login.h - AUTH as a client: RFC 4954.  Passwords and tokens are auth's
 * (proto/auth.h); what is said to the server is what auth hands out.
 */
#ifndef SMTP_LOGIN_H
#define SMTP_LOGIN_H

#include "base/io.h"
#include "serve/tls.h"
#include "target.h"

/* Log in where there is an account for that place.  mechs: of the server,
 * parted by blanks; verified: its certificate was checked.  1 logged in; 0: no
 * account for the place; -1: err, the session can not be used. */
int smtp_login(struct io *io, const char *mechs, const struct targets *all,
    const struct target *t, const char *sender,
    const struct tls_facts *facts, bool verified, const char *session,
    struct err *err);

#endif
