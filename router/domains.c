/*
 * domains.c - what the table `domains` says about a domain of ours.  There may
 * be no such file: then nothing is said.
 */
#include "map/domains.h"

#include "conf/common.h"
#include "router.h"

void
domains_init(void)
{
	const char *text = common_path(common.conf_dir, "domains");

	/* a table that was lost is trouble, one that never was is not */
	if (strcmp(conf.domains, DOMAINS_DEFAULT) == 0 &&
	    access(text, F_OK) != 0 && errno == ENOENT)
		conf.domains = "";
}

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
