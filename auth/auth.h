/*
 * auth.h - inside auth: one connection is one client's login.
 *
 * verbs.c     mechs, sasl, pass, handover: what the peer may ask, and when
 * offer.c     which mechanisms are there for whom
 * login.c     from a finished exchange to yes, no or trouble; delay, the log
 * proof.c     is it the password?  What SCRAM and CRAM-MD5 ask for
 * client.c    smtp logs in at other servers   token.c  by access tokens
 * outside.c   proofs of others: certificates, tokens
 * grant.c     may who proved it have this account, by this service?
 * account.c   a name as given -> the account and its record
 * brute.c     who guesses passwords
 * net.c       addresses and networks
 * state.c     what auth remembers: better hashes, last uses, a secret
 * shapes.c    what verifiers look like: what is made up looks the same
 * verified.c  passwords that were right lately
 * pam.c       auth-pam is asked
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
#include "serve/request.h"

struct auth_conf {
	struct strlist users, mechanisms;
	const char *credentials;
	int64_t failure_delay, failure_delay_max;	/* ms */
	int64_t max_failures;
	int64_t step_timeout, handover_timeout;		/* ms */
	int64_t cache_time;				/* ms */
	bool upgrade, allow_plain_storage, pam;
	const char *masters, *master_separator, *certificates, *domains;
	bool domain_admins;
	const char *oauth_keys, *oauth_issuer, *oauth_introspection,
	    *oauth_user_claim;
	struct strlist oauth_audience, oauth_scope, oauth_algorithms;
	int64_t oauth_leeway, outside_timeout;		/* ms */
	const char *address_failures, *network_failures, *known_failures,
	    *account_failures, *token_failures;
	struct strlist exempt_networks;
	int64_t good_time;				/* ms */
	bool limits_needed;
};
extern struct auth_conf conf;
extern const struct verb auth_serves[];

enum { AUTH_NAME_MAX = 1000, SERVICE_MAX = 32 };

/* --- account.c --- */
struct account {
	char key[AUTH_NAME_MAX + 1];	/* full address, folded */
	struct user_record record;
	bool system;			/* of the host: PAM knows it */
	struct system_user ids;		/* then */
};
void account_init(void);
/* By the name that a client gave.  1, 0: no such account, -1: trouble of
 * ours.  Strings, verifiers among them, live in the arena: wipe it. */
int account_find(const char *name, struct account *acct, struct arena *a,
    struct err *err);
/* put what auth made of its verifiers since in their place */
void account_better(struct account *acct, struct arena *a);
/* free an arena in which secrets were */
void account_wipe(struct account *acct, struct arena *a);

/* --- masters --- */
struct master {
	struct strlist pass;
	const char *services;
	struct strlist users;		/* addresses, @domains; none: all */
	struct strlist networks;	/* of its clients; none: all */
	bool disabled;
	/* the account it is, where it is one that administers domains: then
	 * users are those of these domains; "" */
	const char *admin;
};
/* a master user, by name: 1, 0, -1 */
int master_find(const char *name, struct master *m, struct arena *a,
    struct err *err);
bool masters_on(void);
/* may it be the account with that key?  1, 0, -1 */
int master_may(const struct master *m, const char *key, struct err *err);

/* what limitd knows of a try; strings lie in the login's arena */
struct brute {
	bool asked;
	bool good;		/* the account has logged in from there */
	bool exempt;		/* an address of our own */
	bool blocked;		/* to be refused without a check */
	const char *addr, *account;
	const char *k_addr, *k_net, *k_pair, *k_account, *k_good, *k_wrong,
	    *k_proof;
	const char *what;	/* key that is over its limit; or NULL */
	int64_t wait;		/* ms until it is not */
	int64_t used;		/* failures of the address */
	int64_t delay;		/* ms, by failures of the account */
};

/* what a connection has come to */
struct login {
	struct login *next, **prev;	/* of all connections */
	/* an answer that is held back until then (mono_ms); 0: none */
	int64_t answer_at;
	bool held;
	struct call_ticket ticket;
	int rc;
	struct err err;
	int64_t step_until;		/* mono_ms; of an exchange */
	int64_t give_until;		/* of who may hand a client over; 0 */

	struct client *away;	/* a login at another server */
	int sock;			/* -1: nothing was asked yet */
	struct sasl sasl;
	bool exchange;			/* a further SASL step is expected */
	bool done, gone;		/* logged in; handed over */
	int64_t failures;
	char service[SERVICE_MAX];
	char client[64], session[17];
	struct auth_channel ch;		/* of the request being answered */
	char user[AUTH_NAME_MAX + 1];	/* after done: the account's key */
	char by[SASL_NAME_MAX + 1];	/* the master user, or "" */

	/* of this try: who wants to prove what */
	bool known;			/* who_find was called */
	int found;			/* 1, 0 */
	bool is_master;
	struct account acct;		/* not of a master */
	struct master master;
	char target[SASL_NAME_MAX + 1];	/* whom the master wants to be */
	char name[SASL_NAME_MAX + 1];	/* of the master */
	char app[APP_ID_MAX + 1];	/* proven by that app password, or "" */
	struct brute brute;
	struct arena arena;
	struct err trouble;		/* what could not be found out */
};
void *login_open(const struct ipc_cred *peer);
void login_close(void *login);
/* a further step is expected, within step_timeout */
void login_wait(struct login *l);
/* The answer to what c asks is ready: told now, or when l->answer_at has
 * come.  Returns what the verb function shall. */
