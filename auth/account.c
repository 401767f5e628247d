/*
 * account.c - from a name to its account: the first of the tables that knows
 * it, then the host.
 */
#include "auth.h"

#include "conf/common.h"
#include "map/domains.h"
#include "map/live.h"
#include "smtp/address.h"

enum { ALIAS_DOMAINS = 4 };	/* one the name of another */

static struct map_live *tables, masters;

void
account_init(void)
{
	size_t i;

	tables = xcalloc(conf.users.n + 1, sizeof(*tables));
	for (i = 0; i < conf.users.n; i++)
		map_live_init(&tables[i], conf.users.v[i]);
	map_live_init(&masters, conf.masters);
}

static void
wipe_list(const struct strlist *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		explicit_bzero((char *)(uintptr_t)l->v[i], strlen(l->v[i]));
}

void
account_wipe(struct account *acct, struct arena *a)
{
	/* the secrets that were copied there */
	wipe_list(&acct->record.pass);
	wipe_list(&acct->record.app);
	arena_free(a);
	memset(acct, 0, sizeof(*acct));
}

/* the full address, or the local part in the default domain; a domain that is
 * another name of one becomes that.  1, 0 where nobody can have that name, or
 * -1.  *d: the domain's row. */
static int
make_key(const char *name, struct arena *a, struct str *key,
    struct domain_record *d, struct err *err)
{
	struct smtp_address addr;
	struct err ignored = ERR_INIT;
	bool disabled = false;
	int i, r = 1;

	if (smtp_address_parse(slice_of(name), SMTP_ADDR_BARE, a, &addr,
	    &ignored) < 0)
		return 0;
	if (addr.domain.n == 0 && common.domains.n > 0)
		addr.domain = slice_of(common.domains.v[0]);
	if (addr.domain.n == 0)
		return 0;
	for (i = 0; i < ALIAS_DOMAINS; i++) {
		r = domains_find(addr.domain, a, d, err);
		if (r <= 0 || d->alias_of[0] == '\0')
			break;
		disabled |= d->disabled;
		addr.domain = slice_of(d->alias_of);
	}
	d->disabled |= disabled;
	smtp_address_key(&addr, key);
	return r < 0 ? -1 : i < ALIAS_DOMAINS && key->len <= AUTH_NAME_MAX;
}

/* a row of a table, parsed: 1, 0, -1 */
static int
get(struct map_live *t, const char *key, struct account *acct,
    struct arena *a, struct err *err)
{
	struct str value = STR_INIT;
	int r = map_live_get_new(t, key, &value, err);

	if (r == 1 && user_parse(slice_str(&value), &acct->record, a,
	    err) < 0)
		r = err_prefix(err, "%s", key);
	if (value.cap > 0)
		explicit_bzero(value.s, value.cap);
	str_free(&value);
	return r;
}

/* A table that can not be asked ends the search: the account may be there. */
static int
find(const char *key, struct account *acct, struct arena *a, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < conf.users.n && r == 0; i++)
		r = get(&tables[i], key, acct, a, err);
	return r;
}

void
account_better(struct account *acct, struct arena *a)
{
	struct str text = STR_INIT;
	struct slice rest, line;

	if (!conf.upgrade || acct->record.pass.n == 0 ||
	    state_better(&acct->record.pass, &text) != 1)
		return;
	wipe_list(&acct->record.pass);
	acct->record.pass = (struct strlist){ 0 };
	rest = slice_str(&text);
	while (slice_cut(&rest, '\n', &line))
		if (line.n > 0)
			strlist_add(&acct->record.pass, a,
			    arena_slice(a, line));
	explicit_bzero(text.s, text.len);
	str_free(&text);
}

/* LOGIN or LOGIN@SYSTEM-DOMAIN; the account is named by the latter */
static int
find_system(const char *name, struct account *acct, struct arena *a,
    struct err *err)
{
	struct slice s = slice_of(name);
	size_t at = slice_rfind(s, '@');
	const char *login, *domain;
	int r;

