/*
 * watcher_hub.c - a watcher's connection to notifyd.  Nothing waits for it:
 * what the socket does not take is sent again a little later, and a lost
 * connection is made anew.  A folder is notifyd's when it has said a word of
 * it; one of which nothing is heard for a moment is watched by ourselves.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "conf/common.h"
#include "ipc/codec.h"
#include "ipc/inbox.h"
#include "proto/notify.h"
#include "store/notice.h"
#include "store/watcher_part.h"

enum { PUSH_MS = 20, AGAIN_MS = 20, SPREAD_MS = 280, RETRY_MS = 2000,
	SHORT_MS = 1000, DOUBT_MS = 500 };

static int inbox = -1;		/* see watcher_open */

/* Each folder is ours to watch until notifyd is there again. */
static void
fall_back(struct watcher *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->v[i].folder != NULL && w->v[i].how != WATCH_OWN)
			watcher_own(w, &w->v[i]);
}

/* A connection may be one that nobody has accepted yet. */
void
watcher_doubt(struct watcher *w)
{
	size_t i;

	w->doubt_at = 0;
	for (i = 0; i < w->n; i++)
		if (w->v[i].folder != NULL && w->v[i].how == WATCH_NONE)
			watcher_own(w, &w->v[i]);
}

static bool
is_hubs(const struct watched *e)
{
	return e->how == WATCH_HUB || e->how == WATCH_HUB_POLL;
}

/* Many sessions lose it at once: they do not come back all at once.  One that
 * hangs up at once has trouble, or does not want us. */
static void
hang_up(struct watcher *w)
{
	int64_t now = mono_ms();
	size_t i;

	watcher_poll_off(w, w->sock);
	close_fd(w->sock);
	w->sock = -1;
	for (i = 0; i < w->n; i++)
		if (is_hubs(&w->v[i]))
			w->v[i].how = WATCH_NONE;
	w->push_at = 0;
	w->doubt_at = now + DOUBT_MS;
	w->dial_at = now + AGAIN_MS + random_below(SPREAD_MS);
	if (now - w->dialed < SHORT_MS) {
		w->dial_at += RETRY_MS;
		fall_back(w);
	}
}

static int
ask(struct watcher *w)
{
	struct err err;

	return ipc_send(w->sock, notify_wait.name, NULL, NULL, -1, 0, &err);
}

/* once connected, everything is to be told anew */
static void
begin(struct watcher *w)
{
	size_t i;

	watcher_poll_on(w, w->sock);
	for (i = 0; i < w->n; i++)
		w->v[i].unsent = w->v[i].folder != NULL &&
		    notice_relative(w->v[i].folder) != NULL;
	if (ask(w) < 0)
		hang_up(w);
	else
		watcher_push(w);
}

void
watcher_open(void)
{
	inbox = inbox_open(socket_path("notify"));
}

static int
dial(void)
{
	static const char *path;
	struct err err;

	if (inbox >= 0)
		return inbox_connect(inbox);
	if (path == NULL)
		path = socket_path("notifyd");
	return ipc_connect_flags(path, 0, SOCK_NONBLOCK, &err);
}

void
watcher_dial(struct watcher *w)
{
	w->dial_at = 0;
	w->sock = dial();
	if (w->sock >= 0) {
		w->dialed = mono_ms();
		begin(w);
		return;
	}
	if (errno == EAGAIN) {
		/* many begin at once: the queue is full for a moment */
		w->dial_at = mono_ms() + AGAIN_MS + random_below(SPREAD_MS);
		if (w->doubt_at == 0)
			w->doubt_at = mono_ms() + DOUBT_MS;
		return;
	}
	/* not ours to call, or not in this jail: no use in asking again */
	w->no_hub = errno == EPERM || errno == EACCES;
	if (!w->no_hub)
		w->dial_at = mono_ms() + RETRY_MS + random_below(RETRY_MS);
	fall_back(w);
}

