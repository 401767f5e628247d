/*
 * main.c - router: where does an address go?
 */
#include "router.h"

#include <pwd.h>

#include "conf/common.h"
#include "map/alias.h"
#include "secrets.h"

struct router_conf conf;
const struct field conf_fields[] = {
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
	F_STR(struct router_conf, domains, DOMAINS_DEFAULT,
	    "table of what is special about domains; empty: none"),
	F_LIST(struct router_conf, virtual_alias_domains,
	    "domains of ours that have aliases alone"),
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
	F_STR(struct router_conf, fallback_transport, "",
	    "transport:nexthop of who is unknown in our domains; empty: none"),
	F_STR(struct router_conf, canonical, "",
	    "table of the forms of addresses that others see; empty: none"),
	F_STR(struct router_conf, canonical_sender, "",
	    "the same for senders, asked before it"),
	F_STR(struct router_conf, canonical_recipient, "",
	    "the same for recipients, asked before it"),
	F_LIST_D(struct router_conf, canonical_classes,
	    "envelope_sender envelope_recipient header_sender "
	    "header_recipient", "where these tables count"),
	F_LIST(struct router_conf, masquerade_domains,
	    "domains that stand for all below them; !domain: not this one"),
	F_LIST(struct router_conf, masquerade_exceptions,
	    "local parts whose domain is left as it is"),
	F_LIST_D(struct router_conf, masquerade_classes,
	    "envelope_sender header_sender header_recipient",
	    "where that counts"),
	F_STR(struct router_conf, relocated, "",
	    "table of who has moved where; empty: none"),
	F_STR(struct router_conf, always_bcc, "",
	    "addresses that get a copy of all mail; empty: none"),
	F_STR(struct router_conf, sender_bcc, "",
	    "table of who gets a copy of a sender's mail; empty: none"),
	F_STR(struct router_conf, recipient_bcc, "",
	    "table of who gets a copy of a recipient's mail; empty: none"),
	F_BOOL(struct router_conf, hostname_is_local, "yes",
	    "the host name is another name of the default domain"),
	F_BOOL(struct router_conf, srs, "yes",
	    "senders of mail that is forwarded out are rewritten"),
	F_STR(struct router_conf, srs_domain, "",
	    "their domain; empty: the default domain"),
	F_TIME(struct router_conf, srs_max_age, "21d", "1d", "1000d",
	    "how long such a sender is good for"),
	F_BOOL(struct router_conf, batv, "no",
	    "senders of ours may be signed, and are known when reports come"),
	F_TIME(struct router_conf, batv_time, "7d", "1d", "100d",
	    "how long a signature is good for"),
	F_LIST(struct router_conf, batv_domains,
	    "whose senders are signed; empty: all domains that are ours"),
	F_INT(struct router_conf, alias_depth, "10", "1", "50",
	    "aliases within aliases"),
	F_INT(struct router_conf, alias_targets, "10000", "1", "1000000",
	    "addresses that one address may lead to, aliases included"),
	F_LIST_D(struct router_conf, propagate_extensions,
	    "aliases canonical forward",
	    "by what an extension is passed on to the next address"),
	F_LIST_D(struct router_conf, include_dirs, "lists",
	    "directories of files of addresses"),
	F_SIZE(struct router_conf, include_size, "1M", "1", "16M",
	    "bytes of such a file"),
	F_BOOL(struct router_conf, alias_commands, "no",
	    "aliases may lead to commands"),
	F_BOOL(struct router_conf, alias_files, "no",
	    "aliases may lead to files"),
	F_STR(struct router_conf, alias_user, "nobody",
	    "the login that both are done as"),
	F_ENUM(struct router_conf, over_quota, "reject", OVER_QUOTA,
	    "what a recipient is told whose mailbox is full"),
	F_TIME(struct router_conf, quota_timeout, "500ms", "10ms", "1m",
	    "how long local may take to say how full a mailbox is"),
	F_TIME(struct router_conf, quota_cache, "10s", "0s", "1h",
	    "how long its answer is remembered"),
	F_TIME(struct router_conf, seal_time, "10s", "0s", "1m",
	    "how long what was found at RCPT holds for cleanup"),
	F_END
};

static int
check(struct err *err)
{
	if (tables_check(err) < 0 || canonical_check(err) < 0 ||
	    target_check(err) < 0)
		return -1;
	if (conf.relayhost[0] != '\0' &&
	    !way_nexthop_ok(slice_of(conf.relayhost)))
		return err_perm(err, "5.3.5", "relayhost: expected domain, "
		    "[host], either with :port, or unix:PATH, found \"%s\"",
		    conf.relayhost);
	if (conf.fallback_transport[0] != '\0' &&
	    way_check("fallback_transport", conf.fallback_transport, false,
	    err) < 0)
		return -1;
	if (conf.always_bcc[0] != '\0' &&
	    alias_check(slice_of(conf.always_bcc), true, err) < 0)
		return err_prefix(err, "always_bcc");
	if (strcmp(common.system_users, "passwd") != 0)
		return map_check(common.system_users, err);
	return 0;
}

static int
before_jail(struct err *err)
{
	map_set_dir(common.conf_dir);
	conf.domains = domains_spec(conf.domains);
	tables_init();
	domain_own_addresses();
	secrets_init(common_path(common.conf_dir, "srs.secret"));
	jail_path(common.conf_dir, PATH_READ);
	include_init();
	if (tables_jail(err) < 0)
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
	.fields = conf_fields,
	.conf = &conf,
	.check = check,
	.check_rows = rows_check,
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
