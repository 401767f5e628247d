/*
 * jail.c - closes the jail; probes.c tries the walls.
 */
#include "serve/jail.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "map/jit.h"
#include "serve/landlock.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

enum { MAX_RULES = 8192, JAIL_PORTS = 64 };	/* more are left out */
/* flags of clone(2) */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
	CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

static struct jail_rule *rules;
static size_t nrules, rules_cap;
static uint16_t ports[JAIL_PORTS];
static size_t nports;
static unsigned needed;		/* groups, by jail_need */
bool jail_loud;

#define N(name) SCMP_SYS(name)
static const int base_calls[] = {
	N(read), N(write), N(readv), N(writev), N(close), N(fstat), N(lseek),
	N(newfstatat), N(poll), N(ppoll), N(epoll_create1),
	N(epoll_ctl), N(epoll_wait), N(epoll_pwait), N(recvmsg), N(recvfrom),
	N(accept4), N(getsockopt), N(setsockopt),
	N(getsockname), N(getpeername), N(shutdown), N(brk), N(munmap),
	N(mremap), N(madvise), N(rt_sigaction), N(rt_sigprocmask),
	N(rt_sigreturn), N(clock_gettime), N(clock_nanosleep), N(nanosleep),
	N(gettimeofday), N(getpid), N(gettid), N(getppid), N(getuid),
	N(geteuid), N(getgid), N(getegid), N(futex), N(getrandom), N(exit),
	N(exit_group), N(restart_syscall), N(dup), N(sysinfo), N(uname),
	N(umask), N(sched_yield), N(set_robust_list), N(rseq),
};
static const int file_calls[] = {
	N(open), N(openat), N(openat2), N(stat), N(lstat), N(statx),
	N(access), N(faccessat), N(faccessat2), N(readlink), N(readlinkat),
	N(getdents64), N(statfs), N(fstatfs), N(pread64), N(preadv),
	N(fadvise64), N(getcwd), N(flock),
};
static const int write_calls[] = {
	N(link), N(linkat), N(rename), N(renameat), N(renameat2), N(unlink),
	N(unlinkat), N(mkdir), N(mkdirat), N(rmdir), N(fsync), N(fdatasync),
	N(syncfs), N(sync_file_range), N(ftruncate), N(pwrite64), N(pwritev),
	N(fallocate), N(copy_file_range), N(sendfile),
};
static const int fork_calls[] = {
	N(fork), N(vfork), N(wait4), N(waitid), N(kill), N(pipe),
	N(pipe2), N(dup2), N(dup3), N(setpgid), N(setsid),
};
static const int exec_calls[] = { N(execve), N(execveat), N(arch_prctl),
	N(set_tid_address) };
static const int id_calls[] = {
	N(setuid), N(setgid), N(setresuid), N(setresgid), N(setgroups),
	N(setfsuid), N(setfsgid), N(capget), N(capset), N(prctl), N(setrlimit),
};
static const int sqlite_calls[] = {
	N(pread64), N(pwrite64), N(ftruncate), N(fsync), N(fdatasync),
	N(fallocate), N(getcwd),
};
static const int event_calls[] = {
	N(eventfd2), N(timerfd_create), N(timerfd_settime), N(pipe2),
	N(signalfd4), N(inotify_add_watch), N(inotify_rm_watch),
};
static const int memfd_calls[] = { N(memfd_create), N(pread64),
	N(pwrite64) };
static const int chmod_calls[] = { N(fchmod), N(fchmodat) };
static const int inotify_calls[] = { N(inotify_init1),
	N(inotify_add_watch), N(inotify_rm_watch) };
/* the resolver's, and what libraries of servers do to their sockets */
static const int inet_calls[] = { N(bind), N(sendmmsg), N(ioctl),
	N(connect), N(pipe2), N(eventfd2), N(setitimer) };
/* of what runs helpers: a shell, unix_chkpwd */
static const int plugin_calls[] = { N(prlimit64), N(getrlimit), N(ioctl),
	N(getpgrp), N(getpgid), N(getsid), N(getrusage), N(sigaltstack),
	N(times), N(alarm), N(setitimer), N(chdir), N(fchdir), N(chown),
	N(fchown), N(fchownat), N(getresuid), N(getresgid), N(getgroups),
	N(rt_sigsuspend), N(tgkill), N(pidfd_open), N(fstat) };
static const int relock_calls[] = {
	N(landlock_create_ruleset), N(landlock_add_rule),
	N(landlock_restrict_self), N(seccomp), N(prctl), N(prlimit64),
	N(setrlimit), N(open), N(openat),
};
#ifdef WITH_SANITIZERS
/* what the runtime of ASan and UBSan does on its own, reports included */
static const int sanitizer_calls[] = {
	N(openat), N(open), N(readlink), N(prctl),
	N(sigaltstack), N(sched_getaffinity), N(prlimit64), N(getrlimit),
	N(tgkill), N(access), N(pread64), N(getdents64),
};
#endif

