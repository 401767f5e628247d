/*
 * shim.c - stands in front of the C library (LD_PRELOAD) and lets one call of
 * one program fail.  It is loaded, and its page is mapped, before a jail is
 * closed; what is not to fail goes on to the library.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

static struct fault_control *control;
static struct fault_count *mine;
static bool serves;	/* has waited for something: its start is over */
static const char *self = "";

/* the row of this program: the first that is free, or another process has
 * taken for it */
static struct fault_count *
my_row(void)
{
	struct fault_count *c;
	int i;

	for (i = 0; i < FAULT_PROGRAMS; i++) {
		c = &control->count[i];
		if (c->program[0] == '\0') {
			memcpy(c->program, self, strnlen(self,
			    sizeof(c->program) - 1));
			return c;
		}
		if (strncmp(c->program, self, sizeof(c->program) - 1) == 0)
			return c;
	}
	return NULL;
}

static void __attribute__((constructor))
begin(void)
{
	const char *path = getenv("POSTRIDER_FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	flock(fd, LOCK_EX);
	self = program_invocation_short_name;
	if (p != MAP_FAILED) {
		control = p;
		mine = my_row();
	}
	flock(fd, LOCK_UN);	/* the map keeps the file, and its lock */
	close(fd);
}

/* nothing is to fail, and nobody counts */
static bool
idle(void)
{
	return control == NULL ||
	    (control->class == FAULT_NONE && !control->counting);
}

/* is this call the one? */
static bool
now(enum fault_class class)
{
	if (control == NULL)
		return false;
	if (control->counting && mine != NULL)
		__atomic_add_fetch(&mine->n[class], 1, __ATOMIC_SEQ_CST);
	if (control->class != class || strcmp(control->program, self) != 0 ||
	    __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_SEQ_CST) != 0)
		return false;
	__atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
	return true;
}

static bool
fails(enum fault_class class, int error)
{
	if (!now(class))
		return false;
	errno = error;
	return true;
}

/* S_IFREG, S_IFSOCK ...; errno stays */
static mode_t
kind(int fd)
{
	struct stat st;
	int e = errno;
	mode_t m = fstat(fd, &st) < 0 ? 0 : st.st_mode & S_IFMT;

	errno = e;
	return m;
}

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) static __typeof__(&name) real; \
	if (real == NULL) \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* how much of n to write: n, less, or -1 */
static ssize_t
amount(int fd, size_t n)
{
	mode_t m;

	if (idle())
		return (ssize_t)n;
	m = kind(fd);
	if (m == S_IFREG && fails(FAULT_SPACE, ENOSPC))
		return -1;
	if (m != S_IFREG && fails(FAULT_EINTR, EINTR))
		return -1;
	return m == S_IFREG && n > 1 && now(FAULT_SHORT) ? (ssize_t)(n / 2) :
	    (ssize_t)n;
}

EXPORT ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t k = amount(fd, n);

	REAL(write);
	return k < 0 ? -1 : real(fd, p, (size_t)k);
}

EXPORT ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t k = amount(fd, n);

	REAL(pwrite);
	return k < 0 ? -1 : real(fd, p, (size_t)k, at);
}

EXPORT ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

/* a short one writes the first piece */
EXPORT ssize_t
writev(int fd, const struct iovec *v, int n)
{
	ssize_t k = amount(fd, (size_t)n);

	REAL(writev);
	return k < 0 ? -1 : real(fd, v, (int)k);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	ssize_t k = amount(fd, (size_t)n);

	REAL(pwritev);
	return k < 0 ? -1 : real(fd, v, (int)k, at);
}

#define INT_CALL(name, params, args, failure) \
EXPORT int \
name params \
{ \
	REAL(name); \
	return failure ? -1 : real args; \
}

INT_CALL(ftruncate, (int fd, off_t n), (fd, n), fails(FAULT_SPACE, ENOSPC))
INT_CALL(ftruncate64, (int fd, off64_t n), (fd, n),
    fails(FAULT_SPACE, ENOSPC))
INT_CALL(fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n),
    fails(FAULT_SPACE, ENOSPC))
INT_CALL(fsync, (int fd), (fd), fails(FAULT_SYNC, EIO))
INT_CALL(fdatasync, (int fd), (fd), fails(FAULT_SYNC, EIO))
INT_CALL(syncfs, (int fd), (fd), fails(FAULT_SYNC, EIO))

static bool
no_name(void)
{
	return fails(FAULT_SPACE, ENOSPC) || fails(FAULT_NAME, EIO);
}

