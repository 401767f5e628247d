/*
 * grant.c - somebody has proven who he is: is that enough for this account and
 * this service?
 */
#include "auth.h"

#include "smtp/address.h"

static const char *
take(struct login *l, const struct account *acct)
{
	slice_copy(l->user, sizeof(l->user), slice_of(acct->key));
	return NULL;
}

/* the key of the app password that proved it, where it was SCRAM */
static void
find_app(struct login *l)
{
	const struct strlist *apps = &l->acct.record.app;
	const struct sasl_keys *keys = &l->sasl.scram.keys;
	struct app_password app;
	struct scram_verifier v;
	size_t i;

	if (l->app[0] != '\0' || l->sasl.key >= keys->n)
		return;
	for (i = 0; i < apps->n; i++)
		if (app_parse(apps->v[i], &app) &&
		    scram_parse(app.verifier, &v) == 1 &&
		    same_bytes(v.stored, keys->key[l->sasl.key].stored,
		    scram_key_len(v.hash)))
			slice_copy(l->app, sizeof(l->app), app.id);
}

static const char *
check_app(struct login *l, bool by_password)
{
	const struct strlist *apps = &l->acct.record.app;
	struct app_password app;
	size_t i;

	if (by_password)
		find_app(l);
	if (l->app[0] == '\0')
		return by_password && l->acct.record.app_only ?
		    "only app passwords log in to this account" : NULL;
	for (i = 0; i < apps->n; i++)
		if (app_parse(apps->v[i], &app) &&
		    slice_eqz(app.id, l->app) &&
		    service_in(arena_slice(&l->arena, app.services),
		    l->service)) {
			state_used(l->acct.key, l->app, l->client);
			return NULL;
		}
	return "an app password for other services";
}

/* may it be used at all? */
static const char *
check_account(const struct login *l, const struct account *acct,
    const char **told)
{
	if (acct->record.disabled)
		return *told = "account disabled";
	if (!service_in(acct->record.services, l->service))
		return *told = "this account may not use this service";
	return NULL;
}

static const char *
grant_master(struct login *l, const char **told)
{
	const char *why = NULL;
	struct arena a = { 0 };
	struct account acct;
	int r;

	if (l->master.disabled)
		return "a disabled master user";
	if (!service_in(l->master.services, l->service))
		return "a master user of other services";
	if (l->master.networks.n > 0 &&
	    !client_in(l->client, &l->master.networks))
		return "a master user of other networks";
	r = account_find(l->target, &acct, &a, &l->trouble);
	if (r <= 0)
		why = r < 0 ? "no answer from the table" :
		    "a master user's account that is not there";
	else if ((r = master_may(&l->master, acct.key, &l->trouble)) <= 0)
		why = r < 0 ? "no answer from the table" :
		    "a master user of other accounts";
	else
		why = check_account(l, &acct, told);
	if (why == NULL) {
		why = take(l, &acct);
		slice_copy(l->by, sizeof(l->by), slice_of(l->name));
	}
	account_wipe(&acct, &a);
	return why;
}

/* an identity to act as that is one's own, in another spelling */
static int
is_self(struct login *l)
{
	const char *authzid = l->sasl.authzid;
	struct arena a = { 0 };
	struct account acct;
	int r;

	if (authzid[0] == '\0' || strcmp(authzid, l->sasl.authcid) == 0)
		return 1;
	r = account_find(authzid, &acct, &a, &l->trouble);
	if (r == 1)
		r = strcmp(acct.key, l->acct.key) == 0;
	account_wipe(&acct, &a);
	return r;
}

const char *
grant(struct login *l, bool by_password, const char **told)
{
	const char *why;
	int r;

	if (who_find(l) < 0)
		return "no answer from the table";
	if (l->found != 1)
		return "unknown user";
	if (l->is_master)
		return grant_master(l, told);
	r = is_self(l);
	if (r != 1)
		return r < 0 ? "no answer from the table" :
		    "authorization as another user";
	why = check_app(l, by_password);
	if (why == NULL)
		why = check_account(l, &l->acct, told);
	return why != NULL ? why : take(l, &l->acct);
}
