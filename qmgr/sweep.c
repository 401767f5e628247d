/*
 * sweep.c - content without envelope: left behind by a crash before its
 * commit, or after the one that removed the envelope.  A directory at a time,
 * some files a step.
 */
#include "qmgr.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { STEP_FILES = 500, DIRS = 256, STEP_MS = 20 };

static DIR *dir;
static int at;		/* the directory that is open or next */

static int
open_next(void)
{
	char *path = xasprintf("%s/content/%02x", common.spool_dir, at);

	dir = opendir(path);
	if (dir == NULL && errno != ENOENT)
		log_event(LOG_WARN, "sweep", KS("path", path),
		    KS("reason", strerror(errno)), KEND);
	free(path);
	return dir != NULL;
}

static bool
is_old(const char *name, int64_t now)
{
	struct stat st;

	return fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) &&
	    st.st_mtime < now - MS(qmgr.conf.sweep_age);
}

static void
look_at(const char *name, int64_t now)
{
	struct err err;
	int64_t id;

	if (!qid_parse(name, &id) || id >= qid_at(now -
	    MS(qmgr.conf.sweep_age)) || msg_find(id) != NULL)
		return;
	/* a record that does not read is not in memory, but it is there */
	if (qdb_message_has(qmgr.db, id, &err) != 0 ||
	    qdb_fresh_has(qmgr.db, id, &err) != 0 || !is_old(name, now))
		return;
	if (unlinkat(dirfd(dir), name, 0) == 0)
		log_event(LOG_WARN, "orphan-removed", KS("q", name), KEND);
	else
		log_event(LOG_WARN, "sweep", KS("q", name),
		    KS("reason", strerror(errno)), KEND);
}

int64_t
sweep_step(void)
{
	int64_t now = wall_s(), end = mono_ms() + STEP_MS / 2;
	struct dirent *e = NULL;
	int n;

	if (dir != NULL || open_next())
		for (n = 0; n < STEP_FILES && mono_ms() < end &&
		    (e = readdir(dir)) != NULL; n++)
			look_at(e->d_name, now);
	if (e != NULL)
		return STEP_MS;
	if (dir != NULL)
		closedir(dir);
	dir = NULL;
	at = (at + 1) % DIRS;
	return MAX(STEP_MS, qmgr.conf.sweep_interval / DIRS);
}
