/*
 * ext_auth.c - AUTH (RFC 4954).  The mechanisms are auth's; here is only the
 * exchange of lines.  A password is never logged, and is wiped from the
 * buffer that it was copied to.
 */
#include "backend.h"
#include "ext.h"
#include "serve/mechs.h"

static bool
plaintext_allowed(const struct session *s)
{
	return plaintext_may(conf.auth_plaintext, s->peer);
}

static bool
auth_possible(void)
{
	return conf.auth && conf.personality != LOCAL;
}

/* what this client may use now; "" nothing */
static const char *
mechanisms(const struct session *s)
{
	return mechs_offered(s->peer, "smtp", plaintext_allowed(s));
}

bool
auth_needed(const struct session *s)
{
	return conf.personality == SUBMISSION && s->login.len == 0;
}

static bool
auth_offered(const struct session *s)
{
	return auth_possible() && s->login.len == 0 &&
	    !tls_needed(&conf.tls, s->peer) && mechanisms(s)[0] != '\0';
}

static void
auth_args(const struct session *s, struct str *out)
{
	str_addf(out, " %s", mechanisms(s));
}

/* Ask for the next response: 1 it is in *line (until the next read), 0 the
 * client gave up or wrote nonsense (answered), -1 it is lost. */
static int
next_response(struct session *s, const char *challenge, struct str *line)
{
	struct slice in;
	enum io_eol eol;
	bool too_long;
	int r;

	io_printf(s->io, "334 %s\r\n", challenge);
	s->io->cmd_deadline = 0;
	r = io_getline(s->io, SMTP_AUTH_MAX, &in, &eol, &too_long);
	if (r <= 0)
		return -1;
	if (too_long) {
		reply(s, 500, "5.5.6", "line too long");
		return 0;
	}
	if (slice_eqz(in, "*")) {
		reply(s, 501, "5.7.0", "authentication cancelled");
		return 0;
	}
	if (eol != IO_CRLF && !session_normalizes()) {
		reply(s, 550, "5.5.2", "bare LF");
		return 0;
	}
	if (slice_has_nul(in) || !slice_is_ascii(in)) {
		reply(s, 501, "5.5.2", "that is not base64");
		return 0;
	}
	str_reset(line);
	str_addsl(line, in);
	return 1;
}

static enum cmd_result
auth_failed(struct session *s, const struct err *err)
{
	/* RFC 4954 section 6, RFC 7372 (525: the account is disabled) */
	if (err->kind != ERR_PERM)
		reply(s, 454, err->dsn, "%s", err->text);
	else
		reply_err(s, strcmp(err->dsn, "5.7.13") == 0 ? 525 : 535,
		    err);
	if (err->kind == ERR_PERM &&
	    ++s->auth_failures >= conf.auth_failures)
		return session_refuse(s, "auth", "too many failed logins");
	return CMD_BAD;
}

static enum cmd_result
exchange(struct session *s, const char *mech, struct str *data, bool given)
{
	struct auth_sasl_in in = { .mech = mech, .data = data->s,
	    .has_data = given, .service = "smtp",
	    .client_addr = s->peer->addr, .session = s->peer->id,
	    .ch = tls_channel(s->peer) };
	struct auth_out out;
	struct err err = ERR_INIT;
	int steps, r;

	for (steps = 0; steps < 8; steps++) {
		if (backend_auth(&in, &out, &err) < 0)
			return auth_failed(s, &err);
		if (out.done) {
			str_adds(&s->login, out.user);
			s->mech = mech;
			rules_forget(s);
			reply(s, 235, "2.7.0", "authenticated");
			return CMD_OK;
		}
		r = next_response(s, out.challenge, data);
		if (r <= 0)
			return r < 0 ? session_lost(s) : CMD_BAD;
		in.mech = "";
		in.data = data->s;
		in.has_data = true;
	}
	reply(s, 535, "5.7.8", "authentication failed");
	return CMD_BAD;
}

/* 1 the client may try; else answered */
static int
auth_allowed(struct session *s)
{
	if (!auth_possible())
		reply(s, 502, "5.5.1", "authentication is not offered");
	else if (s->login.len > 0)
		reply(s, 503, "5.5.1", "already authenticated");
	else
		return 1;
	return 0;
}

/* RFC 4954 section 4 and 6 */
static enum cmd_result
not_offered(struct session *s)
{
	if (plaintext_allowed(s))
		reply(s, 504, "5.5.4", "unknown mechanism");
	else
		reply(s, 538, "5.7.11", "encryption required for "
		    "authentication");
	return CMD_BAD;
}

static enum cmd_result
cmd_auth(void *session, struct slice args)
{
	struct session *s = session;
	struct slice word, initial = SLICE_NULL;
	struct str data = STR_INIT;
	enum cmd_result r;
	const char *mech;

	if (!auth_allowed(s))
		return CMD_BAD;
	slice_word(&args, &word);
	if (!mechs_has(mechanisms(s), word, &mech))
		return not_offered(s);
	if (slice_word(&args, &initial) && !slice_eqz(initial, "="))
		str_addsl(&data, initial);
	r = exchange(s, mech, &data, initial.p != NULL);
	backend_auth_end();
	io_wipe(s->io);
	explicit_bzero(data.s, data.len);
	str_free(&data);
	return r;
}

/* RFC 4954 section 5: who gave the message to the client; believed by
 * nobody, so checked and forgotten */
static int
auth_mail(struct session *s UNUSED, struct txn *t UNUSED, struct slice value,
    struct err *err)
{
	struct str plain = STR_INIT;
	int r = 1;

	if (!slice_eqz(value, "<>") && (value.n == 0 ||
	    !smtp_xtext_decode(&plain, value)))
		r = err_perm(err, "5.5.4", "malformed AUTH parameter");
	str_free(&plain);
	return r;
}

static const struct ext_param params[] = {
	{ "AUTH", auth_mail, NULL },
	{ NULL, NULL, NULL }
};

static const struct command commands[] = {
	{ "AUTH", 1, 2, ST_IDLE, CMD_SECRET, cmd_auth,
	    "AUTH mechanism [initial-response]" },
	{ NULL, 0, 0, 0, 0, NULL, NULL }
};

const struct ext ext_auth = {
	.keyword = "AUTH",
	.offered = auth_offered,
	.args = auth_args,
	.params = params,
	.commands = commands,
};
