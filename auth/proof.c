/*
 * proof.c - is it the password?  A name that nobody has costs what a wrong
 * password costs: a hash for PLAIN, made-up keys for SCRAM whose salt is
 * always the same for the same name.
 */
#include "auth.h"

#include "base/clock.h"
#include "conf/common.h"
#include "sasl/password.h"

enum { APP_RUNS = 4 };

/* "ann*root": the master root wants to be ann; so does root who names ann as
 * the identity to act as */
static int
find_master(struct login *l)
{
	const char *name = l->sasl.authcid, *sep;
	struct slice whole = slice_of(name);
	size_t at;
	int r;

	/* a certificate or a token is a user's, never a master's */
	if (!masters_on() || (l->sasl.mech != NULL && (l->sasl.mech->flags &
	    (MECH_TOKEN | MECH_CERTIFICATE))))
		return 0;
	sep = conf.master_separator[0] != '\0' ? conf.master_separator : NULL;
	at = sep != NULL ? slice_rfind(whole, sep[0]) : whole.n;
	if (at < whole.n) {
		slice_copy(l->target, sizeof(l->target),
		    slice_sub(whole, 0, at));
		slice_copy(l->name, sizeof(l->name),
		    slice_sub(whole, at + 1, whole.n));
	} else if (l->sasl.authzid[0] != '\0' &&
	    strcmp(l->sasl.authzid, name) != 0) {
		slice_copy(l->target, sizeof(l->target),
		    slice_of(l->sasl.authzid));
		slice_copy(l->name, sizeof(l->name), whole);
	} else {
		return 0;
	}
	r = l->name[0] == '\0' || l->target[0] == '\0' ? 0 :
	    master_find(l->name, &l->master, &l->arena, &l->trouble);
	l->is_master = r == 1;
	return r;
}

int
who_find(struct login *l)
{
	if (l->known)
		return l->found < 0 ? -1 : 0;
	l->known = true;
	l->found = find_master(l);
	if (l->found == 0) {
		l->found = account_find(l->sasl.authcid, &l->acct, &l->arena,
		    &l->trouble);
		if (l->found == 1)
			account_better(&l->acct, &l->arena);
	}
	return l->found < 0 ? -1 : 0;
}

static const struct strlist *
verifiers(const struct login *l)
{
	return l->is_master ? &l->master.pass : &l->acct.record.pass;
}

/* one that is locked locks all */
static bool
is_locked(const struct strlist *pass)
{
	size_t i;

	for (i = 0; i < pass->n; i++)
		if (sasl_password_locked(pass->v[i]))
			return true;
	return pass->n == 0;
}

/* what a password makes by some salts */
struct runs {
	const char *password;
	size_t n;
	struct scram_verifier got[APP_RUNS];
};

static bool
same_salt(const struct scram_verifier *a, const struct scram_verifier *b)
{
	return a->hash == b->hash && a->iterations == b->iterations &&
	    a->salt_len == b->salt_len &&
	    memcmp(a->salt, b->salt, a->salt_len) == 0;
}

/* One run for each salt, of which there is one where we made them; who has
 * more than APP_RUNS does not make a guess that expensive. */
static bool
run_matches(struct runs *r, const struct scram_verifier *v)
{
	struct scram_verifier *got;
	size_t i;

	for (i = 0; i < r->n && !same_salt(&r->got[i], v); i++)
		;
	if (i == APP_RUNS)
		return false;
	got = &r->got[i];
	if (i == r->n) {
		*got = *v;
		if (scram_derive(got, r->password) < 0)
			return false;
		r->n++;
	}
	return same_bytes(got->stored, v->stored, scram_key_len(v->hash));
}

/* app passwords are of 100 bits: no hash that takes its time is needed, but
 * their verifiers are those of SCRAM */
static bool
app_matches(struct login *l, struct slice verifier, struct runs *r)
{
	const char *text = arena_slice(&l->arena, verifier);
	struct scram_verifier v;
	bool right = verified_known(text, r->password);

	if (!right && scram_parse(verifier, &v) == 1) {
		right = run_matches(r, &v);
		if (right)
			verified_add(text, r->password);
		explicit_bzero(&v, sizeof(v));
	}
	explicit_bzero((char *)(uintptr_t)text, strlen(text));
	return right;
}

