/*
 * target_conf.h - options of where to connect.
 */
#ifndef SMTP_TARGET_CONF_H
#define SMTP_TARGET_CONF_H

#include "base/field.h"

struct target_conf {
	int64_t port;
	int address_family;		/* target_part.h */
	const char *families;		/* table: next hop, family */
	struct strlist own_addresses, bind_addresses;
	const char *bind_table;		/* sender or next hop, addresses */
	int64_t max_hosts, max_addresses;
	int64_t dns_timeout;
};
#define TARGET_FIELDS(st, m) \
	{ "port", FIELD_INT, 0, offsetof(st, m.port), "25", "1", "65535", 0, \
	    "where a next hop names none" }, \
	{ "address_family", FIELD_ENUM, 0, offsetof(st, m.address_family), \
	    "any", 0, 0, "any|ipv4|ipv6|ipv4-first|ipv6-first", \
	    "which addresses are used, and which first" }, \
	{ "families", FIELD_STR, 0, offsetof(st, m.families), "", 0, 0, 0, \
	    "table of next hops: address_family of each" }, \
	{ "own_addresses", FIELD_LIST, 0, offsetof(st, m.own_addresses), \
	    "interfaces", 0, 0, 0, "where mail would come back to us" }, \
	{ "bind_addresses", FIELD_LIST, 0, offsetof(st, m.bind_addresses), \
	    "", 0, 0, 0, "source addresses, one for each next hop" }, \
	{ "bind_table", FIELD_STR, 0, offsetof(st, m.bind_table), "", 0, 0, \
	    0, "table of senders and next hops: bind_addresses of each" }, \
	{ "max_hosts", FIELD_INT, 0, offsetof(st, m.max_hosts), "10", "1", \
	    "32", 0, "hosts of a next hop that are looked up" }, \
	{ "max_addresses", FIELD_INT, 0, offsetof(st, m.max_addresses), \
	    "20", "1", "200", 0, "addresses of a next hop that are tried" }, \
	{ "dns_timeout", FIELD_TIME, 0, offsetof(st, m.dns_timeout), "30s", \
	    "1s", "5m", 0, "for the questions to dnsd that go together" }

/* Before the jail: tables and own addresses; conf stays the caller's and
 * where it is.  0 or -1 */
int target_start(const struct target_conf *conf, struct err *err);
/* is the configuration good?  0 or -1 */
int target_check(const struct target_conf *conf, struct err *err);

/* an IPv4 or IPv6 address as text */
bool is_address(const char *text);

#endif
