/*
 * ext_smtputf8.c - RFC 6531.  Without the parameter, addresses in MAIL and
 * RCPT are ASCII (cmd_mail.c, cmd_rcpt.c look).
 */
#include "ext.h"

static int
utf8_mail(struct session *s UNUSED, struct txn *t, struct slice value,
    struct err *err)
{
	if (value.p != NULL)
		return err_perm(err, "5.5.4", "SMTPUTF8 takes no value");
	t->utf8 = true;
	return 1;
}

static const struct ext_param params[] = {
	{ "SMTPUTF8", utf8_mail, NULL },
	{ NULL, NULL, NULL }
};

const struct ext ext_smtputf8 = {
	.keyword = "SMTPUTF8",
	.params = params,
};
