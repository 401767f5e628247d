/*
 * login.h - one client before login.  The program holds no file and no
 * secret but the password that is passing through.
 */
#ifndef POP3D_LOGIN_H
#define POP3D_LOGIN_H

#include "pop3.h"
#include "serve/login.h"

struct pop3_login_conf {
	struct login_conf login;	/* first: LOGIN_FIELDS */
	int64_t login_delay, expire;
};
extern struct pop3_login_conf conf;

struct login {
	struct pop3 pop3;	/* first: the loop gives us this */
	struct peer *peer;
	struct ipc auth;
	struct str user;	/* of USER */
	int bad_logins;
	bool handed_over;
	bool asked;		/* for the mechanisms: pop3d shall know them */
	const char *end;	/* where a command knows better */
};

extern const struct command login_commands[];
enum cmd_result cmd_user(void *session, struct slice args);
enum cmd_result cmd_pass(void *session, struct slice args);
enum cmd_result cmd_quit(void *session, struct slice args);
enum cmd_result cmd_auth(void *session, struct slice args);
enum cmd_result cmd_stls(void *session, struct slice args);
enum cmd_result cmd_utf8(void *session, struct slice args);

/* login_commands.c */
void login_offers(void *session, struct pop3_offers *o);
/* the mechanisms that this client may use; "" none */
const char *login_mechanisms(struct login *l);

/* handover.c */
/* the reply where a login is not allowed, mostly without TLS */
enum cmd_result login_forbidden(struct login *l);
/* auth said no */
enum cmd_result login_failed(struct login *l, const struct err *err);
/* auth said yes: give the client away; pop3d answers */
enum cmd_result login_done(struct login *l);

#endif
