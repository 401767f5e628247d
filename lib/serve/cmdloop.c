/*
 * cmdloop.c - one line, one command, one reply.  Every line counts against
 * the limits, known or not.
 */
#include "serve/cmdloop.h"

#include "base/clock.h"

enum { COUNT_ARGS_MAX = 64 };

const char *
cmd_end_name(enum cmd_end e)
{
	static const char *const names[] = { "quit", "eof", "timeout",
	    "errors", "lost", "shutdown" };

	return names[e];
}

static const struct command *
find_command(const struct line_proto *p, struct slice verb)
{
	const struct command *c;

	for (c = p->commands; c->name != NULL; c++)
		if (slice_ieqz(verb, c->name))
			return c;
	return NULL;
}

static int
count_args(struct slice args)
{
	struct slice w;
	int n = 0;

	while (n < COUNT_ARGS_MAX && slice_word(&args, &w))
		n++;
	return n;
}

static bool
args_fit(const struct command *c, struct slice args)
{
	int n;

	if (c->flags & CMD_RAW)
		return true;
	n = count_args(args);
	return n >= c->min_args && n <= c->max_args;
}

static enum cmd_result
run_line(const struct line_proto *p, void *s, struct slice line)
{
	struct slice verb, args = line;
	const struct command *c;
	enum cmd_result r;

	if (!slice_word(&args, &verb))
		verb = SLICE_LIT("");
	c = find_command(p, verb);
	if (c == NULL)
		return p->unknown(s, verb);
	if (args.n > 0 && ascii_isblank(args.p[0]))
		args = slice_sub(args, 1, args.n);
	if (!(c->states & p->state(s))) {
		p->bad_state(s, c);
		return CMD_BAD;
	}
	if (!args_fit(c, args)) {
		p->bad_args(s, c);
		return CMD_BAD;
	}
	if (p->before != NULL) {
		r = p->before(s, c, args);
		if (r != CMD_OK)
			return r;
	}
	return c->fn(s, args);
}

static enum cmd_end
read_failed(struct io *io, const struct line_proto *p, void *s)
{
	enum cmd_end end = END_IO;

	if (io->timed_out)
		end = END_TIMEOUT;
	else if (io->woken)
		end = END_SHUTDOWN;
	if (end == END_IO)
		return end;
	io->failed = false;	/* say good-bye on what is left */
	io->deadline = io->cmd_deadline = 0;
	io->timeout_ms = 1000;
	if (end == END_TIMEOUT)
		p->timeout(s);
	else
		p->shutdown(s);
	io_flush(io);
	return end;
}

static bool
line_ok(const struct line_proto *p, struct slice line, enum io_eol eol,
    bool too_long)
{
	if (too_long || slice_has_nul(line))
		return false;
	if (p->strict_crlf && (eol != IO_CRLF ||
	    slice_find(line, '\r') < line.n))
		return false;
	return true;
}

/* one turn: CMD_QUIT ends with *end set */
static enum cmd_result
turn(struct io *io, const struct line_proto *p, void *s, enum cmd_end *end)
{
	struct slice line;
	enum io_eol eol;
	bool too_long;
	int r;

	if (p->cmd_timeout_ms > 0)
		io->cmd_deadline = mono_ms() + p->cmd_timeout_ms;
	r = io_getline(io, p->max_line, &line, &eol, &too_long);
	io->cmd_deadline = 0;
	if (r <= 0) {
		*end = r == 0 ? END_EOF : read_failed(io, p, s);
		return CMD_QUIT;
	}
	*end = END_QUIT;
	if (!line_ok(p, line, eol, too_long)) {
		p->bad_line(s, too_long);
		return CMD_BAD;
	}
	return run_line(p, s, line);
}

enum cmd_end
cmd_loop(struct io *io, const struct line_proto *p, void *session,
    struct cmd_stats *stats)
{
	enum cmd_end end = END_QUIT;
	enum cmd_result r;

	*stats = (struct cmd_stats){ 0 };
	for (;;) {
		r = turn(io, p, session, &end);
		if (r == CMD_QUIT)
			break;
		stats->commands++;
		if (r == CMD_BAD)
			stats->errors++;
		if (io->failed) {
			end = END_IO;
			break;
		}
		if ((p->max_errors > 0 && stats->errors >=
		    (unsigned)p->max_errors) || (p->max_commands > 0 &&
		    stats->commands >= (unsigned)p->max_commands)) {
			p->too_many_errors(session);
			end = END_ERRORS;
			break;
		}
	}
	io_flush(io);
	return end;
}
