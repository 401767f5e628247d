/*
 * notify.h - which mailboxes changed.  A session that waits for news tells
 * notifyd the folders that it wants to hear of and then asks `wait`, which is
 * answered when one of them changed; what changes while no `wait` is
 * there is kept for the next, once a folder, so neither side ever has more
 * than one answer under way.
 *
 * A folder is named by its path below mail_dir and proved by a descriptor of
 * it, opened for reading (O_PATH proves nothing): who can not open it can not
 * watch it.  Tags are numbers that the caller chooses, small ones.  Each watch
 * is reported as changed once when it begins: what happened before that has
 * to be looked for, what happens later is told.
 *
 * Programs use store/notice.h and store/watcher.h.
 */
#ifndef PROTO_NOTIFY_H
#define PROTO_NOTIFY_H

#include "ipc/ipc.h"

struct notify_watch_in {
	int64_t tag;
	const char *folder;	/* below mail_dir: example.org/ann/Maildir */
};
extern const struct verb_def notify_watch;	/* no reply */

struct notify_unwatch_in {
	int64_t tag;
};
extern const struct verb_def notify_unwatch;	/* no reply */

/* Tags.  polled: only our own writers are noticed here, so look from time to
 * time; refused: not watched (no proof, limits, gone), the tag is free again;
 * limit, where not 0: no tag from this one on is watched.
 * 5.5.1: a wait is there already */
struct notify_wait_out {
	struct strlist changed, polled, refused;
	int64_t limit;
};
extern const struct verb_def notify_wait;

/* the datagram of a writer, to run_dir/private/notices */
enum { NOTIFY_FOLDERS = 16, NOTIFY_PATH_MAX = 3800 };
struct notify_changed_in {
	struct strlist folder;
};
extern const struct verb_def notify_changed;

extern const struct verb_def *const notify_verbs[];	/* NULL ends */

#endif
