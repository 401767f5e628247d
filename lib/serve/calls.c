/*
 * calls.c - for -J: a call of each group of jail.c, with arguments that make
 * it fail, or change nothing, where it is allowed.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "serve/landlock.h"

enum { NO_PROTOCOL = 9999 };

/* pidfd and parent_tid would be one place of clone(2): EINVAL */
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_PIDFD | \
	CLONE_PARENT_SETTID)

static const struct {
	const char *name;
	long number, a[4];
} calls[] = {
	{ "flock", SYS_flock, { -1 } },
	{ "renameat2", SYS_renameat2, { -1, 0, -1, 0 } },
	{ "fdatasync", SYS_fdatasync, { -1 } },
	{ "memfd_create", SYS_memfd_create, { 0 } },
	{ "timerfd_create", SYS_timerfd_create, { -1 } },
	{ "inotify_init1", SYS_inotify_init1, { -1 } },
	{ "bind", SYS_bind, { -1 } },
	{ "socket-inet", SYS_socket, { AF_INET, SOCK_STREAM, NO_PROTOCOL } },
	{ "socket-unix", SYS_socket, { AF_UNIX, SOCK_STREAM, NO_PROTOCOL } },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_SEQPACKET,
	    NO_PROTOCOL } },
	{ "fchmod", SYS_fchmod, { -1 } },
	{ "wait4", SYS_wait4, { 0, 0, -1 } },
	{ "clone", SYS_clone, { THREAD } },
	{ "execve", SYS_execve, { 0 } },
	{ "setresuid", SYS_setresuid, { -1, -1, -1 } },
	{ "landlock_create_ruleset", SYS_landlock_create_ruleset,
	    { 0, 0, 2 } },
	{ "getsid", SYS_getsid, { -1 } },
};

void
jail_try_calls(void)
{
	const long *a;
	size_t i;

	for (i = 0; i < ARRAY_LEN(calls); i++) {
		a = calls[i].a;
		errno = 0;
		syscall(calls[i].number, a[0], a[1], a[2], a[3]);
		printf("call %s\t%s\n", calls[i].name, errno == EPERM ?
		    "EPERM" : "possible");
	}
	fflush(stdout);
}