INT_CALL(link, (const char *a, const char *b), (a, b), no_name())
INT_CALL(linkat, (int d, const char *a, int e, const char *b, int flags),
    (d, a, e, b, flags), no_name())
INT_CALL(rename, (const char *a, const char *b), (a, b), no_name())
INT_CALL(renameat, (int d, const char *a, int e, const char *b),
    (d, a, e, b), no_name())
INT_CALL(renameat2, (int d, const char *a, int e, const char *b,
    unsigned flags), (d, a, e, b, flags), no_name())
INT_CALL(mkdir, (const char *a, mode_t mode), (a, mode), no_name())
INT_CALL(mkdirat, (int d, const char *a, mode_t mode), (d, a, mode),
    no_name())
INT_CALL(unlink, (const char *a), (a), fails(FAULT_NAME, EIO))
INT_CALL(unlinkat, (int d, const char *a, int flags), (d, a, flags),
    fails(FAULT_NAME, EIO))

/* --- what gives descriptors ---------------------------------------------- */

INT_CALL(socket, (int f, int t, int p), (f, t, p), fails(FAULT_FILES, EMFILE))
INT_CALL(socketpair, (int f, int t, int p, int s[2]), (f, t, p, s),
    fails(FAULT_FILES, EMFILE))
INT_CALL(pipe2, (int p[2], int flags), (p, flags), fails(FAULT_FILES, EMFILE))
INT_CALL(dup, (int fd), (fd), fails(FAULT_FILES, EMFILE))
INT_CALL(pipe, (int p[2]), (p), fails(FAULT_FILES, EMFILE))
INT_CALL(epoll_create1, (int flags), (flags), fails(FAULT_FILES, EMFILE))
INT_CALL(eventfd, (unsigned n, int flags), (n, flags),
    fails(FAULT_FILES, EMFILE))
INT_CALL(timerfd_create, (int clock, int flags), (clock, flags),
    fails(FAULT_FILES, EMFILE))
INT_CALL(inotify_init1, (int flags), (flags), fails(FAULT_FILES, EMFILE))
INT_CALL(inotify_add_watch, (int fd, const char *path, uint32_t mask),
    (fd, path, mask), fails(FAULT_SPACE, ENOSPC))
INT_CALL(memfd_create, (const char *name, unsigned flags), (name, flags),
    fails(FAULT_FILES, EMFILE))
INT_CALL(accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
    (fd, a, n, flags), fails(FAULT_FILES, EMFILE) ||
    fails(FAULT_EINTR, EINTR))

static bool
no_file(int flags)
{
	return fails(FAULT_FILES, EMFILE) ||
	    ((flags & O_CREAT) && fails(FAULT_SPACE, ENOSPC));
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

#define POINTER_CALL(type, name, params, args, failure) \
EXPORT type \
name params \
{ \
	REAL(name); \
	return failure ? NULL : real args; \
}

/* what the library opens for its own functions does not come by here */
POINTER_CALL(FILE *, fopen, (const char *path, const char *mode),
    (path, mode), fails(FAULT_FILES, EMFILE))
POINTER_CALL(FILE *, fopen64, (const char *path, const char *mode),
    (path, mode), fails(FAULT_FILES, EMFILE))
POINTER_CALL(DIR *, opendir, (const char *path), (path),
    fails(FAULT_FILES, EMFILE))
POINTER_CALL(struct dirent *, readdir, (DIR *d), (d), fails(FAULT_READ, EIO))

EXPORT ssize_t
getdents64(int fd, void *p, size_t n)
{
	REAL(getdents64);
	return fails(FAULT_READ, EIO) ? -1 : real(fd, p, n);
}

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

/* openat2(2) and others that the library has no name for */
EXPORT long
syscall(long number, ...)
{
	long a[6];
	va_list ap;
	int i;

	REAL(syscall);
	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 && fails(FAULT_FILES, EMFILE))
		return -1;
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
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
		if (!now(FAULT_FILES))
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
	if (fails(FAULT_EINTR, EINTR))
		return -1;
	n = real(fd, m, flags);
	if (n >= 0 && !idle())
		drop_files(m);
	return n;
}

/* --- what waits, and what reads ------------------------------------------ */

static bool
woken(void)
{
	serves = true;
	return fails(FAULT_EINTR, EINTR);
}

INT_CALL(connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),
    fails(FAULT_EINTR, EINTR))
INT_CALL(poll, (struct pollfd *p, nfds_t n, int ms), (p, n, ms), woken())
INT_CALL(epoll_wait, (int fd, struct epoll_event *e, int n, int ms),
    (fd, e, n, ms), woken())

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	REAL(sendmsg);
	return fails(FAULT_EINTR, EINTR) ? -1 : real(fd, m, flags);
}

