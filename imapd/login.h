/*
 * login.h - one client before login.  The program holds no file and no
 * secret but the password that is passing through.
 */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include "imap.h"
#include "serve/login.h"

extern struct login_conf conf;

struct login {
	struct imap imap;	/* first: commands get this */
	struct peer *peer;
	struct ipc auth;
	bool handed_over;
	int bad_logins;
};

/* login_commands.c */
extern const struct imap_command login_commands[];
extern const size_t login_commands_n;
void login_capabilities(const struct login *l, struct str *out);
/* the SASL mechanisms that this client may use; "" none */
const char *login_mechanisms(const struct login *l);

/* back.c */
bool back_is(int fd);	/* not a client, but a session that gives one back */
/* receive it, and serve it */
void back_client(struct io *channel,
    void (*serve)(struct io *, struct peer *));

/* cmd_login.c */
void cmd_login(void *session);
void cmd_authenticate(void *session);

#endif
