/*
 * daemon.c - limitd: numbers, and nothing else.  One process, since two would
 * count apart.
 */
#include "limitd.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "serve/hub.h"

#include <event2/event.h>

struct limitd_conf conf;

static const struct field fields[] = {
	F_INT(struct limitd_conf, max_keys, "200000", "2000", "20000000",
	    "keys that are known; the coldest go"),
	F_INT(struct limitd_conf, max_values, "1000000", "1000", "100000000",
	    "values that all keys together have seen"),
	F_INT(struct limitd_conf, key_values, "5000", "10", "100000",
	    "values that one key has seen; the oldest go"),
	F_INT(struct limitd_conf, connections, "4000", "100", "100000",
	    "callers at a time"),
	F_TIME(struct limitd_conf, save_interval, "1m", "1s", "1d",
	    "how often the counts are written to the disk"),
	F_END
};

static const char *path;
static int64_t clock_base;

/* wall time at the start, and from then on a clock that nobody sets */
int64_t
now_ms(void)
{
	return clock_base + mono_ms();
}

static void
save(void)
{
	static bool failed;
	struct err err = ERR_INIT;

	if (!table_dirty)
		return;
	if (snapshot_write(path, now_ms(), &err) == 0) {
		failed = false;
	} else if (!failed) {
		failed = true;
		log_event(LOG_ERROR, "not-saved", KERR(&err), KEND);
	}
}

static void
on_tick(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	save();
}

static int
before_jail(struct err *err UNUSED)
{
	const char *dir = common_path(common.spool_dir, "limit");

	path = common_path(common.spool_dir, "limit/state");
	jail_path(dir, PATH_ALL);
	return 0;
}

static int
start(struct err *err)
{
	struct timeval tv = { conf.save_interval / 1000,
		conf.save_interval % 1000 * 1000 };
	struct event *tick = event_new(hub_base, -1, EV_PERSIST, on_tick,
	    NULL);
	struct err why = ERR_INIT;

	if (tick == NULL || event_add(tick, &tv) < 0)
		return err_temp(err, "4.3.0", "no timer");
	clock_base = wall_us() / 1000 - mono_ms();
	random_bytes(table_secret, sizeof(table_secret));
	if (snapshot_read(path, now_ms(), &why) < 0)
		log_event(LOG_WARN, "state-lost", KERR(&why), KEND);
	else
		log_event(LOG_INFO, "state-read", KU("keys", table_count()),
		    KEND);
	return 0;
}

static int
run(const struct daemon *d)
{
	int r = hub_run(d);

	save();
	return r;
}

enum { OWN_FILES = 64 };	/* besides one a connection */

static int
check(struct err *err UNUSED)
{
	limitd.jail.files = (uint64_t)conf.connections + OWN_FILES;
	return 0;
}

struct daemon limitd = {
	.name = "limitd", .kind = SERVE_EVENT,
	.fields = fields, .conf = &conf,
	.check = check, .before_jail = before_jail, .start = start,
	.run = run, .verbs = limitd_serves,
	.jail = { .groups = JAIL_EPOLL | JAIL_FILES | JAIL_WRITE },
};
