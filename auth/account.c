/*
 * account.c - from a name to its account.
 */
#include "auth.h"

#include "conf/common.h"
#include "map/live.h"
#include "smtp/address.h"

static struct map_live users;

void
account_init(void)
{
	map_live_init(&users, conf.users);
}

void
account_wipe(struct account *acct, struct arena *a)
{
	/* the one secret that was copied there */
	if (acct->record.pass != NULL)
		explicit_bzero((char *)(uintptr_t)acct->record.pass,
		    strlen(acct->record.pass));
	arena_free(a);
	memset(acct, 0, sizeof(*acct));
}

/* the full address, or the local part in the default domain: 1, or 0 where
 * nobody can have that name */
static int
make_key(const char *name, struct arena *a, struct str *key)
{
	struct smtp_address addr;
	struct err ignored = ERR_INIT;

	if (smtp_address_parse(slice_of(name), SMTP_ADDR_BARE, a, &addr,
	    &ignored) < 0)
		return 0;
	if (addr.domain.n == 0 && common.domains.n > 0)
		addr.domain = slice_of(common.domains.v[0]);
	if (addr.domain.n == 0)
		return 0;
	smtp_address_key(&addr, key);
	return key->len <= AUTH_NAME_MAX;
}

static int
find(const char *key, struct account *acct, struct arena *a, struct err *err)
{
	struct str value = STR_INIT;
	int r = map_live_get_new(&users, key, &value, err);

	if (r == 1 && user_parse(slice_str(&value), &acct->record, a,
	    err) < 0)
		r = -1;
	if (value.cap > 0)
		explicit_bzero(value.s, value.cap);
	str_free(&value);
	return r;
}

int
account_find(const char *name, struct account *acct, struct arena *a,
    struct err *err)
{
	struct str key = STR_INIT;
	int r = 0;

	memset(acct, 0, sizeof(*acct));
	if (make_key(name, a, &key)) {
		slice_copy(acct->key, sizeof(acct->key), slice_str(&key));
		r = find(acct->key, acct, a, err);
	}
	str_free(&key);
	return r;
}
