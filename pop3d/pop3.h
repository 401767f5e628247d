/*
 * pop3.h - what pop3-login and pop3d share: one table of commands, of which
 * each serves the rows of its own state, and the ways to reply.
 */
#ifndef POP3D_POP3_H
#define POP3D_POP3_H

#include "serve/cmdloop.h"

enum { IN_AUTHORIZATION = 1, IN_TRANSACTION = 2 };

/* what CAPA names of the ways to log in: before and after login the same */
struct pop3_offers {
	bool user, stls;
	struct slice mechs;	/* parted by blanks */
};
/* the first member of the session of each program */
struct pop3 {
	struct io *io;
	unsigned state;		/* IN_... */
	void (*offers)(void *session, struct pop3_offers *o);
	const struct command *commands;
	int64_t login_delay;	/* ms, for CAPA */
	int64_t expire;		/* days, -1 never, for CAPA */
};

/* the table is commands.inc, included by each program's own list */
void pop3_proto(struct line_proto *p, const struct command *commands);
enum cmd_result cmd_capa(void *session, struct slice args);

enum cmd_result pop3_ok(struct pop3 *p, const char *fmt, ...) PRINTF(2, 3);
/* -ERR text: the command failed; counted as an error */
enum cmd_result pop3_bad(struct pop3 *p, const char *fmt, ...) PRINTF(2, 3);
/* -ERR [SYS/TEMP] or [SYS/PERM] and why (RFC 3206), not the client's error */
enum cmd_result pop3_trouble(struct pop3 *p, const struct err *err);

#endif
