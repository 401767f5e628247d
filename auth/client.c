/*
 * client.c - logins at other servers, for smtp: which account, which mechanism,
 * and the answers to the server's challenges.  A connection is one exchange.
 * What must not be sent in the clear does not leave here.
 */
#include "auth.h"

#include "base/log.h"
#include "map/credential.h"
#include "sasl/client.h"

struct client {
	struct sasl_client sasl;
	struct str response;	/* base64; wiped */
	bool token;
};

void
client_free(struct login *l)
{
	if (l->away == NULL)
		return;
	sasl_client_wipe(&l->away->sasl);
	str_wipe(&l->away->response);
	free(l->away);
	l->away = NULL;
}

/* the row for a place: 1, 0, -1.  The file is read anew each time, so nothing
 * of it stays in memory, and what was changed counts at once. */
static int
find(const struct auth_client_in *in, struct credential *cred,
    struct arena *a, bool *by_sender, struct err *err)
{
	const struct credential_place place = { in->nexthop, in->host,
		in->sender };
	struct map *m;
	int r = conf.credentials[0] != '\0' ?
	    credential_file(conf.credentials, err) : 0;

	if (r <= 0)
		return r;
	if (map_open(conf.credentials, &m, err) < 0)
		return -1;
	r = credential_find(m, &place, cred, a, by_sender, err);
	map_close(m);
	return r;
}

static void
take_channel(const struct auth_client_in *in, const struct credential *cred,
    struct sasl_channel *ch)
{
	struct slice rest = slice_of(in->mechs), word;

	offer_channel(&in->ch, ch);
	if (cred->binding == BINDING_NONE ||
	    cred->binding == BINDING_END_POINT)
		ch->exporter_len = 0;
	if (cred->binding == BINDING_NONE ||
	    cred->binding == BINDING_EXPORTER)
		ch->end_point_len = 0;
	ch->plus = false;
	while (slice_word(&rest, &word))
		ch->plus |= slice_ends(word, "-PLUS");
}

static int
check_mechanisms(const struct credential *cred, struct err *err)
{
	size_t i;

	for (i = 0; i < cred->mechanisms.n; i++)
		if (sasl_client_find(slice_of(cred->mechanisms.v[i])) == NULL)
			return err_temp(err, "4.3.5", "credentials: unknown "
			    "mechanism %s", cred->mechanisms.v[i]);
	return 0;
}

static const struct sasl_client_mech *
pick(const struct auth_client_in *in, const struct credential *cred,
    const struct sasl_channel *ch, struct err *err)
{
	const struct sasl_client_wish w = { .offered = in->mechs,
		.allowed = &cred->mechanisms, .token = cred->pass[0] == '\0',
		.clear = cred->plaintext || (in->ch.tls && in->verified),
		.binding = ch->exporter_len > 0 || ch->end_point_len > 0 };
	const struct sasl_client_mech *m;
	const char *why;

	if (check_mechanisms(cred, err) < 0)
		return NULL;
	m = sasl_client_pick(&w, &why);
	if (m == NULL)
		err_temp(err, "4.7.4", "login as %s: %s (offered: %s)",
		    cred->user, why, in->mechs[0] != '\0' ? in->mechs :
		    "nothing");
	return m;
}

static int
take_secret(struct sasl_client *c, const struct credential *cred,
    struct err *err)
{
	struct str token = STR_INIT;
	const char *secret = cred->pass;
	int r = 0;

	if (secret[0] == '\0') {
		r = token_get(cred, &token, err);
		secret = r == 0 ? token.s : "";
	}
	if (r == 0 && (strlen(secret) >= sizeof(c->secret) ||
	    strlen(cred->user) >= sizeof(c->user)))
		r = err_temp(err, "4.3.5", "credentials: %s: too long",
		    cred->user);
	if (r == 0) {
		slice_copy(c->secret, sizeof(c->secret), slice_of(secret));
		slice_copy(c->user, sizeof(c->user), slice_of(cred->user));
	}
	str_wipe(&token);
	return r;
}

