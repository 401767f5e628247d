/*
 * domains.c - the rows of the `domains` table.
 */
#include "map/domains.h"

#include "conf/common.h"

#define COUNT_MAX "1000000000"

const struct field domain_fields[] = {
	F_ENUM(struct domain_record, class, "default", DOMAIN_CLASSES,
	    "what kind of domain it is"),
	F_STR(struct domain_record, alias_of, "",
	    "the domain of which it is another name"),
	F_STR(struct domain_record, relay, "",
	    "where mail goes for who is not here"),
	F_STR(struct domain_record, catch_all, "",
	    "who gets the mail of who does not exist"),
	F_BOOL(struct domain_record, disabled, "no",
	    "no mail comes in, nobody logs in"),
	F_INT(struct domain_record, mailboxes, "0", "0", COUNT_MAX,
	    "how many there may be; 0: no limit"),
	F_SIZE(struct domain_record, storage, "0", NULL, NULL,
	    "bytes that all quotas may sum up to; 0: no limit"),
	F_SIZE(struct domain_record, quota, "0", NULL, NULL,
	    "of a mailbox that has none of its own; 0: as common.conf"),
	F_SIZE(struct domain_record, quota_max, "0", NULL, NULL,
	    "that its admins may give to a mailbox; 0: no limit"),
	F_INT(struct domain_record, limit_hour, "0", "0", COUNT_MAX,
	    "recipients an hour of all its accounts; 0: no limit"),
	F_INT(struct domain_record, limit_day, "0", "0", COUNT_MAX,
	    "recipients a day of all its accounts; 0: no limit"),
	F_LIST(struct domain_record, admin,
	    "accounts that may manage its accounts"),
	F_END
};

int
domain_parse(struct slice value, struct domain_record *d, struct arena *a,
    struct err *err)
{
	return record_parse(domain_fields, d, value, a, err);
}

static struct map_live table;

const char *
domains_spec(const char *spec)
{
	const char *text = common_path(common.conf_dir, "domains");

	/* a table that was lost is trouble, one that never was is not */
	return strcmp(spec, DOMAINS_DEFAULT) == 0 && access(text, F_OK) != 0 &&
	    errno == ENOENT ? "" : spec;
}

const char *
domains_open(const char *spec)
{
	spec = domains_spec(spec);
	map_live_init(&table, spec);
	return spec;
}

int
domains_read(struct map_live *t, struct slice domain, struct arena *a,
    struct domain_record *d, struct err *err)
{
	struct str value = STR_INIT;
	int r;

	field_defaults(domain_fields, d, a);
	if (t->spec == NULL || t->spec[0] == '\0')
		return 0;
	r = map_live_get(t, arena_slice(a, domain), &value, err);
	if (r == 1 && domain_parse(slice_str(&value), d, a, err) < 0)
		r = err_prefix(err, "domains: %.*s", (int)domain.n, domain.p);
	str_free(&value);
	return r;
}

int
domains_find(struct slice domain, struct arena *a, struct domain_record *d,
    struct err *err)
{
	return domains_read(&table, domain, a, d, err);
}
