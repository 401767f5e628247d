/*
 * opens.c - calls that give descriptors.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "shim.h"

static bool
no_number(void)
{
	return shim_fails(FAULT_FILES, EMFILE);
}

INT_CALL(socket, (int f, int t, int p), (f, t, p), no_number())
INT_CALL(socketpair, (int f, int t, int p, int s[2]), (f, t, p, s), no_number())
INT_CALL(pipe2, (int p[2], int flags), (p, flags), no_number())
INT_CALL(dup, (int fd), (fd), no_number())
INT_CALL(pipe, (int p[2]), (p), no_number())
INT_CALL(epoll_create1, (int flags), (flags), no_number())
INT_CALL(eventfd, (unsigned n, int flags), (n, flags), no_number())
INT_CALL(timerfd_create, (int clock, int flags), (clock, flags), no_number())
INT_CALL(inotify_init1, (int flags), (flags), no_number())
INT_CALL(inotify_add_watch, (int fd, const char *path, uint32_t mask),
    (fd, path, mask), shim_fails(FAULT_SPACE, ENOSPC))
INT_CALL(memfd_create, (const char *name, unsigned flags), (name, flags),
    no_number())
INT_CALL(signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags),
    no_number())
INT_CALL(accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
    (fd, a, n, flags), no_number() || shim_fails(FAULT_EINTR, EINTR) ||
    shim_fails(FAULT_SEND, ENOBUFS))

static bool
no_file(int flags)
{
	return no_number() ||
	    ((flags & O_CREAT) && shim_fails(FAULT_SPACE, ENOSPC));
}

#define OPEN(name, params, first) \
EXPORT int \
name params \
{ \
	mode_t mode = 0; \
	va_list ap; \
	REAL(name); \
	if (flags & (O_CREAT | __O_TMPFILE)) { \
		va_start(ap, flags); \
		mode = va_arg(ap, mode_t); \
		va_end(ap); \
	} \
	return no_file(flags) ? -1 : real(first, flags, mode); \
}
#define TWO(a, b) a, b

OPEN(open, (const char *path, int flags, ...), path)
OPEN(open64, (const char *path, int flags, ...), path)
OPEN(openat, (int d, const char *path, int flags, ...), TWO(d, path))
OPEN(openat64, (int d, const char *path, int flags, ...), TWO(d, path))

/* what the library opens for its own functions does not come by here */
CALL(FILE *, fopen, (const char *path, const char *mode),
    (path, mode), no_number(), NULL)
CALL(FILE *, fopen64, (const char *path, const char *mode),
    (path, mode), no_number(), NULL)
CALL(DIR *, opendir, (const char *path), (path), no_number(),
    NULL)

int __open_2(const char *path, int flags);
int __openat_2(int d, const char *path, int flags);

EXPORT int
__open_2(const char *path, int flags)
{
	return open(path, flags);
}

EXPORT int
__openat_2(int d, const char *path, int flags)
{
	return openat(d, path, flags);
}

/* what the kernel does where there is no number left for what came along */
static void
drop_files(struct msghdr *m)
{
	struct cmsghdr *c;
	unsigned char *p, *end;
	int fd;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		if (!shim_now(FAULT_FILES))
			return;
		end = (unsigned char *)c + c->cmsg_len;
		for (p = CMSG_DATA(c); p + sizeof(fd) <= end;
		    p += sizeof(fd)) {
			memcpy(&fd, p, sizeof(fd));
			close(fd);
		}
		m->msg_controllen = 0;
		m->msg_flags |= MSG_CTRUNC;
		return;
	}
}

EXPORT ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t n;

	REAL(recvmsg);
	shim_serves();
	if (shim_fails(FAULT_EINTR, EINTR))
		return -1;
	n = real(fd, m, flags);
	if (n >= 0 && !shim_idle())
		drop_files(m);
	return n;
}
