/*
 * spool.c - the content directory: room, durability, removal.
 */
#include <fcntl.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "cleanup.h"
#include "conf/common.h"
#include "serve/jail.h"

enum { SPACE_FRESH_MS = 1000, DIRS = 256, TRIES = 100, STAY = 32 };

static int root = -1;
static int dirs[DIRS];		/* descriptor + 1, 0 not open yet */

int
spool_open(struct err *err)
{
	const char *path = common_path(common.spool_dir, "content");

	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, "%s", path);
	jail_path(path, PATH_ALL);
	return 0;
}

int
spool_space(uint64_t size, struct err *err)
{
	static int64_t until;
	static uint64_t bytes;
	static bool inodes;
	int64_t now = mono_ms();
	struct statvfs st;
	uint64_t need;

	if (now >= until) {
		if (fstatvfs(root, &st) < 0)
			return err_sys(err, "statvfs");
		bytes = (uint64_t)st.f_bavail * st.f_frsize;
		/* f_files 0: the file system does not count them */
		inodes = st.f_files == 0 ||
		    st.f_favail >= (uint64_t)conf.min_free_inodes;
		until = now + SPACE_FRESH_MS;
		if (bytes < conf.min_free_space || !inodes)
			log_event(LOG_WARN, "disk_full",
			    KU("free", bytes), KU("inodes", st.f_favail),
			    KEND);
	}
	if (add_overflows(conf.min_free_space, size, &need) ||
	    bytes < need || !inodes)
		return err_temp(err, "4.3.1", "insufficient system storage");
	return 0;
}

/* Files that come after each other lie in one directory: what a sync has to
 * write is little. */
int
spool_create(char q[QID_SIZE], int *fd_r, struct err *err)
{
	static unsigned dir, left;
	int64_t id = 0;
	int i, rc = 0;

	if (left == 0) {
		dir = random_below(DIRS);
		left = STAY;
	}
	left--;
	for (i = 0; i < TRIES && rc == 0; i++) {
		qid_make(q);
		qid_parse(q, &id);
		qid_print((id & ~(int64_t)(DIRS - 1)) | dir, q);
		rc = content_create(common.spool_dir, q, fd_r, err);
	}
	return rc == 0 ? err_temp(err, "4.3.0", "no free queue id") :
	    MIN(rc, 0);
}

int
spool_sibling(const char *q, char other_r[QID_SIZE], int *fd_r,
    struct err *err)
{
	int64_t id = 0, other = 0;
	int i, rc = 0;

	qid_parse(q, &id);
	for (i = 0; i < TRIES && rc == 0; i++) {
		qid_make(other_r);
		qid_parse(other_r, &other);
		qid_print((other & ~(int64_t)(DIRS - 1)) |
		    (id & (DIRS - 1)), other_r);
		rc = content_create(common.spool_dir, other_r, fd_r, err);
	}
	return rc == 0 ? err_temp(err, "4.3.0", "no free queue id") :
	    MIN(rc, 0);
}

int
spool_rename(const char *from, const char *q, struct err *err)
{
	struct str a = STR_INIT, b = STR_INIT;
	int rc = 0;

	content_path(&a, common.spool_dir, from);
	content_path(&b, common.spool_dir, q);
	if (rename(a.s, b.s) < 0)
		rc = err_sys(err, "rename %s", a.s);
	str_free(&a);
	str_free(&b);
	return rc;
}

static int
dir_fd(const char *q, struct err *err)
{
	struct str path = STR_INIT;
	int64_t id = 0;
	int *slot, fd;

	qid_parse(q, &id);
	slot = &dirs[id & (DIRS - 1)];
	if (*slot > 0)
		return *slot - 1;
	content_dir(&path, common.spool_dir, q);
	fd = open(path.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err_sys(err, "%s", path.s);
	else
		*slot = fd + 1;
	str_free(&path);
	return fd;
}

int
spool_sync_dir(const char *q, struct err *err)
{
	int dir = dir_fd(q, err);

	if (dir < 0)
		return -1;
	if (fsync(dir) < 0)
		return err_sys(err, "fsync directory");
	return 0;
}

int
spool_syncfs(struct err *err)
{
	return syncfs(root) < 0 ? err_sys(err, "syncfs") : 0;
}

void
spool_remove(const char *q)
{
	struct err err = ERR_INIT;

	/* qmgr removes what stays behind */
	if (content_remove(common.spool_dir, q, &err) < 0)
		log_event(LOG_WARN, "orphan", KS("q", q), KERR(&err), KEND);
}
