/*
 * notify.c - who gets a report: the sender, unless there were too many for
 * him, and for some kinds of trouble the postmaster.
 */
#include "base/log.h"
#include "bounce.h"
#include "serve/limits.h"

static const char *const classes[] = { "bounce", "2bounce", "delay",
	"resource", "protocol", NULL };

int
notify_check(struct err *err)
{
	size_t i, k;

	for (i = 0; i < conf.notify_classes.n; i++) {
		for (k = 0; classes[k] != NULL; k++)
			if (strcmp(conf.notify_classes.v[i], classes[k]) == 0)
				break;
		if (classes[k] == NULL)
			return err_perm(err, "5.3.5", "notify_classes: "
			    "expected bounce, 2bounce, delay, resource or "
			    "protocol, found %s", conf.notify_classes.v[i]);
	}
	return 0;
}

/* X.3.x: a system's resources; X.5.x: a protocol (RFC 3463 section 2) */
static bool
about(const struct bounce_report_in *in, char subject)
{
	size_t i;

	for (i = 0; i < in->dsn.n; i++)
		if (strlen(in->dsn.v[i]) > 2 && in->dsn.v[i][2] == subject)
			return true;
	return false;
}

bool
notify_postmaster(const struct bounce_report_in *in)
{
	const struct strlist *l = &conf.notify_classes;

	if (in->kind == BOUNCE_SUCCESS || in->sender[0] == '\0')
		return false;
	return (in->kind == BOUNCE_FAILURE && strlist_has(l, "bounce")) ||
	    (in->kind == BOUNCE_DELAY && strlist_has(l, "delay")) ||
	    (about(in, '3') && strlist_has(l, "resource")) ||
	    (about(in, '5') && strlist_has(l, "protocol"));
}

/* Mail that only looks as if it came from there makes no flood of reports:
 * one that is too much is dropped, and that is said. */
bool
notify_allowed(const struct bounce_report_in *in, struct arena *a)
{
	struct limit_hit_in hit = { .key = { 0 } };
	struct limit_hit_out out;
	struct limits_rate rate;
	struct err err;

	if (limits_parse(conf.report_limit, &rate, &err) < 0 ||
	    rate.count == 0)
		return true;
	limits_add(&hit, a, arena_printf(a, "report %.280s", in->sender),
	    conf.report_limit, 1);
	return limits_hit(&hit, &out) != 0;
}
