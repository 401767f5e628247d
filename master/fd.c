/*
 * fd.c - master's own descriptors lie at FD_LOW and above, close-on-exec, so
 * that those of a child can be put in place without one hiding another.
 */
#include "master.h"

#include <fcntl.h>

enum { FD_LOW = 64 };

int
fd_high(int fd)
{
	int r, e;

	if (fd < 0)
		return -1;
	r = fcntl(fd, F_DUPFD_CLOEXEC, FD_LOW);
	/* EINVAL: RLIMIT_NOFILE is below FD_LOW */
	e = errno == EINVAL ? EMFILE : errno;
	close(fd);
	errno = e;
	return r;
}

int
pipe_high(int p[2])
{
	if (pipe2(p, O_CLOEXEC) != 0)
		return -1;
	p[0] = fd_high(p[0]);
	p[1] = fd_high(p[1]);
	if (p[0] >= 0 && p[1] >= 0)
		return 0;
	close_fd(p[0]);
	close_fd(p[1]);
	return -1;
}
