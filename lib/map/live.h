/*
 * live.h - a table that follows its file.
 *
 * Opened at the first use; at most once a second its file is looked at, and
 * a replaced one is opened anew.  Where that fails the table that is open
 * stays in use and the trouble is logged once (event `table`); where none is
 * open every look-up is a temporary error, 4.3.0 or 4.3.5, and opening is
 * tried again after a second.
 */
#ifndef MAP_LIVE_H
#define MAP_LIVE_H

#include "map/map.h"

struct map_live {
	const char *spec;	/* borrowed */
	struct map *map;	/* NULL: not open */
	int64_t next_look;	/* mono_ms */
	uint64_t opened;	/* how often: another number, other rows */
	bool told;		/* trouble is logged */
	struct err why;		/* while map is NULL */
};
void map_live_init(struct map_live *l, const char *spec);
void map_live_close(struct map_live *l);	/* may be used again */
/* open it, or look whether it was replaced: 0, or -1: there is no table */
int map_live_refresh(struct map_live *l, struct err *err);
/* as map_get, on the newest version */
int map_live_get(struct map_live *l, const char *key, struct str *out,
    struct err *err);
/* as map_get_part */
int map_live_get_part(struct map_live *l, const char *key, struct str *out,
    struct err *err);
/* as map_live_get; where there is no such key the file is looked at once more,
 * so that what was just added is found */
int map_live_get_new(struct map_live *l, const char *key, struct str *out,
    struct err *err);

#endif
