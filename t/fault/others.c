/*
 * others.c - memory, and the time of day.
 */
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "shim.h"

#ifndef WITHOUT_MEMORY
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

/* at a start much of the C library, and of others, does not expect it */
static bool
no_memory(void)
{
	return shim_serving() && shim_fails(FAULT_MEMORY, ENOMEM);
}

EXPORT void *
malloc(size_t n)
{
	return no_memory() ? NULL : __libc_malloc(n);
}

EXPORT void *
calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : __libc_calloc(n, size);
}

EXPORT void *
realloc(void *p, size_t n)
{
	return no_memory() ? NULL : __libc_realloc(p, n);
}

CALL(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
    (p, n, prot, flags, fd, at), shim_fails(FAULT_MEMORY, ENOMEM), MAP_FAILED)
#endif

EXPORT int
clock_gettime(clockid_t id, struct timespec *t)
{
	int r;

	REAL(clock_gettime);
	r = real(id, t);
	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += shim_ahead();
	return r;
}

EXPORT int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	int r;

	REAL(gettimeofday);
	r = real(t, zone);
	if (r == 0)
		t->tv_sec += shim_ahead();
	return r;
}

EXPORT time_t
time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
