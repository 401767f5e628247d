/*
 * watch.c - events whose descriptor the kernel has no memory to watch are
 * tried again by a timer, while the loop goes on with the others.  An event is
 * in the list or added, never both.
 */
#include <event2/event.h>

#include "base/clock.h"
#include "serve/hub.h"

enum { AGAIN_MS = 50, TRY_MS = 2000 };

static struct late {
	struct event *ev;
	int64_t since;		/* mono_ms */
} *late;
static size_t n, cap;
static struct event *timer;

static void
forget(const struct event *ev)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (late[i].ev == ev) {
			late[i] = late[--n];
			return;
		}
}

static bool
is_late(const struct event *ev)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (late[i].ev == ev)
			return true;
	return false;
}

static void
set_timer(void)
{
	static const struct timeval tv = { 0, AGAIN_MS * 1000 };

	event_add(timer, &tv);
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	int64_t now = mono_ms();
	size_t i = 0;

	while (i < n)
		if (event_add(late[i].ev, NULL) == 0)
			late[i] = late[--n];
		else if (now - late[i].since > TRY_MS)
			die("event_add: %s", strerror(errno));
		else
			i++;
	if (n > 0)
		set_timer();
}

void
hub_watch(struct event *ev)
{
	if (event_add(ev, NULL) == 0) {
		forget(ev);
		return;
	}
	if (is_late(ev))
		return;
	if (timer == NULL && (timer = evtimer_new(hub_base, on_timer, NULL)) ==
	    NULL)
		die("event_new");
	if (n == cap) {
		cap = MAX(2 * cap, (size_t)16);
		late = xrealloc(late, cap * sizeof(*late));
	}
	late[n++] = (struct late){ ev, mono_ms() };
	if (n == 1)
		set_timer();
}

void
hub_unwatch(struct event *ev)
{
	forget(ev);
	event_del(ev);
}

bool
hub_watched(const struct event *ev)
{
	return event_pending(ev, EV_READ | EV_WRITE, NULL) || is_late(ev);
}

void
hub_free(struct event *ev)
{
	forget(ev);
	event_free(ev);
}
