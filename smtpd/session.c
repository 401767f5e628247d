/*
 * session.c - one client from the greeting to the closing log line.
 */
#include <malloc.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/networks.h"
#include "backend.h"
#include "conf/common.h"
#include "filter.h"
#include "serve/limits.h"

bool
session_trusted(const struct session *s)
{
	return conf.personality == LOCAL || s->trusted || s->login.len > 0;
}

bool
session_normalizes(void)
{
	if (conf.line_ends == ENDS_AUTO)
		return conf.personality == SUBMISSION ||
		    conf.personality == LOCAL;
	return conf.line_ends == ENDS_NORMALIZE;
}

void
session_proto(const struct session *s, struct str *out)
{
	bool utf8 = s->txn != NULL && s->txn->utf8;
	bool authenticated = s->login.len > 0 && conf.personality != LOCAL;

	if (utf8)
		str_adds(out, conf.personality == LMTP ? "UTF8LMTP" :
		    "UTF8SMTP");
	else if (conf.personality == LMTP)
		str_adds(out, "LMTP");
	else
		str_adds(out, s->esmtp || authenticated ? "ESMTP" : "SMTP");
	if (s->peer->tls)
		str_addc(out, 'S');
	if (authenticated)
		str_addc(out, 'A');
}

void
session_reset(struct session *s)
{
	limit_unused(s);
	filters_abort(s);
	if (s->txn != NULL && s->txn->begun)
		backend_abort(s->txn);
	forward_reset(s);
	txn_free(s->txn);
	s->txn = NULL;
}

void
session_forget(struct session *s)
{
	session_reset(s);
	str_reset(&s->helo);
	str_reset(&s->login);
	s->mech = "";
	s->esmtp = false;
	rules_forget(s);
}

int
session_helo(struct session *s, struct err *err, int *code)
{
	s->helo_refused = rules_helo(s, err, code) < 0 ||
	    filters_helo(s, err, code) < 0;
	if (!s->helo_refused)
		return 1;
	log_reject(s, "HELO", NULL, err);
	str_reset(&s->helo);
	return -1;
}

const char *
session_service(void)
{
	return conf.personality == LMTP ? "lmtp" : "smtp";
}

void
session_name(struct session *s, bool wait)
{
	if (s->name.len == 0)
		backend_client_name(&s->name, wait);
}

bool
session_addressed(const struct session *s)
{
	return s->peer->port != 0 &&
	    strcmp(s->peer->addr, UNKNOWN_ADDR) != 0;
}

void
session_ask_name(const struct session *s)
{
	const struct peer *peer = s->peer;

	if (conf.reverse_dns && session_addressed(s) &&
	    !networks_has(&conf.reverse_dns_except, peer->addr))
		backend_client_ask(peer);
}

void
session_idle(void)
{
	if (!backend_connected())
		return;
	backend_release();
	malloc_trim(0);
}

/* the client sends nothing: only a message that has begun needs cleanup */
static void
pause_session(void *session)
{
	const struct session *s = session;

	tls_release();
	if (s->txn == NULL || !s->txn->begun)
		session_idle();
}

enum cmd_result
session_refuse(struct session *s, const char *end, const char *text)
{
	reply(s, 421, "4.7.0", "%s %s", common.hostname, text);
	s->end = end;
	return CMD_QUIT;
}

enum cmd_result
session_lost(struct session *s)
{
	struct io *io = s->io;

	if (!io->timed_out) {
		s->end = io->failed ? "lost" : "eof";
		return CMD_QUIT;
	}
	/* what the client did not take before, it will not take now */
	io->failed = false;
	io->deadline = io->cmd_deadline = 0;
	io->timeout_ms = 1000;
	s->end = "timeout";
	reply(s, 421, "4.4.2", "%s timeout", common.hostname);
	return CMD_QUIT;
}

static unsigned
state(void *session)
{
	const struct session *s = session;

	if (s->txn == NULL)
		return s->helo.len == 0 && (conf.helo_required ||
		    s->helo_refused) ? ST_NEW : ST_IDLE;
	if (s->txn->content != NULL)
		return ST_CHUNK;
	return s->txn->taken > 0 ? ST_RCPT : ST_MAIL;
}

