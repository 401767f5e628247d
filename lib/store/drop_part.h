/*
 * drop_part.h - inside lib/store: what drop.c and drop_update.c share.
 */
#ifndef STORE_DROP_PART_H
#define STORE_DROP_PART_H

#include "store/drop.h"

extern const char *const drop_subs[2];		/* new, cur */
/* by time, then by unique part: 0 where both are the same */
int drop_cmp(const void *a, const void *b);

#endif
