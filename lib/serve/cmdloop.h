/*
 * cmdloop.h - one loop runs every line protocol.
 *
 * A protocol is a table of commands and a struct proto with its way of
 * replying.  The loop reads a line, finds the command, checks argument count
 * and state, and calls it.  A command function never checks state, never
 * reads the next line but its own payload, and returns enum cmd_result.
 */
#ifndef SERVE_CMDLOOP_H
#define SERVE_CMDLOOP_H

#include "base/io.h"

enum cmd_result { CMD_OK, CMD_BAD /* counts as an error */, CMD_QUIT };

enum { CMD_SECRET = 1 /* never logged */, CMD_RAW = 2 /* args: whole rest */,
	CMD_GROUP_END = 4 /* must be last of a pipelined group (RFC 2920) */ };

struct command {
	const char *name;	/* upper case */
	int min_args, max_args;
	unsigned states;	/* bits of the protocol's states */
	unsigned flags;
	enum cmd_result (*fn)(void *session, struct slice args);
	const char *help;
};

struct line_proto {
	const struct command *commands;	/* ends with { 0 } */
	size_t max_line;		/* without CRLF */
	int max_errors;			/* then too_many_errors and the end */
	int64_t cmd_timeout_ms;		/* for a line to arrive whole */
	int max_commands;		/* of one session, 0 no limit */
	bool strict_crlf;		/* a bare LF line end is bad_line */
	unsigned (*state)(void *session);
	/* each writes one reply to the session's io */
	/* CMD_BAD, or CMD_QUIT */
	enum cmd_result (*unknown)(void *session, struct slice verb);
	void (*bad_args)(void *session, const struct command *c);
	void (*bad_state)(void *session, const struct command *c);
	void (*bad_line)(void *session, bool too_long);
	void (*too_many_errors)(void *session);
	void (*timeout)(void *session);	/* idle too long */
	void (*shutdown)(void *session);	/* the service ends (421) */
	/* before each command, may be NULL; CMD_OK goes on */
	enum cmd_result (*before)(void *session, const struct command *c,
	    struct slice args);
};

/* how the session ended */
enum cmd_end { END_QUIT, END_EOF, END_TIMEOUT, END_ERRORS, END_IO,
	END_SHUTDOWN };
const char *cmd_end_name(enum cmd_end e);

struct cmd_stats { unsigned commands, errors; };
/* Runs until the end of the session; flushes. */
enum cmd_end cmd_loop(struct io *io, const struct line_proto *p,
    void *session, struct cmd_stats *stats);

#endif