/* 0, or -1 */
static int
answered(struct client *cl, int rc, const struct str *raw, struct err *err)
{
	struct sasl_client *c = &cl->sasl;

	if (rc < 0)
		return c->forged ? err_perm(err, "5.7.8", "%s", c->why) :
		    err_temp(err, "4.7.0", "login as %s: %s", c->user, c->why);
	str_wipe(&cl->response);
	str_grow(&cl->response, raw->len * 4 / 3 + 8);
	base64_encode(&cl->response, raw->s, raw->len);
	return 0;
}

static int
first(struct login *l, const struct auth_client_in *in,
    const struct credential *cred, struct err *err)
{
	const struct sasl_client_mech *m;
	struct str raw = STR_INIT;
	struct sasl_channel ch;
	int rc;

	take_channel(in, cred, &ch);
	m = pick(in, cred, &ch, err);
	if (m == NULL)
		return -1;
	l->away = xcalloc(1, sizeof(*l->away));
	l->away->response = (struct str)STR_INIT;
	l->away->token = m->flags & MECH_TOKEN;
	l->away->sasl.mech = m;
	l->away->sasl.channel = ch;
	slice_copy(l->away->sasl.host, sizeof(l->away->sasl.host),
	    slice_of(in->host));
	rc = take_secret(&l->away->sasl, cred, err);
	if (rc == 0)
		rc = answered(l->away, sasl_client_start(&l->away->sasl,
		    &raw), &raw, err);
	str_wipe(&raw);
	return rc;
}

/* the account for the place, if any */
static int
begin(struct login *l, const struct auth_client_in *in,
    struct auth_client_out *out, struct err *err)
{
	struct credential cred = { .user = NULL };
	struct arena a = { 0 };
	int rc = find(in, &cred, &a, &out->by_sender, err);

	out->none = rc == 0;
	if (rc > 0)
		rc = first(l, in, &cred, err);
	credential_wipe(&cred);
	arena_free(&a);
	return rc;
}

static int
next(struct login *l, const struct auth_client_in *in, struct err *err)
{
	struct client *cl = l->away;
	struct str raw = STR_INIT, said = STR_INIT;
	int rc;

	if (!base64_decode(&raw, slice_trim(slice_of(in->challenge))))
		rc = err_temp(err, "4.7.0", "login as %s: a challenge that is "
		    "no base64", cl->sasl.user);
	else
		rc = answered(cl, sasl_client_step(&cl->sasl, slice_str(&raw),
		    &said), &said, err);
	str_free(&raw);
	str_wipe(&said);
	return rc;
}

static void
fill(struct login *l, struct auth_client_out *out)
{
	struct client *cl = l->away;

	out->mech = cl->sasl.mech->name;
	out->user = cl->sasl.user;
	out->has_response = !cl->sasl.silent;
	out->response = cl->response.len > 0 ? cl->response.s : "";
	out->final = cl->sasl.final;
	cl->sasl.silent = false;
}

int
client_verb(struct call *c, const void *vin, void *vout, struct err *err)
{
	const struct auth_client_in *in = vin;
	struct auth_client_out *out = vout;
	struct login *l = c->conn;
	int rc;

	if (l->held || l->done || (l->exchange && l->away == NULL))
		return err_perm(err, "5.5.1", "another exchange is under way");
	login_client(l, c, in->session);
	rc = l->away == NULL ? begin(l, in, out, err) : next(l, in, err);
	if (rc == 0 && l->away != NULL) {
		fill(l, out);
		login_wait(l);
		l->exchange = true;
		request_park(c);
	} else {
		l->exchange = false;
		client_free(l);
	}
	return rc;
}

int
client_end_verb(struct call *c, const void *vin, void *out UNUSED,
    struct err *err UNUSED)
{
	const struct auth_client_end_in *in = vin;
	struct login *l = c->conn;

	if (l->away != NULL && l->away->token && !in->ok && in->refused)
		token_refused(l->away->sasl.secret);
	l->exchange = false;
	client_free(l);
	return 0;
}
