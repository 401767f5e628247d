/*
 * sendmail.h - inside ctl: the sendmail personality.
 *
 * A message is read whole before anything is sent, so that a producer that
 * fails half-way sends nothing.  What a function returns as int is a status of
 * sysexits(3); every one but EX_OK has said why on standard error.
 */
#ifndef CTL_SENDMAIL_H
#define CTL_SENDMAIL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <sysexits.h>

enum { HEADER_MAX = 1 << 20, RCPTS_MAX = 100000 };

struct mail {
	struct arena arena;
	/* options */
	const char *sender;		/* -f; NULL: the caller */
	const char *full_name;		/* -F; NULL: by passwd */
	const char *notify, *ret, *envid;	/* -N -R -V; NULL none */
	const char *verp;		/* -XV: two delimiters; NULL none */
	int64_t release_at;		/* unix seconds; 0 at once */
	int64_t priority;		/* -9 to 9 */
	bool from_header;		/* -t */
	bool ignore_dots;		/* -i */
	bool verbose;
	/* message */
	int fd;				/* what came, LF line ends */
	uint64_t size;			/* of it */
	bool eight_bit;
	struct str header;		/* as it will be sent, empty line
					 * included */
	uint64_t body;			/* where the body begins in fd */
	struct strlist rcpts;
};

/* print "sendmail: text" and return status */
int sm_fail(int status, const char *fmt, ...) PRINTF(2, 3);

/* --- sm_read.c: standard input into m->fd --- */
int sm_read(struct mail *m);
/* --- sm_header.c --- */
/* addresses of a list ("ann, Bob <bob@x>") become recipients */
int sm_add_rcpts(struct mail *m, struct slice list);
/* an address in canonical form, with our domain where it has none; NULL: it
 * is none */
const char *sm_address(struct mail *m, struct slice addr);
/* make m->header: recipients out of it (-t), missing fields added */
int sm_header(struct mail *m);
/* --- sm_client.c --- */
int sm_connect(void);		/* fd, or -1 - status */
int sm_send(struct mail *m);
int sm_relay(void);		/* -bs: standard input and output */
int sm_verify(struct mail *m);	/* -bv: the recipients, nothing is sent */

#endif
