/*
 * pool.c - content files whose directory entries are on disk already.
 *
 * Files are created empty, some of one directory together, and one fsync of
 * the directory serves them all; at commit a file's own fsync is then enough.
 * Who handles few messages makes few: the number doubles with every refill.
 * None is handed out that is older than POOL_AGE by the clock that qmgr sweeps
 * orphans by.  What is left at exit is unlinked; what a killed process leaves,
 * qmgr sweeps.
 */
#include "base/clock.h"
#include "base/log.h"
#include "cleanup.h"
#include "conf/common.h"

enum { POOL_MAX = 16, POOL_AGE = 30 /* seconds */ };

static struct {
	char q[QID_SIZE];
	int fd;
} pool[POOL_MAX];
static size_t next, end, want = 1;	/* pool[next..end) is there */
static int64_t made_at;			/* wall_s() */

void
pool_empty(void)
{
	for (; next < end; next++) {
		close_fd(pool[next].fd);
		spool_remove(pool[next].q);
	}
	next = end = 0;
	want = 1;
}

/* a new id whose low byte, the directory, is given */
static int
create_in(unsigned dir, char q[QID_SIZE], int *fd_r, struct err *err)
{
	int64_t id = 0;

	qid_make(q);
	qid_parse(q, &id);
	qid_print((id & ~(int64_t)0xff) | dir, q);
	return content_create(common.spool_dir, q, fd_r, err);
}

/* one more file of that directory */
static int
add(unsigned dir, struct err *err)
{
	int rc, tries;

	for (tries = 0; tries < 100; tries++) {
		rc = create_in(dir, pool[end].q, &pool[end].fd, err);
		if (rc < 0)
			return -1;
		if (rc == 1) {
			end++;
			return 0;
		}
	}
	return err_temp(err, "4.3.0", "no free queue id");
}

/* A disk that is nearly full gives fewer than wanted. */
static int
refill(struct err *err)
{
	unsigned dir = random_below(256);

	made_at = wall_s();
	next = end = 0;
	while (end < want && add(dir, err) == 0)
		continue;
	if (end == 0)
		return -1;
	if (spool_sync_dir(pool[0].q, err) < 0) {
		pool_empty();
		return -1;
	}
	want = end < want ? 1 : MIN(want * 2, (size_t)POOL_MAX);
	return 0;
}

/* also where the clock was set back */
static bool
too_old(void)
{
	int64_t age = wall_s() - made_at;

	return age < 0 || age > POOL_AGE;
}

int
pool_take(char q[QID_SIZE], int *fd_r, struct err *err)
{
	if (next < end && too_old())
		pool_empty();
	if (next == end && refill(err) < 0)
		return -1;
	memcpy(q, pool[next].q, QID_SIZE);
	*fd_r = pool[next].fd;
	next++;
	return 0;
}
