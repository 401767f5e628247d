/*
 * lookup.h - mapd: tables that need a network, a lock or a right of their
 * own (SQL, LDAP).  Programs do not call it: lib/map has a type for each,
 * which asks here.  A server that can not be reached is a temporary error,
 * never "absent".
 */
#ifndef PROTO_LOOKUP_H
#define PROTO_LOOKUP_H

#include "ipc/ipc.h"

struct lookup_get_in {
	const char *map;	/* type:file as in map.h, of mapd's own types */
	const char *key;
};
struct lookup_get_out {
	bool found;
	const char *value;
};
extern const struct verb_def lookup_get;

/* Does the table's server answer its query?  One `more' a table; map "": all
 * that the caller may ask. */
struct lookup_check_in { const char *map; };
struct lookup_check_more {
	const char *map;
	bool good;
	const char *text;	/* why not */
};
extern const struct verb_def lookup_check;

struct lookup_stat_out {
	int64_t queries, hits, failures, connections;
};
extern const struct verb_def lookup_stat;
extern const struct verb_def *const lookup_verbs[];	/* NULL ends */

#endif