	if (!conf.pam || common.system_domains.n == 0)
		return 0;
	if (at < s.n && !strlist_ihas(&common.system_domains,
	    slice_sub(s, at + 1, s.n)))
		return 0;
	domain = at < s.n ? name + at + 1 : common.system_domains.v[0];
	login = arena_slice(a, slice_sub(s, 0, at));
	r = login[0] != '\0' ? pam_find(login, &acct->ids, a, err) : 0;
	if (r != 1)
		return r;
	field_defaults(user_fields, &acct->record, a);
	snprintf(acct->key, sizeof(acct->key), "%s@%s", login, domain);
	acct->system = true;
	return 1;
}

int
account_find(const char *name, struct account *acct, struct arena *a,
    struct err *err)
{
	struct domain_record d;
	struct str key = STR_INIT;
	int r;

	memset(acct, 0, sizeof(*acct));
	r = make_key(name, a, &key, &d, err);
	if (r == 1) {
		slice_copy(acct->key, sizeof(acct->key), slice_str(&key));
		r = find(acct->key, acct, a, err);
	}
	if (r == 1 && d.disabled)
		acct->record.disabled = true;
	if (r == 1 && acct->record.quota == 0)
		acct->record.quota = d.quota;
	str_free(&key);
	return r != 0 ? r : find_system(name, acct, a, err);
}

/* --- master users --- */

static const struct field master_fields[] = {
	{ "pass", FIELD_LIST, FIELD_SECRET, offsetof(struct master, pass), "",
	    0, 0, 0, "verifiers of the password" },
	F_STR(struct master, services, "", "that it may log in to"),
	F_LIST(struct master, users, "addresses and @domains"),
	F_LIST(struct master, networks, "ADDRESS/BITS of clients"),
	F_BOOL(struct master, disabled, "no", "yes: logs in nowhere"),
	F_END
};

bool
masters_on(void)
{
	return conf.masters[0] != '\0' || conf.domain_admins;
}

/* An account that may administer domains; whether it does one is asked when it
 * is known whose (master_may). */
static int
find_admin(const char *name, struct master *m, struct arena *a,
    struct err *err)
{
	struct account acct;
	int r;

	if (!conf.domain_admins)
		return 0;
	r = account_find(name, &acct, a, err);
	if (r != 1 || acct.system || acct.record.app_only)
		return r < 0 ? -1 : 0;
	m->pass = acct.record.pass;
	m->services = acct.record.services;
	m->disabled = acct.record.disabled;
	m->admin = arena_strdup(a, acct.key);
	return 1;
}

/* "ann@example.org", "@example.org" */
int
master_may(const struct master *m, const char *key, struct err *err)
{
	struct slice k = slice_of(key), domain;
	struct arena a = { 0 };
	struct domain_record d;
	size_t i;
	int r;

	domain = slice_sub(k, slice_rfind(k, '@'), k.n);
	if (m->admin[0] != '\0') {
		r = domains_find(slice_sub(domain, 1, domain.n), &a, &d, err);
		if (r == 1)
			r = strlist_ihas(&d.admin, slice_of(m->admin));
		arena_free(&a);
		return r;
	}
	for (i = 0; i < m->users.n; i++)
		if (slice_ieqz(k, m->users.v[i]) ||
		    slice_ieqz(domain, m->users.v[i]))
			return 1;
	return m->users.n == 0;
}

int
master_find(const char *name, struct master *m, struct arena *a,
    struct err *err)
{
	struct str value = STR_INIT;
	int r = 0;

	memset(m, 0, sizeof(*m));
	if (conf.masters[0] != '\0')
		r = map_live_get_new(&masters, name, &value, err);
	if (r == 1 && (record_parse(master_fields, m, slice_str(&value), a,
	    err) < 0 || services_check(m->services, err) < 0))
		r = err_prefix(err, "%s: %s", conf.masters, name);
	if (value.cap > 0)
		explicit_bzero(value.s, value.cap);
	str_free(&value);
	m->admin = "";
	return r != 0 ? r : find_admin(name, m, a, err);
}
