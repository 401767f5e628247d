/*
 * cmd_idle.c - IDLE: RFC 2177.  What is told: all that a command would be told
 * at its end.  While nothing happens, memory is given back and new mail goes
 * into the search index.
 */
#include <poll.h>

#include "base/clock.h"
#include "notify.h"
#include "store/notice.h"
#include "store/watcher.h"

enum { SHRINK_MS = 1000 };

/* watch the selected folder: its number, or -1 */
static int
watch(struct session *s)
{
	struct str path = STR_INIT;
	struct err err;
	int id = -1;

	if (s->mb == NULL || s->notify != NULL)
		return -1;	/* NOTIFY watches */
	if (s->watcher == NULL)
		s->watcher = watcher_new(&err);
	if (s->watcher != NULL && notice_path(s->place.dir, &path) == 0)
		id = watcher_add(s->watcher, path.s);
	str_free(&path);
	return id;
}

enum session_wait
session_wait(struct session *s, int64_t end, bool *shrunk)
{
	struct io *io = s->imap.io;
	struct pollfd p[3] = { { io->fd, POLLIN, 0 },
	    { io->wake_fd, POLLIN, 0 }, { -1, POLLIN, 0 } };
	int64_t left = end - mono_ms();
	int ms = (int)MAX(MIN(left, conf.idle_poll), (int64_t)0), r;

	if (s->watcher != NULL) {
		p[2].fd = watcher_fd(s->watcher);
		ms = MIN(ms, watcher_timeout(s->watcher));
	}
	r = poll(p, 3, *shrunk ? ms : MIN(ms, (int)SHRINK_MS));
	if (r == 0 && !*shrunk) {
		session_idle(s);
		*shrunk = true;
		return WAIT_ON;
	}
	if (p[1].revents != 0 || left <= 0)
		return WAIT_STOP;
	return p[0].revents != 0 ? WAIT_INPUT : WAIT_ON;
}

static void
finish(struct session *s)
{
	struct slice line;

	if (imap_lex_line(&s->imap.lex, 100, &line) <= 0)
		return;
	if (slice_ieqz(line, "DONE"))
		imap_ok(&s->imap, NULL, "done");
	else
		imap_bad(&s->imap, NULL, "DONE was expected");
}

static void
idle(struct session *s, int id)
{
	struct io *io = s->imap.io;
	int64_t end = mono_ms() + conf.timeout;
	enum session_wait r = WAIT_ON;
	bool shrunk = false;

	while (!io->failed && r == WAIT_ON) {
		if (s->notify != NULL)
			notify_poll(s);
		else if (s->watcher != NULL)
			while (watcher_next(s->watcher) >= 0)
				shrunk = false;
		view_sync(s, VIEW_EXPUNGE);
		if (s->imap.end != NULL)
			break;
		if (io_has_line(io) || (io->layer != NULL &&
		    io->layer->pending(io->layer->ctx)))
			break;
		io_flush(io);
		r = session_wait(s, end, &shrunk);
	}
	if (id >= 0)
		watcher_del(s->watcher, id);
	if (s->imap.end != NULL) {
		imap_ok(&s->imap, NULL, "idle ended");
		return;
	}
	if (r == WAIT_STOP) {
		imap_say(&s->imap, mono_ms() >= end ? "BYE idle too long" :
		    "BYE the service is shutting down");
		s->imap.end = mono_ms() >= end ? "timeout" : "shutdown";
		imap_ok(&s->imap, NULL, "idle ended");
		return;
	}
	finish(s);
}

void
cmd_idle(void *session)
{
	struct session *s = session;
	int id;

	if (!imap_args_end(&s->imap))
		return;
	io_puts(s->imap.io, "+ idling\r\n");
	id = watch(s);
	idle(s, id);
}
