/*
 * main.c - auth: the only program that reads password hashes.
 */
#include "auth.h"

#include "conf/common.h"
#include "map/map.h"
#include "sasl/password.h"

struct auth_conf conf;
static const struct field fields[] = {
	F_STR(struct auth_conf, users, "cdb:users",
	    "table of accounts with their password hashes"),
	F_TIME(struct auth_conf, failure_delay, "2s", "0s", "1m",
	    "how long the answer to a failed login is held back"),
	F_TIME(struct auth_conf, failure_delay_max, "15s", "0s", "5m",
	    "it is doubled with each failure of a connection up to this"),
	F_INT(struct auth_conf, max_failures, "10", "1", "1000",
	    "failed logins of one connection before all are refused"),
	F_TIME(struct auth_conf, step_timeout, "2m", "1s", "30m",
	    "how long a client may think between two SASL steps"),
	F_TIME(struct auth_conf, handover_timeout, "10s", "100ms", "5m",
	    "how long a session program may take to accept a client"),
	F_TIME(struct auth_conf, cache_time, "1h", "0s", "1d",
	    "how long a password that was right is known without a hash"),
	F_END
};

static int
check(struct err *err)
{
	return map_check(conf.users, err);
}

static int
before_jail(struct err *err)
{
	struct str path = STR_INIT;
	size_t slash;

	map_set_dir(common.conf_dir);
	if (map_path(conf.users, &path, err) < 0)
		return -1;
	/* the directory: the table is replaced, not changed */
	slash = slice_rfind(slice_str(&path), '/');
	if (slash < path.len) {
		str_trunc(&path, MAX(slash, (size_t)1));
		jail_path(path.s, PATH_READ);
	}
	str_free(&path);
	account_init();
	handover_init();
	return 0;
}

/* made before anybody can time it */
static int
start(struct err *err UNUSED)
{
	sasl_dummy_hash();
	return 0;
}

static const struct daemon auth = {
	.name = "auth",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.check = check,
	.before_jail = before_jail,
	.start = start,
	.verbs = auth_serves,
	.conn_open = login_open,
	.conn_close = login_close,
	.idle = login_idle,
	.jail = { .groups = JAIL_FILES | JAIL_UNIX,
		.memory = 1024UL * 1024 * 1024, .files = 256 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &auth);
}
