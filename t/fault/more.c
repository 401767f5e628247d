/*
 * more.c - calls that hardly ever fail, and are easily not looked at: locks,
 * what is asked and said of descriptors, what belongs to an event loop.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statvfs.h>

#include "shim.h"

static bool
none_left(void)
{
	return shim_fails(FAULT_OTHER, ENOMEM);
}

static bool
unknown(void)
{
	return shim_fails(FAULT_OTHER, EIO);
}

INT_CALL(epoll_ctl, (int ep, int op, int fd, struct epoll_event *e),
    (ep, op, fd, e), op == EPOLL_CTL_ADD && none_left())
INT_CALL(flock, (int fd, int op), (fd, op),
    op != LOCK_UN && shim_fails(FAULT_OTHER, ENOLCK))
INT_CALL(setsockopt, (int fd, int level, int name, const void *p, socklen_t n),
    (fd, level, name, p, n), shim_fails(FAULT_OTHER, ENOBUFS))
INT_CALL(getsockopt, (int fd, int level, int name, void *restrict p,
    socklen_t *restrict n), (fd, level, name, p, n),
    shim_fails(FAULT_OTHER, ENOBUFS))
INT_CALL(getsockname, (int fd, struct sockaddr *restrict a,
    socklen_t *restrict n), (fd, a, n), shim_fails(FAULT_OTHER, ENOBUFS))
/* it may be gone already */
INT_CALL(getpeername, (int fd, struct sockaddr *restrict a,
    socklen_t *restrict n), (fd, a, n), shim_fails(FAULT_OTHER, ENOTCONN))
INT_CALL(mprotect, (void *p, size_t n, int prot), (p, n, prot), none_left())
INT_CALL(madvise, (void *p, size_t n, int advice), (p, n, advice),
    none_left())
INT_CALL(fstatvfs, (int fd, struct statvfs *st), (fd, st), unknown())
INT_CALL(fstatvfs64, (int fd, struct statvfs64 *st), (fd, st), unknown())
INT_CALL(sync_file_range, (int fd, off64_t at, off64_t n, unsigned flags),
    (fd, at, n, flags), unknown())
INT_CALL(utimensat, (int d, const char *path, const struct timespec t[2],
    int flags), (d, path, t, flags), unknown())

/* the state of a file that is open: of a socket or a pipe it can not fail */
EXPORT int
fstat(int fd, struct stat *st)
{
	int r;
	REAL(fstat);

	r = real(fd, st);
	if (r == 0 && !shim_idle() &&
	    (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && unknown())
		return -1;
	return r;
}

EXPORT int
fstat64(int fd, struct stat64 *st)
{
	return fstat(fd, (struct stat *)st);
}

EXPORT ssize_t
readlink(const char *path, char *to, size_t n)
{
	REAL(readlink);
	return unknown() ? -1 : real(path, to, n);
}

/* of fcntl; what only looks does not fail */
static bool
refused(int what)
{
	switch (what) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return shim_fails(FAULT_FILES, EMFILE);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return shim_fails(FAULT_OTHER, ENOLCK);
	case F_ADD_SEALS:
	case F_SETPIPE_SZ:
	case F_SETFL:
		return none_left();
	}
	return false;
}

#define CONTROL(name, what_type) \
EXPORT int \
name(int fd, what_type what, ...) \
{ \
	void *arg; \
	va_list ap; \
	REAL(name); \
	va_start(ap, what); \
	arg = va_arg(ap, void *); \
	va_end(ap); \
	return refused_##name(fd, what) ? -1 : real(fd, what, arg); \
}
#define refused_fcntl(fd, what) refused(what)
#define refused_fcntl64(fd, what) refused(what)
#define refused_ioctl(fd, what) none_left()

CONTROL(fcntl, int)
CONTROL(fcntl64, int)
CONTROL(ioctl, unsigned long)
