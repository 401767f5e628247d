/*
 * main.c - smtpd: one client at a time, personalities by configuration.
 */
#include <malloc.h>

#include "backend.h"
#include "base/networks.h"
#include "conf/common.h"
#include "ext.h"
#include "serve/limits.h"

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
	if (rules_check(err) < 0)
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
