/*
 * ext.h - service extensions: one file ext_NAME.c and one row in ext.c each.
 *
 * The answer to EHLO, the parameters of MAIL and RCPT and the table of
 * commands are made by walking over the rows; nothing else knows which
 * extensions there are.
 */
#ifndef SMTPD_EXT_H
#define SMTPD_EXT_H

#include "smtpd.h"

/* A parameter of MAIL or RCPT.  value.p is NULL where there was no `=`.
 * One of the functions is set.  1, or -1: err. */
struct ext_param {
	const char *name;
	int (*mail)(struct session *s, struct txn *t, struct slice value,
	    struct err *err);
	int (*rcpt)(struct session *s, struct txn *t, struct rcpt *r,
	    struct slice value, struct err *err);
};

struct ext {
	const char *keyword;
	/* told in the answer to EHLO; NULL: always */
	bool (*offered)(const struct session *s);
	/* append the arguments of the keyword; NULL: none */
	void (*args)(const struct session *s, struct str *out);
	const struct ext_param *params;		/* ends with { 0 }; or NULL */
	const struct command *commands;		/* ends with { 0 }; or NULL */
};

extern const struct ext ext_8bitmime, ext_auth, ext_chunking, ext_dsn,
    ext_enhancedstatuscodes, ext_futurerelease, ext_limits, ext_mt_priority,
    ext_pipelining, ext_requiretls, ext_size, ext_smtputf8, ext_starttls,
    ext_verp, ext_xclient, ext_xforward;
extern const struct ext *const ext_table[];	/* NULL ends */

/* the lines of the answer to EHLO behind the first, each with \n before it */
void ext_announce(const struct session *s, struct str *out);
/* is the command of no extension, or of one that is offered? */
bool ext_command_offered(const struct session *s, const struct command *c);
/* Apply the parameters of MAIL (r NULL) or RCPT.  1, or -1: err, and *code_r
 * is the code for the reply (0: by the error). */
int ext_params(struct session *s, const struct smtp_args *args,
    struct txn *t, struct rcpt *r, struct err *err, int *code_r);

/* ext_xclient.c: IPV6:2001:db8::1 or 192.0.2.1, as inet_ntop(3) writes it */
bool xclient_address(struct slice z, struct str *out);
bool xclient_nothing(struct slice z);	/* [UNAVAILABLE] and the like */
/* are the words of the option `hide` keywords?  0, or -1: err */
int ext_check_hide(struct err *err);
/* ext_auth.c: must this client authenticate before MAIL? */
bool auth_needed(const struct session *s);

#endif
