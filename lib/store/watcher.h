/*
 * watcher.h - for a session that waits for news (IDLE, NOTIFY): which of its
 * folders changed, whoever changed them.
 *
 * A watcher asks notifyd.  Where that can not be reached (not there, a
 * mailbox of a system account) it watches by inotify itself, and where that
 * can not be, it says "changed" every now and then, so that the session looks.
 * It comes back to notifyd by itself.  "Changed" is only a hint to call
 * mailbox_refresh, and is also said once for each folder soon after
 * watcher_add: so nothing is lost that happens between a refresh and the
 * beginning of the watch.
 *
 * Poll watcher_fd beside the client's socket, for no longer than
 * watcher_timeout; then call watcher_next until it says -1:
 *
 *	io_wake_on(io, watcher_fd(w));
 *	while ((id = watcher_next(w)) >= 0)
 *		refresh(folder_of[id]);
 *
 * Nothing here blocks or fails the caller.  Jail: JAIL_FILES, JAIL_UNIX (or
 * JAIL_PAIR, after watcher_open) and JAIL_INOTIFY, each of which may be
 * missing, at the cost of what it does.
 */
#ifndef STORE_WATCHER_H
#define STORE_WATCHER_H

#include "base/err.h"
#include "base/str.h"

enum { WATCHER_POLL_MS = 30000 /* without notice */,
	WATCHER_CHECK = 10 /* times as long with it: other hosts (NFS) */ };

/* While connect(2) is still allowed: take what connections to notifyd can be
 * made with inside a jail that does not allow it. */
void watcher_open(void);

struct watcher;
/* NULL: no descriptor left.  Connects at once, where it can: so this may be
 * called before the jail is closed to a JAIL_UNIX that is not there. */
struct watcher *watcher_new(struct err *err);
void watcher_free(struct watcher *w);	/* NULL is fine */

/* Watch a folder: its absolute path (notice_path gives it), once.  A small
 * number, that of a folder removed before where there is one. */
int watcher_add(struct watcher *w, const char *folder);
void watcher_del(struct watcher *w, int id);

/* one descriptor for the life of the watcher: readable when there is news */
int watcher_fd(const struct watcher *w);
/* ms until watcher_next wants to be called whatever the descriptor says */
int watcher_timeout(const struct watcher *w);
/* the next folder that changed, or -1: none, wait */
int watcher_next(struct watcher *w);

/* how a folder is watched now: for logs and tests */
enum watch_how { WATCH_NONE, WATCH_HUB, WATCH_HUB_POLL, WATCH_OWN,
	WATCH_POLL };
enum watch_how watcher_how(const struct watcher *w, int id);

#endif
