/*
 * notifyd.h - who watches what.  A folder is an inode, watched by inotify
 * once, whoever asks; a watch is one subscriber's interest in one folder; a
 * subscriber is a connection.
 */
#ifndef NOTIFYD_NOTIFYD_H
#define NOTIFYD_NOTIFYD_H

#include "serve/hub.h"

#include <event2/event.h>
#include <uthash.h>

struct notifyd_conf {
	int64_t connections, watches, connection_watches;
	int64_t interval;
};
extern struct notifyd_conf conf;
extern struct daemon notifyd;

enum { FOLDER_DIRS = 3 };	/* new, cur, .state */

struct watch;
struct folder;

/* one watch descriptor of inotify */
struct dir {
	int wd;			/* -1: none */
	struct folder *folder;
	UT_hash_handle hh;
};

struct folder {
	struct folder_key { dev_t dev; ino_t ino; } key;
	struct dir dir[FOLDER_DIRS];
	struct watch *watches;
	int slot;		/* of the board, or -1 */
	int64_t told;		/* mono_ms */
	bool pending;		/* changed since, to be told when it is time */
	struct folder *next_pending;
	UT_hash_handle hh;
};

enum { CHANGED = 1, POLLED = 2, REFUSED = 4 };	/* to be reported */
struct sub;
struct watch {
	struct folder *folder;	/* NULL: refused */
	struct watch *next, **prev;	/* of the folder */
	struct sub *sub;
	int64_t tag;
	unsigned report;
	struct watch *next_report, **prev_report;	/* NULL: not in it */
};

/* folder.c */
/* The folder of a descriptor, watched; NULL: it can not be.  relative: its
 * path below mail_dir, which must lead to it. */
struct folder *folder_get(int fd, const char *relative, struct err *err);
void folder_add(struct folder *f, struct watch *w);
/* a folder without watches goes */
void folder_leave(struct folder *f, struct watch *w);
void folder_changed(struct folder *f);
void folder_lost(struct folder *f);	/* removed: its watches end */
void folder_all_changed(void);
struct folder *folder_find(const char *relative);
int folder_start(struct err *err);

/* inotify.c */
int inotify_open(struct err *err);
int inotify_start(struct err *err);
void inotify_watch(struct folder *f, int fd);
void inotify_unwatch(struct folder *f);
bool inotify_covers(const struct folder *f);

/* notices.c */
int notices_open(struct err *err);
int notices_start(struct err *err);
int board_take(const char *relative);	/* a slot, -1 none */
void board_give(int slot);
/* what the path below mail_dir leads to: 1, or 0 nothing */
int notices_stat(const char *relative, struct folder_key *key);

/* sub.c */
void *sub_open(const struct ipc_cred *peer);
void sub_close(void *conn);
int sub_watch(struct call *c, const void *in, void *out, struct err *err);
int sub_unwatch(struct call *c, const void *in, void *out, struct err *err);
int sub_wait(struct call *c, const void *in, void *out, struct err *err);
void watch_report(struct watch *w, unsigned what);

#endif