struct group {
	unsigned bit;		/* 0: always */
	const int *calls;
	size_t n;
};
#define GROUP(bit, list) { bit, list, ARRAY_LEN(list) }
static const struct group groups[] = {
	GROUP(0, base_calls), GROUP(JAIL_FILES, file_calls),
	GROUP(JAIL_WRITE, write_calls), GROUP(JAIL_FORK, fork_calls),
	GROUP(JAIL_EXEC, exec_calls), GROUP(JAIL_IDS, id_calls),
	GROUP(JAIL_SQLITE, sqlite_calls), GROUP(JAIL_EPOLL, event_calls),
	GROUP(JAIL_CHMOD, chmod_calls), GROUP(JAIL_RELOCK, relock_calls),
	GROUP(JAIL_MEMFD, memfd_calls),
	GROUP(JAIL_INOTIFY, inotify_calls), GROUP(JAIL_INET, inet_calls),
	GROUP(JAIL_PLUGIN, plugin_calls),
#ifdef WITH_SANITIZERS
	GROUP(0, sanitizer_calls),
#endif
};

void
jail_path(const char *path, unsigned rights)
{
	if (nrules == MAX_RULES)
		return;
	if (nrules == rules_cap) {
		rules_cap = rules_cap > 0 ? 2 * rules_cap : 32;
		rules = xrealloc(rules, rules_cap * sizeof(*rules));
	}
	rules[nrules++] = (struct jail_rule){ .path = xstrdup(path),
		.rights = rights };
}

void
jail_path_of(int fd, const char *path, unsigned rights)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || nrules == MAX_RULES)
		return;
	jail_path(path, rights);
	rules[nrules - 1].dev = st.st_dev;
	rules[nrules - 1].ino = st.st_ino;
}

void
jail_port(uint16_t port)
{
	if (nports < JAIL_PORTS)
		ports[nports++] = port;
}

void
jail_need(unsigned set)
{
	needed |= set;
}

static int
allow_group(scmp_filter_ctx ctx, const struct group *g)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, g->calls[i], 0) < 0)
			return -1;
	return 0;
}

/* sockets of the Internet, and the one that the resolver asks for addresses */
static int
allow_inet(scmp_filter_ctx ctx)
{
	int rc = 0;

	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_INET));
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_INET6));
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(socket), 2,
	    SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
	    SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE));
	return rc;
}

/* Code is mapped from files.  Who asks the kernel's audit whether it is there
 * must hear that it is not, not that it may not ask. */
static int
allow_plugin(scmp_filter_ctx ctx)
{
	int rc = 0;

	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(mmap), 0);
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(mprotect), 0);
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), N(socket),
	    1, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
	return rc;
}

/* Signals for what happens to a descriptor go to whom F_SETOWN names, and a
 * lease keeps others waiting: of fcntl(2) the rest is allowed. */
static int
allow_fcntl(scmp_filter_ctx ctx)
{
	static const int commands[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
		F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
		F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_GETPIPE_SZ,
		F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS };
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_LEN(commands); i++)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(fcntl), 1,
		    SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
	return rc;
}

/* calls that depend on an argument: no executable memory, no other families
 * of sockets, no connection by sending, no new namespaces, and, as Landlock
 * does not ask for it, no times of files but of those that are open */
static int
allow_conditional(scmp_filter_ctx ctx, unsigned set)
{
	const int unix_calls[] = { N(socket), N(socketpair) };
	size_t i;
	int rc = 0;

	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(sendmsg), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(sendto), 1,
	    SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	/* libunbound connects in the common way where it hears this */
	if (set & JAIL_INET)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EOPNOTSUPP),
		    N(sendmsg), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN,
		    MSG_FASTOPEN));
	if (set & JAIL_WRITE)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(utimensat), 1,
		    SCMP_A1(SCMP_CMP_EQ, 0));
	rc |= allow_fcntl(ctx);
	if (set & JAIL_SPREAD) {
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(ioctl), 1,
		    SCMP_A1(SCMP_CMP_EQ, FS_IOC_GETFLAGS));
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(ioctl), 1,
		    SCMP_A1(SCMP_CMP_EQ, FS_IOC_SETFLAGS));
	}
	if (set & JAIL_FORK)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACES, 0));
	if (set & JAIL_THREAD)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACES | THREAD, THREAD));
	if (set & JAIL_UNIX) {
		for (i = 0; i < ARRAY_LEN(unix_calls); i++)
			rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
			    unix_calls[i], 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(connect), 0);
	}
	if (set & JAIL_PAIR)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, N(socketpair), 2,
		    SCMP_A0(SCMP_CMP_EQ, AF_UNIX), SCMP_A1(
		    SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(SOCK_NONBLOCK |
		    SOCK_CLOEXEC), SOCK_SEQPACKET));
	if (set & JAIL_INET)
		rc |= allow_inet(ctx);
	if (set & JAIL_PLUGIN)
		rc |= allow_plugin(ctx);
	/* glibc tries clone3 first and falls back where it is not there */
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), N(clone3), 0);
	return rc;
}

