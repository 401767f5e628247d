/*
 * imap.c - one command, one tagged reply.  What was asked for in one segment
 * is answered in one: io flushes only before it waits.
 */
#include "imap.h"

#include "base/log.h"

enum { SHRINK_OVER = 65536 };

void
imap_init(struct imap *im, struct io *io, unsigned state,
    const struct imap_command *commands, size_t n)
{
	*im = (struct imap){ .io = io, .state = state, .commands = commands,
		.n_commands = n, .tagged = STR_INIT, .max_errors = 50 };
	imap_lex_init(&im->lex, io, &im->arena, &imap_limits_default,
	    IMAP_LEX_BARE_LF | IMAP_LEX_BLANKS | IMAP_LEX_8BIT);
}

void
imap_free(struct imap *im)
{
	if (im->secret)
		arena_wipe(&im->arena);
	arena_free(&im->arena);
	str_free(&im->tagged);
}

void
imap_put(struct imap *im, struct str *s)
{
	io_put(im->io, s->s, s->len);
	str_reset(s);
}

void
imap_say(struct imap *im, const char *fmt, ...)
{
	va_list ap;
	struct str s = STR_INIT;

	str_adds(&s, "* ");
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	str_adds(&s, "\r\n");
	io_put(im->io, s.s, s.len);
	str_free(&s);
}

static void
tagged(struct imap *im, const char *status, const char *code,
    const char *fmt, va_list ap)
{
	struct str text = STR_INIT;

	str_vaddf(&text, fmt, ap);
	str_reset(&im->tagged);
	imap_put_status(&im->tagged, im->lex.tag, status, code, text.s);
	str_free(&text);
	im->replied = true;
}

void
imap_ok(struct imap *im, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tagged(im, "OK", code, fmt, ap);
	va_end(ap);
}

void
imap_no(struct imap *im, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tagged(im, "NO", code, fmt, ap);
	va_end(ap);
}

void
imap_bad(struct imap *im, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tagged(im, "BAD", code, fmt, ap);
	va_end(ap);
	im->errors++;
}

/* RFC 5530 and 9051 section 7.1 */
static const struct { const char *dsn, *code; } codes[] = {
	{ "5.1.1", "NONEXISTENT" }, { "5.1.2", "ALREADYEXISTS" },
	{ "5.1.3", "CANNOT" }, { "5.1.4", "USEATTR" }, { "5.2.2", "OVERQUOTA" },
	{ "5.3.4", "LIMIT" }, { "5.7.1", "NOPERM" },
	{ "5.7.8", "READ-ONLY" }, { "5.2.0", "EXPUNGEISSUED" },
	{ "4.3.2", "INUSE" },
};

const char *
imap_code(const struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(err->dsn, codes[i].dsn) == 0)
			return codes[i].code;
	return NULL;
}

void
imap_fail(struct imap *im, const struct err *err)
{
	const char *code = imap_code(err);

	if (err->kind != ERR_PERM)
		log_event(LOG_WARN, "trouble", KS("command",
		    im->at != NULL ? im->at->name : NULL), KERR(err), KEND);
	/* clients need not know our paths */
	if (code != NULL || err->kind == ERR_PERM)
		imap_no(im, code, "%s", err->text);
	else
		imap_no(im, "UNAVAILABLE", "temporary trouble of this server");
}

