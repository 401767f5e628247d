/*
 * filter.h - smtpd to the program `filter`, which speaks to milters, rspamd,
 * clamd and SMTP proxies.  One connection is one SMTP session, and it has a
 * process of filter for itself:
 *
 *   session          a client came, and these filters are to see it; again
 *                    with a longer list when a rule adds one: the new ones
 *                    are told at once what went before
 *   helo mail rcpt data   what the client says, before it is answered; only
 *                    where the last answer's `wants` has the stage
 *   unknown          a command that we do not know
 *   content          all of it is written: changes come as `more` records
 *   abort            the transaction is over; filters stay connected
 *
 * The answer of each is what to do with the command.
 */
#ifndef PROTO_FILTER_H
#define PROTO_FILTER_H

#include "ipc/ipc.h"
#include "proto/edit.h"

#define FILTER_ACTIONS "continue|accept|reject|defer|discard|close|taken"
enum filter_action {
	FILTER_CONTINUE,
	FILTER_ACCEPT,		/* no filter wants to see more of it */
	FILTER_REJECT,		/* code, dsn and text for the client */
	FILTER_DEFER,		/* the same, 4yz; also by default_action */
	FILTER_DISCARD,		/* the client hears 250, nobody gets it */
	FILTER_CLOSE,		/* 421, and the session ends */
	FILTER_TAKEN,		/* a proxy has taken the message: text is its
				 * reply, nothing is queued here */
};
/* bits of wants */
enum { FILTER_HELO = 1, FILTER_MAIL = 2, FILTER_RCPT = 4, FILTER_DATA = 8,
	FILTER_CONTENT = 16, FILTER_BAD_RCPT = 32, FILTER_UNKNOWN = 64 };

struct filter_out {
	int action;		/* enum filter_action */
	int64_t code;
	const char *dsn, *text;
	const char *by;		/* which filter decided; "" none */
	int64_t wants;		/* of this session, from here on */
};

struct filter_session_in {
	struct strlist filters;		/* names, sections of filter.conf */
	const char *session, *service;	/* "smtp", "submission", ... */
	const char *client_addr, *client_name;	/* name "": not known */
	int64_t client_port;
	const char *local_addr;
	int64_t local_port;
	bool trusted;
};
struct filter_helo_in {
	const char *helo;
	bool esmtp;
	const char *tls, *cipher, *subject, *issuer;	/* "" none */
	int64_t bits;
};
struct filter_mail_in {
	const char *sender;
	struct strlist params;	/* "SIZE=100", as the client gave them */
	const char *login, *mech;	/* "" none */
	const char *proto;	/* "ESMTPSA" */
};
struct filter_rcpt_in {
	const char *addr;	/* as given */
	struct strlist params;
	bool refused;		/* by us: only where FILTER_BAD_RCPT */
	const char *dsn, *text;	/* why */
};
struct filter_unknown_in {
	const char *line;	/* its first word */
};
/* The fd is the content: `trace` octets of ours, then `size` of the client,
 * LF line ends, no dots doubled. */
struct filter_content_in {
	const char *q;
	uint64_t trace, size;
	bool utf8, body8;
	bool held;		/* a rule wants it on hold */
};
extern const struct verb_def filter_session, filter_helo, filter_mail,
    filter_rcpt, filter_data, filter_unknown, filter_content, filter_abort;
/* filter_content's `more` is struct edit (edit_fields); the fd of an EDIT_BODY
 * comes with the ok.  They count only when the answer is no refusal. */
extern const struct verb_def *const filter_verbs[];

#endif
