/*
 * daemon.c - gate: clients before their session.
 */
#include "gate.h"

#include "base/log.h"
#include "conf/common.h"

static const char *path;

static int
before_jail(struct err *err)
{
	const char *dir = common_path(common.spool_dir, "gate");
	struct str name = STR_INIT;

	str_adds(&name, launch.service[0] != '\0' ? launch.service : "gate");
	path = common_path(dir, name.s);
	str_free(&name);
	jail_path(dir, PATH_ALL);
	jail_path(socket_path("dnsd"), PATH_READ);
	map_set_dir(common.conf_dir);
	if (jail_table(conf.allow, err) < 0 || jail_table(conf.deny, err) < 0)
		return -1;
	return send_open(err);
}

static int
start(struct err *err UNUSED)
{
	struct err why = ERR_INIT;

	if (cache_open(path, &why) < 0)
		log_event(LOG_ERROR, "not-saved", KERR(&why), KEND);
	else
		log_event(LOG_INFO, "state-read", KU("clients",
		    cache_entries()), KEND);
	send_start();
	admit_start();
	return 0;
}

static void
drain(void)
{
	client_drain();
	hub_exit();
}

struct daemon gate = {
	.name = "gate", .kind = SERVE_EVENT,
	.fields = conf_fields, .conf = &conf,
	.check = options_check, .before_jail = before_jail, .start = start,
	.run = hub_run, .verbs = gate_serves, .stream = client_new,
	.drain = drain,
	.jail = { .groups = JAIL_EPOLL | JAIL_UNIX | JAIL_FILES |
	    JAIL_WRITE },
};
