/*
 * recent.c - ids that left the queue within the last minutes, for who lost our
 * answer and asks what became of a message.  They lie in a file that is mapped:
 * a qmgr that is killed leaves them to the next one.  Nobody asks after a power
 * cut, so nothing is synced.
 *
 * Invariant: an id is here before the transaction ends by which it leaves
 * (epoch_left); what has been seen as gone is never unknown, whenever we are
 * killed.  One that stays after all is found in the queue first.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "qmgr.h"

/* 256 KB: of small disks it should not be much.  A row is a cache line. */
enum { ROW = 8, ROWS_BITS = 12, RECENT = ROW << ROWS_BITS, AHEAD_S = 60 };

static int64_t *recent;

static int64_t *
recent_row(int64_t id)
{
	return recent + ((uint64_t)id * 0x9e3779b97f4a7c15 >>
	    (64 - ROWS_BITS)) * ROW;
}

/* room on the disk is taken now: a page without it would kill us later */
static int64_t *
map(const char *path)
{
	size_t n = RECENT * sizeof(*recent);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)n) == 0 &&
	    fallocate(fd, 0, 0, (off_t)n) == 0)
		p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close_fd(fd);
	return p == MAP_FAILED ? NULL : p;
}

void
recent_open(void)
{
	char *path = xasprintf("%s/recent", common.spool_dir);
	struct err err;

	recent = map(path);
	if (recent == NULL) {
		err_sys(&err, "%s", path);
		log_event(LOG_WARN, "recent", KERR(&err), KEND);
		recent = xcalloc(RECENT, sizeof(*recent));
	}
	free(path);
}

/* What is asked for was made a moment ago, so the youngest of a row stay.
 * Where the clock was set back, those of before are the oldest. */
void
recent_add(int64_t id)
{
	int64_t *row = recent_row(id), end = qid_at(wall_s() + AHEAD_S);
	int i, at = 0;

	if (recent_has(id))
		return;
	for (i = 0; i < ROW; i++) {
		if (row[i] >= end)
			row[i] = 0;
		if (row[i] < row[at])
			at = i;
	}
	if (row[at] < id)
		row[at] = id;
}

bool
recent_has(int64_t id)
{
	const int64_t *row = recent_row(id);
	int i;

	for (i = 0; i < ROW; i++)
		if (row[i] == id)
			return true;
	return false;
}
