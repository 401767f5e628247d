/*
 * probe.c - for -J: from inside the jail, try what no program, or not this
 * one, should be able to do, and say how it ended.
 */
#include "serve/jail.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

static int
try_open(void)
{
	return open("/bin/sh", O_RDONLY | O_CLOEXEC);
}

static int
try_list(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
try_create(void)
{
	return open("/tmp/postrider-probe", O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600);
}

static int
try_unlink(void)
{
	return unlink("/tmp/postrider-probe-target");
}

static int
try_exec(void)
{
	char *argv[] = { (char *)"true", NULL }, *envp[] = { NULL };

	return execve("/bin/true", argv, envp);
}

static int
try_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_fork);

	if (pid == 0)
		_exit(0);
	return (int)pid;
}

static int
try_inet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
try_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

/* a bad descriptor: only whether the call itself is allowed */
static int
try_any_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	return connect(-1, (struct sockaddr *)&sun, sizeof(sun)) < 0 &&
	    errno == EBADF ? 0 : -1;
}

static int
try_datagram_pair(void)
{
	int s[2];

	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s);
}

/* reaches nobody: port 1 of this host; ECONNREFUSED means that it could */
static int
try_connect(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static int
try_setuid(void)
{
	return (int)syscall(SYS_setresuid, 0, 0, 0);
}

static int
try_kill(void)
{
	return kill(getppid(), 0);
}

static int
try_ptrace(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
try_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int
try_chmod(void)
{
	return chmod("/tmp", 01777);
}

/* of what anybody may write to */
static int
try_times(void)
{
	return utimensat(AT_FDCWD, "/tmp", NULL, 0);
}

/* signals of a descriptor are for another process */
static int
try_owner(void)
{
	return fcntl(STDOUT_FILENO, F_SETOWN, getppid());
}

static int
try_watch(void)
{
	return inotify_add_watch(inotify_init1(IN_CLOEXEC), "/tmp", IN_CREATE);
}

static int
try_mount(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

/* a child in a user namespace of its own, where a child is allowed */
static int
try_clone_namespace(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0,
	    0);

	if (pid == 0)
		_exit(0);
	return (int)pid;
}

static int
try_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int
try_uring(void)
{
	char params[256] = { 0 };

	return (int)syscall(SYS_io_uring_setup, 4, params);
}

static const struct {
	const char *name;
	int (*fn)(void);
} probes[] = {
	{ "open-outside", try_open }, { "list-root", try_list },
	{ "create-outside", try_create }, { "unlink-outside", try_unlink },
	{ "inet-socket", try_inet_socket }, { "connect", try_connect },
	{ "unix-socket", try_unix_socket },
	{ "unix-connect", try_any_connect },
	{ "datagram-pair", try_datagram_pair }, { "setuid-root", try_setuid },
	{ "kill-parent", try_kill }, { "ptrace", try_ptrace },
	{ "exec-memory", try_exec_memory }, { "chmod", try_chmod },
	{ "times", try_times }, { "signal-owner", try_owner },
	{ "watch", try_watch },
	{ "mount", try_mount }, { "unshare", try_unshare },
	{ "clone-namespace", try_clone_namespace },
	{ "io-uring", try_uring }, { "fork", try_fork },
	{ "exec", try_exec },	/* last: it would not come back */
};

int
jail_probe(void)
{
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(probes); i++) {
		printf("%s\t", probes[i].name);
		fflush(stdout);
		errno = 0;
		rc = probes[i].fn();
		printf("%s\n", rc >= 0 ? "possible" : strerrorname_np(errno));
		fflush(stdout);
	}
	return 0;
}
