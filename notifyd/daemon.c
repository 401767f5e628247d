/*
 * daemon.c - notifyd: tells sessions that wait for news which of their folders
 * changed.  In its jail no file can be opened: it sees that names come and go
 * in the directories that subscribers showed it, and nothing else.
 */
#include "notifyd.h"

#include "base/log.h"
#include "proto/notify.h"

struct notifyd_conf conf;

static const struct field fields[] = {
	F_INT(struct notifyd_conf, connections, "20000", "1", "1000000",
	    "subscribers at a time"),
	F_INT(struct notifyd_conf, connection_watches, "2000", "1", "100000",
	    "folders that one subscriber may watch"),
	F_INT(struct notifyd_conf, watches, "100000", "1", "10000000",
	    "folders that are watched in all"),
	F_TIME(struct notifyd_conf, interval, "20ms", "0ms", "1m",
	    "least time between two notices of a folder"),
	F_END
};

static const struct verb verbs[] = {
	{ &notify_watch, sub_watch, PEER_STORE },
	{ &notify_unwatch, sub_unwatch, PEER_STORE },
	{ &notify_wait, sub_wait, PEER_STORE },
	{ 0 }
};

static int
before_jail(struct err *err)
{
	return inotify_open(err) < 0 ? -1 : notices_open(err);
}

static int
start(struct err *err)
{
	if (folder_start(err) < 0 || inotify_start(err) < 0)
		return -1;
	return notices_start(err);
}

enum { OWN_FILES = 128 };	/* besides one a connection */

static int
check(struct err *err UNUSED)
{
	notifyd.jail.files = (uint64_t)conf.connections + OWN_FILES;
	return 0;
}

struct daemon notifyd = {
	.name = "notifyd", .kind = SERVE_EVENT,
	.fields = fields, .conf = &conf,
	.before_jail = before_jail, .start = start, .run = hub_run,
	.verbs = verbs, .conn_open = sub_open, .conn_close = sub_close,
	.jail = { .groups = JAIL_EPOLL },
	.check = check,
};
