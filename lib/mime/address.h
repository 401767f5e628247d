/*
 * address.h - address lists in header fields: RFC 5322 sections 3.4 and 4.4.
 *
 * Reads To, Cc, From, Reply-To and their like as they come: groups, comments
 * (nested), quoted strings, obsolete syntax (blanks and comments between
 * atoms, routes, empty list elements), 8-bit bytes.  What can not be read is
 * skipped to the next comma and counted, never an error.
 * Linear time; no recursion; at most max addresses.
 */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include "base/arena.h"
#include "base/str.h"

enum {
	MIME_ADDRESSES_MAX = 10000,
};

struct mime_address {
	struct slice name;	/* display name, unquoted and blanks folded;
				 * without one the last comment; or empty.
				 * Encoded words are left as they are */
	struct slice addr;	/* addr-spec without comments and blanks, its
				 * local part quoted where it was; an address
				 * without @domain is given as it stands.
				 * smtp_address_parse takes it */
	struct slice group;	/* name of the group it is in, or empty */
	size_t from, to;	/* where addr stands in the value, from its
				 * first octet to behind its last one */
};

struct mime_addresses {
	struct mime_address *v;	/* in the arena */
	size_t n, cap;
	size_t bad;		/* elements that could not be read */
	size_t odd;		/* ... that others may read otherwise: an @ in
				 * a name without quotes, words behind <>, a
				 * route, a comment that does not end */
	bool truncated;		/* there were more than max */
	bool marks;		/* set by the caller: begin and end of each
				 * group are elements, too, with an empty
				 * addr; name is the group's, empty at the
				 * end */
};

/* Append the addresses of a field's value (folded or not) to *r, which is
 * {0} at first and may be fed several fields.  All results lie in the arena,
 * each slice followed by a NUL. */
void mime_addresses_parse(struct slice value, size_t max, struct arena *a,
    struct mime_addresses *r);
/* "Name" <addr>: the name quoted or RFC 2047 encoded as it must be */
void mime_address_print(struct slice name, struct slice addr,
    struct str *out);

#endif
