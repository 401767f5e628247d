/*
 * ext_futurerelease.c - RFC 4865: a message that is to be sent later.  For
 * those who may send to anywhere only.
 */
#include "base/clock.h"
#include "ext.h"

static bool
release_offered(const struct session *s UNUSED)
{
	return conf.future_release >= 1000 &&
	    (conf.personality == SUBMISSION || conf.personality == LOCAL);
}

static int64_t
latest(void)
{
	return wall_s() + conf.future_release / 1000;
}

static void
release_args(const struct session *s UNUSED, struct str *out)
{
	struct str date = STR_INIT;

	date_3339(&date, latest() * 1000000);
	/* without the microseconds */
	str_trunc(&date, slice_find(slice_str(&date), '.'));
	str_addf(out, " %lld %sZ", (long long)(conf.future_release / 1000),
	    date.s);
	str_free(&date);
}

static int
set_release(const struct session *s, struct txn *t, int64_t at,
    struct err *err)
{
	if (!release_offered(s))
		return err_perm(err, "5.5.4", "FUTURERELEASE is not offered");
	if (t->release_at != 0)
		return err_perm(err, "5.5.4", "HOLDFOR and HOLDUNTIL exclude "
		    "each other");
	if (at > latest())
		return err_perm(err, "5.5.4", "no message is kept so long: "
		    "the limit is %lld seconds",
		    (long long)(conf.future_release / 1000));
	/* what is past is due, and the other parameter still an error */
	t->release_at = MAX(at, (int64_t)1);
	return 1;
}

static int
holdfor_mail(struct session *s, struct txn *t, struct slice value,
    struct err *err)
{
	int64_t seconds;

	if (smtp_holdfor_parse(value, &seconds, err) < 0)
		return -1;
	return set_release(s, t, wall_s() + seconds, err);
}

static int
holduntil_mail(struct session *s, struct txn *t, struct slice value,
    struct err *err)
{
	int64_t at;

	if (smtp_holduntil_parse(value, &at, err) < 0)
		return -1;
	return set_release(s, t, at, err);
}

static const struct ext_param params[] = {
	{ "HOLDFOR", holdfor_mail, NULL },
	{ "HOLDUNTIL", holduntil_mail, NULL },
	{ NULL, NULL, NULL }
};

const struct ext ext_futurerelease = {
	.keyword = "FUTURERELEASE",
	.offered = release_offered,
	.args = release_args,
	.params = params,
};
