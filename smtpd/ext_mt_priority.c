/*
 * ext_mt_priority.c - RFC 6710, for users of this host: which of the messages
 * to a destination goes first.
 */
#include "ext.h"

static bool
priority_offered(const struct session *s UNUSED)
{
	return conf.personality == LOCAL;
}

static int
priority_mail(struct session *s, struct txn *t, struct slice value,
    struct err *err)
{
	int64_t wanted;

	if (!priority_offered(s))
		return err_perm(err, "5.5.4", "MT-PRIORITY is not offered");
	if (smtp_priority_parse(value, &wanted, err) < 0)
		return -1;
	t->priority = MIN(wanted, conf.priority_max);
	t->priority_changed = t->priority != wanted;
	return 1;
}

static const struct ext_param params[] = {
	{ "MT-PRIORITY", priority_mail, NULL },
	{ NULL, NULL, NULL }
};

const struct ext ext_mt_priority = {
	.keyword = "MT-PRIORITY",
	.offered = priority_offered,
	.params = params,
};
