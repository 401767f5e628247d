/*
 * watcher_part.h - inside lib/store: the two ways in which a watcher hears.
 */
#ifndef STORE_WATCHER_PART_H
#define STORE_WATCHER_PART_H

#include "store/watcher.h"

enum { OWN_DIRS = 3 };		/* new, cur, .state */

struct watched {
	char *folder;		/* NULL: free */
	enum watch_how how;
	bool changed;
	bool unsent;		/* for notifyd, which has not heard of it */
	int wd[OWN_DIRS];	/* of our own inotify; -1 none */
};

struct watcher {
	int ep;			/* both below, for one poll */
	int sock;		/* to notifyd, or -1 */
	int own;		/* inotify, or -1 */
	bool no_hub;		/* can not be reached, ever */
	bool own_paused;
	int64_t dialed;		/* mono_ms */
	int64_t dial_at;	/* of the next attempt; 0: none */
	int64_t push_at;	/* the same for what is unsent */
	int64_t doubt_at;	/* when to do without an answer */
	int64_t own_at, poll_at, check_at;
	struct watched *v;
	size_t n, next;		/* next: where watcher_next goes on */
};

/* watcher_hub.c */
void watcher_dial(struct watcher *w);
void watcher_hear(struct watcher *w);	/* what notifyd said */
void watcher_push(struct watcher *w);	/* what it has not heard of */
void watcher_unwatch(struct watcher *w, int id);
void watcher_doubt(struct watcher *w);

/* watcher_own.c */
void watcher_own(struct watcher *w, struct watched *e);
void watcher_own_del(struct watcher *w, struct watched *e);
void watcher_own_read(struct watcher *w);
void watcher_own_resume(struct watcher *w);

/* watcher.c */
void watcher_poll_on(struct watcher *w, int fd);
void watcher_poll_off(struct watcher *w, int fd);

#endif
