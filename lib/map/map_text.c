/*
 * map_text.c - text:FILE, read whole when it is opened.  For small tables and
 * for those that an admin changes by hand; large ones belong into a cdb.
 */
#include "map/table.h"

static int
text_open(const char *path, void **self_r, struct stat *st, struct err *err)
{
	struct map_table *t = xcalloc(1, sizeof(*t));

	if (map_table_read(t, path, st, err) != 0 ||
	    map_text_parse(t, err) != 0) {
		map_table_close(t);
		return -1;
	}
	t->name = "";		/* path is the caller's */
	*self_r = t;
	return 0;
}

const struct map_type map_type_text = {
	.name = "text",
	.suffix = "",
	.open = text_open,
	.get = map_table_get,
	.each = map_table_each,
	.close = map_table_close,
};
