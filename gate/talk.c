/*
 * talk.c - SMTP with who is refused: it may say who it is, from whom and to
 * whom, so that an administrator sees what was refused; no recipient is
 * accepted, so no message comes.  Of what it says nothing is understood but
 * the first word, and nothing kept but two texts for the log.
 */
#include "gate.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "smtp/reply.h"

enum { LINE = 1000, TEXT = 200, ALL_TIMES = 10 };

struct talk {
	char line[LINE];
	size_t n;
	bool too_long;		/* the rest of a line is thrown away */
	int commands;
	int64_t command_until, until;	/* mono_ms */
	char *helo, *from;	/* NULL: not yet */
	struct str out;
};

void
talk_free(struct talk *t)
{
	if (t == NULL)
		return;
	free(t->helo);
	free(t->from);
	str_free(&t->out);
	free(t);
}

static void
say(struct talk *t, int code, const char *dsn, const char *text)
{
	smtp_reply(&t->out, code, dsn, text);
}

/* false: it does not take it, and is gone */
static bool
flush(struct client *c)
{
	struct talk *t = c->talk;
	bool taken = client_say(c, t->out.s, t->out.len);

	str_free(&t->out);
	if (!taken)
		client_free(c);
	return taken;
}

static void
wait_more(struct client *c)
{
	struct talk *t = c->talk;

	client_arm(c, EV_READ, MIN(t->command_until, t->until) - mono_ms());
}

/* what is behind "FROM:", or of HELO behind the word */
static void
keep(char **to, struct slice s)
{
	s = slice_trim(s);
	free(*to);
	*to = slice_dup(slice_sub(s, 0, TEXT));
}

static struct slice
behind(struct slice s, const char *word)
{
	s = slice_trim(s);
	return slice_istarts(s, word) ? slice_sub(s, strlen(word), s.n) : s;
}

static void
refuse_rcpt(struct client *c, struct slice args)
{
	struct talk *t = c->talk;
	struct str why = STR_INIT;
	char *to = NULL;

	keep(&to, behind(args, "TO:"));
	str_adds(&why, "service unavailable; ");
	client_reason(c, &why);
	log_event(LOG_INFO, "reject", KS("client", client_name(c)),
	    KS("helo", t->helo), KS("from", t->from), KS("to", to),
	    KS("proxy", client_proxy(c)), KS("reason", why.s), KEND);
	say(t, 550, "5.7.1", why.s);
	str_free(&why);
	free(to);
}

static void
helo(struct client *c, struct slice args)
{
	keep(&c->talk->helo, args);
	say(c->talk, 250, NULL, common.hostname);
}

static void
mail(struct client *c, struct slice args)
{
	keep(&c->talk->from, behind(args, "FROM:"));
	say(c->talk, 250, "2.1.0", "ok");
}

static void
rset(struct client *c, struct slice args UNUSED)
{
	free(c->talk->from);
	c->talk->from = NULL;
	say(c->talk, 250, "2.0.0", "ok");
}

static void
noop(struct client *c, struct slice args UNUSED)
{
	say(c->talk, 250, "2.0.0", "ok");
}

static void
data(struct client *c, struct slice args UNUSED)
{
	say(c->talk, 503, "5.5.1", "no valid recipients");
}

static const struct {
	const char *name;
	void (*fn)(struct client *c, struct slice args);
} commands[] = {
	{ "HELO", helo }, { "EHLO", helo }, { "MAIL", mail },
	{ "RCPT", refuse_rcpt }, { "DATA", data }, { "RSET", rset },
	{ "NOOP", noop },
};

/* false: it was the last one */
static bool
command(struct client *c, struct slice line)
{
	struct talk *t = c->talk;
	size_t i, blank = slice_find(line, ' ');
	struct slice word = slice_sub(line, 0, blank);

	t->command_until = mono_ms() + conf.command_timeout;
	if (slice_ieqz(word, "QUIT")) {
		say(t, 221, "2.0.0", "bye");
		return false;
	}
	if (++t->commands > conf.commands) {
		say(t, 421, "4.7.0", "too many commands");
		return false;
	}
	for (i = 0; i < ARRAY_LEN(commands); i++)
		if (slice_ieqz(word, commands[i].name)) {
			commands[i].fn(c, slice_sub(line, blank, line.n));
			return true;
		}
	say(t, 502, "5.5.1", "command not implemented");
	return true;
}

/* a whole line, without its end */
static bool
take_line(struct client *c, struct slice line)
{
	struct talk *t = c->talk;

	if (t->too_long) {
		t->too_long = false;
		say(t, 500, "5.5.2", "line too long");
		return ++t->commands <= conf.commands;
	}
	if (slice_ends(line, "\r"))
		line.n--;
	return command(c, line);
}

/* the lines that are there; false: the last one was among them */
static bool
take_lines(struct client *c)
{
	struct talk *t = c->talk;
	struct slice rest = { t->line, t->n };
	size_t lf;
	bool more = true;

	while (more && (lf = slice_find(rest, '\n')) < rest.n) {
		more = take_line(c, slice_sub(rest, 0, lf));
		rest = slice_sub(rest, lf + 1, rest.n);
	}
	if (rest.n == LINE) {	/* to throw it away costs time, too */
		t->too_long = true;
		rest.n = 0;
		more = ++t->commands <= conf.commands;
	}
	memmove(t->line, rest.p, rest.n);
	t->n = rest.n;
	return more;
}

static void
log_end(const struct client *c, const char *end)
{
	log_event(LOG_INFO, "disconnect", KS("client", client_name(c)),
	    KS("helo", c->talk->helo), KS("end", end),
	    KI("commands", c->talk->commands), KI("ms",
	    mono_ms() - c->start), KEND);
}

void
talk_read(struct client *c)
{
	struct talk *t = c->talk;
	ssize_t n = recv(c->fd, t->line + t->n, LINE - t->n, MSG_DONTWAIT);
	bool more;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		wait_more(c);
		return;
	}
	if (n <= 0) {
		log_end(c, n == 0 ? "eof" : "lost");
		client_free(c);
		return;
	}
	t->n += (size_t)n;
	more = take_lines(c);
	if (t->out.len > 0 && !flush(c))
		return;
	if (more) {
		wait_more(c);
		return;
	}
	log_end(c, t->commands > conf.commands ? "commands" : "quit");
	client_free(c);
}

void
talk_timeout(struct client *c)
{
	log_end(c, "timeout");
	client_refuse(c, 421, "4.4.2", "timeout");
}

void
talk_begin(struct client *c)
{
	struct talk *t = xcalloc(1, sizeof(*t));

	t->out = (struct str)STR_INIT;
	t->until = mono_ms() + ALL_TIMES * conf.command_timeout;
	t->command_until = mono_ms() + conf.command_timeout;
	c->talk = t;
	c->state = TALKING;
	str_addf(&t->out, "220 %s ESMTP\r\n", common.hostname);
	if (flush(c))
		wait_more(c);
}