/* 0, -1 the socket takes nothing now, -2 it is of no use */
static int
send_watch(struct watcher *w, size_t i)
{
	struct notify_watch_in in = { (int64_t)i,
		notice_relative(w->v[i].folder) };
	int rc, fd = open(w->v[i].folder, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
	struct err err;

	if (fd < 0) {
		watcher_own(w, &w->v[i]);	/* gone, or no access */
		return 0;
	}
	rc = ipc_send(w->sock, notify_watch.name, notify_watch.in, &in, fd, 0,
	    &err);
	close_fd(fd);
	if (rc == 0) {
		if (w->v[i].how == WATCH_NONE && w->doubt_at == 0)
			w->doubt_at = mono_ms() + DOUBT_MS;
		return 0;
	}
	return errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS ?
	    -1 : -2;
}

void
watcher_push(struct watcher *w)
{
	size_t i;
	int rc;

	w->push_at = 0;
	for (i = 0; i < w->n && w->sock >= 0; i++) {
		if (!w->v[i].unsent)
			continue;
		rc = send_watch(w, i);
		if (rc == 0) {
			w->v[i].unsent = false;
			continue;
		}
		if (rc == -2)
			hang_up(w);
		else
			w->push_at = mono_ms() + PUSH_MS;
		return;
	}
}

void
watcher_unwatch(struct watcher *w, int id)
{
	struct notify_unwatch_in in = { id };
	struct err err;

	/* one that it did not hear of is forgotten with the connection */
	if (ipc_send(w->sock, notify_unwatch.name, notify_unwatch.in, &in, -1,
	    0, &err) < 0)
		hang_up(w);
}

static void
each_tag(struct watcher *w, const struct strlist *l,
    void (*fn)(struct watcher *, struct watched *))
{
	uint64_t tag;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (slice_u64(slice_of(l->v[i]), INT32_MAX, &tag) &&
		    tag < w->n && w->v[tag].folder != NULL &&
		    !w->v[tag].unsent)
			fn(w, &w->v[tag]);
}

static void
tag_changed(struct watcher *w, struct watched *e)
{
	if (!is_hubs(e)) {
		watcher_own_del(w, e);
		e->how = WATCH_HUB;
	}
	e->changed = true;
}

static void
tag_polled(struct watcher *w, struct watched *e)
{
	watcher_own_del(w, e);
	e->how = WATCH_HUB_POLL;
	e->changed = true;
}

static void
tag_refused(struct watcher *w, struct watched *e)
{
	watcher_own(w, e);
}

/* an answer; 0, or -1: nothing that notifyd would say */
static int
take(struct watcher *w, const struct ipc_msg *m)
{
	struct notify_wait_out out;
	struct arena a = { 0 };
	struct err err;
	int rc = -1;
	size_t i;

	if (strcmp(m->verb, "ok") == 0 &&
	    ipc_decode(m, notify_wait.out, &out, &a, &err) == 0) {
		each_tag(w, &out.changed, tag_changed);
		each_tag(w, &out.polled, tag_polled);
		each_tag(w, &out.refused, tag_refused);
		for (i = (size_t)out.limit; out.limit > 0 && i < w->n; i++)
			if (w->v[i].how == WATCH_NONE)
				watcher_own(w, &w->v[i]);
		rc = ask(w);
	}
	arena_free(&a);
	return rc;
}

void
watcher_hear(struct watcher *w)
{
	struct ipc_msg m;
	struct err err;
	int rc;

	ipc_msg_init(&m);
	while (w->sock >= 0) {
		rc = ipc_recv(w->sock, &m, 0, &err);
		if (rc < 0 && strcmp(err.dsn, "again") == 0)
			break;
		if (rc <= 0 || take(w, &m) < 0)
			hang_up(w);
	}
	ipc_msg_free(&m);	/* 64 KiB that an idle session can do without */
}
