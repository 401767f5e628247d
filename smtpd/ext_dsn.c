/*
 * ext_dsn.c - RFC 3461: what the sender wants to be told.  Checked here and
 * carried as it came (xtext included).
 */
#include "ext.h"

static int
ret_mail(struct session *s UNUSED, struct txn *t, struct slice value,
    struct err *err)
{
	enum smtp_ret ret;

	if (smtp_ret_parse(value, &ret, err) < 0)
		return -1;
	t->ret = ret == SMTP_RET_FULL ? "full" : "hdrs";
	return 1;
}

static int
envid_mail(struct session *s UNUSED, struct txn *t, struct slice value,
    struct err *err)
{
	struct str plain = STR_INIT;
	int r = smtp_envid_parse(value, &plain, err);

	str_free(&plain);
	if (r > 0)
		t->envid = arena_slice(&t->arena, value);
	return r;
}

static int
notify_rcpt(struct session *s UNUSED, struct txn *t, struct rcpt *r,
    struct slice value, struct err *err)
{
	struct str words = STR_INIT;
	unsigned bits;

	if (smtp_notify_parse(value, &bits, err) < 0)
		return -1;
	smtp_notify_print(bits, &words);
	r->notify = arena_slice(&t->arena, slice_str(&words));
	str_free(&words);
	return 1;
}

static int
orcpt_rcpt(struct session *s UNUSED, struct txn *t, struct rcpt *r,
    struct slice value, struct err *err)
{
	struct str plain = STR_INIT;
	int ok = smtp_orcpt_parse(value, &plain, err);

	str_free(&plain);
	if (ok > 0)
		r->orcpt = arena_slice(&t->arena, value);
	return ok;
}

static const struct ext_param params[] = {
	{ "RET", ret_mail, NULL },
	{ "ENVID", envid_mail, NULL },
	{ "NOTIFY", NULL, notify_rcpt },
	{ "ORCPT", NULL, orcpt_rcpt },
	{ NULL, NULL, NULL }
};

const struct ext ext_dsn = {
	.keyword = "DSN",
	.params = params,
};
