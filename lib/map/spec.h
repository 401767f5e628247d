/*
 * spec.h - inside lib/map: names of tables.
 */
#ifndef MAP_SPEC_H
#define MAP_SPEC_H

#include "map/map.h"

/* Cut the first of several tables off *rest.  Blanks and commas part them
 * where a known type and a colon follow, outside of quotes: rows of inline
 * hold both. */
void spec_next(struct slice *rest, struct slice *one);
/* one `type:name': 0; -1 err has a hint.  *name_r points into spec */
int spec_parse(const char *spec, const struct map_type **type_r,
    const char **name_r, struct err *err);
/* the path of the file of a type that has one */
void spec_path(struct str *out, const struct map_type *type,
    const char *name);

#endif
