/*
 * login.h - what the login programs of mail readers have in common: the
 * options, who may send a password, and the way in which a client is given
 * away.  A program's configuration is a struct that begins with struct
 * login_conf, its option table begins with LOGIN_FIELDS.
 */
#ifndef SERVE_LOGIN_H
#define SERVE_LOGIN_H

#include "serve/tls.h"

#define PLAINTEXT "never|loopback|always"
enum plaintext { PLAINTEXT_NEVER, PLAINTEXT_LOOPBACK, PLAINTEXT_ALWAYS };

struct login_conf {
	int64_t timeout, auth_timeout, max_bad_logins, max_errors,
	    max_commands;
	int auth_plaintext;
	struct tls_conf tls;
};

#define LOGIN_FIELDS \
	F_TIME(struct login_conf, timeout, "2m", "1s", "1d", \
	    "how long a client may be idle before login"), \
	F_ENUM(struct login_conf, auth_plaintext, "loopback", PLAINTEXT, \
	    "from where passwords are taken without TLS"), \
	TLS_FIELDS(struct login_conf, tls), \
	F_TIME(struct login_conf, auth_timeout, "60s", "1s", "10m", \
	    "how long to wait for auth"), \
	F_INT(struct login_conf, max_bad_logins, "3", "1", "1000", \
	    "failed logins, then the connection is closed"), \
	F_INT(struct login_conf, max_errors, "10", "1", "100000", \
	    "bad commands, then the connection is closed"), \
	F_INT(struct login_conf, max_commands, "100", "4", "100000", \
	    "commands before login")

/* may the client send a password?  auth_plaintext decides without TLS */
bool plaintext_may(int auth_plaintext, const struct peer *peer);
/* the same by the options: not before TLS where that is required */
bool login_may(const struct login_conf *c, const struct peer *peer);
/* The SASL mechanisms to offer: "" none.  As mechs_offered. */
const char *login_mechs(const struct login_conf *c, const struct peer *peer,
    const char *service);
/* and without SASL (LOGIN, USER and PASS)?  Where auth offers PLAIN or LOGIN */
bool login_by_name(const struct login_conf *c, const struct peer *peer,
    const char *service);
/* into the log, where a login failed for trouble of the server */
void login_trouble(const struct peer *peer, const struct err *err);
/* struct daemon's before_jail: the way to auth.  0 */
int login_jail(struct err *err);
/* More than this can not be given away with a client. */
enum { LOGIN_UNREAD_MAX = 32768 };
/*
 * Give the client, with what was read of it and not used, to auth, and on to
 * the session of that service, which gets state.  1 done; 0: auth was lost
 * while it had the client, whose it is nobody knows; -1 err: it is still
 * ours.  After 1 and 0 nothing is written to it any more.
 */
int login_give(struct ipc *auth, struct io *io, const struct peer *peer,
    const char *service, const char *state, struct err *err);

#endif
