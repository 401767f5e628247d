/*
 * main.c - router: where does an address go?
 */
#include "router.h"

#include <pwd.h>

#include "conf/common.h"
#include "srs.h"

struct router_conf conf;
static const struct field fields[] = {
	F_STR(struct router_conf, mailboxes, "cdb:mailboxes",
	    "table of virtual mailboxes"),
	F_STR(struct router_conf, aliases, "cdb:aliases",
	    "table of aliases; empty: none"),
	F_LIST(struct router_conf, further_mailboxes,
	    "tables that are asked, in order, where mailboxes has no row"),
	F_LIST(struct router_conf, further_aliases,
	    "tables that are asked, in order, where aliases has no row"),
	F_STR(struct router_conf, virtual_domains, "",
	    "table of further domains of virtual mailboxes; empty: none"),
	F_STR(struct router_conf, senders, "",
	    "table of who may send as which addresses; empty: none"),
	F_LIST(struct router_conf, relay_domains,
	    "domains of others that anybody may send to through us"),
	F_STR(struct router_conf, relay_recipients, "",
	    "table of the addresses there; empty: all are taken"),
	F_STR(struct router_conf, transport, "",
	    "table of agents and next hops by recipient; empty: none"),
	F_STR(struct router_conf, sender_relayhost, "",
	    "table of next hops by sender; empty: none"),
	F_STR(struct router_conf, relayhost, "",
	    "next hop of all mail that leaves; empty: that of its domain"),
	F_BOOL(struct router_conf, hostname_is_local, "yes",
	    "the host name is another name of the default domain"),
	F_BOOL(struct router_conf, srs, "yes",
	    "senders of mail that is forwarded out are rewritten"),
	F_STR(struct router_conf, srs_domain, "",
	    "their domain; empty: the default domain"),
	F_TIME(struct router_conf, srs_max_age, "21d", "1d", "1000d",
	    "how long such a sender is good for"),
	F_INT(struct router_conf, alias_depth, "10", "1", "50",
	    "aliases within aliases"),
	F_INT(struct router_conf, alias_targets, "10000", "1", "1000000",
	    "addresses that one address may lead to, aliases included"),
	F_ENUM(struct router_conf, over_quota, "reject", OVER_QUOTA,
	    "what a recipient is told whose mailbox is full"),
	F_TIME(struct router_conf, quota_timeout, "500ms", "10ms", "1m",
	    "how long local may take to say how full a mailbox is"),
	F_TIME(struct router_conf, quota_cache, "10s", "0s", "1h",
	    "how long its answer is remembered"),
	F_END
};

static int
check_tables(const struct strlist *l, struct err *err)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (map_check(l->v[i], err) < 0)
			return -1;
	return 0;
}

static int
check(struct err *err)
{
	const char *const specs[] = { conf.mailboxes, conf.aliases,
	    conf.virtual_domains, conf.senders, conf.relay_recipients,
	    conf.transport, conf.sender_relayhost };
	size_t i;

	for (i = 0; i < ARRAY_LEN(specs); i++)
		if ((i == 0 || specs[i][0] != '\0') &&
		    map_check(specs[i], err) < 0)
			return -1;
	if (conf.relayhost[0] != '\0' &&
	    !way_nexthop_ok(slice_of(conf.relayhost)))
		return err_perm(err, "5.3.5", "relayhost: expected domain, "
		    "[host], either with :port, or unix:PATH, found \"%s\"",
		    conf.relayhost);
	if (check_tables(&conf.further_mailboxes, err) < 0 ||
	    check_tables(&conf.further_aliases, err) < 0)
		return -1;
	if (strcmp(common.system_users, "passwd") != 0)
		return map_check(common.system_users, err);
	return 0;
}

static int
allow_tables(const struct strlist *l, struct err *err)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (jail_table(l->v[i], err) < 0)
			return -1;
	return 0;
}

static int
before_jail(struct err *err)
{
	map_set_dir(common.conf_dir);
	tables_init();
	domain_own_addresses();
	srs_init(common_path(common.conf_dir, "srs.secret"));
	jail_path(common.conf_dir, PATH_READ);
	if (jail_table(conf.mailboxes, err) < 0 ||
	    jail_table(conf.aliases, err) < 0 ||
	    allow_tables(&conf.further_mailboxes, err) < 0 ||
	    allow_tables(&conf.further_aliases, err) < 0 ||
	    jail_table(conf.virtual_domains, err) < 0 ||
	    jail_table(conf.senders, err) < 0 ||
	    jail_table(conf.relay_recipients, err) < 0 ||
	    jail_table(conf.transport, err) < 0 ||
	    jail_table(conf.sender_relayhost, err) < 0)
		return -1;
	if (common.system_domains.n == 0)
		return 0;
	if (strcmp(common.system_users, "passwd") != 0)
		return jail_table(common.system_users, err);
	/* loads what nsswitch.conf names; no code can be loaded later */
	getpwnam("root");
	jail_path("/etc", PATH_READ);
	return 0;
}

static int
start(struct err *err UNUSED)
{
	quota_init();
	return 0;
}

static const struct daemon router = {
	.name = "router",
	.kind = SERVE_REQUEST,
	.fields = fields,
	.conf = &conf,
	.check = check,
	.before_jail = before_jail,
	.start = start,
	.verbs = router_serves,
	.jail = { .groups = JAIL_FILES | JAIL_UNIX,
		.memory = 1024UL * 1024 * 1024, .files = 4096 },
};

int
main(int argc, char **argv)
{
	return serve_main(argc, argv, &router);
}
