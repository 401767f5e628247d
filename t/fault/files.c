/*
 * files.c - calls that write, read, name files and look at names.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "shim.h"

/* how much of n to write: n, less, or -1 */
static ssize_t
amount(int fd, size_t n)
{
	mode_t m;

	if (shim_idle())
		return (ssize_t)n;
	m = shim_kind(fd);
	if (m == S_IFREG)
		shim_dies();
	if (m == S_IFREG && shim_fails(FAULT_SPACE, ENOSPC))
		return -1;
	if (m != S_IFREG && shim_fails(FAULT_EINTR, EINTR))
		return -1;
	if (m == S_IFSOCK && shim_fails(FAULT_SEND, ENOBUFS))
		return -1;
	return (ssize_t)(m == S_IFREG && n > 1 && shim_now(FAULT_SHORT) ?
	    n / 2 : n);
}

EXPORT ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t k = amount(fd, n);

	REAL(write);
	return k < 0 ? -1 : real(fd, p, (size_t)k);
}

EXPORT ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t k = amount(fd, n);

	REAL(pwrite);
	return k < 0 ? -1 : real(fd, p, (size_t)k, at);
}

EXPORT ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

/* a short one writes the first piece */
EXPORT ssize_t
writev(int fd, const struct iovec *v, int n)
{
	ssize_t k = amount(fd, (size_t)n);

	REAL(writev);
	return k < 0 ? -1 : real(fd, v, (int)k);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t k = amount(fd, (size_t)n);

	REAL(pwritev);
	return k < 0 ? -1 : real(fd, v, (int)k, at);
}

static bool
no_room(void)
{
	shim_dies();
	return shim_fails(FAULT_SPACE, ENOSPC);
}

static bool
no_sync(void)
{
	shim_dies();
	return shim_fails(FAULT_SYNC, EIO);
}

static bool
stays(void)
{
	shim_dies();
	return shim_fails(FAULT_NAME, EIO);
}

static bool
no_name(void)
{
	return no_room() || shim_fails(FAULT_NAME, EIO);
}

INT_CALL(ftruncate, (int fd, off_t n), (fd, n), no_room())
INT_CALL(ftruncate64, (int fd, off64_t n), (fd, n), no_room())
INT_CALL(fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n),
    no_room())
INT_CALL(fsync, (int fd), (fd), no_sync())
INT_CALL(fdatasync, (int fd), (fd), no_sync())
INT_CALL(syncfs, (int fd), (fd), no_sync())

INT_CALL(link, (const char *a, const char *b), (a, b), no_name())
INT_CALL(linkat, (int d, const char *a, int e, const char *b, int flags),
    (d, a, e, b, flags), no_name())
INT_CALL(rename, (const char *a, const char *b), (a, b), no_name())
INT_CALL(renameat, (int d, const char *a, int e, const char *b),
    (d, a, e, b), no_name())
INT_CALL(renameat2, (int d, const char *a, int e, const char *b,
    unsigned flags), (d, a, e, b, flags), no_name())
INT_CALL(mkdir, (const char *a, mode_t mode), (a, mode), no_name())
INT_CALL(mkdirat, (int d, const char *a, mode_t mode), (d, a, mode),
    no_name())
INT_CALL(unlink, (const char *a), (a), stays())
INT_CALL(unlinkat, (int d, const char *a, int flags), (d, a, flags), stays())

static bool
unreadable(int fd)
{
	if (shim_idle())
		return false;
	return shim_kind(fd) == S_IFREG ? shim_fails(FAULT_READ, EIO) :
	    shim_fails(FAULT_EINTR, EINTR);
}

EXPORT ssize_t
read(int fd, void *p, size_t n)
{
	REAL(read);
	return unreadable(fd) ? -1 : real(fd, p, n);
}

EXPORT ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	REAL(pread);
	return unreadable(fd) ? -1 : real(fd, p, n, at);
}

EXPORT ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

ssize_t __read_chk(int fd, void *p, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room);

EXPORT ssize_t
__read_chk(int fd, void *p, size_t n, size_t room)
{
	if (n > room)
		abort();
	return read(fd, p, n);
}

EXPORT ssize_t
__pread_chk(int fd, void *p, size_t n, off_t at, size_t room)
{
	if (n > room)
		abort();
	return pread(fd, p, n, at);
}

CALL(struct dirent *, readdir, (DIR *d), (d), shim_fails(FAULT_READ, EIO), NULL)
INT_CALL(stat, (const char *path, struct stat *st), (path, st),
    shim_fails(FAULT_READ, EIO))
INT_CALL(stat64, (const char *path, struct stat64 *st), (path, st),
    shim_fails(FAULT_READ, EIO))
INT_CALL(lstat, (const char *path, struct stat *st), (path, st),
    shim_fails(FAULT_READ, EIO))
INT_CALL(fstatat, (int d, const char *path, struct stat *st, int flags),
    (d, path, st, flags), shim_fails(FAULT_READ, EIO))
INT_CALL(statx, (int d, const char *path, int flags, unsigned mask,
    struct statx *st), (d, path, flags, mask, st), shim_fails(FAULT_READ, EIO))
INT_CALL(fchmod, (int fd, mode_t mode), (fd, mode), shim_fails(FAULT_NAME, EIO))
INT_CALL(fchown, (int fd, uid_t u, gid_t g), (fd, u, g),
    shim_fails(FAULT_OTHER, EIO))
INT_CALL(futimens, (int fd, const struct timespec t[2]), (fd, t),
    shim_fails(FAULT_NAME, EIO))

EXPORT ssize_t
getdents64(int fd, void *p, size_t n)
{
	REAL(getdents64);
	return shim_fails(FAULT_READ, EIO) ? -1 : real(fd, p, n);
}