/* the filter that jail_prepare made; len 0: none */
static struct sock_fprog prepared;
static unsigned prepared_set;

static int
make_filter(scmp_filter_ctx ctx, unsigned set)
{
	int rc = 0;
	size_t i;

	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (i = 0; i < ARRAY_LEN(groups) && rc == 0; i++)
		if (groups[i].bit == 0 || (set & groups[i].bit))
			rc = allow_group(ctx, &groups[i]);
	return rc == 0 ? allow_conditional(ctx, set) : rc;
}

static int
seccomp_failed(int rc, struct err *err)
{
	errno = rc < -1 ? -rc : EINVAL;
	return err_sys(err, "seccomp");
}

static int
seccomp_enter(unsigned set, struct err *err)
{
	scmp_filter_ctx ctx;
	int rc;

	if (prepared.len > 0 && prepared_set == set)
		return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prepared) <
		    0 ? err_sys(err, "seccomp") : 0;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (ctx == NULL)
		return err_temp(err, "4.3.0", "seccomp_init");
	rc = make_filter(ctx, set);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc == 0 ? 0 : seccomp_failed(rc, err);
}

/* the program that libseccomp writes to a file */
static int
export_filter(scmp_filter_ctx ctx, int fd)
{
	int rc = seccomp_export_bpf(ctx, fd);
	off_t size = rc == 0 ? lseek(fd, 0, SEEK_END) : 0;
	size_t n = size > 0 ? (size_t)size : 0;
	struct sock_filter *f;

	if (rc != 0 || n == 0 || n % sizeof(*f) != 0)
		return rc != 0 ? rc : -1;
	f = xmalloc(n);
	if (pread(fd, f, n, 0) != (ssize_t)n) {
		free(f);
		return -1;
	}
	prepared = (struct sock_fprog){ (unsigned short)(n / sizeof(*f)), f };
	return 0;
}

int
jail_prepare(const struct jail *j, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int fd = memfd_create("filter", MFD_CLOEXEC), rc;

	if (ctx == NULL || fd < 0) {
		rc = -1;
	} else {
		rc = make_filter(ctx, j->groups);
		if (rc == 0)
			rc = export_filter(ctx, fd);
	}
	prepared_set = j->groups;
	if (ctx != NULL)
		seccomp_release(ctx);
	close_fd(fd);
	return rc == 0 ? 0 : seccomp_failed(rc, err);
}

/* for good; where whoever started us allows less, it stays less */
static int
set_limit(int what, rlim_t n, struct err *err)
{
	struct rlimit rl;

	if (getrlimit(what, &rl) < 0)
		return err_sys(err, "getrlimit %d", what);
	n = MIN(n, rl.rlim_max);
	rl = (struct rlimit){ n, n };
	return setrlimit(what, &rl) < 0 ? err_sys(err, "setrlimit %d", what) :
	    0;
}

static int
set_limits(const struct jail *j, struct err *err)
{
	if (set_limit(RLIMIT_CORE, 0, err) < 0)
		return -1;
#ifndef WITH_SANITIZERS
	if (j->memory > 0 && set_limit(RLIMIT_AS, j->memory, err) < 0)
		return -1;
#endif
	return j->files > 0 ? set_limit(RLIMIT_NOFILE, j->files, err) : 0;
}

int
jail_enter(const struct jail *j, struct err *err)
{
	unsigned set = j->groups | needed;
	size_t i;
	int rc;

	needed = 0;
	if (jit_close(err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "not dumpable");
#ifndef WITH_SANITIZERS
	/* kernels before 6.3 do not know it; seccomp forbids PROT_EXEC too */
	if (!(set & JAIL_PLUGIN) && prctl(PR_SET_MDWE,
	    PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
		return err_sys(err, "no executable memory");
#endif
	if (set_limits(j, err) < 0)
		return -1;
	if (jail_loud)
		jail_tell(set, rules, nrules,
		    ports, set & JAIL_ANY_PORT ? SIZE_MAX : nports);
	rc = landlock_enter(rules, nrules,
	    set & JAIL_ANY_PORT ? NULL : ports, nports, err);
	for (i = 0; i < nrules; i++)
		free((char *)rules[i].path);
	free(rules);
	rules = NULL;
	nrules = rules_cap = nports = 0;
	return rc < 0 ? -1 : seccomp_enter(set, err);
}
