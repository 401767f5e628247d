/*
 * login_auth.h - auth for a login program that is tried alone: ipc_call, as
 * the linker has it (--wrap).  Passwords and responses tell it what to say.
 * And a session of such a program from its first octet to its end.
 */
#ifndef FUZZ_LOGIN_AUTH_H
#define FUZZ_LOGIN_AUTH_H

#include "base/log.h"
#include "conf/common.h"
#include "proto/auth.h"
#include "serve/serve.h"
#include "talk.h"

int __wrap_ipc_call(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, void *out, int *out_fd_r, bool *sent, struct err *err);

static int handed_over;		/* clients that were given away */

/* base64 or a password: what its first letter says */
static int
answer(const char *said, struct auth_out *out, struct err *err)
{
	*out = (struct auth_out){ .challenge = "", .user = "ann@example.org",
		.login = "" };
	switch (said[0]) {
	case 'c':
		out->challenge = "Y2hhbGxlbmdl";
		return 0;
	case 't':
		return err_temp(err, "4.7.0", "auth is tired");
	case 'd':
		return err_perm(err, "5.7.13", "the account is disabled");
	case 'm':
		return err_perm(err, "5.5.4", "malformed");
	case 'x':
		return err_perm(err, "5.7.8", "no");
	}
	out->done = true;
	return 0;
}

int
__wrap_ipc_call(struct ipc *c UNUSED, const struct verb_def *v,
    const void *in, int in_fd UNUSED, void *out, int *out_fd_r UNUSED,
    bool *sent UNUSED, struct err *err)
{
	const struct auth_handover_in *h = in;

	if (v == &auth_mechs) {
		*(struct auth_mechs_out *)out = (struct auth_mechs_out){
			"PLAIN LOGIN SCRAM-SHA-256" };
		return 0;
	}
	if (v == &auth_pass) {
		assert(utf8_valid(slice_of(
		    ((const struct auth_pass_in *)in)->user)));
		return answer(((const struct auth_pass_in *)in)->pass, out,
		    err);
	}
	if (v == &auth_sasl)
		return answer(((const struct auth_sasl_in *)in)->data, out,
		    err);
	if (v != &auth_handover)
		return err_temp(err, "4.3.2", "no answer");
	assert(strlen(h->state) <= 255);
	handed_over++;
	return 0;
}

static void
login_log(const char *line, size_t n)
{
	assert(memchr(line, '\n', n) == line + n - 1);
}

/* true: the first time, options are to be set */
static inline bool
login_first(const char *hostname)
{
	if (common.hostname != NULL)
		return false;
	log_set_sink(login_log);
	common.hostname = hostname;
	common.run_dir = "/nonexistent";
	return true;
}

/* What a client is answered is lines that end with CRLF, each as judge wants
 * it; it is given away once. */
static inline void
login_session(struct slice said, void (*run)(struct io *, struct peer *),
    void (*judge)(struct slice line))
{
	struct peer peer = { .uid = (uid_t)-1, .addr = "192.0.2.1",
		.id = "session" };
	struct str out = STR_INIT;
	struct slice rest, line = SLICE_NULL;
	struct io io;

	handed_over = 0;
	talk_begin(&io, said);
	run(&io, &peer);
	talk_end(&io, &out);
	assert(handed_over <= 1);
	rest = slice_str(&out);
	while (slice_cut(&rest, '\n', &line) && rest.p != NULL) {
		assert(slice_ends(line, "\r"));
		line.n--;
		assert(memchr(line.p, '\r', line.n) == NULL);
		assert(!slice_has_nul(line));
		judge(line);
	}
	assert(line.n == 0);
	str_free(&out);
}

#endif
