/*
 * probe.c - for -J: from inside the jail, try what no program, or not this
 * one, should be able to do, and say how it ended.  Before that, what standard
 * input asks for, a line each: read, write, create (a file in a directory) or
 * connect, and a path.
 */
#include "serve/jail.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/str.h"
#include "serve/landlock.h"

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

/* of a pipe that has none: only whether the call itself is allowed */
static int
try_attributes(void)
{
	int flags = 0;

	return ioctl(STDOUT_FILENO, FS_IOC_SETFLAGS, &flags) < 0 &&
	    errno == EPERM ? -1 : 0;
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
	{ "watch", try_watch }, { "attributes", try_attributes },
	{ "mount", try_mount }, { "unshare", try_unshare },
	{ "clone-namespace", try_clone_namespace },
	{ "io-uring", try_uring }, { "fork", try_fork },
	{ "exec", try_exec },	/* last: it would not come back */
};

static void
tell_rule(const struct jail_rule *rule)
{
	static const char *const rights[] = { "read", "write", "create",
		"link", "exec" };
	size_t i;

	if (access(rule->path, F_OK) < 0 && errno == ENOENT)
		return;
	printf("jail path\t");
	for (i = 0; i < ARRAY_LEN(rights); i++)
		if (rule->rights & 1u << i)
			printf("%s ", rights[i]);
	printf("%s\n", rule->path);
}

void
jail_tell(unsigned groups, const struct jail_rule *rules, size_t n,
    const uint16_t *ports, size_t nports)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ JAIL_FILES, "files" }, { JAIL_WRITE, "write" },
		{ JAIL_UNIX, "unix" }, { JAIL_PAIR, "pair" },
		{ JAIL_INET, "inet" }, { JAIL_EPOLL, "epoll" },
		{ JAIL_SQLITE, "sqlite" }, { JAIL_MEMFD, "memfd" },
		{ JAIL_THREAD, "thread" }, { JAIL_INOTIFY, "inotify" },
		{ JAIL_CHMOD, "chmod" }, { JAIL_FORK, "fork" },
		{ JAIL_SPREAD, "spread" },
		{ JAIL_IDS, "ids" }, { JAIL_RELOCK, "relock" },
		{ JAIL_EXEC, "exec" }, { JAIL_PLUGIN, "plugin" },
	};
	size_t i;

	printf("jail calls\t");
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (groups & names[i].bit)
			printf("%s ", names[i].name);
	puts("");
	for (i = 0; i < n; i++)
		tell_rule(&rules[i]);
	if (nports == SIZE_MAX)
		puts("jail port\tany");
	for (i = 0; i < nports && nports != SIZE_MAX; i++)
		printf("jail port\t%u\n", ports[i]);
}

static int
create_in(const char *dir)
{
	static const char name[] = "postrider-probe";
	int d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, e;

	if (d < 0 && errno != EACCES)
		return -1;
	/* who may not list a directory may still be able to write there */
	if (d < 0)
		d = open(dir, O_PATH | O_CLOEXEC);
	fd = openat(d, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	e = errno;
	if (fd >= 0)
		unlinkat(d, name, 0);
	close(fd);
	close(d);
	errno = e;
	return fd;
}

/* of whatever type it is: who hears that it is another could reach it */
static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), rc, e;

	if (fd < 0)
		return -1;
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(path));
	rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	e = errno;
	close(fd);
	errno = e;
	return rc < 0 && e == EPROTOTYPE ? 0 : rc;
}

static int
ask(const char *what, const char *path)
{
	if (strcmp(what, "read") == 0)
		return open(path, O_RDONLY | O_CLOEXEC);
	if (strcmp(what, "write") == 0)
		return open(path, O_WRONLY | O_CLOEXEC);
	if (strcmp(what, "create") == 0)
		return create_in(path);
	if (strcmp(what, "connect") == 0)
		return connect_to(path);
	errno = EINVAL;
	return -1;
}

static void
say(int rc)
{
	printf("%s\n", rc >= 0 ? "possible" : strerrorname_np(errno));
	fflush(stdout);
}

static void
probe_asked(void)
{
	char *line = NULL, *path;
	size_t cap = 0;
	ssize_t n;
	int rc;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		path = strchr(line, ' ');
		if (path == NULL)
			continue;
		*path++ = '\0';
		printf("%s %s\t", line, path);
		errno = 0;
		rc = ask(line, path);
		say(rc);
		if (rc > 0)
			close(rc);
	}
	free(line);
}

int
jail_probe(void)
{
	size_t i;

	probe_asked();
	jail_try_calls();
	for (i = 0; i < ARRAY_LEN(probes); i++) {
		printf("%s\t", probes[i].name);
		fflush(stdout);
		errno = 0;
		say(probes[i].fn());
	}
	return 0;
}