EXPORT ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	REAL(send);
	return fails(FAULT_EINTR, EINTR) ? -1 : real(fd, p, n, flags);
}

EXPORT ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	REAL(recv);
	return fails(FAULT_EINTR, EINTR) ? -1 : real(fd, p, n, flags);
}

EXPORT pid_t
waitpid(pid_t pid, int *status, int flags)
{
	REAL(waitpid);
	return fails(FAULT_EINTR, EINTR) ? -1 : real(pid, status, flags);
}

static bool
unreadable(int fd)
{
	if (idle())
		return false;
	return kind(fd) == S_IFREG ? fails(FAULT_READ, EIO) :
	    fails(FAULT_EINTR, EINTR);
}

EXPORT ssize_t
read(int fd, void *p, size_t n)
{
	REAL(read);
	return unreadable(fd) ? -1 : real(fd, p, n);
}

EXPORT ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	REAL(pread);
	return unreadable(fd) ? -1 : real(fd, p, n, at);
}

EXPORT ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	return pread(fd, p, n, at);
}

ssize_t __read_chk(int fd, void *p, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room);
int __poll_chk(struct pollfd *p, nfds_t n, int ms, size_t room);

EXPORT ssize_t
__read_chk(int fd, void *p, size_t n, size_t room)
{
	if (n > room)
		abort();
	return read(fd, p, n);
}

EXPORT ssize_t
__pread_chk(int fd, void *p, size_t n, off_t at, size_t room)
{
	if (n > room)
		abort();
	return pread(fd, p, n, at);
}

EXPORT int
__poll_chk(struct pollfd *p, nfds_t n, int ms, size_t room)
{
	if (n * sizeof(*p) > room)
		abort();
	return poll(p, n, ms);
}

/* --- status of what has a name, and processes ----------------------------- */

INT_CALL(stat, (const char *path, struct stat *st), (path, st),
    fails(FAULT_READ, EIO))
INT_CALL(stat64, (const char *path, struct stat64 *st), (path, st),
    fails(FAULT_READ, EIO))
INT_CALL(lstat, (const char *path, struct stat *st), (path, st),
    fails(FAULT_READ, EIO))
INT_CALL(fstatat, (int d, const char *path, struct stat *st, int flags),
    (d, path, st, flags), fails(FAULT_READ, EIO))
INT_CALL(statx, (int d, const char *path, int flags, unsigned mask,
    struct statx *st), (d, path, flags, mask, st), fails(FAULT_READ, EIO))
INT_CALL(fchmod, (int fd, mode_t mode), (fd, mode), fails(FAULT_NAME, EIO))
INT_CALL(futimens, (int fd, const struct timespec t[2]), (fd, t),
    fails(FAULT_NAME, EIO))

EXPORT pid_t
fork(void)
{
	REAL(fork);
	return fails(FAULT_FORK, EAGAIN) ? -1 : real();
}

EXPORT int
posix_spawn(pid_t *restrict pid, const char *restrict path,
    const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *restrict attr, char *const argv[restrict],
    char *const envp[restrict])
{
	REAL(posix_spawn);
	return fails(FAULT_FORK, EAGAIN) ? EAGAIN :
	    real(pid, path, actions, attr, argv, envp);
}

/* --- memory --------------------------------------------------------------- */

#ifndef WITHOUT_MEMORY
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

/* at a start much of the C library, and of others, does not expect it */
static bool
no_memory(void)
{
	return serves && fails(FAULT_MEMORY, ENOMEM);
}

EXPORT void *
malloc(size_t n)
{
	return no_memory() ? NULL : __libc_malloc(n);
}

EXPORT void *
calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : __libc_calloc(n, size);
}

EXPORT void *
realloc(void *p, size_t n)
{
	return no_memory() ? NULL : __libc_realloc(p, n);
}
#endif

/* --- the time of day ------------------------------------------------------ */

/* its N-th reading is the first of the new time */
static int
ahead(void)
{
	now(FAULT_CLOCK);
	if (control == NULL || control->class != FAULT_CLOCK ||
	    strcmp(control->program, self) != 0)
		return 0;
	return control->countdown <= 0 ? control->jump : 0;
}

EXPORT int
clock_gettime(clockid_t id, struct timespec *t)
{
	int r;

	REAL(clock_gettime);
	r = real(id, t);
	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += ahead();
	return r;
}

EXPORT int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	int r;

	REAL(gettimeofday);
	r = real(t, zone);
	if (r == 0)
		t->tv_sec += ahead();
	return r;
}

EXPORT time_t
time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
