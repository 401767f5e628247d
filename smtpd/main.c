/*
 * main.c - smtpd: one client at a time, personalities by configuration.
 */
#include "backend.h"

static int
before_jail(struct err *err)
{
	return conf.personality == LOCAL ? login_load("/etc/passwd", err) : 0;
}

static int
start(struct err *err UNUSED)
{
	backend_init();
	return 0;
}

static const struct daemon smtpd = {
	.name = "smtpd",
	.kind = SERVE_CLIENT,
	.fields = conf_fields,
	.conf = &conf,
	.before_jail = before_jail,
	.start = start,
	.client = session_run,
	.jail = { .groups = JAIL_UNIX, .memory = 256 << 20, .files = 64 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &smtpd);
}
