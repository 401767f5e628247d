/*
 * live.c - a table that follows its file.
 */
#include "map/live.h"

#include "base/clock.h"
#include "base/log.h"

enum { LOOK_MS = 1000 };

void
map_live_init(struct map_live *l, const char *spec)
{
	*l = (struct map_live){ .spec = spec };
}

void
map_live_close(struct map_live *l)
{
	map_close(l->map);
	l->map = NULL;
	l->next_look = 0;
}

static void
trouble(struct map_live *l, const struct err *err)
{
	if (!l->told)
		log_event(LOG_WARN, "table", KS("table", l->spec), KERR(err),
		    KEND);
	l->told = true;
}

static void
reopen(struct map_live *l)
{
	bool any = true;
	int r;

	/* a part that can not be opened is told, and the rest is used */
	r = l->map != NULL ? map_reopen(l->map, &any, &l->why) :
	    map_open(l->spec, &l->map, &l->why);
	l->opened += any && l->map != NULL;
	if (r != 0) {
		trouble(l, &l->why);
		return;
	}
	l->told = false;
}

int
map_live_refresh(struct map_live *l, struct err *err)
{
	int64_t now = mono_ms();
	int r;

	if (now >= l->next_look) {
		l->next_look = now + LOOK_MS;
		r = l->map == NULL ? 1 : map_changed(l->map);
		if (r > 0) {
			reopen(l);
		} else if (r < 0) {
			err_sys(err, "%s", l->spec);
			trouble(l, err);
		} else {
			l->told = false;
		}
	}
	if (l->map != NULL)
		return 0;
	*err = l->why;
	return -1;
}

int
map_live_get(struct map_live *l, const char *key, struct str *out,
    struct err *err)
{
	int r;

	if (map_live_refresh(l, err) != 0)
		return -1;
	r = map_get(l->map, key, out, err);
	if (r < 0)
		trouble(l, err);
	return r;
}

int
map_live_get_part(struct map_live *l, const char *key, struct str *out,
    struct err *err)
{
	int r;

	if (map_live_refresh(l, err) != 0)
		return -1;
	r = map_get_part(l->map, key, out, err);
	if (r < 0)
		trouble(l, err);
	return r;
}

int
map_live_get_new(struct map_live *l, const char *key, struct str *out,
    struct err *err)
{
	uint64_t opened;
	int r = map_live_get(l, key, out, err);

	if (r != 0)
		return r;
	opened = l->opened;
	l->next_look = 0;
	if (map_live_refresh(l, err) < 0 || l->opened == opened)
		return r;
	return map_live_get(l, key, out, err);
}
