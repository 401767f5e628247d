/*
 * domains.c - what the table `domains` says about a domain of ours.
 */
#include "router.h"

int
domains_get(struct slice domain, struct arena *a, struct domain_record *row,
    struct err *err)
{
	struct str value = STR_INIT;
	int r;

	*row = (struct domain_record){ .alias_of = "", .relay = "",
		.catch_all = "" };
	if (domains.spec[0] == '\0')
		return 0;
	r = table_get(&domains, arena_slice(a, domain), &value, err);
	if (r > 0 && domain_parse(slice_str(&value), row, a, err) < 0) {
		err_prefix(err, "domains: %.*s", (int)domain.n, domain.p);
		r = our_trouble(err);
	}
	str_free(&value);
	return r;
}
