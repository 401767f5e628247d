/*
 * cleanup - the only creator of queue files.  See cleanup.8.
 */
#include <sys/stat.h>

#include "base/clock.h"
#include "base/field.h"
#include "checks.h"
#include "cleanup.h"
#include "conf/common.h"
#include "serve/serve.h"

struct cleanup_conf conf;

const struct field conf_fields[] = {
	F_SIZE(struct cleanup_conf, min_free_space, "64M", "0", "1P",
	    "below this much free disk space no mail is taken"),
	F_INT(struct cleanup_conf, min_free_inodes, "1000", "0",
	    "1000000000", "the same for free inodes"),
	F_INT(struct cleanup_conf, recipient_limit, "50000", "1", "1000000",
	    "recipients of one message, before and after aliases"),
	F_INT(struct cleanup_conf, hop_limit, "50", "1", "1000",
	    "Received fields from which on a message is in a loop"),
	F_SIZE(struct cleanup_conf, header_limit, "256K", "16K", "16M",
	    "bytes of a header"),
	F_INT(struct cleanup_conf, header_fields, "1000", "20", "5000",
	    "fields of a header"),
	F_TIME(struct cleanup_conf, service_timeout, "30s", "1s", "10m",
	    "how long to wait for router"),
	F_TIME(struct cleanup_conf, qmgr_timeout, "1m", "1s", "10m",
	    "how long to wait for qmgr"),
	F_SIZE(struct cleanup_conf, sync_above, "64K", "0", "16M",
	    "content up to this size goes into qmgr's journal, unsynced"),
	F_BOOL(struct cleanup_conf, other_authors, "no",
	    "From may name others beside the login, if Sender is the login's"),
	F_SIZE(struct cleanup_conf, body_limit, "128M", "1K", "1T",
	    "of a body that a filter puts in the place of another"),
	F_BOOL(struct cleanup_conf, keep_bcc, "no",
	    "Bcc stays in the header of what is submitted"),
	F_BOOL(struct cleanup_conf, complete_addresses, "yes",
	    "names without a domain get ours, in the header of mail of ours"),
	F_STR(struct cleanup_conf, header_checks, "",
	    "table asked for each field of a header"),
	F_STR(struct cleanup_conf, mime_header_checks, "",
	    "the same for MIME fields and headers of parts"),
	F_STR(struct cleanup_conf, nested_header_checks, "",
	    "the same for headers of messages in the message"),
	F_STR(struct cleanup_conf, body_checks, "",
	    "table asked for each line of a body"),
	F_SIZE(struct cleanup_conf, body_checks_size, "50K", "0", "1G",
	    "of the body of each part that is looked at"),
	F_TIME(struct cleanup_conf, checks_time, "3s", "10ms", "1m",
	    "how long the checks of one message may take"),
	F_END
};

static int
before_jail(struct err *err)
{
	struct str s = STR_INIT;

	/* modes are given in full: the group of the queue reads content */
	umask(0);
	/* the time zone is read once, while /etc can be seen */
	date_5322(&s, wall_s());
	str_free(&s);
	route_init();
	owner_init();
	addresses_init();
	enqueue_init();
	checks_init();
	if (checks_open(err) < 0)
		return -1;
	return spool_open(err);
}

static const struct daemon cleanup = {
	.name = "cleanup",
	.kind = SERVE_REQUEST,
	.fields = conf_fields,
	.conf = &conf,
	.check = checks_check,
	.check_rows = checks_rows,
	.before_jail = before_jail,
	.verbs = verbs,
	.conn_open = conn_open,
	.conn_close = conn_close,
	.conn_busy = conn_busy,
	.idle = batch_run,
	.jail = { .groups = JAIL_FILES | JAIL_WRITE | JAIL_UNIX |
	    JAIL_CHMOD | JAIL_MEMFD, .memory = 2ULL << 30, .files = 8192 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &cleanup);
}