int login_answer(struct login *l, struct call *c, int rc,
    struct auth_out *out, const struct err *err);
/* what is due of all connections; and when the next will be */
void login_idle(void);
int64_t login_wake(void);
bool login_busy(void *login);
/* the connection is smtp's */
void login_client(struct login *l, const struct call *c, const char *session);
/* forget this try, wiped */
void login_reset(struct login *l);

/* The exchange in l->sasl has ended with a name and a proof or a password: 0
 * and l->user, or -1: 5.7.8 wrong, 5.7.13 disabled or not for this service,
 * 4.7.0 trouble or too many tries, after a delay.  All is logged. */
int login_check(struct login *l, const char *mech, struct err *err);
/* it went wrong before that: err is set */
int login_refuse(struct login *l, const char *mech, const char *why,
    struct err *err);

/* --- proof.c: judge, and the host of lib/sasl --- */
extern const struct sasl_host login_host;
/* Find whom l->sasl names, once a try: 0, or -1 and l->trouble */
int who_find(struct login *l);
/* Is its password right?  NULL, else why not, for the log; trouble is in
 * l->trouble */
const char *judge(struct login *l);

/* --- client.c --- */
verb_fn client_verb, client_end_verb;
/* wiped */
void client_free(struct login *l);

/* --- token.c --- */
struct credential;
/* an access token of the account, appended to an empty *out: 0 or -1 */
int token_get(const struct credential *cred, struct str *out,
    struct err *err);
/* a server does not take it: not that one again */
void token_refused(const char *token);
/* directories of token files, for the jail */
void token_files(void);

/* --- outside.c --- */
void outside_init(void);
int outside_token(struct sasl *s, struct slice token);
int outside_certificate(struct sasl *s);
bool outside_has_tokens(void);

/* --- grant.c --- */
/* What was proven is enough for this account and service: NULL and l->user,
 * l->by; else why not.  *told: who has the password may know it. */
const char *grant(struct login *l, bool by_password, const char **told);

/* --- net.c --- */
struct net {
	int family;		/* AF_INET, AF_INET6; 0: no address */
	unsigned char ip[16];
};
int net_parse(const char *z, struct net *n);	/* 1 or 0 */
/* "ADDRESS/BITS" or an address alone; 1 or 0 */
int net_parse_cidr(const char *z, struct net *n, int *bits);
bool net_in(const struct net *client, const struct strlist *networks);
/* is an address in one of the networks, ADDRESS/BITS? */
bool client_in(const char *addr, const struct strlist *networks);
/* its network of so many bits; "local" where it is none */
const char *net_text(struct arena *a, const struct net *client, int bits4,
    int bits6);

/* --- brute.c --- */
int brute_conf(struct err *err);
/* Is this try, whose name is known, to be refused without a check?  Asked
 * once a try, and logged. */
bool brute_blocked(struct login *l);
/* ms that the answer waits: to any, and to one that is no */
int64_t brute_account_delay(const struct login *l);
int64_t brute_delay(const struct login *l);
/* it was wrong, or right */
void brute_failed(struct login *l);
void brute_passed(struct login *l);

/* has its address sent too many bad tokens?  And one more */
bool brute_token_blocked(struct login *l);
void brute_token_failed(struct login *l, struct slice token);

/* --- offer.c --- */
int offer_check(struct err *err);
bool offered(const struct sasl_mech *m, const struct auth_channel *ch,
    bool plaintext);
/* PASS, LOGIN: as PLAIN or LOGIN of SASL are */
bool offered_by_name(void);
void offer_list(const struct auth_mechs_in *in, struct str *out);
/* the facts of the channel, for lib/sasl */
void offer_channel(const struct auth_channel *ch, struct sasl_channel *to);

/* --- state.c --- */
void state_init(void);
/* Keys of 32 bytes, the same in all processes of the instance. */
const unsigned char *state_secret(void);
/* What is better than these verifiers, one a line: 1 and appended, 0 */
int state_better(const struct strlist *pass, struct str *out);
/* the password, which is right, can be stored better: do so */
void state_upgrade(const struct strlist *pass, const char *password);
/* an app password was used just now */
void state_used(const char *account, const char *app, const char *client);

/* --- of state.db, for shapes.c --- */
struct sqlite3_stmt;
struct stat;
/* a statement, or NULL, which was told; it is run once and ends */
struct sqlite3_stmt *state_query(const char *sql);
void state_run(struct sqlite3_stmt *st, const char *what);
/* is the file another than at the last time? */
bool state_changed(struct stat *last);

/* --- shapes.c --- */
void shapes_seed(void);
/* an account has that verifier */
void shape_seen(const char *name, const struct scram_verifier *v);
/* iterations and salt for a name that nobody has, for v's hash */
void shape_make_up(const char *name, struct scram_verifier *v);

/* Was this password found to make this hash within cache_time? */
bool verified_known(const char *hash, const char *password);
/* it was just now */
void verified_add(const char *hash, const char *password);

/* --- pam.c --- */
/* an account of the host: 1 with its ids, 0, -1 */
int pam_find(const char *name, struct system_user *u, struct arena *a,
    struct err *err);
/* its password: 1, 0, -1 */
int pam_check(const char *key, const char *password, const char *service,
    const char *client, struct err *err);

void handover_init(void);
/* the socket of the session program, or NULL: no such service */
const char *handover_path(const char *service);
/* 0, or -1; l->gone where the client may be there */
int handover(struct login *l, const struct auth_handover_in *in, int fd,
    struct err *err);

#endif