/* the table is sorted; LOGIN and login are the same */
static const struct imap_command *
find(const struct imap *im, struct slice name)
{
	size_t lo = 0, hi = im->n_commands, mid;
	char word[32];
	size_t i;
	int c;

	if (name.n >= sizeof(word))
		return NULL;
	for (i = 0; i < name.n; i++)
		word[i] = (char)ascii_upper((unsigned char)name.p[i]);
	word[name.n] = '\0';
	while (lo < hi) {
		mid = (lo + hi) / 2;
		c = strcmp(word, im->commands[mid].name);
		if (c == 0)
			return &im->commands[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static const char *
not_now(const struct imap *im, const struct imap_command *c)
{
	if (c->states & im->state)
		return NULL;
	if (im->state == IN_LOGIN)
		return "log in first";
	if (c->states == IN_LOGIN)
		return "you are logged in already";
	return "select a mailbox first";
}

static void
run_command(struct imap *im)
{
	const struct imap_command *c = find(im, im->lex.name);
	struct imap_lex *l = &im->lex;
	const char *why;

	if (c == NULL || (l->uid && !(c->flags & CMD_UID)) ||
	    (!l->uid && c->flags & CMD_ONLY_UID)) {
		imap_lex_fail(l, IMAP_LEX_BAD, "", "unknown command");
		return;
	}
	why = not_now(im, c);
	if (why != NULL) {
		imap_lex_fail(l, IMAP_LEX_BAD, "", "%s", why);
		return;
	}
	if (im->uidonly && c->flags & CMD_NO_UIDONLY && !l->uid) {
		imap_lex_fail(l, IMAP_LEX_BAD, "UIDREQUIRED",
		    "message numbers are not used after ENABLE UIDONLY");
		return;
	}
	im->at = c;
	c->fn(im);
}

/* the tagged reply, after the updates; the lexer's error goes first */
static void
finish(struct imap *im)
{
	struct imap_lex *l = &im->lex;
	/* first: what is dropped may be too much, and then it is BYE */
	bool goes_on = imap_lex_finish(l);

	if (!imap_lex_ok(l)) {
		str_reset(&im->tagged);
		imap_put_error(&im->tagged, l);
		im->errors += l->error.kind != IMAP_LEX_NO;
	} else if (!im->replied) {
		imap_no(im, "SERVERBUG", "no answer");
	}
	if (im->update != NULL && im->at != NULL && goes_on &&
	    !(im->at->flags & CMD_LAST))
		im->update(im);
	imap_put(im, &im->tagged);
	if (im->after != NULL && io_flush(im->io) == 0)
		im->after(im);
	im->after = NULL;
	if (!goes_on && im->end == NULL)
		im->end = l->error.kind == IMAP_LEX_BYE ? "errors" : "lost";
}

static void
read_failed(struct imap *im)
{
	struct io *io = im->io;

	im->end = io->eof ? "eof" : "lost";
	if (!io->timed_out && !io->woken)
		return;
	im->end = io->timed_out ? "timeout" : "shutdown";
	io->failed = false;	/* say good-bye on what is left */
	io->deadline = io->cmd_deadline = 0;
	io->timeout_ms = 1000;
	imap_say(im, io->timed_out ? "BYE idle too long" :
	    "BYE the service is shutting down");
}

static void
turn(struct imap *im)
{
	int r;

	if (im->secret) {
		arena_wipe(&im->arena);
		io_wipe(im->io);
	}
	if (im->arena.total > SHRINK_OVER)
		arena_free(&im->arena);
	else
		arena_reset(&im->arena);
	im->replied = false;
	im->at = NULL;
	im->lex.tag = SLICE_LIT("*");	/* the last one is gone */
	if (im->wait != NULL)
		im->wait(im);
	if (im->end != NULL)
		return;
	r = imap_lex_command(&im->lex);
	if (r == 0 || im->lex.error.kind == IMAP_LEX_GONE) {
		read_failed(im);
		return;
	}
	im->count++;
	if (r > 0)
		run_command(im);
	finish(im);
	if (im->end != NULL)
		return;
	if (im->errors >= (uint64_t)im->max_errors) {
		imap_say(im, "BYE too many errors");
		im->end = "errors";
	} else if (im->max_commands > 0 &&
	    im->count >= (uint64_t)im->max_commands) {
		imap_say(im, "BYE too many commands");
		im->end = "errors";
	}
}

void
imap_run(struct imap *im)
{
	while (im->end == NULL && !im->io->failed)
		turn(im);
	if (im->end == NULL)
		read_failed(im);
	io_flush(im->io);
}
