/*
 * places.c - how many processes ask one table at a time, so that a server that
 * is slow leaves processes for the other tables.
 *
 * A place is a byte of the file of health.c, locked by the process that has
 * it: the kernel gives it back whatever happens to the process.
 */
#include "base/clock.h"
#include "mapd.h"

#include <fcntl.h>
#include <time.h>

enum { FIRST = 1 << 20, TABLES = 1 << 20, PLACES = 1000, WAIT_MS = 500,
	TRY_MS = 10 };

static int file = -1;

void
places_open(int fd)
{
	close_fd(file);
	file = fd;
}

/* the same in all processes, of whatever generation */
static off_t
first_place(const struct table *t)
{
	const char *p = t->spec;
	uint32_t h = 2166136261u;

	while (*p != '\0')
		h = (h ^ (unsigned char)*p++) * 16777619u;
	return FIRST + (off_t)(h % TABLES) * PLACES;
}

static bool
lock(off_t at, short type)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = at, .l_len = 1 };

	return fcntl(file, F_OFD_SETLK, &fl) == 0;
}

static bool
take(struct table *t)
{
	off_t first = first_place(t);
	int64_t i, n = t->c.concurrency;

	/* the one that we had is most likely free */
	for (i = 0; i < n; i++)
		if (lock(first + (t->place + i) % n, F_WRLCK)) {
			t->place = (t->place + i) % n;
			return true;
		}
	return false;
}

int
place_enter(struct table *t, struct err *err)
{
	const struct timespec nap = { 0, TRY_MS * 1000000L };
	int64_t end;

	if (file < 0 || t->c.concurrency == 0)
		return 0;
	for (end = mono_ms() + WAIT_MS; !take(t); nanosleep(&nap, NULL))
		if (mono_ms() >= end)
			return err_temp(err, "4.3.0", "%s: %lld processes "
			    "wait for its answers: see \"concurrency\" in %s",
			    t->spec, (long long)t->c.concurrency, t->path);
	return 0;
}

void
place_leave(struct table *t)
{
	if (file >= 0 && t->c.concurrency > 0)
		lock(first_place(t) + t->place, F_UNLCK);
}
