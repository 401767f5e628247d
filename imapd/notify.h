/*
 * notify.h - NOTIFY (RFC 5465): which changes a client wants to be told of
 * while it waits, and telling it.
 */
#ifndef IMAPD_NOTIFY_H
#define IMAPD_NOTIFY_H

#include "session.h"

enum {	/* events */
	NOTIFY_NEW = 1, NOTIFY_EXPUNGE = 2, NOTIFY_FLAGS = 4,
	NOTIFY_NAME = 8, NOTIFY_SUBSCRIPTION = 16,
	NOTIFY_META = 32, NOTIFY_SERVER_META = 64,
	NOTIFY_MESSAGES = 7,
};
enum notify_filter { FILTER_SELECTED, FILTER_DELAYED, FILTER_INBOXES,
	FILTER_PERSONAL, FILTER_SUBSCRIBED, FILTER_SUBTREE,
	FILTER_MAILBOXES };
enum { NOTIFY_GROUPS = 64, NOTIFY_FOLDERS = 1000 };

struct notify_group {
	enum notify_filter filter;
	struct strlist names;	/* of SUBTREE and MAILBOXES */
	unsigned events;
	const char *items;	/* FETCH items of MessageNew, or NULL */
};
struct watched;			/* notify.c */
struct notify_meta;		/* notify_part.h */
struct notify {
	struct arena arena;
	struct notify_group *group;
	size_t n;
	unsigned wanted;	/* events of all groups but the selected's */
	const struct notify_group *selected;	/* or NULL */
	/* what is watched, and the folders as the client knows them */
	struct watched *v;
	size_t n_watched;
	bool tree_changed, selected_changed, meta_changed;
	struct notify_meta *server;	/* its annotations */
	int64_t looked;		/* at everything, mono_ms */
};

/* begin with what was parsed: n is taken; status: tell it of each folder
 * first */
void notify_start(struct session *s, struct notify *n, bool status);
void notify_stop(struct session *s);
/* take in what the watcher says, and tell it */
void notify_poll(struct session *s);
/* around a change of our own to the annotations of a folder ("": the server):
 * what others did is told before, ours is not told behind it */
void notify_meta_own(struct session *s, const char *name, bool done);
/* imap.wait: until the client says something */
void notify_between(void *session);

#endif
