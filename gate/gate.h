/*
 * gate.h - clients before their session: one process, one loop.
 *
 * addr.c     addresses as keys, networks
 * proxy.c    the header of a load balancer
 * count.c    how many connections an address and its network have and open
 * cache.c    who passed which test until when, in memory and in a file
 * ask.c      questions to dnsd about lists
 * client.c   the life of a connection: from accept to hand-over or refusal
 * admit.c    who it is, and whether that is enough
 * tests.c    what it does before it is greeted, and what lists say
 * silent.c   who is through, until its first line
 * talk.c     SMTP with who is refused, up to the recipients
 * send.c     the way to the session, and who waits for it
 * verbs.c    what `postrider call gate' may ask
 *
 * A client is a few hundred bytes.  Nothing of what it sends is read before it
 * is refused, but the header of a proxy: it stays in the kernel for the
 * session, so there is nothing to hand over but the descriptor.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "addr.h"
#include "map/live.h"
#include "serve/dnsbl.h"
#include "serve/gate.h"
#include "serve/hub.h"
#include "serve/limits.h"

#define PROTOCOLS "smtp|imap|pop3|other"
enum protocol { SMTP, IMAP, POP3, OTHER };
#define ACTIONS "off|ignore|enforce|drop"
enum action { OFF, IGNORE, ENFORCE, DROP };
enum test { PREGREET, DNSBL, TESTS };

struct gate_conf {
	const char *service;
	int protocol;
	struct strlist proxy_networks;
	int64_t proxy_timeout;
	struct strlist except;
	const char *allow, *deny;
	int64_t address_connections, network_connections;
	const char *address_rate, *network_rate;
	int64_t ipv4_prefix, ipv6_prefix, addresses;
	int pregreet;
	int64_t pregreet_ttl;
	const char *teaser;
	int64_t greet_wait, greet_wait_busy;
	struct strlist dnsbl;
	int dnsbl_action;
	int64_t dnsbl_threshold, dnswl_threshold, dnsbl_timeout, dnsbl_ttl;
	int64_t cache;
	int64_t clients, sessions_direct, queue, queue_time;
	int64_t idle_time, idle_time_busy;
	const char *banner;
	int64_t command_timeout, commands;
};
extern struct gate_conf conf;
extern const struct field conf_fields[];
/* made of the options by options_check */
struct gate_made {
	struct nets proxies, except;
	struct limits_rate address_rate, network_rate;
	struct dnsbl lists;
};
extern struct gate_made made;
int options_check(struct err *err);

enum state { PROXIED, TESTING, SILENT, WAITING, TALKING };
struct talk;
struct question;

struct client {
	struct client *next, **prev;	/* of all */
	struct client *after;		/* in the queue of send.c */
	struct event event;
	int fd;
	enum state state;
	char id[9];
	bool tls, counted, proxied;
	bool pregreet;			/* it spoke first */
	bool greeted;			/* whole */
	bool low_water;			/* set for its socket */
	unsigned tests, passed, fresh;	/* bits of enum test; fresh: passed
					 * now, to be remembered */
	enum test failed;		/* TALKING: which */
	int how;			/* enum gate_how */
	struct addr addr;		/* the client's */
	struct addr peer;		/* of the connection: its proxy's */
	struct addr local;		/* as the proxy says */
	uint16_t port, local_port;
	int64_t start, wait_until, answer_until;	/* mono_ms */
	struct dnsbl_result lists;
	struct question *question;	/* under way or waiting; NULL none */
	struct str head;		/* PROXIED: of the header, so far */
	struct talk *talk;		/* TALKING */
};

/* --- client.c --- */
void client_new(int fd, const struct sockaddr *from, bool tls);
/* hand it over, and say why */
void client_pass(struct client *c, enum gate_how how);
/* Tell it and close; what has been counted is given back. */
void client_refuse(struct client *c, int code, const char *dsn,
    const char *why);
/* 421: no fault of the client's, logged by who calls */
void client_busy(struct client *c, const char *text);
/* it is gone, or another's: memory and, if open, descriptor go */
void client_free(struct client *c);
/* all: the generation ends */
void client_drain(void);
/* wait for EV_READ and the time, or (0) for the time alone */
void client_arm(struct client *c, short what, int64_t ms);
/* bytes that it may take or not; false: it does not */
bool client_say(struct client *c, const char *text, size_t n);
/* "blocked using zen.example.org", "spoke before the greeting" */
void client_reason(const struct client *c, struct str *out);
/* for logs; NULL where there is none; valid until the next call */
const char *client_name(const struct client *c);
const char *client_proxy(const struct client *c);
const char *client_lists(const struct client *c);
extern struct gate_stat_out stat_;

/* --- admit.c --- */
void admit_start(void);
void admit(struct client *c);
void admit_header(struct client *c, bool time);

/* --- tests.c --- */
void test_client(struct client *c);
void test_wait(struct client *c);	/* until it is decided */
void test_early(struct client *c);	/* it says something, or goes */
/* one of the lists has answered; all have, or will not */
void client_answering(struct client *c);
void client_answered(struct client *c);

/* --- silent.c --- */
/* hand it over when it has spoken */
void silent_wait(struct client *c, enum gate_how how);
void silent_read(struct client *c, bool time);

/* --- talk.c --- */
void talk_begin(struct client *c);
void talk_read(struct client *c);
void talk_timeout(struct client *c);
void talk_free(struct talk *t);

/* --- count.c --- */
enum over { WITHIN, ADDRESS_CONNECTIONS, NETWORK_CONNECTIONS, ADDRESS_RATE,
	NETWORK_RATE };
/* one connection more; what is over its limit is counted as a try, but is no
 * connection.  *times_r: how often in the present window, refusals that need no
 * line of their own in the log are told apart by it */
enum over count_add(const struct addr *a, int64_t *times_r);
void count_end(const struct addr *a);
const char *count_limit(enum over o);
void count_look(const struct addr *a, struct gate_look_out *out);
void count_forget(const struct addr *a);	/* NULL: all */
size_t count_entries(void);

/* --- cache.c --- */
struct known {
	int64_t until[TESTS];	/* unix seconds */
	int score;
};
/* path is replaced as a whole now and then; 0, or -1: there is no file, and
 * nothing will be kept */
enum { CACHE_RETRY_MS = 10000 };	/* where it can not be written */
int cache_open(const char *path, struct err *err);
bool cache_get(const struct addr *a, struct known *k);
/* these tests were passed now */
void cache_put(const struct addr *a, unsigned tests, int score);
void cache_forget(const struct addr *a);	/* NULL: all */
size_t cache_entries(void);
void cache_close(void);

/* --- ask.c --- */
/* lists are asked about c->addr; client_answered is called, not before this
 * returns */
void ask_start(struct client *c);
void ask_drop(struct client *c);	/* it is not wanted any more */
size_t ask_waiting(void);

/* --- send.c --- */
int send_open(struct err *err);		/* before the jail */
void send_start(void);
/* hand it over, now or when there is room; or refuse it */
void send_client(struct client *c);
/* it leaves the queue */
void send_drop(struct client *c);
/* count_end for sessions that are over */
void send_reap(void);
size_t send_queued(void);
size_t send_sessions(void);

/* --- verbs.c --- */
extern const struct verb gate_serves[];

#endif
