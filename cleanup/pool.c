/*
 * pool.c - content files whose directory entries are on disk already.
 *
 * A file is created empty together with some others of one directory, and one
 * fsync of the directory serves them all; at commit the file's own fsync is
 * then enough.  A process that handles few messages makes few: the number
 * doubles with every refill.  A name grows old within POOL_AGE_MS, long before
 * qmgr would sweep it as an orphan; what is left at exit is unlinked, and what
 * a killed process leaves, qmgr sweeps.
 */
#include "base/clock.h"
#include "base/log.h"
#include "cleanup.h"
#include "conf/common.h"

enum { POOL_MAX = 16, POOL_AGE_MS = 30000 };

static struct {
	char q[QID_SIZE];
	int fd;
} pool[POOL_MAX];
static size_t left, want = 1;
static int64_t made_at;

void
pool_empty(void)
{
	while (left > 0) {
		left--;
		close_fd(pool[left].fd);
		spool_remove(pool[left].q);
	}
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

static int
refill(struct err *err)
{
	unsigned dir = random_below(256);
	int rc, tries = 0;

	made_at = mono_ms();
	while (left < want) {
		rc = create_in(dir, pool[left].q, &pool[left].fd, err);
		if (rc < 0)
			goto fail;
		if (rc == 1)
			left++;
		else if (++tries > 100) {
			err_temp(err, "4.3.0", "no free queue id");
			goto fail;
		}
	}
	if (spool_sync_dir(pool[0].q, err) < 0)
		goto fail;
	want = MIN(want * 2, (size_t)POOL_MAX);
	return 0;
fail:
	pool_empty();
	return -1;
}

int
pool_take(char q[QID_SIZE], int *fd_r, struct err *err)
{
	if (left > 0 && mono_ms() - made_at > POOL_AGE_MS) {
		pool_empty();
		want = 1;
	}
	if (left == 0 && refill(err) < 0)
		return -1;
	left--;
	memcpy(q, pool[left].q, QID_SIZE);
	*fd_r = pool[left].fd;
	return 0;
}
