/*
 * outcome.c - what the end of a command means: sysexits.h(3), as sendmail
 * and all after it have read it, but that trouble of this machine never
 * returns mail.
 */
#include <sys/wait.h>
#include <sysexits.h>

#include "pipe.h"

static const struct {
	int code;
	const char *dsn, *text;
} exits[] = {
	{ EX_USAGE, "4.3.5", "command was used incorrectly" },
	{ EX_DATAERR, "5.6.0", "data format error" },
	{ EX_NOINPUT, "4.3.0", "cannot open input" },
	{ EX_NOUSER, "5.1.1", "user unknown" },
	{ EX_NOHOST, "5.1.2", "host name unknown" },
	{ EX_UNAVAILABLE, "5.3.0", "service unavailable" },
	{ EX_SOFTWARE, "5.3.0", "internal software error" },
	{ EX_OSERR, "4.3.0", "system resource problem" },
	{ EX_OSFILE, "4.3.5", "critical file is missing" },
	{ EX_CANTCREAT, "4.3.0", "can not create output file" },
	{ EX_IOERR, "4.3.0", "input or output error" },
	{ EX_TEMPFAIL, "4.3.0", "temporary failure" },
	{ EX_PROTOCOL, "5.5.0", "remote error in protocol" },
	{ EX_NOPERM, "5.7.0", "permission denied" },
	{ EX_CONFIG, "4.3.5", "configuration error" },
	/* of a shell */
	{ 126, "4.3.5", "command can not be executed" },
	{ 127, "4.3.5", "command not found" },
};

static int
fail(struct err *err, const char *dsn, const char *text)
{
	return dsn[0] == '4' ? err_temp(err, dsn, "%s", text) :
	    err_perm(err, dsn, "%s", text);
}

/* A status code at the start of the output, "5.7.1 not wanted": 1, or 0. */
static int
own_status(struct slice text, char dsn[12], struct slice *rest)
{
	size_t i = 0, dots = 0, digits = 0;

	for (; i < text.n && i < 10; i++) {
		if (ascii_isdigit(text.p[i])) {
			digits++;
		} else if (text.p[i] == '.' && digits > 0) {
			dots++;
			digits = 0;
		} else {
			break;
		}
	}
	if (dots != 2 || digits == 0 || (text.p[0] != '4' &&
	    text.p[0] != '5') || text.p[1] != '.' ||
	    (i < text.n && !ascii_isblank(text.p[i])))
		return 0;
	slice_copy(dsn, 12, slice_sub(text, 0, i));
	*rest = slice_trim(slice_sub(text, i, text.n));
	return 1;
}

/* the first line that says something */
static struct slice
first_line(const struct run *r)
{
	struct slice rest = slice_str(&r->output), line = SLICE_NULL;

	while (slice_cut(&rest, '\n', &line)) {
		line = slice_trim(line);
		if (line.n > 0)
			return line;
	}
	return slice_of("");
}

static int
by_status(int code, struct err *err)
{
	char text[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(exits); i++)
		if (exits[i].code == code)
			return fail(err, exits[i].dsn, exits[i].text);
	snprintf(text, sizeof(text), "command ended with status %d", code);
	return fail(err, conf.unknown_exit == EXIT_DEFER ? "4.3.0" : "5.3.0",
	    text);
}

int
outcome(const struct run *r, struct err *err)
{
	struct slice line = first_line(r), rest;
	char dsn[12];
	int code;

	if (r->timed_out)
		return err_temp(err, "4.3.0", "command took more than "
		    "time_limit");
	if (WIFSIGNALED(r->status))
		return err_temp(err, "4.3.0", "command was killed by "
		    "signal %d", WTERMSIG(r->status));
	code = WEXITSTATUS(r->status);
	if (code == 0)
		return 0;
	by_status(code, err);
	/* what asks to be tried again stays so */
	if (own_status(line, dsn, &rest) == 1 && (code != EX_TEMPFAIL ||
	    dsn[0] == '4'))
		return dsn[0] == '4' ? err_temp(err, dsn, "%.*s",
		    (int)rest.n, rest.p) : err_perm(err, dsn, "%.*s",
		    (int)rest.n, rest.p);
	if (line.n > 0) {
		struct err plain = *err;

		return plain.kind == ERR_TEMP ?
		    err_temp(err, plain.dsn, "%s" AGENT_PRIVATE "%.*s",
		    plain.text, (int)line.n, line.p) :
		    err_perm(err, plain.dsn, "%s" AGENT_PRIVATE "%.*s",
		    plain.text, (int)line.n, line.p);
	}
	return -1;
}
