/*
 * cmd_auth.c - AUTH: RFC 5034.  What responses mean is auth's to know.
 */
#include "login.h"

#include "base/clock.h"
#include "proto/auth.h"
#include "serve/mechs.h"

enum { RESPONSE_MAX = 12288, STEPS_MAX = 8 };

/* before RFC 5034, AUTH alone asked for a list; clients still do */
static enum cmd_result
list_mechanisms(struct login *l)
{
	struct slice rest = slice_of(login_mechanisms(l)), name;

	pop3_ok(&l->pop3, "mechanisms follow");
	while (slice_word(&rest, &name))
		io_printf(l->pop3.io, "%.*s\r\n", (int)name.n, name.p);
	io_puts(l->pop3.io, ".\r\n");
	return CMD_OK;
}

/* 1 a response is in data; 0 none: *r is the result of the command */
static int
next_response(struct login *l, const char *challenge, struct str *data,
    enum cmd_result *r)
{
	struct io *io = l->pop3.io;
	struct slice line;
	bool too_long;
	int got;

	io_printf(io, "+ %s\r\n", challenge);
	io->cmd_deadline = mono_ms() + conf.login.timeout;
	*r = CMD_OK;		/* the loop sees that the stream failed */
	got = io_getline(io, RESPONSE_MAX, &line, NULL, &too_long);
	io->cmd_deadline = 0;
	if (got <= 0)
		return 0;
	if (too_long || slice_has_nul(line) || slice_eqz(line, "*")) {
		*r = pop3_bad(&l->pop3, slice_eqz(line, "*") ?
		    "login cancelled" : "that is no response");
		return 0;
	}
	str_reset(data);
	str_addsl(data, line);
	explicit_bzero((char *)(uintptr_t)line.p, line.n);
	return 1;
}

static enum cmd_result
exchange(struct login *l, struct auth_sasl_in *in, struct str *data)
{
	struct auth_out out;
	struct err err = ERR_INIT;
	enum cmd_result r;
	int i;

	for (i = 0; i < STEPS_MAX; i++) {
		if (ipc_call(&l->auth, &auth_sasl, in, -1, &out, NULL, NULL,
		    &err) < 0)
			return login_failed(l, &err);
		if (out.done)
			return login_done(l);
		if (!next_response(l, out.challenge, data, &r))
			return r;
		in->mech = "";
		in->data = data->s;
		in->has_data = true;
	}
	return pop3_bad(&l->pop3, "too many steps");
}

enum cmd_result
cmd_auth(void *session, struct slice args)
{
	struct login *l = session;
	struct slice name, initial;
	struct str data = STR_INIT;
	struct auth_sasl_in in = { .service = "pop3",
		.client_addr = l->peer->addr, .session = l->peer->id,
		.data = "", .ch = tls_channel(l->peer) };
	enum cmd_result r;

	if (login_mechanisms(l)[0] == '\0')
		return login_forbidden(l);
	if (!slice_word(&args, &name))
		return list_mechanisms(l);
	if (!mechs_has(login_mechanisms(l), name, &in.mech))
		return login_may(&conf.login, l->peer) ?
		    pop3_bad(&l->pop3, "unknown mechanism") :
		    login_forbidden(l);
	if (slice_word(&args, &initial)) {
		in.has_data = true;
		if (!slice_eqz(initial, "="))
			str_addsl(&data, initial);
		explicit_bzero((char *)(uintptr_t)initial.p, initial.n);
		in.data = data.s;
	}
	r = exchange(l, &in, &data);
	io_wipe(l->pop3.io);
	if (data.cap > 0)
		explicit_bzero(data.s, data.cap);
	str_free(&data);
	return r;
}
