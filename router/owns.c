/*
 * owns.c - may a login send as an address?  It may where mail to the address
 * would come to its own mailbox, and where the table `senders` says so.
 */
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
	/* who forwards all of his mail has the address still */
	const struct expand_how how = { .limit = OWNS_TARGETS, .keep = true };
	struct places r = { 0 };
	int rc = expand(addr, &how, a, &r, err);
	bool found = false;
	size_t i;

	for (i = 0; rc == 0 && i < r.n && !found; i++)
		found = same_mailbox(own, &r.v[i]);
	free(r.v);
	return rc < 0 ? -1 : found;
}

/* the look-up keys of an address, its domain made one of ours: 1, 0 it is
 * none, -1 */
static int
keys_of(const char *addr, struct arena *a, struct place_keys *k,
    struct err *err)
{
	struct smtp_address x;

	if (smtp_address_parse(slice_of(addr), SMTP_ADDR_BARE, a, &x,
	    err) < 0 || domain_kind(&x, a, err) < 0)
		return err->kind == ERR_TEMP ? -1 : 0;
	place_keys(&x, a, k);
	return 1;
}

/* is the login in the value of a row? */
static int
is_listed(struct slice value, const char *login, struct arena *a,
    struct err *err)
{
	struct slice rest = value, target;
	struct place_keys k;
	int r;

	while (alias_next(&rest, &target)) {
		if (slice_eqz(target, "*"))
			return 1;
		r = keys_of(arena_slice(a, target), a, &k, err);
		if (r < 0 || (r > 0 && strcmp(k.key[0], login) == 0))
			return r;
	}
	return 0;
}

static int
look_up(const char *key, bool whole, const char *login, struct arena *a,
    struct err *err)
{
	struct str value = STR_INIT;
	int r = whole ? table_get(&senders, key, &value, err) :
	    table_get_part(&senders, key, &value, err);

	if (r > 0)
		r = is_listed(slice_str(&value), login, a, err);
	str_free(&value);
	return r;
}

static int
is_given(const struct place_keys *k, const char *login, struct arena *a,
    struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < k->n && r == 0; i++)
		r = look_up(k->key[i], i == 0, login, a, err);
	if (r == 0)
		r = look_up(k->at_domain, false, login, a, err);
	return r;
}

int
owns(const char *login, const char *addr, struct arena *a, struct err *err)
{
	struct place_keys own, k;
	struct place place;
	int r;

	r = keys_of(login, a, &own, err);
	if (r > 0)
		r = keys_of(addr, a, &k, err);
	if (r <= 0)
		return r;
	if (strcmp(own.key[0], k.key[0]) == 0)
		return 1;
	if (place_find(login, false, a, &place, err) == 1)
		r = reaches(&place, addr, a, err);
	else
		r = err->kind == ERR_TEMP ? -1 : 0;
	return r != 0 ? r : is_given(&k, own.key[0], a, err);
}
