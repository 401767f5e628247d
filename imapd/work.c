/*
 * work.c - what is done while the client is silent: metadata of new messages
 * where it asks for metadata, the search index where it searches, both in
 * slices; then what can be had again is given back.
 *
 * So rows of metadata are made by sessions, not by local: one costs 28 to 40 us
 * in batches, but to open a user's cache for one delivery, insert and close
 * costs 0.4 ms of CPU, about what the delivery costs at all.
 */
#include <malloc.h>
#include <poll.h>

#include "session.h"
#include "store/watcher.h"

enum { SLICE_MS = 50 };

/* does the client, the watcher or the end of the service want us? */
static bool
wanted(const struct session *s)
{
	struct pollfd p[3] = { { s->imap.io->fd, POLLIN, 0 },
		{ s->imap.io->wake_fd, POLLIN, 0 }, { -1, POLLIN, 0 } };

	if (s->watcher != NULL)
		p[2].fd = watcher_fd(s->watcher);
	return poll(p, 3, 0) != 0;
}

/* a slice; is there more? */
static bool
work(struct session *s)
{
	struct err ignored;

	if (meta_fill(s->meta, s->mb, SLICE_MS) > 0)
		return true;
	return fts_wanted(s->fts) &&
	    fts_update(s->fts, s->mb, SLICE_MS, &ignored) > 0;
}

void
session_idle(void *session)
{
	struct session *s = session;

	if (s->mb != NULL) {
		while (mailbox_settle(s->mb))
			if (wanted(s))
				return;
		while (s->worked != s->mb->uidnext) {
			if (wanted(s))
				return;
			if (!work(s))
				s->worked = s->mb->uidnext;
		}
		mailbox_shrink(s->mb);
	}
	meta_shrink(s->meta);
	fts_shrink(s->fts);
	malloc_trim(0);
}
