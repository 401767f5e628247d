/*
 * imapload.h - what the parts of bench_imapload share.
 *
 * imapload.c reads the options, runs the epoll loop and prints the figures;
 * imapwire.c reads and writes IMAP; imapwork.c decides which command a
 * session sends next.  Like bench_smtpload it shares no code with the
 * library: what measures must not share code with what is measured.
 */
#ifndef BENCH_IMAPLOAD_H
#define BENCH_IMAPLOAD_H

#include <sys/types.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CMD_MAX = 4096, STATUS_MAX = 200 };

enum mode { MODE_SCRIPT, MODE_SESSIONS, MODE_MIXED, MODE_APPEND, MODE_IDLE };

struct imap_options {
	enum mode mode;
	struct sockaddr_in to;		/* always within 127.0.0.0/8 */
	const char *user;		/* %d becomes the user number */
	const char *password;
	const char *mailbox;
	int sessions;			/* connections at a time */
	int users, first_user;
	long count;			/* commands, logins or messages */
	size_t size;			/* of a message that is appended */
	uint32_t seed;
	int limit_s;			/* the whole run */
};

/* one command's answer, counted while it comes */
struct answer {
	size_t bytes, literal;		/* octets read; of them in literals */
	long fetches, numbers, others;	/* FETCH; numbers of SEARCH etc. */
	char status[STATUS_MAX];	/* the tagged response from OK on */
};

enum state { ST_OFF, ST_CONNECT, ST_GREETING, ST_LOGIN, ST_SELECT, ST_PREPARE,
	ST_READY, ST_WORK, ST_IDLE_ASKED, ST_IDLE, ST_LOGOUT };

struct session {
	int fd, number;
	enum state state;
	long exists;			/* of the selected mailbox */
	uint32_t random;
	unsigned tag;
	double begun;			/* of the command at work */
	double opened;			/* of the connection */
	long work;			/* commands of the kind that count */
	struct answer answer;
	char *in;			/* a response line that is not whole */
	size_t in_len, in_cap;
	size_t literal;			/* octets of a literal yet to come */
	bool inside;			/* a response goes on after a literal */
	char *out;
	size_t out_len, out_pos, out_cap;
	const char *payload;		/* literal that waits for "+" */
	size_t payload_len;
	bool want_write, plus;		/* plus: LITERAL+ is announced */
};

struct imap_figures {
	long done, failed, dropped, ready, idle, begun, refused;
	long kinds[16];
	double first, last;		/* of the work */
	double *latency;		/* ms, one a counted piece of work */
	char last_error[STATUS_MAX];
};

extern struct imap_options opt;
extern struct imap_figures fig;
extern char *message;			/* what is appended, CRLF */
extern size_t message_len;

double now(void);			/* monotonic seconds */

/* imapwire.c */
/* Open the connection.  0, or -1: none now. */
int session_open(struct session *s, int epfd);
void session_close(struct session *s);
void session_ready(struct session *s, int epfd, uint32_t events);
/* Write what is waiting. */
void session_flush(struct session *s, int epfd);
/* Append one tagged command without CRLF, and begin its answer. */
void send_cmd(struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with one literal at its end. */
void send_literal(struct session *s, const char *text, size_t n,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Bytes as they are. */
void send_raw(struct session *s, const char *text, size_t n);

/* imapwork.c; called by imapwire.c */
/* the greeting came, or the command at work was answered */
void work_answered(struct session *s, bool good);
/* "+" came and no literal was waiting */
void work_plus(struct session *s);
void work_exists(struct session *s, long n);
void work_lost(struct session *s);
/* Send what comes first in the work of a session that is ready. */
void work_begin(struct session *s);
bool work_left(void);
/* a login as the options say */
void work_login(struct session *s);

#endif
