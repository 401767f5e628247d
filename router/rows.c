/*
 * rows.c - rows that would be found bad one by one, as mail comes to them:
 * looked at together where the configuration is checked.  A router that runs
 * does without them, and only their mail waits.
 */
#include "router.h"

#include "conf/common.h"

struct rows {
	const char *table;
	bool alone;		/* a next hop alone will do */
	struct err *err;
};

static int
check_row(void *ctx, struct slice key, struct slice value)
{
	struct rows *r = ctx;
	char *z;
	int rc = 0;

	if (r->alone && slice_ieqz(slice_trim(value), "dunno"))
		return 0;
	z = slice_dup(value);
	if (way_check(r->table, z, r->alone, r->err) < 0) {
		err_prefix(r->err, "row %.*s", (int)MIN(key.n, (size_t)200),
		    key.p);
		rc = 1;
	}
	free(z);
	return rc;
}

/* what can not be read, or lies behind a server, is for later to say */
static int
check_table(const char *name, const char *spec, bool alone, struct err *err)
{
	struct rows r = { name, alone, err };
	struct err ignored;
	struct map *m;
	int rc = 0;

	if (spec[0] == '\0' || map_open(spec, &m, &ignored) < 0)
		return 0;
	if (map_can_list(m) && !map_is_pattern(m))
		rc = map_each(m, check_row, &r, &ignored);
	map_close(m);
	return rc == 1 ? -1 : 0;
}

int
rows_check(struct err *err)
{
	map_set_dir(common.conf_dir);
	if (check_table("transport", conf.transport, false, err) < 0)
		return -1;
	return check_table("sender_relayhost", conf.sender_relayhost, true,
	    err);
}
