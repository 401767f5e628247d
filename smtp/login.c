/*
 * login.c - the steps of AUTH between auth and a server.
 */
#include "login.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "proto/auth.h"
#include "smtp/reply.h"

enum { AUTH_MS = 30000, LINE_MAX_READ = 12288, STEPS_MAX = 10,
	REPLY_MS = 60000 };

struct login {
	struct io *io;
	struct ipc auth;
	struct auth_client_in in;
	struct auth_client_out out;
	struct smtp_reply reply;
};

static int
read_reply(struct login *l, struct err *err)
{
	struct slice line;
	bool too_long;
	int rc;

	smtp_reply_reset(&l->reply);
	l->io->cmd_deadline = mono_ms() + REPLY_MS;
	do {
		rc = io_getline(l->io, LINE_MAX_READ, &line, NULL, &too_long);
		if (rc <= 0)
			return err_temp(err, "4.4.2", "lost connection while "
			    "waiting for the reply to AUTH");
		rc = too_long ? err_temp(err, "4.5.0", "the reply to AUTH is "
		    "too long") : smtp_reply_line(&l->reply, line, err);
	} while (rc == 0);
	l->io->cmd_deadline = 0;
	return rc < 0 ? -1 : 0;
}

/* what auth says next: 0 or -1 */
static int
ask(struct login *l, struct err *err)
{
	return ipc_call(&l->auth, &auth_client, &l->in, -1, &l->out, NULL,
	    NULL, err);
}

static void
put_response(struct login *l, const char *before)
{
	const char *r = l->out.response;

	if (!l->out.has_response)
		io_printf(l->io, "%s\r\n", before);
	else
		io_printf(l->io, "%s%s%s\r\n", before, before[0] ? " " : "",
		    r[0] == '\0' && before[0] ? "=" : r);
}

/* what the server says to the end of it: 1 or -1 */
static int
verdict(struct login *l, struct err *err)
{
	struct auth_client_end_in end = { .ok = l->reply.code / 100 == 2,
		.why = l->reply.text.len > 0 ? l->reply.text.s : "" };
	struct err ignored;

	ipc_tell(&l->auth, &auth_client_end, &end, &ignored);
	if (end.ok)
		return 1;
	return err_temp(err, "4.7.8", "the server refuses the login: %d %s",
	    l->reply.code, end.why);
}

static int
exchange(struct login *l, struct err *err)
{
	struct str first = STR_INIT;
	int step;

	str_addf(&first, "AUTH %s", l->out.mech);
	put_response(l, first.s);
	str_free(&first);
	for (step = 0; step < STEPS_MAX; step++) {
		if (read_reply(l, err) < 0)
			return -1;
		if (l->reply.code != 334)
			return verdict(l, err);
		l->in.challenge = l->reply.text.len > 0 ? l->reply.text.s :
		    "";
		if (ask(l, err) < 0) {
			io_puts(l->io, "*\r\n");
			return -1;
		}
		put_response(l, "");
	}
	return err_temp(err, "4.7.0", "AUTH does not end");
}

int
smtp_login(struct io *io, const char *mechs, const struct targets *all,
    const struct target *t, const char *sender,
    const struct tls_facts *facts, bool verified, const char *session,
    struct err *err)
{
	struct login l = { .io = io, .reply = SMTP_REPLY_INIT };
	int rc;

	l.in = (struct auth_client_in){ .host = t->host,
		.nexthop = all->nexthop, .sender = sender, .mechs = mechs,
		.ch = { facts->on, "", "", "", "" }, .verified = verified,
		.challenge = "", .session = session };
	if (facts->on) {
		l.in.ch.exporter = facts->f.exporter;
		l.in.ch.end_point = facts->f.end_point;
		l.in.ch.version = facts->f.version;
	}
	ipc_init(&l.auth, socket_path("auth"), AUTH_MS);
	rc = ask(&l, err);
	/* an auth that does not know the verb has no accounts */
	if (rc < 0 && strcmp(err->dsn, "5.5.1") == 0)
		rc = 0;
	else if (rc == 0)
		rc = l.out.none ? 0 : exchange(&l, err);
	ipc_free(&l.auth);
	smtp_reply_free(&l.reply);
	return rc;
}
