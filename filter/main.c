/*
 * main.c - filter(8): milters, rspamd, clamd and SMTP proxies.  One
 * connection, one process: whoever waits for a filter keeps nobody up.
 */
#include "filter.h"

#include "verbs.h"

static int before_jail(struct err *err);

/* its jail is what the filters need */
static struct daemon filter = {
	.name = "filter",
	.kind = SERVE_REQUEST,
	.fields = filter_fields,
	.conf = &defaults,
	.load = filters_load,
	.before_jail = before_jail,
	.verbs = filter_serves,
	.conn_open = conn_open,
	.conn_close = conn_close,
	.conn_busy = conn_busy,
	.jail = { .groups = JAIL_MEMFD, .memory = 512 << 20, .files = 128 },
};

static int
before_jail(struct err *err)
{
	return filters_before_jail(&filter.jail, err);
}

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &filter);
}
