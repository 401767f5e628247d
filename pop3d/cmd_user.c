/*
 * cmd_user.c - USER and PASS: RFC 1939 section 7.  The password is wiped from
 * every buffer that it went through.
 */
#include "login.h"

#include "proto/auth.h"
#include "sasl/sasl.h"

enum cmd_result
cmd_user(void *session, struct slice args)
{
	struct login *l = session;

	args = slice_trim(args);
	if (!login_by_name(&conf.login, l->peer, "pop3"))
		return login_forbidden(l);
	if (args.n == 0 || args.n > SASL_NAME_MAX || !utf8_valid(args))
		return pop3_bad(&l->pop3, "that is no name");
	str_reset(&l->user);
	str_addsl(&l->user, args);
	return pop3_ok(&l->pop3, "and the password?");
}

enum cmd_result
cmd_pass(void *session, struct slice args)
{
	struct login *l = session;
	char pass[SASL_PASSWORD_MAX + 1];
	struct auth_out out;
	struct err err = ERR_INIT;
	int r;

	if (!login_by_name(&conf.login, l->peer, "pop3"))
		return login_forbidden(l);
	if (l->user.len == 0)
		return pop3_bad(&l->pop3, "USER comes first");
	if (args.n == 0 || args.n > SASL_PASSWORD_MAX || !utf8_valid(args)) {
		err_perm(&err, "5.7.8", "bad password");
		r = -1;
	} else {
		struct auth_pass_in in = { .user = l->user.s,
			.pass = slice_copy(pass, sizeof(pass), args),
			.service = "pop3", .client_addr = l->peer->addr,
			.session = l->peer->id,
			.ch = tls_channel(l->peer) };

		/* the line is ours to destroy */
		explicit_bzero((char *)(uintptr_t)args.p, args.n);
		r = ipc_call(&l->auth, &auth_pass, &in, -1, &out, NULL, NULL,
		    &err);
		explicit_bzero(pass, sizeof(pass));
	}
	io_wipe(l->pop3.io);
	str_reset(&l->user);
	return r < 0 ? login_failed(l, &err) : login_done(l);
}