static enum cmd_result
unknown(void *session, struct slice verb)
{
	struct session *s = session;
	struct err err = ERR_INIT;
	char word[64];
	size_t i;
	int code;

	slice_copy(word, sizeof(word), verb);
	for (i = 0; word[i] != '\0'; i++)
		if (!ascii_isprint((unsigned char)word[i]))
			word[i] = '?';
	if (filters_unknown(s, word, &err, &code) < 0)
		reply(s, code, err.dsn, "%s", err.text);
	else
		reply(s, 500, "5.5.2", verb.n == 0 ? "empty command" :
		    "command not recognized");
	return s->closes ? CMD_QUIT : CMD_BAD;
}

static void
bad_args(void *session, const struct command *c)
{
	reply(session, 501, "5.5.4", "syntax: %s",
	    c->help != NULL ? c->help : c->name);
}

/* RFC 3207 section 4: true, and answered, where TLS must come first.  BDAT
 * answers for itself, as its octets must be read. */
static bool
tls_first(struct session *s, const struct command *c)
{
	static const char *const before[] = { "EHLO", "LHLO", "NOOP", "QUIT",
	    "STARTTLS", "BDAT" };
	size_t i;

	if (!tls_needed(&conf.tls, s->peer))
		return false;
	for (i = 0; i < ARRAY_LEN(before); i++)
		if (strcmp(c->name, before[i]) == 0)
			return false;
	reply(s, 530, "5.7.0", STARTTLS_FIRST);
	return true;
}

static void
bad_state(void *session, const struct command *c)
{
	const char *why = "bad sequence of commands";
	unsigned st = state(session);

	if (tls_first(session, c))
		return;
	if (st == ST_NEW)
		why = conf.personality == LMTP ? "send LHLO first" :
		    "send EHLO or HELO first";
	else if (st == ST_IDLE && !(c->states & ST_IDLE))
		why = "need MAIL first";
	else if (st == ST_CHUNK)
		why = "only BDAT or RSET may follow BDAT";
	else if (strcmp(c->name, "MAIL") == 0)
		why = "nested MAIL";
	reply(session, 503, "5.5.1", "%s", why);
}

static void
bad_line(void *session, bool too_long)
{
	if (too_long)
		reply(session, 500, "5.5.2", "line too long");
	else
		reply(session, 550, "5.5.2",
		    "bare CR, bare LF or NUL in a command");
}

static void
too_many_errors(void *session)
{
	reply(session, 421, "4.7.0", "%s too many errors", common.hostname);
}

static void
timeout(void *session)
{
	reply(session, 421, "4.4.2", "%s timeout", common.hostname);
}

static void
shut_down(void *session)
{
	reply(session, 421, "4.3.2", "%s service shutting down",
	    common.hostname);
}

/* No control character and no broken UTF-8 gets behind this point.  BDAT must
 * not be refused here, or its octets would be read as commands. */
static enum cmd_result
before(void *session, const struct command *c, struct slice args)
{
	struct session *s = session;
	struct slice verb, rest;
	struct err err = ERR_INIT;

	s->rule = NULL;
	s->rule_code = 0;
	if (s->refused && strcmp(c->name, "QUIT") != 0) {
		/* RFC 5321 section 3.1 */
		reply(s, 503, "5.5.1", "no mail is taken from you; QUIT");
		return CMD_BAD;
	}
	if (c->flags & CMD_JUNK && ++s->junk > conf.junk_commands)
		return session_refuse(s, "junk",
		    "too many commands without mail");
	if (tls_first(s, c))
		return CMD_BAD;
	if (args.n == 0 || c->flags & CMD_CHECKS)
		return CMD_OK;
	args = slice_trim(args);
	if (args.n > 0 && smtp_command_split(args, &verb, &rest, &err) < 0) {
		reply(s, 501, err.dsn, "%s", err.text);
		return CMD_BAD;
	}
	return CMD_OK;
}

