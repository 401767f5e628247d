/*
 * alone.c - for programs of one thread and one process, linked into tlsd and
 * keyd alone.  libcrypto guards every look-up of an algorithm by a lock, and
 * asks the kernel before each random number whether it is in a forked child:
 * a tenth of a handshake.  What is here takes the place of libc's functions
 * for it.  There is nobody to guard against: the jail forbids clone(2), and
 * before it nothing starts a thread or a child.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

pid_t
getpid(void)
{
	static pid_t pid;

	if (pid == 0)
		pid = (pid_t)syscall(SYS_getpid);
	return pid;
}

int
pthread_rwlock_rdlock(pthread_rwlock_t *lock UNUSED)
{
	return 0;
}

int
pthread_rwlock_wrlock(pthread_rwlock_t *lock UNUSED)
{
	return 0;
}

int
pthread_rwlock_unlock(pthread_rwlock_t *lock UNUSED)
{
	return 0;
}
