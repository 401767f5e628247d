/*
 * owns.c - may a login send as an address?  It may where mail to the address
 * would come to its own mailbox, and where the table `senders` says so.
 */
#include "conf/common.h"
#include "map/alias.h"
#include "router.h"

/* so many names of an alias are looked at for one answer */
enum { OWNS_TARGETS = 1000 };

static bool
same_mailbox(const struct place *own, const struct router_route_more *r)
{
	/* DOMAIN/LOCALPART or a login: these are never the same */
	return !r->failed && own->mailbox[0] != '\0' &&
	    strcmp(r->mailbox, own->mailbox) == 0;
}

/* would it come to the login's mailbox? */
static int
reaches(const struct place *own, const char *addr, struct arena *a,
    struct err *err)
{
	struct places r = { 0 };
	int rc = expand(addr, NULL, a, OWNS_TARGETS, &r, err);
	bool found = false;
	size_t i;

	for (i = 0; rc == 0 && i < r.n && !found; i++)
		found = same_mailbox(own, &r.v[i]);
	free(r.v);
	return rc < 0 ? -1 : found;
}

/* the look-up key of an address, its domain made one of ours; extended: the
 * extension is left out */
static int
key_of(const char *addr, bool extended, struct arena *a, const char **key_r,
    struct err *err)
{
	struct smtp_address x;
	struct slice ext;
	struct str key = STR_INIT;

	if (smtp_address_parse(slice_of(addr), SMTP_ADDR_BARE, a, &x,
	    err) < 0 || domain_kind(&x, a, err) < 0)
		return err->kind == ERR_TEMP ? -1 : 0;
	if (extended && !smtp_local_split(x.local,
	    common.recipient_delimiter, &x.local, &ext))
		return 0;
	smtp_address_key(&x, &key);
	*key_r = arena_slice(a, slice_str(&key));
	str_free(&key);
	return 1;
}

/* is the login in the value of a row? */
static int
is_listed(struct slice value, const char *login, struct arena *a,
    struct err *err)
{
	struct slice rest = value, target;
	const char *key;
	int r;

	while (alias_next(&rest, &target)) {
		if (slice_eqz(target, "*"))
			return 1;
		r = key_of(arena_slice(a, target), false, a, &key, err);
		if (r < 0 || (r > 0 && strcmp(key, login) == 0))
			return r;
	}
	return 0;
}

static int
look_up(const char *key, const char *login, struct arena *a, struct err *err)
{
	struct str value = STR_INIT;
	int r = table_get(&senders, key, &value, err);

	if (r > 0)
		r = is_listed(slice_str(&value), login, a, err);
	str_free(&value);
	return r;
}

static int
is_given(const char *addr, const char *login, struct arena *a,
    struct err *err)
{
	const char *key = NULL, *domain;
	int r, i;

	if (conf.senders[0] == '\0')
		return 0;
	for (i = 0; i < 2; i++) {
		r = key_of(addr, i == 1, a, &key, err);
		if (r > 0)
			r = look_up(key, login, a, err);
		if (r != 0)
			return r;
	}
	domain = key != NULL ? strrchr(key, '@') : NULL;
	return domain != NULL ? look_up(domain, login, a, err) : 0;
}

int
owns(const char *login, const char *addr, struct arena *a, struct err *err)
{
	const char *own, *key;
	struct place place;
	int r;

	r = key_of(login, false, a, &own, err);
	if (r > 0)
		r = key_of(addr, false, a, &key, err);
	if (r <= 0)
		return r;
	if (strcmp(own, key) == 0)
		return 1;
	if (place_find(login, a, &place, err) == 1)
		r = reaches(&place, addr, a, err);
	else
		r = err->kind == ERR_TEMP ? -1 : 0;
	return r != 0 ? r : is_given(addr, own, a, err);
}