static bool
judge_apps(struct login *l, const char *password)
{
	const struct strlist *apps = &l->acct.record.app;
	struct runs r = { .password = password };
	struct app_password app;
	bool right = false;
	size_t i;

	for (i = 0; i < apps->n && !right; i++) {
		right = app_parse(apps->v[i], &app) &&
		    app_matches(l, app.verifier, &r);
		if (right)
			slice_copy(l->app, sizeof(l->app), app.id);
	}
	explicit_bzero(&r, sizeof(r));
	return right;
}

/* The first verifier that can tell decides. */
static int
judge_stored(struct login *l, const char *password)
{
	const struct strlist *pass = verifiers(l);
	const char *hash = l->found == 1 && !is_locked(pass) ? pass->v[0] :
	    "";
	int right;

	if (l->found == 1 && hash[0] != '\0' && verified_known(hash, password))
		return 1;
	right = sasl_password_check(hash, password, &l->trouble);
	if (right == 1) {
		verified_add(hash, password);
		if (!l->is_master && conf.upgrade)
			state_upgrade(pass, password);
	}
	return right;
}

const char *
judge(struct login *l)
{
	const char *password = l->sasl.password;
	int right;

	if (who_find(l) < 0)
		return "no answer from the table";
	if (l->found == 1 && l->acct.system)
		right = pam_check(l->acct.key, password, l->service,
		    l->client, &l->trouble);
	else if (l->found == 1 && !l->is_master && judge_apps(l, password))
		right = 1;
	else
		right = judge_stored(l, password);
	if (right < 0)
		return "no answer about the password";
	if (l->found == 0)
		return "unknown user";
	return right ? NULL : "wrong password";
}

/* --- what SCRAM asks for --- */

/* who exists in two spellings would be one who does not in two */
static const char *
shape_name(const struct login *l)
{
	return l->is_master ? l->name : l->acct.key[0] != '\0' ?
	    l->acct.key : l->sasl.authcid;
}

static void
make_up(const struct login *l, enum scram_hash h, struct sasl_keys *keys)
{
	struct scram_verifier *v = &keys->key[0];

	*keys = (struct sasl_keys){ .n = 0, .made_up = true };
	v->hash = h;
	shape_make_up(shape_name(l), v);
	random_bytes(v->stored, sizeof(v->stored));
	random_bytes(v->server, sizeof(v->server));
}

/* one more key, if it is of that hash and has the salt of the first */
static void
add_key(struct sasl_keys *keys, struct slice text, enum scram_hash h)
{
	struct scram_verifier got;

	if (keys->n == SASL_KEYS_MAX || scram_parse(text, &got) != 1 ||
	    got.hash != h)
		return;
	if (keys->n == 0 || same_salt(&got, keys->key))
		keys->key[keys->n++] = got;
	explicit_bzero(&got, sizeof(got));
}

/* the password's own first, then those of the app passwords */
static int
host_scram(struct sasl *s, enum scram_hash h, struct sasl_keys *keys)
{
	struct login *l = s->ctx;
	const struct strlist *pass, *apps;
	struct app_password app;
	size_t i;

	if (who_find(l) < 0)
		return -1;
	/* for who exists, too: it takes its time */
	make_up(l, h, keys);
	pass = verifiers(l);
	apps = &l->acct.record.app;
	if (l->found == 1 && !is_locked(pass))
		for (i = 0; i < pass->n && keys->n == 0; i++)
			add_key(keys, slice_of(pass->v[i]), h);
	for (i = 0; l->found == 1 && !l->is_master && i < apps->n; i++)
		if (app_parse(apps->v[i], &app))
			add_key(keys, app.verifier, h);
	if (keys->n > 0)
		shape_seen(shape_name(l), keys->key);
	keys->made_up = keys->n == 0;
	keys->n = MAX(keys->n, (size_t)1);
	/* whatever is proven then proves nothing */
	keys->made_up |= brute_blocked(l);
	return 0;
}

static int
host_cram(struct sasl *s, unsigned char half[32])
{
	struct login *l = s->ctx;
	const struct strlist *pass;
	size_t i;

	random_bytes(half, 32);
	if (who_find(l) < 0)
		return -1;
	pass = verifiers(l);
	for (i = 0; l->found == 1 && !is_locked(pass) && i < pass->n; i++) {
		if (!conf.allow_plain_storage &&
		    slice_istarts(slice_of(pass->v[i]), "{PLAIN}"))
			continue;
		if (cram_parse(slice_of(pass->v[i]), half) == 1)
			return 1;
	}
	return 0;
}

const struct sasl_host login_host = { host_scram, host_cram, outside_token,
	outside_certificate };
