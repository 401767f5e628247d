/*
 * main.c - mapd: tables that need a network or a right of their own.
 */
#include "mapd.h"

#include <netdb.h>

struct mapd_conf conf;
static const struct field fields[] = {
	F_LIST(struct mapd_conf, tables,
	    "the tables that may be asked for, type:file"),
	F_END
};

static int before_jail(struct err *err);

/* its jail is what the tables need */
static struct daemon mapd = {
	.name = "mapd",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.check = tables_load,
	.before_jail = before_jail,
	.verbs = mapd_serves,
	.jail = { .memory = 1024UL * 1024 * 1024, .files = 256 },
};

static int
before_jail(struct err *err)
{
	struct addrinfo *r = NULL;

	/* Names are looked up within the deadline of a question, or nearly. */
	setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
	/* loads what nsswitch.conf names; no code can be loaded later */
	if (conf.tables.n > 0 && getaddrinfo("localhost", NULL, NULL, &r) == 0)
		freeaddrinfo(r);
	return tables_before_jail(&mapd.jail, err);
}

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &mapd);
}
