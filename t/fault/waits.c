/*
 * waits.c - calls that wait for others, and that begin processes.
 */
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "shim.h"

static bool
woken(void)
{
	shim_serves();
	return shim_fails(FAULT_EINTR, EINTR);
}

INT_CALL(connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),
    shim_fails(FAULT_EINTR, EINTR) || shim_fails(FAULT_SEND, EAGAIN))
INT_CALL(poll, (struct pollfd *p, nfds_t n, int ms), (p, n, ms), woken())
INT_CALL(epoll_wait, (int fd, struct epoll_event *e, int n, int ms),
    (fd, e, n, ms), woken())

static bool
unsent(void)
{
	return shim_fails(FAULT_EINTR, EINTR) ||
	    shim_fails(FAULT_SEND, ENOBUFS);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	REAL(sendmsg);
	return unsent() ? -1 : real(fd, m, flags);
}

EXPORT ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	REAL(send);
	return unsent() ? -1 : real(fd, p, n, flags);
}

EXPORT ssize_t
sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
    socklen_t len)
{
	REAL(sendto);
	return unsent() ? -1 : real(fd, p, n, flags, to, len);
}

EXPORT ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	REAL(recv);
	return shim_fails(FAULT_EINTR, EINTR) ? -1 : real(fd, p, n, flags);
}

EXPORT pid_t
waitpid(pid_t pid, int *status, int flags)
{
	REAL(waitpid);
	return shim_fails(FAULT_EINTR, EINTR) ? -1 : real(pid, status, flags);
}

int __poll_chk(struct pollfd *p, nfds_t n, int ms, size_t room);

EXPORT int
__poll_chk(struct pollfd *p, nfds_t n, int ms, size_t room)
{
	if (n * sizeof(*p) > room)
		abort();
	return poll(p, n, ms);
}

EXPORT pid_t
fork(void)
{
	REAL(fork);
	return shim_fails(FAULT_FORK, EAGAIN) ? -1 : real();
}

EXPORT int
posix_spawn(pid_t *restrict pid, const char *restrict path,
    const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *restrict attr, char *const argv[restrict],
    char *const envp[restrict])
{
	REAL(posix_spawn);
	return shim_fails(FAULT_FORK, EAGAIN) ? EAGAIN :
	    real(pid, path, actions, attr, argv, envp);
}

EXPORT int
pthread_create(pthread_t *restrict t, const pthread_attr_t *restrict attr,
    void *(*work)(void *), void *restrict arg)
{
	REAL(pthread_create);
	return shim_fails(FAULT_FORK, EAGAIN) ? EAGAIN :
	    real(t, attr, work, arg);
}
