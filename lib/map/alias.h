/*
 * alias.h - the value of a row of aliases: addresses, parted by commas or
 * blanks, with or without a domain.  A quoted local part may hold both.
 */
#ifndef MAP_ALIAS_H
#define MAP_ALIAS_H

#include "base/err.h"
#include "base/str.h"

/* the next target of a value, cut off *rest: 1, or 0 at its end */
int alias_next(struct slice *rest, struct slice *target);
/* a command, a file or a list of addresses, which other systems know */
bool alias_foreign(struct slice target);
/* Each target is an address, and there is one: 0, or -1 err, temporary: what
 * an admin must mend. */
int alias_check(struct slice value, struct err *err);

#endif
