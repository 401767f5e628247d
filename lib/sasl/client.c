/*
 * client.c - which mechanism, and what all of them check.  A client that
 * failed answers nothing any more.
 */
#include "sasl/client.h"

enum { FAILED = -1 };

/* strongest first: a bound channel before a better hash, as who sits in
 * between can not use the proof */
static const struct sasl_client_mech mechs[] = {
	{ "SCRAM-SHA-256-PLUS", client_scram, MECH_PLUS, SCRAM_SHA256, false },
	{ "SCRAM-SHA-1-PLUS", client_scram, MECH_PLUS, SCRAM_SHA1, false },
	{ "SCRAM-SHA-256", client_scram, 0, SCRAM_SHA256, false },
	{ "SCRAM-SHA-1", client_scram, 0, SCRAM_SHA1, false },
	{ "OAUTHBEARER", client_oauthbearer, MECH_CLEAR | MECH_TOKEN, 0,
	    false },
	{ "XOAUTH2", client_xoauth2, MECH_CLEAR | MECH_TOKEN, 0, false },
	{ "CRAM-MD5", client_cram_md5, 0, 0, true },
	{ "PLAIN", client_plain, MECH_CLEAR, 0, false },
	{ "LOGIN", client_login, MECH_CLEAR, 0, false },
};

const struct sasl_client_mech *
sasl_client_at(size_t i)
{
	return i < ARRAY_LEN(mechs) ? &mechs[i] : NULL;
}

const struct sasl_client_mech *
sasl_client_find(struct slice name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(mechs); i++)
		if (slice_ieqz(name, mechs[i].name))
			return &mechs[i];
	return NULL;
}

static bool
is_offered(const char *offered, const char *name)
{
	struct slice rest = slice_of(offered), word;

	while (slice_word(&rest, &word))
		if (slice_ieqz(word, name))
			return true;
	return false;
}

const struct sasl_client_mech *
sasl_client_pick(const struct sasl_client_wish *w, const char **why_r)
{
	const struct sasl_client_mech *m;
	size_t i;

	*why_r = "the server offers no mechanism that we may use";
	for (i = 0; i < ARRAY_LEN(mechs); i++) {
		m = &mechs[i];
		if (!is_offered(w->offered, m->name) ||
		    ((m->flags & MECH_TOKEN) != 0) != w->token ||
		    ((m->flags & MECH_PLUS) && !w->binding))
			continue;
		if (w->allowed->n > 0 ? !strlist_ihas(w->allowed,
		    slice_of(m->name)) : m->asked)
			continue;
		if (!(m->flags & MECH_CLEAR) || w->clear)
			return m;
		*why_r = "the server wants the secret itself, and gets it only "
		    "under TLS with a certificate that was verified";
	}
	return NULL;
}

int
sasl_client_fail(struct sasl_client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return -1;
}

void
sasl_client_name(const char *name, struct str *out)
{
	for (; *name != '\0'; name++)
		if (*name == ',')
			str_adds(out, "=2C");
		else if (*name == '=')
			str_adds(out, "=3D");
		else
			str_addc(out, *name);
}

static int
run(struct sasl_client *c, struct slice challenge, struct str *response)
{
	if (c->state == FAILED)
		return sasl_client_fail(c, "the exchange is over");
	if (challenge.n > SASL_CHALLENGE_MAX)
		sasl_client_fail(c, "a challenge of over %d octets",
		    SASL_CHALLENGE_MAX);
	else if (c->mech->step(c, challenge, response) == 0)
		return 0;
	c->state = FAILED;
	c->final = false;
	explicit_bzero(c->secret, sizeof(c->secret));
	return -1;
}

int
sasl_client_start(struct sasl_client *c, struct str *response)
{
	c->state = 0;
	if (c->message.cap == 0)
		c->message = (struct str)STR_INIT;
	c->silent = c->final = c->forged = false;
	if (c->user[0] == '\0' || c->secret[0] == '\0')
		return sasl_client_fail(c, "no user or no secret");
	return run(c, SLICE_NULL, response);
}

int
sasl_client_step(struct sasl_client *c, struct slice challenge,
    struct str *response)
{
	if (challenge.p == NULL)
		challenge.p = "";
	return run(c, challenge, response);
}

void
sasl_client_wipe(struct sasl_client *c)
{
	if (c->message.cap > 0)
		explicit_bzero(c->message.s, c->message.cap);
	str_free(&c->message);
	explicit_bzero(c, sizeof(*c));
}
