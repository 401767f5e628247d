/*
 * verbs.c - the life of a connection: tries, until one is right, then at most
 * one hand-over.  What a peer asks out of turn costs it only its own answer.
 */
#include "auth.h"

#include "base/log.h"

/* wipe what a field of the received message holds: records borrow it */
static void
wipe(const char *secret)
{
	explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
}

/* s= of the client's session program: only what an id may hold */
static void
take_session(struct login *l, const char *id)
{
	struct slice s = slice_of(id);
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!ascii_isalnum((unsigned char)s.p[i]))
			s.n = 0;
	slice_copy(l->session, sizeof(l->session), s);
}

static void
take_facts(struct call *c, const char *service, const char *client,
    const char *session, const struct auth_channel *ch)
{
	struct login *l = c->conn;

	l->sock = c->sock;
	l->ch = *ch;
	slice_copy(l->service, sizeof(l->service), slice_of(service));
	slice_copy(l->client, sizeof(l->client), slice_of(client));
	take_session(l, session);
	log_set_session(l->session);
}

void
login_client(struct login *l, const struct call *c, const char *session)
{
	l->sock = c->sock;
	slice_copy(l->service, sizeof(l->service), SLICE_LIT("client"));
	take_session(l, session);
	log_set_session(l->session);
}

static bool
out_of_turn(const struct login *l, struct err *err)
{
	if (l->held)
		err_perm(err, "5.5.1", "an answer is awaited");
	else if (l->done)
		err_perm(err, "5.5.1", "already authenticated");
	else if (l->away != NULL)
		err_perm(err, "5.5.1", "another exchange is under way");
	return l->held || l->done || l->away != NULL;
}

/* a new try: nothing is left of the one before */
static void
begin(struct login *l)
{
	struct sasl_channel ch;

	login_reset(l);
	offer_channel(&l->ch, &ch);
	sasl_set(&l->sasl, &login_host, l, &ch);
}

static int
malformed(struct login *l, struct err *err, const char *why)
{
	login_reset(l);
	return err_perm(err, "5.5.4", "%s", why);
}

/* 1 go on with *result, -1 err */
static int
step(struct login *l, const struct auth_sasl_in *in, struct slice data,
    struct str *challenge, enum sasl_result *result, struct err *err)
{
	const struct sasl_mech *mech;

	if (in->mech[0] != '\0') {
		mech = sasl_mech_any(slice_of(in->mech));
		/* whether passwords may go in the clear is the peer's to say,
		 * and it has */
		if (mech == NULL || !offered(mech, &in->ch, true))
			return malformed(l, err, "unknown mechanism");
		begin(l);
		*result = sasl_start(&l->sasl, mech,
		    in->has_data ? &data : NULL, challenge);
		return 1;
	}
	if (!l->exchange)
		return malformed(l, err, "no exchange is under way");
	*result = sasl_step(&l->sasl, data, challenge);
	return 1;
}

static int
conclude(struct login *l, enum sasl_result result, struct err *err)
{
	struct sasl *s = &l->sasl;
	const char *mech = s->mech->name;
	int rc;

	if (result == SASL_DONE)
		rc = login_check(l, mech, err);
	else
		rc = login_refuse(l, mech, s->why, err);
	login_reset(l);
	return rc;
}

static int
run_step(struct call *c, const struct auth_sasl_in *in, struct slice data,
    struct auth_out *out, struct err *err)
{
	struct login *l = c->conn;
	enum sasl_result result = SASL_FAIL;
	struct str challenge = STR_INIT, text = STR_INIT;

	if (step(l, in, data, &challenge, &result, err) < 0)
		return -1;
	l->exchange = result == SASL_MORE;
	if (result == SASL_MORE) {
		base64_encode(&text, challenge.s, challenge.len);
		out->challenge = arena_slice(c->arena, slice_str(&text));
		login_wait(l);
		request_park(c);
	}
	str_free(&challenge);
	str_free(&text);
	if (result == SASL_MORE)
		return 0;
	return login_answer(l, c, conclude(l, result, err), out, err);
}

static int
do_sasl(struct call *c, const void *vin, void *out, struct err *err)
{
	const struct auth_sasl_in *in = vin;
	struct login *l = c->conn;
	struct str data = STR_INIT;
	int rc;

	if (out_of_turn(l, err)) {
		wipe(in->data);
		return -1;
	}
	take_facts(c, in->service, in->client_addr, in->session, &in->ch);
	if (!base64_decode(&data, slice_of(in->data)))
		rc = malformed(l, err, "malformed base64");
	else
		rc = run_step(c, in, slice_str(&data), out, err);
	l->ch = (struct auth_channel){ false, "", "", "", "" };
	wipe(in->data);
	if (data.cap > 0)
		explicit_bzero(data.s, data.cap);
	str_free(&data);
	return rc;
}

static int
do_pass(struct call *c, const void *vin, void *out, struct err *err)
{
	const struct auth_pass_in *in = vin;
	struct login *l = c->conn;
	struct sasl *s = &l->sasl;
	int rc;

	if (out_of_turn(l, err)) {
		wipe(in->pass);
		return -1;
	}
	if (!offered_by_name()) {
		wipe(in->pass);
		return malformed(l, err, "passwords are not taken so");
	}
	take_facts(c, in->service, in->client_addr, in->session, &in->ch);
	begin(l);
	if (in->user[0] == '\0' ||
	    sasl_take_name(s, s->authcid, slice_of(in->user)) < 0)
		rc = login_refuse(l, "PASS", s->why ? s->why : "empty name",
		    err);
	else if (sasl_take_password(s, slice_of(in->pass)) < 0)
		rc = login_refuse(l, "PASS", s->why, err);
	else
		rc = login_check(l, "PASS", err);
	l->ch = (struct auth_channel){ false, "", "", "", "" };
	wipe(in->pass);
	login_reset(l);
	return login_answer(l, c, rc, out, err);
}

static int
do_handover(struct call *c, const void *vin, void *out UNUSED,
    struct err *err)
{
	const struct auth_handover_in *in = vin;
	struct login *l = c->conn;

	/* the auth that it was with may have died */
	if (!l->done || l->held)
		return err_temp(err, "4.7.0", "not authenticated");
	if (l->gone)
		return err_perm(err, "5.5.1", "already handed over");
	if (handover_path(in->service) == NULL)
		return err_perm(err, "5.5.4", "no such service: %s",
		    in->service);
	if (strcmp(in->service, l->service) != 0)
		return err_perm(err, "5.5.4", "logged in for %s, not for %s",
		    l->service, in->service);
	return handover(l, in, c->fd, err);
}

static int
do_mechs(struct call *c, const void *vin, void *vout, struct err *err UNUSED)
{
	struct auth_mechs_out *out = vout;
	struct str s = STR_INIT;

	offer_list(vin, &s);
	out->mechs = arena_strdup(c->arena, s.len > 0 ? s.s : "");
	str_free(&s);
	return 0;
}

const struct verb auth_serves[] = {
	{ &auth_mechs, do_mechs, PEER_NET },
	{ &auth_sasl, do_sasl, PEER_NET },
	{ &auth_pass, do_pass, PEER_NET },
	{ &auth_handover, do_handover, PEER_NET },
	{ &auth_client, client_verb, PEER_OUT },
	{ &auth_client_end, client_end_verb, PEER_OUT },
	{ NULL, NULL, 0 }
};
