/*
 * shim.c - stands in front of the C library (LD_PRELOAD) and lets one call of
 * one program fail.  It is loaded, and its page is mapped, before a jail is
 * closed; what is not to fail goes on to the library.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

static struct fault_control *control;
static bool serves;	/* has waited for something: its start is over */
static const char *self = "";

static void __attribute__((constructor))
begin(void)
{
	const char *path = getenv("POSTRIDER_FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	self = program_invocation_short_name;
	if (p != MAP_FAILED)
		control = p;
}

/* is this call the one? */
static bool
now(enum fault_class class)
{
	if (control == NULL || control->class != class ||
	    strcmp(control->program, self) != 0 ||
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

	if (control == NULL || control->class == FAULT_NONE)
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
	if (n >= 0 && control != NULL && control->class == FAULT_FILES)
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

INT_CALL(poll, (struct pollfd *p, nfds_t n, int ms), (p, n, ms), woken())
INT_CALL(epoll_wait, (int fd, struct epoll_event *e, int n, int ms),
    (fd, e, n, ms), woken())

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	REAL(sendmsg);
	return fails(FAULT_EINTR, EINTR) ? -1 : real(fd, m, flags);
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
	if (control == NULL || (control->class != FAULT_READ &&
	    control->class != FAULT_EINTR))
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
	if (control == NULL || control->class != FAULT_CLOCK ||
	    strcmp(control->program, self) != 0)
		return 0;
	now(FAULT_CLOCK);
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
