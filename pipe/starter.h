/*
 * starter.h - between the jailed process and the one that starts commands.
 * One command at a time: run, then wait.  The end of the
 * connection kills what still runs.
 */
#ifndef PIPE_STARTER_H
#define PIPE_STARTER_H

#include "ipc/ipc.h"

struct starter_run_in {
	const char *login;
	const char *dir;	/* "": its home */
	struct strlist arg, env;	/* arg[0]: an absolute path */
	int64_t time_limit;	/* ms */
};
/* With its standard input; the ok brings what it prints, to be read.  Errors
 * are temporary: no such account, root, not to be executed. */
extern const struct verb_def starter_run;
struct starter_wait_out {
	int64_t status;		/* of waitpid(2) */
	bool timed_out;		/* it was killed */
};
extern const struct verb_def starter_wait;

/* Serve the connection until it ends; user: the only login that may lie below
 * first_uid.  Never returns. */
void starter_serve(int sock, const char *user) NORETURN;

#endif
