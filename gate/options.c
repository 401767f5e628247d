/*
 * options.c - gate.conf, and what is made of it.
 */
#include "gate.h"

struct gate_conf conf;
struct gate_made made;

const struct field conf_fields[] = {
	F_STR(struct gate_conf, service, "smtpd",
	    "who serves its clients: NAME of a listener gate:NAME"),
	F_ENUM(struct gate_conf, protocol, "smtp", PROTOCOLS,
	    "what is spoken there"),
	F_LIST(struct gate_conf, proxy_networks,
	    "load balancers, which send a PROXY header"),
	F_TIME(struct gate_conf, proxy_timeout, "5s", "100ms", "1m",
	    "time for that header"),
	F_LIST_D(struct gate_conf, except, "127.0.0.0/8 ::1",
	    "networks whose clients are let through"),
	F_STR(struct gate_conf, allow, "",
	    "table of addresses that are let through"),
	F_STR(struct gate_conf, deny, "",
	    "table of addresses that are refused"),
	F_INT(struct gate_conf, address_connections, "50", "0", "100000",
	    "connections of an address at a time; 0: no limit"),
	F_INT(struct gate_conf, network_connections, "250", "0", "100000",
	    "connections of a network at a time; 0: no limit"),
	F_STR(struct gate_conf, address_rate, "0/1m",
	    "connections of an address, COUNT/TIME; 0: no limit"),
	F_STR(struct gate_conf, network_rate, "0/1m",
	    "connections of a network, COUNT/TIME; 0: no limit"),
	F_INT(struct gate_conf, ipv4_prefix, "24", "8", "32",
	    "how large a network is"),
	F_INT(struct gate_conf, ipv6_prefix, "64", "16", "128",
	    "how large a network is"),
	F_INT(struct gate_conf, addresses, "50000", "100", "10000000",
	    "addresses and networks without a connection that are known"),
	F_ENUM(struct gate_conf, pregreet, "enforce", ACTIONS,
	    "clients that speak before they are greeted"),
	F_TIME(struct gate_conf, pregreet_ttl, "1d", "1s", "365d",
	    "how long who passed need not be tested"),
	F_STR(struct gate_conf, teaser, "one moment, please",
	    "first line of the greeting"),
	F_TIME(struct gate_conf, greet_wait, "6s", "0s", "1m",
	    "how long a client has to be silent"),
	F_TIME(struct gate_conf, greet_wait_busy, "2s", "0s", "1m",
	    "the same where half of `clients' are held"),
	F_LIST(struct gate_conf, dnsbl,
	    "lists of addresses: [NAME:]DOMAIN[=FILTER][*WEIGHT]"),
	F_ENUM(struct gate_conf, dnsbl_action, "enforce", ACTIONS,
	    "clients whose score is at the threshold"),
	F_INT(struct gate_conf, dnsbl_threshold, "1", "1", "100000",
	    "score from which a client is refused"),
	F_INT(struct gate_conf, dnswl_threshold, "0", "-100000", "0",
	    "score down to which one needs no other test; 0: none"),
	F_TIME(struct gate_conf, dnsbl_timeout, "10s", "100ms", "1m",
	    "time for the answers of lists"),
	F_TIME(struct gate_conf, dnsbl_ttl, "1h", "1s", "365d",
	    "how long who passed need not be tested"),
	F_INT(struct gate_conf, cache, "100000", "0", "10000000",
	    "clients that passed which are remembered"),
	F_INT(struct gate_conf, clients, "10000", "1", "1000000",
	    "clients that are held at a time"),
	F_INT(struct gate_conf, sessions_direct, "50", "0", "100000",
	    "sessions up to which who is known is not held until it speaks"),
	F_TIME(struct gate_conf, idle_time, "5m", "1s", "1h",
	    "for the first line of who has passed"),
	F_TIME(struct gate_conf, idle_time_busy, "30s", "1s", "1h",
	    "the same where half of `clients' are held"),
	F_STR(struct gate_conf, banner, "Postrider",
	    "text of the greeting behind the host name and ESMTP"),
	F_INT(struct gate_conf, queue, "500", "1", "100000",
	    "of them, those that wait for a free session"),
	F_TIME(struct gate_conf, queue_time, "30s", "100ms", "10m",
	    "how long they wait"),
	F_TIME(struct gate_conf, command_timeout, "30s", "1s", "5m",
	    "for each command of who is refused"),
	F_INT(struct gate_conf, commands, "20", "1", "1000",
	    "commands of who is refused"),
	F_END
};

static int
failed(struct err *err, const char *option)
{
	return err_prefix(err, "%s", option);
}

static int
check_lists(struct err *err)
{
	static struct arena arena;
	struct dnsbl lists;

	if (nets_parse(&conf.proxy_networks, &made.proxies, err) < 0)
		return failed(err, "proxy_networks");
	if (nets_parse(&conf.except, &made.except, err) < 0)
		return failed(err, "except");
	arena_reset(&arena);
	if (dnsbl_parse(&conf.dnsbl, &arena, &lists, err) < 0)
		return failed(err, "dnsbl");
	made.lists = lists;
	return 0;
}

/* all wait while one is asked for: no servers */
static int
check_table(const char *spec, struct err *err)
{
	static const char *const types[] = { "text:", "cdb:", "inline:",
		"cidr:", "pcre:" };
	size_t i;

	if (spec[0] == '\0')
		return 0;
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (slice_starts(slice_of(spec), types[i]))
			return map_check(spec, err);
	return err_perm(err, "5.3.5", "%s: expected text:, cdb:, inline:, "
	    "cidr: or pcre:", spec);
}

static int
check_tables(struct err *err)
{
	if (check_table(conf.allow, err) < 0)
		return failed(err, "allow");
	if (check_table(conf.deny, err) < 0)
		return failed(err, "deny");
	return 0;
}

/* besides one for each client: sessions (see send.c) and the suite's own */
enum { OTHER_FILES = 8192 };
extern struct daemon gate;

int
options_check(struct err *err)
{
	if (conf.service[0] == '\0' || strchr(conf.service, '/') != NULL)
		return err_perm(err, "5.3.5", "service = %s: expected NAME of "
		    "a listener gate:NAME", conf.service);
	if (limits_parse(conf.address_rate, &made.address_rate, err) < 0)
		return failed(err, "address_rate");
	if (limits_parse(conf.network_rate, &made.network_rate, err) < 0)
		return failed(err, "network_rate");
	if (check_lists(err) < 0 || check_tables(err) < 0)
		return -1;
	gate.jail.files = (uint64_t)conf.clients + OTHER_FILES;
	return 0;
}
