/*
 * session.h - one POP3 session after login: the user's maildrop, locked.
 */
#ifndef POP3D_SESSION_H
#define POP3D_SESSION_H

#include "pop3.h"
#include "serve/serve.h"
#include "store/drop.h"

struct pop3d_conf {
	int64_t login_delay, expire, timeout, lock_timeout, max_messages,
	    max_errors;
	bool save_seen, mark_seen;
};
extern struct pop3d_conf conf;

/* The message behind the one that was read last, made while the client is busy
 * with that: most ask for it next. */
struct ahead {
	bool ready;
	size_t i;
	struct str text;	/* the whole answer, with its dots and end */
};

struct session {
	struct pop3 pop3;	/* first: the loop gives us this */
	struct drop drop;
	struct drop_done done;
	uint64_t retr, top;
	struct ahead ahead;
	size_t next;		/* behind the last that was read */
	struct slice mechs;	/* for CAPA */
};

extern const struct command session_commands[];
enum cmd_result cmd_quit(void *session, struct slice args);
enum cmd_result cmd_stat(void *session, struct slice args);
enum cmd_result cmd_list(void *session, struct slice args);
enum cmd_result cmd_retr(void *session, struct slice args);
enum cmd_result cmd_dele(void *session, struct slice args);
enum cmd_result cmd_noop(void *session, struct slice args);
enum cmd_result cmd_rset(void *session, struct slice args);
enum cmd_result cmd_top(void *session, struct slice args);
enum cmd_result cmd_uidl(void *session, struct slice args);

/* open.c */
/* name the paths of the jail, and make what is missing of the mailbox */
void session_jail(const struct session_user *user);
/* answer PASS or AUTH: 1 the drop is open, 0 refused */
int session_open(struct session *s, const struct session_user *user);

/* Take a message number off *args: its index, or -1 and the reply is
 * given. */
ssize_t take_message(struct session *s, struct slice *args);

#endif
