/*
 * ext_size.c - RFC 1870: the limit is announced, and a message that says it
 * is larger is refused before it is sent.
 */
#include "ext.h"

static void
size_args(const struct session *s UNUSED, struct str *out)
{
	str_addc(out, ' ');
	str_addu(out, conf.message_size);
}

static int
size_mail(struct session *s UNUSED, struct txn *t, struct slice value,
    struct err *err)
{
	if (smtp_size_parse(value, &t->size, err) < 0)
		return -1;
	if (t->size > conf.message_size)
		return err_perm(err, "5.3.4", "message too big: the limit is "
		    "%llu bytes", (unsigned long long)conf.message_size);
	return 1;
}

static const struct ext_param params[] = {
	{ "SIZE", size_mail, NULL },
	{ NULL, NULL, NULL }
};

const struct ext ext_size = {
	.keyword = "SIZE",
	.args = size_args,
	.params = params,
};
