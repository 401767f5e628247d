/*
 * main.c - smtpd: one client at a time, personalities by configuration.
 */
#include <malloc.h>

#include "backend.h"
#include "base/networks.h"
#include "conf/common.h"
#include "conf/conf.h"
#include "ext.h"
#include "serve/limits.h"

enum { FILTER_NAMES = 64 };

/* names that smtpd.conf wants and filter.conf has */
struct names {
	bool found[FILTER_NAMES];
};

static int
on_filter(void *ctx, struct slice section, struct slice name UNUSED,
    struct slice value UNUSED, struct err *err UNUSED)
{
	struct names *n = ctx;
	size_t i;

	for (i = 0; i < conf.filters.n; i++)
		if (slice_eqz(section, conf.filters.v[i]))
			n->found[i] = true;
	return 0;
}

/* Mail would wait for a filter that nobody has described. */
static int
check_filters(struct err *err)
{
	const char *path = common_path(common.conf_dir, "filter.conf");
	struct names n = { { false } };
	size_t i;

	if (conf.filters.n > FILTER_NAMES)
		return err_perm(err, "5.3.5", "filters: more than %d",
		    FILTER_NAMES);
	/* where only root may read it, filter's own check has to do */
	if (conf.filters.n == 0 || access(path, R_OK) != 0)
		return 0;
	if (conf_read(path, true, on_filter, &n, err) < 0)
		return -1;
	for (i = 0; i < conf.filters.n; i++)
		if (!n.found[i])
			return err_perm(err, "5.3.5", "filters: filter.conf "
			    "has no section [%s]", conf.filters.v[i]);
	return 0;
}

static int
check(struct err *err)
{
	if (conf.personality == SUBMISSION && !conf.auth)
		return err_perm(err, "5.3.5",
		    "personality = submission needs auth = yes");
	if (networks_check(&conf.trusted_networks, err) < 0) {
		err_prefix(err, "trusted_networks");
		return -1;
	}
	if (networks_check(&conf.xclient_networks, err) < 0) {
		err_prefix(err, "xclient_networks");
		return -1;
	}
	if (networks_check(&conf.xforward_networks, err) < 0) {
		err_prefix(err, "xforward_networks");
		return -1;
	}
	if (networks_check(&conf.reverse_dns_except, err) < 0) {
		err_prefix(err, "reverse_dns_except");
		return -1;
	}
	if (rules_check(err) < 0 || check_filters(err) < 0)
		return -1;
	return ext_check_hide(err);
}

static int
before_jail(struct err *err)
{
	if (rules_jail(err) < 0)
		return -1;
	return conf.personality == LOCAL ? login_load("/etc/passwd", err) : 0;
}

static int
start(struct err *err UNUSED)
{
	backend_init();
	limits_init();
	/* what the configuration and the jail needed: 50 kB a process */
	malloc_trim(0);
	return 0;
}

static const struct daemon smtpd = {
	.name = "smtpd",
	.kind = SERVE_CLIENT,
	.fields = conf_fields,
	.conf = &conf,
	.check = check,
	.before_jail = before_jail,
	.start = start,
	.client = session_run,
	.tls = &conf.tls,
	.tls_service = session_service,
	.idle = session_idle,
	.jail = { .groups = JAIL_UNIX, .memory = 256 << 20, .files = 64 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &smtpd);
}
