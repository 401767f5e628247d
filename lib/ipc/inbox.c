/*
 * inbox.c - connections as datagrams.
 */
#include "ipc/inbox.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ipc/codec.h"

static int
option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static int
failed(int fd)
{
	int e = errno;

	close_fd(fd);
	errno = e;
	return -1;
}

int
inbox_open(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	return connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ?
	    failed(fd) : fd;
}

int
inbox_connect(int inbox)
{
	static const struct str nothing = { (char *)(uintptr_t)"", 1, 0 };
	int s[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, s) < 0)
		return -1;
	if (ipc_send_bytes(inbox, &nothing, s[1], MSG_DONTWAIT) < 0) {
		failed(s[1]);
		return failed(s[0]);
	}
	close_fd(s[1]);
	return s[0];
}

bool
inbox_is(int listener)
{
	return option(listener, SO_DOMAIN) == AF_UNIX &&
	    option(listener, SO_TYPE) == SOCK_DGRAM;
}

static int
check(int fd)
{
	if (option(fd, SO_DOMAIN) == AF_UNIX &&
	    option(fd, SO_TYPE) == SOCK_SEQPACKET &&
	    option(fd, SO_ACCEPTCONN) == 0)
		return fd;
	close_fd(fd);
	errno = EBADMSG;
	return -1;
}

int
inbox_accept(int listener)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_LEN(sizeof(int)) };
	struct cmsghdr *cm;
	int fd = -1;

	/* there is room for one descriptor: the kernel drops what is more */
	if (recvmsg(listener, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
		return -1;
	cm = CMSG_FIRSTHDR(&mh);
	if (cm != NULL && cm->cmsg_level == SOL_SOCKET &&
	    cm->cmsg_type == SCM_RIGHTS && cm->cmsg_len ==
	    CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	if (fd < 0) {
		/* out of descriptors: the kernel has dropped it */
		errno = EBADMSG;
		return -1;
	}
	return check(fd);
}
