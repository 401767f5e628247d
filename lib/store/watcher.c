/*
 * watcher.c - the list of folders, and what is due when.  Each folder is at
 * any time heard of in one way (how), and polled besides.
 */
#include <sys/epoll.h>

#include "base/clock.h"
#include "store/notice.h"
#include "store/watcher_part.h"

enum { WATCHED_MAX = 1000000 };

void
watcher_poll_on(struct watcher *w, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	(void)epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev);
}

void
watcher_poll_off(struct watcher *w, int fd)
{
	(void)epoll_ctl(w->ep, EPOLL_CTL_DEL, fd, NULL);
}

struct watcher *
watcher_new(struct err *err)
{
	struct watcher *w = xcalloc(1, sizeof(*w));

	w->sock = w->own = -1;
	w->ep = epoll_create1(EPOLL_CLOEXEC);
	if (w->ep < 0) {
		free(w);
		err_sys(err, "epoll_create");
		return NULL;
	}
	w->poll_at = mono_ms() + WATCHER_POLL_MS;
	w->check_at = mono_ms() + WATCHER_POLL_MS * WATCHER_CHECK;
	watcher_dial(w);
	return w;
}

void
watcher_free(struct watcher *w)
{
	size_t i;

	if (w == NULL)
		return;
	close_fd(w->sock);
	close_fd(w->own);
	close_fd(w->ep);
	for (i = 0; i < w->n; i++)
		free(w->v[i].folder);
	free(w->v);
	free(w);
}

static size_t
find_free(struct watcher *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->v[i].folder == NULL)
			return i;
	assert(w->n < WATCHED_MAX);
	w->v = xrealloc(w->v, (w->n + 1) * sizeof(*w->v));
	return w->n++;
}

int
watcher_add(struct watcher *w, const char *folder)
{
	size_t i = find_free(w), k;
	struct watched *e = &w->v[i];

	*e = (struct watched){ .folder = xstrdup(folder) };
	for (k = 0; k < OWN_DIRS; k++)
		e->wd[k] = -1;
	if (w->sock >= 0 && notice_relative(folder) != NULL) {
		e->unsent = true;
		if (w->push_at == 0)
			watcher_push(w);
	} else {
		watcher_own(w, e);
	}
	return (int)i;
}

void
watcher_del(struct watcher *w, int id)
{
	struct watched *e = &w->v[id];

	if (w->sock >= 0 && !e->unsent && notice_relative(e->folder) != NULL)
		watcher_unwatch(w, id);
	watcher_own_del(w, e);
	free(e->folder);
	*e = (struct watched){ .folder = NULL };
}

int
watcher_fd(const struct watcher *w)
{
	return w->ep;
}

static bool
is_polled(const struct watched *e)
{
	return e->how == WATCH_POLL || e->how == WATCH_HUB_POLL;
}

int
watcher_timeout(const struct watcher *w)
{
	const int64_t at[] = { w->dial_at, w->push_at, w->own_at,
		w->doubt_at };
	int64_t first = w->check_at, left;
	size_t i;

	for (i = 0; i < w->n && w->poll_at < first; i++)
		if (is_polled(&w->v[i]))
			first = w->poll_at;

	for (i = 0; i < ARRAY_LEN(at); i++)
		if (at[i] != 0 && at[i] < first)
			first = at[i];
	left = first - mono_ms();
	return left > 0 ? (int)left : 0;
}

/* all folders of which nobody tells us, and now and then every one */
static void
poll_due(struct watcher *w, int64_t now)
{
	bool all = now >= w->check_at;
	size_t i;

	w->poll_at = now + WATCHER_POLL_MS;
	if (all)
		w->check_at = now + WATCHER_POLL_MS * WATCHER_CHECK;
	for (i = 0; i < w->n; i++)
		if (w->v[i].folder != NULL && (all || is_polled(&w->v[i])))
			w->v[i].changed = true;
}

static void
look(struct watcher *w)
{
	int64_t now = mono_ms();

	if (w->own >= 0 && !w->own_paused)
		watcher_own_read(w);
	if (w->own_at != 0 && now >= w->own_at)
		watcher_own_resume(w);
	if (w->sock >= 0)
		watcher_hear(w);
	if (w->dial_at != 0 && now >= w->dial_at && !w->no_hub)
		watcher_dial(w);
	if (w->push_at != 0 && now >= w->push_at)
		watcher_push(w);
	if (w->doubt_at != 0 && now >= w->doubt_at)
		watcher_doubt(w);
	if (now >= w->poll_at || now >= w->check_at)
		poll_due(w, now);
}

int
watcher_next(struct watcher *w)
{
	size_t i;

	if (w->next == 0)
		look(w);
	for (i = w->next; i < w->n; i++)
		if (w->v[i].folder != NULL && w->v[i].changed) {
			w->v[i].changed = false;
			w->next = i + 1;
			return (int)i;
		}
	w->next = 0;
	return -1;
}

enum watch_how
watcher_how(const struct watcher *w, int id)
{
	return w->v[id].how;
}
