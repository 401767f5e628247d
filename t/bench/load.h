/*
 * load.h - what the two halves of bench_smtpload share.
 *
 * smtpload.c reads the options, runs the epoll loop and prints the figures;
 * session.c is one SMTP client session as a state machine.  The tool is
 * deliberately independent of libpostrider: what measures must not share
 * code with what is measured.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <sys/types.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_MAX_IN = 4096, CMD_MAX = 512, LAST_ERROR_MAX = 240 };

struct options {
	struct sockaddr_in to;		/* always within 127.0.0.0/8 */
	const char *sender;		/* reverse path without <> */
	const char *rcpt;		/* %d becomes the user number */
	const char *auth_user, *auth_pass;	/* NULL: no AUTH PLAIN */
	const char *file;		/* message to send; NULL: made up */
	int sessions;			/* connections at a time */
	long messages;			/* in all */
	int users, first_user;		/* numbers first .. first + users - 1 */
	int rcpts;			/* recipients per message */
	long per_conn;		/* messages per connection, 0: no limit */
	int sources;		/* 127.0.0.1 .. 127.0.0.N as our address */
	size_t size;			/* bytes of a message that is made up */
	int limit_s;			/* the whole run */
	int idle_s;			/* hold idle sessions instead; 0: no */
	bool pipelining;
	bool wait_quit;			/* read the answer to QUIT */
};

/* what was counted; printed by smtpload.c */
struct figures {
	long started, accepted, temp, perm, dropped;
	long connections, conn_failed, rcpt_ok, rcpt_bad, held;
	double first, last;	/* monotonic: first connect, last answer */
	double *latency;		/* ms, first byte of work to the 250 */
	double *commit;			/* ms, final dot to the 250 */
	char last_error[LAST_ERROR_MAX];
};

enum state { ST_OFF, ST_CONNECT, ST_BANNER, ST_EHLO, ST_AUTH, ST_MAIL, ST_RCPT,
	ST_DATA, ST_DOT, ST_QUIT, ST_HELD };

struct session {
	int fd;
	enum state state;
	int number;			/* 0 .. sessions - 1 */
	long message;			/* number of the one at work */
	long sent;			/* messages on this connection */
	int rcpt_sent, rcpt_got, rcpt_ok;
	bool failed;			/* the message at work was refused */
	int refusal;			/* its first refusing code */
	double begun, dot, retry_at;
	char in[LINE_MAX_IN];
	size_t in_len;
	char *out;			/* commands waiting to be written */
	size_t out_len, out_pos, out_cap;
	const char *body;		/* then this; borrowed */
	size_t body_len, body_pos;
	bool want_write;		/* registered for EPOLLOUT */
};

extern struct options opt;
extern struct figures fig;
/* the message after its Message-ID line, dot-stuffed, with CRLF.CRLF */
extern char *load_body;
extern size_t load_body_len;

double now(void);			/* monotonic seconds */

/* wire.c: append a command to the output buffer */
void out_cmd(struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void out_auth(struct session *s);	/* AUTH PLAIN with initial response */
void out_rcpt(struct session *s);	/* the next recipient's RCPT TO */

/* Open the connection.  0, or -1: no connection now, try again later. */
int session_open(struct session *s, int epfd);
void session_close(struct session *s);
/* Something can be read or written.  May leave the session in ST_OFF. */
void session_ready(struct session *s, int epfd, uint32_t events);
/* true while there is a message that nobody has begun */
bool load_has_work(void);

#endif
