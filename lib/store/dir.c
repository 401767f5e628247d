/*
 * dir.c - no path is resolved but through dir_open.
 */
#include "store/dir.h"

#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { LOCK_POLL_US = 2000, DENTS = 32768 };

int
dir_open(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	/* EAGAIN: somebody renames meanwhile */
	do {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd;
}

int
dir_lock(int fd, const char *what, int wait_ms, struct err *err)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t end = mono_ms() + wait_ms;

	while (fcntl(fd, F_OFD_SETLK, &fl) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(err, "lock %s", what);
		if (mono_ms() >= end)
			return err_temp(err, "4.2.0",
			    "%s is locked by another session", what);
		usleep(LOCK_POLL_US);
	}
	return 0;
}

/* one buffer of entries */
static int
each(const char *p, const char *end, bool dots, dir_fn *fn, void *ctx)
{
	const struct dirent64 *e;
	int r = 0;

	for (; r == 0 && p < end; p += e->d_reclen) {
		e = (const struct dirent64 *)(const void *)p;
		if (e->d_name[0] == '.' && (!dots ||
		    strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0))
			continue;
		r = fn(ctx, e->d_name, e->d_type);
	}
	return r;
}

int
dir_each(int dir, const char *sub, bool dots, dir_fn *fn, void *ctx,
    struct err *err)
{
	ssize_t n;
	char *buf;
	int fd, r = 0;

	fd = dir_open(dir, sub, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(err, "open %s", sub);
	/* not of the stack, whose pages a session would keep */
	buf = xmalloc(DENTS);
	while (r == 0 && (n = getdents64(fd, buf, DENTS)) > 0)
		r = each(buf, buf + n, dots, fn, ctx);
	/* ENOENT: it was removed meanwhile */
	if (r == 0 && n < 0 && errno != ENOENT)
		r = err_sys(err, "read %s", sub);
	free(buf);
	close(fd);
	return r;
}

int64_t
dir_time(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	return timespec_ns(st.st_mtim);
}

int64_t
dir_settles_ms(int64_t ns)
{
	int64_t grain = ns % 1000000000 == 0 ? DIR_COARSE_MS : DIR_GRAIN_MS;
	int64_t left = ns / 1000000 + grain - wall_us() / 1000 + 1;

	return MAX(left, 0);
}

bool
dir_spread(int fd)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ||
	    (flags & FS_TOPDIR_FL) != 0)
		return false;
	flags |= FS_TOPDIR_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}
