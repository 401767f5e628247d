/*
 * domain_ours.c - what a row of `domains` says of mail that comes in is only
 * heard for a domain of ours: one that no list and no class makes ours would be
 * silently without effect.
 */
#include "map/domains.h"

#include "conf/common.h"
#include "conf/conf.h"
#include "map/map.h"

/* the lists of router.conf */
struct lists {
	const char *virtual_domains, *srs_domain;
	struct strlist virtual_alias_domains, relay_domains;
	bool hostname_is_local, srs;
};
static const struct field fields[] = {
	F_STR(struct lists, virtual_domains, "", ""),
	F_LIST(struct lists, virtual_alias_domains, ""),
	F_LIST(struct lists, relay_domains, ""),
	F_BOOL(struct lists, hostname_is_local, "yes", ""),
	F_BOOL(struct lists, srs, "yes", ""),
	F_STR(struct lists, srs_domain, "", ""),
	F_END
};

/* Read once: a table of domains may have very many rows, and whoever compiles
 * it ends soon. */
static struct {
	bool tried, good;
	struct arena a;
	struct lists l;
	struct map *m;		/* NULL: there is no virtual_domains */
} ours;

static void
load(void)
{
	struct err ignored = ERR_INIT;

	if (ours.tried)
		return;
	ours.tried = true;
	if (conf_pick(common_path(common.conf_dir, "router.conf"), fields,
	    &ours.l, &ours.a, &ignored) < 0)
		return;
	map_set_dir(common.conf_dir);
	ours.good = ours.l.virtual_domains[0] == '\0' ||
	    map_open(ours.l.virtual_domains, &ours.m, &ignored) == 0;
}

static bool
relays(struct slice domain)
{
	const char *w;
	size_t i;

	for (i = 0; i < ours.l.relay_domains.n; i++) {
		w = ours.l.relay_domains.v[i];
		if (w[0] == '.' ? slice_iends(domain, w) :
		    slice_ieqz(domain, w))
			return true;
	}
	return false;
}

/* where the table can not be asked now, it may well have it */
static bool
in_table(const char *domain)
{
	struct err ignored = ERR_INIT;
	struct str value = STR_INIT;
	int r;

	if (ours.m == NULL)
		return false;
	r = map_get(ours.m, domain, &value, &ignored);
	str_free(&value);
	return r != 0;
}

static bool
is_ours(struct slice domain, struct arena *a)
{
	const struct lists *l = &ours.l;

	if (strlist_ihas(&common.domains, domain) ||
	    strlist_ihas(&common.system_domains, domain))
		return true;
	load();
	/* router will say what is wrong with its file or its table */
	return !ours.good || strlist_ihas(&l->virtual_alias_domains, domain) ||
	    relays(domain) || (l->srs && slice_ieqz(domain, l->srs_domain)) ||
	    (l->hostname_is_local && slice_ieqz(domain, common.hostname)) ||
	    in_table(arena_slice(a, domain));
}

int
domain_row_check(struct slice domain, const struct domain_record *d,
    struct arena *a, struct err *err)
{
	const char *what = d->relay[0] != '\0' ? "relay" :
	    d->catch_all[0] != '\0' ? "catch_all" : "";

	if (what[0] == '\0' || d->class != 0 || d->alias_of[0] != '\0' ||
	    is_ours(domain, a))
		return 0;
	return err_temp(err, "4.3.5", "%s without a class (class=relay, "
	    "virtual, ...), and no list of common.conf or router.conf has the "
	    "domain: it would not be heard", what);
}
