/*
 * login.c - the steps of AUTH between auth and a server.  What goes wrong here
 * is temporary and the destination's: nobody's mail comes back because our
 * own password is wrong.
 */
#include "login.h"

#include "base/log.h"
#include "conf/common.h"
#include "proto/auth.h"

enum { AUTH_MS = 60000, STEPS_MAX = 10 };

struct login {
	struct session *s;
	struct ipc auth;
	struct auth_client_in in;
	struct auth_client_out out;
	char mech[32], user[256];	/* for the log */
};

/* what auth says next: 0 or -1 */
static int
ask(struct login *l, struct err *err)
{
	return ipc_call(&l->auth, &auth_client, &l->in, -1, &l->out, NULL,
	    NULL, err);
}

static void
trace(const struct session *s, const char *what, const char *more)
{
	struct str t = STR_INIT;

	if (s->trace == NULL)
		return;
	str_addf(&t, ">>> %s%s", what, more);
	s->trace(t.s, s->trace_ctx);
	str_free(&t);
}

/* Send it, and keep no copy: the buffer is empty before and after */
static void
say(struct login *l, const char *verb, const char *response)
{
	struct io *io = &l->s->io;
	size_t n = strlen(response);

	str_grow(&io->out, strlen(verb) + n + 4);
	io_puts(io, verb);
	if (verb[0] != '\0' && n > 0)
		io_puts(io, " ");
	io_puts(io, response);
	io_puts(io, "\r\n");
	(void)io_flush(io);
	if (io->out.cap > 0)
		explicit_bzero(io->out.s, io->out.cap);
	explicit_bzero((char *)(uintptr_t)response, n);
}

static void
put_response(struct login *l, const char *verb)
{
	const char *r = l->out.has_response ? l->out.response : "";

	trace(l->s, verb, r[0] != '\0' ? verb[0] != '\0' ? " (hidden)" :
	    "(hidden)" : "");
	if (l->out.has_response && r[0] == '\0' && verb[0] != '\0')
		str_addf(&l->s->io.out, "%s =\r\n", verb);
	else
		say(l, verb, r);
}

static void
tell_end(struct login *l, bool ok, bool refused, const char *why)
{
	struct auth_client_end_in end = { .ok = ok, .refused = refused,
		.why = why };
	struct err ignored;

	ipc_tell(&l->auth, &auth_client_end, &end, &ignored);
}

/* what the server says to the end of it: 0 or -1 */
static int
verdict(struct login *l, struct err *err)
{
	struct str text = STR_INIT;
	int class = l->s->reply.code / 100;

	reply_text(&l->s->reply, &text);
	tell_end(l, class == 2 && l->out.final, class == 5, text.s);
	if (class == 2 && !l->out.final)
		err_temp(err, "4.7.8", "the server says yes without having "
		    "proved that it knows the password");
	else if (class != 2)
		err_temp(err, class == 5 ? "4.7.8" : "4.7.0", "the server "
		    "refuses our login: %s", text.s);
	str_free(&text);
	return class == 2 && l->out.final ? 0 : -1;
}

/* the challenge as it is: the text of a 334, which is one line */
static const char *
challenge(const struct login *l)
{
	return l->s->reply.text.len > 0 ? l->s->reply.text.s : "";
}

static int
exchange(struct login *l, struct err *err)
{
	char verb[48];
	int step;

	snprintf(verb, sizeof(verb), "AUTH %s", l->mech);
	put_response(l, verb);
	for (step = 0; step < STEPS_MAX; step++) {
		if (reply_read(l->s, AT_AUTH, err) < 0)
			return -1;
		if (l->s->reply.code != 334)
			return verdict(l, err);
		l->in.challenge = challenge(l);
		if (ask(l, err) < 0) {
			/* the answer to it does not matter */
			io_puts(&l->s->io, "*\r\n");
			l->s->bye = true;
			return -1;
		}
		put_response(l, "");
	}
	return err_temp(err, "4.7.0", "AUTH does not end");
}

/* Is this the server that the place means?  A name that came by an MX record
 * without DNSSEC could be anybody's, with a certificate of its own. */
static bool
is_verified(const struct session *s)
{
	if (!s->facts.on || !s->facts.f.verified)
		return false;
	return !s->targets.mx || s->targets.mx_secure ||
	    s->policy.level == LEVEL_SECURE ||
	    s->policy.level == LEVEL_FINGERPRINT;
}

static void
fill(struct login *l, const char *sender)
{
	const struct session *s = l->s;

	l->in = (struct auth_client_in){ .host = s->target->host,
		.nexthop = s->targets.nexthop, .sender = sender,
		.mechs = s->caps.mechs,
		.ch = { s->facts.on, "", "", "", "" },
		.verified = is_verified(s), .challenge = "",
		.session = s->id };
	if (s->facts.on) {
		l->in.ch.exporter = s->facts.f.exporter;
		l->in.ch.end_point = s->facts.f.end_point;
		l->in.ch.version = s->facts.f.version;
	}
}

static int
log_end(const struct login *l, int rc, struct err *err)
{
	bool chosen = l->mech[0] != '\0';

	if (rc == 0) {
		log_event(LOG_INFO, "login", KS("relay", l->s->relay),
		    KS("user", l->user), KS("mech", l->mech), KEND);
	} else {
		/* a false proof, too, is this server's trouble */
		err->kind = ERR_TEMP;
		err->dsn[0] = '4';
		log_event(LOG_WARN, "login-failed", KS("relay", l->s->relay),
		    KS("user", chosen ? l->user : NULL),
		    KS("mech", chosen ? l->mech : NULL), KERR(err), KEND);
	}
	return rc == 0 ? 1 : -1;
}

int
smtp_login(struct session *s, const char *sender, struct err *err)
{
	struct login l = { .s = s };
	int rc;

	fill(&l, sender);
	ipc_init(&l.auth, socket_path("auth"), AUTH_MS);
	rc = ask(&l, err);
	s->by_sender = rc == 0 && l.out.by_sender;
	/* Where no AUTH is offered only that matters: there is an account, and
	 * without it the mail would come back. */
	if (rc < 0 && s->caps.mechs[0] == '\0' &&
	    strcmp(err->dsn, "4.7.4") != 0) {
		rc = 0;
	} else if (rc < 0) {
		rc = log_end(&l, rc, err);
	} else if (!l.out.none) {
		snprintf(l.mech, sizeof(l.mech), "%s", l.out.mech);
		snprintf(l.user, sizeof(l.user), "%s", l.out.user);
		rc = log_end(&l, exchange(&l, err), err);
	}
	if (l.auth.reply.buf != NULL)
		explicit_bzero(l.auth.reply.buf, l.auth.reply.len);
	ipc_free(&l.auth);
	return rc;
}
