/*
 * domains.c - the rows of the `domains` table.
 */
#include "map/domains.h"

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
