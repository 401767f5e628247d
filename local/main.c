/*
 * main.c - local: options, verbs, jail.
 */
#include <grp.h>
#include <pwd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "local.h"
#include "map/map.h"
#include "proto/agent.h"
#include "store/notice.h"

enum { GATHER_MS = 5 };	/* nobody waits for our answers */

struct local_conf conf;

static const struct field fields[] = {
	F_ENUM(struct local_conf, personality, "virtual", "virtual|system",
	    "whose mailboxes: those below mail_dir, or those of accounts"),
	F_ENUM(struct local_conf, quota_action, "defer", "defer|reject",
	    "what becomes of a message that does not fit"),
	F_LIST_D(struct local_conf, home_dirs, "/home",
	    "system: directories that all homes are below"),
	F_TIME(struct local_conf, child_timeout, "2m", "1s", "1h",
	    "system: how long one delivery may take"),
	F_ENUM(struct local_conf, commands, "pass", "pass|run",
	    "system: commands and files of accounts, by service command or "
	    "here"),
	F_BOOL(struct local_conf, forward, "yes",
	    "system: accounts may forward their mail by ~/.forward"),
	F_LIST(struct local_conf, file_dirs,
	    "system: directories, besides homes, that files may get mail in"),
	F_TIME(struct local_conf, command_timeout, "20m", "1s", "1d",
	    "system: for pipe to run a command of a .forward"),
	F_TIME(struct local_conf, cleanup_timeout, "5m", "1s", "10m",
	    "system: for cleanup to take what is forwarded"),
	F_END
};

static int
quota_verb(struct call *c, const void *in, void *out, struct err *err)
{
	const struct local_quota_in *q = in;
	struct local_quota_out *o = out;
	int r;

	deliver_flush(c);
	if (conf.personality == SYSTEM)
		r = system_quota(q->mailbox, q->quota, &o->used, err);
	else
		r = virtual_quota(q->mailbox, q->quota, &o->used, err);
	o->full = r == 0 && q->quota > 0 && o->used >= q->quota;
	return r;
}

static const struct verb verbs[] = {
	{ &agent_deliver, deliver_verb, PEER_QUEUE },
	{ &local_quota, quota_verb, PEER_MAPS | PEER_QUEUE },
	{ 0 }
};

/* what is known of accounts */
static int
accounts_jail(struct err *err)
{
	jail_path("/etc", PATH_READ);
	if (strcmp(common.system_users, "passwd") == 0)
		return 0;
	return jail_table(common.system_users, err);
}

static int
on_setting(void *found, struct slice section, struct slice name UNUSED,
    struct slice value UNUSED, struct err *err UNUSED)
{
	*(bool *)found |= slice_eqz(section, COMMAND_SERVICE);
	return 0;
}

/* A master.conf that is older than that service: nobody would take what is
 * passed on, so it is done here, as it was. */
static void
commands_here(void)
{
	const char *path = common_path(common.conf_dir, "master.conf");
	bool found = false;
	struct err ignored;

	if (conf.commands != COMMANDS_PASS || access(path, R_OK) != 0 ||
	    conf_read(path, true, on_setting, &found, &ignored) < 0 || found)
		return;
	conf.commands = COMMANDS_RUN;
	log_event(LOG_WARN, "commands-here", KS("missing",
	    "[" COMMAND_SERVICE "] of master.conf"), KEND);
}

static int
before_jail(struct err *err)
{
	size_t i;

	if (conf.personality == VIRTUAL) {
		virtual_jail();
		notice_open();
		return 0;
	}
	map_set_dir(common.conf_dir);
	commands_here();
	if (accounts_jail(err) < 0)
		return -1;
	for (i = 0; i < conf.home_dirs.n; i++)
		jail_path(conf.home_dirs.v[i], PATH_ALL | PATH_LINK);
	for (i = 0; i < conf.file_dirs.n; i++)
		jail_path(conf.file_dirs.v[i], PATH_ALL | PATH_LINK);
	/* loads what the C library needs for it */
	getpwnam("root");
	getgrgid(0);
	return 0;
}

static struct daemon local = {
	.name = "local", .kind = SERVE_REQUEST,
	.fields = fields, .conf = &conf,
	.before_jail = before_jail,
	.verbs = verbs, .idle = deliver_idle, .gather_ms = GATHER_MS,
	.jail = { .groups = JAIL_FILES | JAIL_WRITE, .files = 256 },
};

/* The personality is known only when the configuration is read, which comes
 * before the jail is closed and ids are set. */
static int
check(struct err *err UNUSED)
{
	if (conf.personality == SYSTEM) {
		local.jail.groups |= JAIL_FORK | JAIL_IDS | JAIL_RELOCK |
		    JAIL_UNIX;
		local.keep_root = true;
	} else {
		local.jail.groups |= JAIL_SPREAD;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	local.check = check;
	return serve_main(argc, argv, &local);
}
