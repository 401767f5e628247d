/*
 * auth.h - inside auth: one connection is one client's login.
 *
 * account.c   a name as given -> the account and its record
 * login.c     a name and a password -> yes, no, trouble; delay and limits
 * verified.c  passwords that were right lately
 * verbs.c     sasl, pass, handover: what the peer may ask, and when
 * handover.c  the client goes to the session program
 *
 * Passwords and hashes live in struct sasl, in the received message and in
 * an arena here; all are wiped before the answer goes out.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "map/users.h"
#include "proto/auth.h"
#include "sasl/sasl.h"
#include "serve/serve.h"

struct auth_conf {
	const char *users;
	int64_t failure_delay, failure_delay_max;	/* ms */
	int64_t max_failures;
	int64_t step_timeout, handover_timeout;		/* ms */
	int64_t cache_time;				/* ms */
};
extern struct auth_conf conf;
extern const struct verb auth_serves[];

enum { AUTH_NAME_MAX = 1000, SERVICE_MAX = 32 };

/* what a connection has come to */
struct login {
	int sock;			/* -1: nothing was asked yet */
	struct sasl sasl;
	bool exchange;			/* a further SASL step is expected */
	bool done, gone;		/* logged in; handed over */
	int64_t failures;
	char service[SERVICE_MAX];
	char client[64], session[17];
	char user[AUTH_NAME_MAX + 1];	/* after done: the account's key */
};
void *login_open(const struct ipc_cred *peer);
void login_close(void *login);
/* a further step is expected */
void login_wait(struct login *l);
void login_idle(void);

struct account {
	char key[AUTH_NAME_MAX + 1];	/* full address, folded */
	struct user_record record;
};
void account_init(void);
/* By the name that a client gave.  1, 0: no such account, -1: trouble of
 * ours.  Strings, the hash among them, live in the arena: wipe it. */
int account_find(const char *name, struct account *acct, struct arena *a,
    struct err *err);
/* free an arena in which secrets were */
void account_wipe(struct account *acct, struct arena *a);

/* Check name and password: 0 and l->user, or -1: 5.7.8 wrong, 5.7.13
 * disabled, 4.7.0 trouble or too many tries, after a delay.  Both are
 * logged; mech is for the log. */
int login_check(struct login *l, const char *mech, const char *name,
    const char *password, struct err *err);
/* a try that went wrong before there was a password: err is set */
int login_refuse(struct login *l, const char *mech, const char *name,
    const char *why, struct err *err);

/* Was this password found to make this hash within cache_time? */
bool verified_known(const char *hash, const char *password);
/* it was just now */
void verified_add(const char *hash, const char *password);

void handover_init(void);
/* the socket of the session program, or NULL: no such service */
const char *handover_path(const char *service);
/* 0, or -1; l->gone where the client may be there */
int handover(struct login *l, const struct auth_handover_in *in, int fd,
    struct err *err);

#endif
