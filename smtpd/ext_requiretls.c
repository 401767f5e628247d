/*
 * ext_requiretls.c - RFC 8689: the message goes on over verified TLS only, or
 * comes back.  Who asks for that must have come over TLS itself.
 */
#include "ext.h"

static bool
requiretls_offered(const struct session *s)
{
	return s->peer->tls;
}

static int
requiretls_mail(struct session *s, struct txn *t, struct slice value,
    struct err *err)
{
	if (!requiretls_offered(s))
		return err_perm(err, "5.7.10", "REQUIRETLS needs TLS");
	if (value.p != NULL)
		return err_perm(err, "5.5.4", "REQUIRETLS has no value");
	t->requiretls = true;
	return 1;
}

static const struct ext_param params[] = {
	{ "REQUIRETLS", requiretls_mail, NULL },
	{ NULL, NULL, NULL }
};

const struct ext ext_requiretls = {
	.keyword = "REQUIRETLS",
	.offered = requiretls_offered,
	.params = params,
};