static struct line_proto
make_proto(void)
{
	return (struct line_proto){
		.commands = commands_table(),
		.max_line = conf.line_length,
		.max_errors = (int)conf.errors,
		.max_commands = (int)conf.commands,
		.cmd_timeout_ms = conf.timeout,
		.strict_crlf = !session_normalizes(),
		.state = state,
		.unknown = unknown,
		.bad_args = bad_args,
		.bad_state = bad_state,
		.bad_line = bad_line,
		.too_many_errors = too_many_errors,
		.timeout = timeout,
		.shutdown = shut_down,
		.before = before,
	};
}

static void
log_end(const struct session *s, const char *end,
    const struct cmd_stats *stats, int64_t start)
{
	log_event(LOG_INFO, "disconnect", KS("client", s->peer->addr),
	    KS("client_name", s->name.len > 0 ? s->name.s : NULL),
	    KS("helo", s->helo.len > 0 ? s->helo.s : NULL),
	    KS("login", s->login.len > 0 ? s->login.s : NULL),
	    TLS_KEYS(s->peer), KS("end", end), KU("accepted", s->accepted),
	    KU("rejected", s->rejected), KU("commands", stats->commands),
	    KU("errors", stats->errors), KU("in", s->io->bytes_in),
	    KU("out", s->io->bytes_out), KI("ms", mono_ms() - start), KEND);
}

/* The local personality trusts whom the kernel names, so it must be named. */
static bool
identify(struct session *s)
{
	if (conf.personality != LOCAL)
		return true;
	if (s->peer->uid == (uid_t)-1) {
		reply(s, 554, NULL, "%s only local users are served here",
		    common.hostname);
		return false;
	}
	str_adds(&s->login, login_name(s->peer->uid));
	return true;
}

static void
greet(struct session *s)
{
	if (s->peer->greeted)	/* by gate */
		return;
	reply(s, 220, NULL, "%s %s %s", common.hostname,
	    conf.personality == LMTP ? "LMTP" : "ESMTP", conf.banner);
}

/* RFC 5321 section 3.1: 554 instead of the greeting, and then nothing but QUIT
 * is heard; 421 and 521 are the end.  RFC 2034 section 4: no enhanced code.
 * Where gate has greeted, that is the answer to the line which is there.
 * false: that was all */
bool
session_welcome(struct session *s)
{
	struct err err = ERR_INIT;
	struct slice said;
	bool too_long;
	int code;

	if (rules_connect(s, &err, &code) > 0 &&
	    filters_connect(s, &err, &code) > 0) {
		greet(s);
		return true;
	}
	log_reject(s, "CONNECT", NULL, &err);
	if (s->peer->greeted)
		(void)io_getline(s->io, conf.line_length, &said, NULL,
		    &too_long);
	if (!s->closes)
		code = code / 100 == 5 ? 554 : 421;
	reply(s, code, NULL, "%s %s", common.hostname, err.text);
	s->refused = true;
	s->end = "refused";
	return !s->closes && code == 554;
}

void
session_run(struct io *io, struct peer *peer)
{
	struct session s = { .io = io, .peer = peer, .helo = STR_INIT,
	    .login = STR_INIT, .name = STR_INIT, .mech = "" };
	struct line_proto proto = make_proto();
	struct cmd_stats stats = { 0, 0 };
	int64_t start = mono_ms();
	enum cmd_end end = END_QUIT;

	io->deadline = start + conf.session_time;
	io->timeout_ms = (int)conf.timeout;
	io->idle_ms = IDLE_MS;
	io->idle = pause_session;
	io->idle_arg = &s;
	s.trusted = networks_has(&conf.trusted_networks, peer->addr);
	s.may_xclient = networks_has(&conf.xclient_networks, peer->addr);
	s.may_xforward = networks_has(&conf.xforward_networks, peer->addr);
	session_ask_name(&s);
	if (identify(&s) && session_welcome(&s)) {
		end = cmd_loop(io, &proto, &s, &stats);
	} else {
		if (s.end == NULL)
			s.end = "refused";
		io_flush(io);
	}
	session_reset(&s);
	filters_end(&s);
	io->idle = NULL;
	session_name(&s, false);
	backend_client_drop();
	rules_free(&s);
	log_end(&s, s.end != NULL ? s.end : cmd_end_name(end), &stats, start);
	if (s.login.len > 0)
		limits_release();
	str_free(&s.helo);
	str_free(&s.login);
	str_free(&s.name);
}
