/*
 * filter_names.c - are the filters described that smtpd.conf and its rules
 * name?  Mail would wait for one that filter.conf does not have.
 */
#include "conf/common.h"
#include "conf/conf.h"
#include "filter.h"

struct sections {
	struct arena a;
	struct strlist v;
};

static int
on_section(void *ctx, struct slice section, struct slice name UNUSED,
    struct slice value UNUSED, struct err *err UNUSED)
{
	struct sections *s = ctx;
	char *z = arena_slice(&s->a, section);

	if (!strlist_has(&s->v, z))
		strlist_add(&s->v, &s->a, z);
	return 0;
}

static int
missing(const char *name, struct err *err)
{
	return err_perm(err, "5.3.5", "filter.conf has no section [%.60s]",
	    name);
}

/* its place in our file is that of the option */
static int
on_option(void *ctx, struct slice section UNUSED, struct slice name,
    struct slice value UNUSED, struct err *err)
{
	return slice_eqz(name, "filters") ? missing(ctx, err) : 0;
}

static int
check_option(const struct sections *s, struct err *err)
{
	const char *file = launch.conf[0] != '\0' ? launch.conf :
	    "smtpd.conf";
	size_t i;

	for (i = 0; i < conf.filters.n; i++)
		if (!strlist_has(&s->v, conf.filters.v[i]))
			return conf_read(common_path(common.conf_dir, file),
			    false, on_option, (void *)(uintptr_t)
			    conf.filters.v[i], err) < 0 ? -1 :
			    missing(conf.filters.v[i], err);
	return 0;
}

static int
check_rules(const struct sections *s, const struct strlist *names,
    struct err *err)
{
	size_t i;

	for (i = 0; i + 1 < names->n; i += 2)
		if (!strlist_has(&s->v, names->v[i])) {
			missing(names->v[i], err);
			return err_prefix(err, "%s: filter",
			    names->v[i + 1]);
		}
	return 0;
}

int
filter_names_check(struct policy *const rules[POLICY_STAGES],
    struct err *err)
{
	const char *path = common_path(common.conf_dir, "filter.conf");
	struct sections s = { .v = { 0 } };
	bool any = conf.filters.n > 0;
	size_t i;
	int rc;

	for (i = 0; i < POLICY_STAGES; i++)
		any |= policy_filters(rules[i])->n > 0;
	/* where only root may read it, filter's own check has to do */
	if (!any || access(path, R_OK) != 0)
		return 0;
	rc = conf_read(path, true, on_section, &s, err);
	if (rc == 0)
		rc = check_option(&s, err);
	for (i = 0; i < POLICY_STAGES && rc == 0; i++)
		rc = check_rules(&s, policy_filters(rules[i]), err);
	arena_free(&s.a);
	return rc < 0 ? -1 : 0;
}
