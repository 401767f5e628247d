/*
 * watcher_own.c - a watcher's own inotify instance, made when it is needed
 * and closed when nothing needs it: a user may have few (inotify(7)).
 */
#include <sys/inotify.h>

#include "base/clock.h"
#include "store/watcher_part.h"

enum { PAUSE_MS = 20, READ_MAX = 4096 };
enum { EVENTS = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
	IN_DELETE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW };
static const char *const dirs[OWN_DIRS] = { "new", "cur", ".state" };
static const uint32_t masks[OWN_DIRS] = { EVENTS, EVENTS,
	IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW };

static bool
open_own(struct watcher *w)
{
	if (w->own >= 0)
		return true;
	w->own = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->own < 0)
		return false;
	w->own_paused = false;
	watcher_poll_on(w, w->own);
	return true;
}

static void
close_unused(struct watcher *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->v[i].how == WATCH_OWN)
			return;
	if (w->own < 0)
		return;
	if (!w->own_paused)
		watcher_poll_off(w, w->own);
	close_fd(w->own);
	w->own = -1;
	w->own_at = 0;
}

/* .state may be missing: then nobody keeps a log there yet */
static bool
add_dirs(struct watcher *w, struct watched *e)
{
	char *path;
	size_t i;

	for (i = 0; i < OWN_DIRS; i++) {
		path = xasprintf("%s/%s", e->folder, dirs[i]);
		e->wd[i] = inotify_add_watch(w->own, path, masks[i]);
		free(path);
	}
	return e->wd[0] >= 0 && e->wd[1] >= 0;
}

void
watcher_own(struct watcher *w, struct watched *e)
{
	e->how = WATCH_OWN;
	if (!open_own(w) || !add_dirs(w, e)) {
		watcher_own_del(w, e);
		e->how = WATCH_POLL;
	}
	e->changed = true;
}

void
watcher_own_del(struct watcher *w, struct watched *e)
{
	size_t i;

	for (i = 0; i < OWN_DIRS; i++) {
		if (e->wd[i] >= 0)
			inotify_rm_watch(w->own, e->wd[i]);
		e->wd[i] = -1;
	}
	if (e->how == WATCH_OWN)
		e->how = WATCH_NONE;
	close_unused(w);
}

static void
mark_one(struct watched *e, size_t k, uint32_t mask)
{
	e->changed = true;
	if (!(mask & IN_IGNORED))
		return;
	e->wd[k] = -1;		/* the directory is gone, and the watch */
	e->how = WATCH_POLL;
}

static void
mark(struct watcher *w, const struct inotify_event *ev)
{
	size_t i, k;

	for (i = 0; i < w->n; i++)
		for (k = 0; k < OWN_DIRS; k++)
			if (w->v[i].how == WATCH_OWN && (ev->mask &
			    IN_Q_OVERFLOW || w->v[i].wd[k] == ev->wd))
				mark_one(&w->v[i], k, ev->mask);
}

/* A burst is one piece of news: after some events leave it for a moment. */
void
watcher_own_read(struct watcher *w)
{
	union {
		struct inotify_event align;
		char bytes[READ_MAX];
	} buf;
	const struct inotify_event *ev;
	ssize_t n, at;
	bool any = false;

	while ((n = read(w->own, buf.bytes, sizeof(buf.bytes))) > 0) {
		for (at = 0; at < n; at += (ssize_t)(sizeof(*ev) + ev->len)) {
			ev = (const void *)(buf.bytes + at);
			mark(w, ev);
		}
		any = true;
	}
	if (!any || w->own_paused)
		return;
	watcher_poll_off(w, w->own);
	w->own_paused = true;
	w->own_at = mono_ms() + PAUSE_MS;
}

void
watcher_own_resume(struct watcher *w)
{
	w->own_at = 0;
	if (w->own < 0)
		return;
	w->own_paused = false;
	watcher_poll_on(w, w->own);
}
