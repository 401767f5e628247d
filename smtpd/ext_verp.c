/*
 * ext_verp.c - XVERP, for clients that may relay: each recipient's copy gets
 * a sender of its own, so that who bounces is known by where it comes to.
 * The keyword and its value, two delimiters, are those of other servers.
 */
#include "ext.h"

#include "smtp/verp.h"

static bool
verp_offered(const struct session *s)
{
	return conf.verp && session_trusted(s);
}

static int
verp_mail(struct session *s, struct txn *t, struct slice value,
    struct err *err)
{
	if (!verp_offered(s))
		return err_perm(err, "5.7.1", "XVERP is not for this client");
	if (value.p == NULL)
		value = SLICE_LIT(SMTP_VERP_DEFAULT);
	if (!smtp_verp_valid(value))
		return err_perm(err, "5.5.4", "XVERP: expected two of -+=");
	t->verp = arena_slice(&t->arena, value);
	return 1;
}

static const struct ext_param params[] = {
	{ "XVERP", verp_mail, NULL },
	{ NULL, NULL, NULL }
};

const struct ext ext_verp = {
	.keyword = "XVERP",
	.offered = verp_offered,
	.params = params,
};
