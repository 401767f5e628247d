/*
 * pop3.c - replies and CAPA.  A reply is one line, whatever an error says.
 */
#include "pop3.h"

static enum cmd_result
put(struct pop3 *p, const char *status, enum cmd_result r, const char *fmt,
    va_list ap)
{
	struct str s = STR_INIT;

	str_vaddf(&s, fmt, ap);
	io_printf(p->io, "%s%s%s\r\n", status, s.len > 0 ? " " : "", s.s);
	str_free(&s);
	return r;
}

enum cmd_result
pop3_ok(struct pop3 *p, const char *fmt, ...)
{
	enum cmd_result r;
	va_list ap;

	va_start(ap, fmt);
	r = put(p, "+OK", CMD_OK, fmt, ap);
	va_end(ap);
	return r;
}

enum cmd_result
pop3_bad(struct pop3 *p, const char *fmt, ...)
{
	enum cmd_result r;
	va_list ap;

	va_start(ap, fmt);
	r = put(p, "-ERR", CMD_BAD, fmt, ap);
	va_end(ap);
	return r;
}

enum cmd_result
pop3_trouble(struct pop3 *p, const struct err *err)
{
	io_printf(p->io, "-ERR [SYS/%s] %s\r\n",
	    err->kind == ERR_PERM ? "PERM" : "TEMP", err->text);
	return CMD_OK;
}

/* --- what the loop says --------------------------------------------------- */

static unsigned
state(void *s)
{
	return ((struct pop3 *)s)->state;
}

static enum cmd_result
unknown(void *s, struct slice verb UNUSED)
{
	pop3_bad(s, "unknown command");
	return CMD_BAD;
}

static void
bad_args(void *s, const struct command *c)
{
	if (c->max_args == 0)
		pop3_bad(s, "%s takes no argument", c->name);
	else if (c->min_args == c->max_args)
		pop3_bad(s, "%s takes %d argument%s", c->name, c->min_args,
		    c->min_args > 1 ? "s" : "");
	else
		pop3_bad(s, "%s takes %d to %d arguments", c->name,
		    c->min_args, c->max_args);
}

static void
bad_state(void *s, const struct command *c)
{
	pop3_bad(s, "%s %s", c->name, c->states & IN_TRANSACTION ?
	    "comes after login" : "comes before login");
}

static void
bad_line(void *s, bool too_long)
{
	pop3_bad(s, too_long ? "line too long" : "NUL in the line");
}

static void
too_many_errors(void *s)
{
	pop3_bad(s, "too many errors, good-bye");
}

static void
timeout(void *s)
{
	pop3_bad(s, "idle too long, good-bye");
}

static void
shutdown_(void *s)
{
	pop3_bad(s, "[SYS/TEMP] the service is shutting down, try again");
}

void
pop3_proto(struct line_proto *p, const struct command *commands)
{
	*p = (struct line_proto){
		.commands = commands, .state = state, .unknown = unknown,
		.bad_args = bad_args, .bad_state = bad_state,
		.bad_line = bad_line, .too_many_errors = too_many_errors,
		.timeout = timeout, .shutdown = shutdown_,
	};
}

/* --- CAPA: RFC 2449 section 5 --------------------------------------------- */

static void
put_command(struct pop3 *p, const struct command *c,
    const struct pop3_offers *o)
{
	if (c->help == NULL || (!o->user && strcmp(c->name, "USER") == 0) ||
	    (!o->stls && strcmp(c->name, "STLS") == 0))
		return;
	if (strcmp(c->name, "AUTH") != 0)
		io_printf(p->io, "%s\r\n", c->help);
	else if (o->mechs.n > 0)
		io_printf(p->io, "%s %.*s\r\n", c->help, (int)o->mechs.n,
		    o->mechs.p);
}

enum cmd_result
cmd_capa(void *session, struct slice args UNUSED)
{
	struct pop3 *p = session;
	struct pop3_offers o = { .mechs = SLICE_NULL };
	const struct command *c;

	p->offers(session, &o);
	pop3_ok(p, "capabilities follow");
	for (c = p->commands; c->name != NULL; c++)
		put_command(p, c, &o);
	io_puts(p->io, "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n");
	io_printf(p->io, "LOGIN-DELAY %lld\r\n",
	    (long long)((p->login_delay + 999) / 1000));
	if (p->expire < 0)
		io_puts(p->io, "EXPIRE NEVER\r\n");
	else
		io_printf(p->io, "EXPIRE %lld\r\n",
		    (long long)p->expire);
	io_puts(p->io, "IMPLEMENTATION Postrider\r\n.\r\n");
	return CMD_OK;
}
