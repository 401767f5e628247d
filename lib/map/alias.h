/*
 * alias.h - the value of a row of aliases: targets, parted by commas or
 * blanks.  A quoted local part may hold both.
 *
 *   ann@example.com  ann      an address, with or without a domain
 *   \ann                      the mailbox: no alias, no forwarding
 *   |/usr/bin/cmd  "|cmd a b" a command
 *   /var/mail/all  "/a b"     a file, or a Maildir where it ends in /
 *   :include:/path            addresses in a file
 */
#ifndef MAP_ALIAS_H
#define MAP_ALIAS_H

#include "base/arena.h"
#include "base/err.h"

enum alias_kind { ALIAS_ADDRESS, ALIAS_PLAIN, ALIAS_COMMAND, ALIAS_FILE,
	ALIAS_INCLUDE };
struct alias_target {
	enum alias_kind kind;
	const char *text;	/* address, command line or path */
};

/* the next target of a value, as it is written, cut off *rest: 1, or 0 at its
 * end */
int alias_next(struct slice *rest, struct slice *target);
/* What it is; text in the arena.  An address is not checked.  0, or -1 err,
 * temporary, 4.3.5: an empty command, a path that is none. */
int alias_parse(struct slice target, struct arena *a, struct alias_target *t,
    struct err *err);
/* Each target can be, and there is one: 0, or -1 err, temporary: what an admin
 * must mend.  only_addresses: and is one, or \user. */
int alias_check(struct slice value, bool only_addresses, struct err *err);

#endif
