/*
 * cmd_login.c - LOGIN and AUTHENTICATE, and what follows: once the client may
 * be in other hands nothing is written to it any more.  Passwords are wiped
 * from what they went through.
 */
#include "login.h"

#include "proto/auth.h"
#include "sasl/sasl.h"
#include "serve/mechs.h"

enum { RESPONSE_MAX = 12288, STEPS_MAX = 8, TAG_MAX = 200 };

static void
forbid(struct login *l)
{
	if (login_may(&conf, l->peer))
		imap_no(&l->imap, "CANNOT", "LOGIN is disabled here");
	else
		imap_no(&l->imap, "PRIVACYREQUIRED",
		    "login without TLS is not allowed here");
}

static void
refused(struct login *l, const struct err *err)
{
	if (strcmp(err->dsn, "5.7.8") == 0 || strcmp(err->dsn, "5.7.13") == 0) {
		imap_no(&l->imap, "AUTHENTICATIONFAILED", "%s",
		    strcmp(err->dsn, "5.7.8") == 0 ?
		    "wrong name or password" : err->text);
		if (++l->bad_logins >= conf.max_bad_logins) {
			imap_say(&l->imap, "BYE too many failed logins");
			l->imap.end = "auth";
		}
	} else if (strcmp(err->dsn, "5.5.4") == 0) {
		imap_bad(&l->imap, NULL, "%s", err->text);
	} else {
		login_trouble(l->peer, err);
		imap_no(&l->imap, "UNAVAILABLE", "%s", err->text);
	}
}

/* the client and its tag go to auth, and on to imapd, which answers */
static void
give(struct login *l)
{
	struct io *io = l->imap.io;
	struct err err = ERR_INIT;
	int r = login_give(&l->auth, io, l->peer, "imap",
	    arena_slice(&l->imap.arena, l->imap.lex.tag), &err);

	if (r < 0) {
		login_trouble(l->peer, &err);
		imap_no(&l->imap, "UNAVAILABLE", "%s", err.text);
		return;
	}
	l->handed_over = r == 1;
	l->imap.end = "login";
	io->failed = true;	/* it is not ours any more */
}

static void
accepted(struct login *l)
{
	struct io *io = l->imap.io;

	if (io_pending(io) > LOGIN_UNREAD_MAX)
		imap_bad(&l->imap, NULL,
		    "too much input before the answer to the login");
	else if (l->imap.lex.tag.n > TAG_MAX)
		imap_bad(&l->imap, NULL, "the tag is too long");
	/* answers to pipelined commands go first */
	else if (io_flush(io) == 0)
		give(l);
}

void
cmd_login(void *session)
{
	struct login *l = session;
	struct imap_lex *lex = &l->imap.lex;
	struct slice user = { 0 }, pass = { 0 };
	struct auth_pass_in in = { .service = "imap",
		.client_addr = l->peer->addr, .session = l->peer->id,
		.ch = tls_channel(l->peer) };
	struct auth_out out;
	struct err err = ERR_INIT;
	int r;

	imap_lex_sp(lex);
	imap_lex_astring(lex, &user);
	imap_lex_sp(lex);
	imap_lex_astring(lex, &pass);
	if (!imap_args_end(&l->imap))
		return;
	if (!login_by_name(&conf, l->peer, "imap")) {
		explicit_bzero((char *)(uintptr_t)pass.p, pass.n);
		forbid(l);
		return;
	}
	if (user.n == 0 || user.n > SASL_NAME_MAX || pass.n == 0 ||
	    pass.n > SASL_PASSWORD_MAX || !utf8_valid(user) ||
	    !utf8_valid(pass)) {
		r = err_perm(&err, "5.7.8", "bad name or password");
	} else {
		in.user = user.p;
		in.pass = pass.p;
		r = ipc_call(&l->auth, &auth_pass, &in, -1, &out, NULL, NULL,
		    &err);
	}
	explicit_bzero((char *)(uintptr_t)pass.p, pass.n);
	if (r < 0)
		refused(l, &err);
	else
		accepted(l);
}

/* 1 a response is in data; 0 there is none: the command is answered */
static int
next_response(struct login *l, const char *challenge, struct str *data)
{
	struct imap_lex *lex = &l->imap.lex;
	struct slice line;
	int r;

	io_printf(l->imap.io, "+ %s\r\n", challenge);
	r = imap_lex_line(lex, RESPONSE_MAX, &line);
	if (r <= 0)
		return 0;
	if (slice_eqz(line, "*")) {
		imap_bad(&l->imap, NULL, "login cancelled");
		return 0;
	}
	str_reset(data);
	str_addsl(data, line);
	explicit_bzero((char *)(uintptr_t)line.p, line.n);
	return 1;
}

static void
exchange(struct login *l, struct auth_sasl_in *in, struct str *data)
{
	struct auth_out out;
	struct err err = ERR_INIT;
	int i;

	for (i = 0; i < STEPS_MAX; i++) {
		if (ipc_call(&l->auth, &auth_sasl, in, -1, &out, NULL, NULL,
		    &err) < 0) {
			refused(l, &err);
			return;
		}
		if (out.done) {
			accepted(l);
			return;
		}
		if (!next_response(l, out.challenge, data))
			return;
		in->mech = "";
		in->data = data->s;
		in->has_data = true;
	}
	imap_bad(&l->imap, NULL, "too many steps");
}

/* RFC 3501 section 6.2.2, RFC 4959 */
void
cmd_authenticate(void *session)
{
	struct login *l = session;
	struct imap_lex *lex = &l->imap.lex;
	struct auth_sasl_in in = { .service = "imap", .data = "",
		.client_addr = l->peer->addr, .session = l->peer->id,
		.ch = tls_channel(l->peer) };
	struct slice name = { 0 }, initial = { 0 };
	struct str data = STR_INIT;

	imap_lex_sp(lex);
	imap_lex_atom(lex, &name);
	if (imap_lex_try_sp(lex)) {
		in.has_data = true;
		imap_lex_base64(lex, &initial);
	}
	if (!imap_args_end(&l->imap))
		return;
	if (!mechs_has(login_mechanisms(l), name, &in.mech)) {
		if (login_may(&conf, l->peer))
			imap_no(&l->imap, "CANNOT", "unknown mechanism");
		else
			forbid(l);
		return;
	}
	base64_encode(&data, initial.p, initial.n);
	if (initial.n > 0)
		explicit_bzero((char *)(uintptr_t)initial.p, initial.n);
	in.data = data.s;
	exchange(l, &in, &data);
	if (data.cap > 0)
		explicit_bzero(data.s, data.cap);
	str_free(&data);
}
