/*
 * checks.h - content checks: header_checks, mime_header_checks,
 * nested_header_checks and body_checks of cleanup.conf.
 *
 * Each is a table that is asked for a whole field of a header, or for a line of
 * a body; what it says is an action (action.c).  A message of which nothing is
 * to be looked at costs nothing.
 */
#ifndef CLEANUP_CHECKS_H
#define CLEANUP_CHECKS_H

#include "cleanup.h"
#include "rewrite.h"

struct mime_part;

enum check_where { CHECK_HEADER, CHECK_MIME, CHECK_NESTED, CHECK_BODY,
	CHECKS };

/* one line or field that a table has something to say about */
struct check_hit {
	enum check_where where;
	struct slice line;	/* without its end */
	uint64_t at, all;	/* where it is, and its bytes with the end */
	const char *action;	/* what the table says */
};
struct checks {
	struct message *m;
	struct splices splices;
	size_t added;		/* bytes of their texts */
	unsigned told;		/* events */
	bool pass;		/* the rest is not looked at */
};
enum { CHECK_TEXT_MAX = 1 << 20,	/* what all changes may put in */
	CHECK_CHANGES_MAX = 10000 };

extern const char *const check_names[CHECKS];
/* action.c: do what a table says.  0 go on, 1 look at nothing more; -1: the
 * message is refused, or what it says can not be done (4.3.5) */
int check_act(struct checks *k, const struct check_hit *h, struct err *err);
/* is this an action?  0, or -1 */
int check_action_valid(const char *action, struct err *err);

/* checks.c */
void checks_init(void);
/* of the configuration: their names, and for -n what they hold; 0, or -1 */
int checks_check(struct err *err);
int checks_rows(struct err *err);
/* for the jail, before it closes; 0, or -1 */
int checks_open(struct err *err);
/* is there any table? */
bool checks_any(void);
/* 1 done, and the content is another one of *size bytes; 0 done; -1 as above,
 * or a table can not answer */
int checks_run(struct message *m, const struct content_facts *f,
    uint64_t *size, struct err *err);

#endif
