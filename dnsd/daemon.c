/*
 * daemon.c - dnsd(8): asks the Internet, and opens nothing but sockets to
 * servers of names.
 */
#include "dnsd.h"

#include "resolver.h"
#include "serve/hub.h"

struct dnsd_conf conf;

static const struct field fields[] = {
	F_LIST(struct dnsd_conf, forward,
	    "servers to ask, ADDRESS or ADDRESS@PORT; none: from the root"),
	F_BOOL(struct dnsd_conf, resolv_conf, "no",
	    "ask the servers that /etc/resolv.conf names"),
	F_LIST(struct dnsd_conf, stub,
	    "zones of our own, ZONE=ADDRESS or ZONE=ADDRESS@PORT"),
	F_STR(struct dnsd_conf, local_data, "",
	    "file of records that are answered from here"),
	F_BOOL(struct dnsd_conf, dnssec, "yes", "check signatures"),
	F_LIST_D(struct dnsd_conf, trust_anchors, "/usr/share/dns/root.key",
	    "files with DNSKEY or DS records that are believed"),
	F_LIST(struct dnsd_conf, insecure,
	    "zones whose signatures are not checked"),
	F_BOOL(struct dnsd_conf, qname_minimisation, "yes",
	    "tell servers no more of a name than they need"),
	F_ENUM(struct dnsd_conf, ipv4, "auto", "auto|yes|no",
	    "ask servers over IPv4"),
	F_ENUM(struct dnsd_conf, ipv6, "auto", "auto|yes|no",
	    "ask servers over IPv6"),
	F_SIZE(struct dnsd_conf, cache_size, "32M", "1M", "4G",
	    "of records, messages and keys"),
	F_INT(struct dnsd_conf, answers, "20000", "100", "1000000",
	    "answers kept ready as text"),
	F_TIME(struct dnsd_conf, max_ttl, "1d", "1s", "7d",
	    "how long an answer is valid at most"),
	F_TIME(struct dnsd_conf, max_negative_ttl, "1h", "1s", "1d",
	    "the same where there is nothing"),
	F_TIME(struct dnsd_conf, failure_ttl, "5s", "0", "5m",
	    "how long what failed is not asked again"),
	F_TIME(struct dnsd_conf, timeout, "15s", "100ms", "2m",
	    "for a request that names none"),
	F_TIME(struct dnsd_conf, max_timeout, "1m", "100ms", "10m",
	    "for any request"),
	F_TIME(struct dnsd_conf, retry_time, "50ms", "10ms", "5s",
	    "before a server that is known to be quick is asked again"),
	F_INT(struct dnsd_conf, questions, "2000", "10", "100000",
	    "under way at a time"),
	F_INT(struct dnsd_conf, connection_questions, "256", "64", "100000",
	    "under way at a time for one caller"),
	F_INT(struct dnsd_conf, connections, "4000", "100", "100000",
	    "callers at a time"),
	F_INT(struct dnsd_conf, sockets, "512", "16", "8192",
	    "for questions to servers"),
	F_END
};

/* TCP to servers, a context more after a flush, and our own */
enum { OWN_FILES = 512, CONTEXTS = 4, OWN_MEMORY = 512 << 20 };

static int
before_jail(struct err *err UNUSED)
{
	options_ports();
	return 0;
}

static int
check(struct err *err)
{
	dnsd.jail.files = (uint64_t)(conf.connections + CONTEXTS *
	    conf.sockets) + OWN_FILES;
	dnsd.jail.memory = OWN_MEMORY + CONTEXTS * conf.cache_size +
	    conf.cache_size;
	return resolver_check(err);
}

struct daemon dnsd = {
	.name = "dnsd", .kind = SERVE_EVENT,
	.fields = fields, .conf = &conf,
	.check = check, .before_jail = before_jail,
	.start = resolver_start, .run = hub_run,
	.verbs = dnsd_serves, .conn_open = caller_open,
	.conn_close = caller_close, .drain = request_drain,
	.jail = { .groups = JAIL_EPOLL | JAIL_INET },
};
