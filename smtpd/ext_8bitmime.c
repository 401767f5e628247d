/*
 * ext_8bitmime.c - RFC 6152.  Content is 8-bit clean anyway; the parameter is
 * carried for a next hop that is not.
 */
#include "ext.h"

static int
body_mail(struct session *s UNUSED, struct txn *t, struct slice value,
    struct err *err)
{
	enum smtp_body body;

	if (smtp_body_parse(value, &body, err) < 0)
		return -1;
	/* RFC 3030 section 3: only with an extension that we have not */
	if (body == SMTP_BODY_BINARYMIME)
		return err_perm(err, "5.5.4", "BINARYMIME is not offered");
	t->body8 = body == SMTP_BODY_8BITMIME;
	return 1;
}

static const struct ext_param params[] = {
	{ "BODY", body_mail, NULL },
	{ NULL, NULL, NULL }
};

const struct ext ext_8bitmime = {
	.keyword = "8BITMIME",
	.params = params,
};
