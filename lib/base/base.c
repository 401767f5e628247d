/*
 * base.c - memory that never fails, and EINTR-proof small I/O.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/str.h"

void
die(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_event(LOG_ERROR, "fatal", KS("reason", text), KEND);
	_exit(75);
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (p == NULL)
		die("out of memory: %zu bytes", n);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (p == NULL)
		die("out of memory: %zu times %zu bytes", n, size);
	return p;
}

void *
xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);

	if (q == NULL)
		die("out of memory: %zu bytes", n);
	return q;
}

char *
xstrdup(const char *s)
{
	return slice_dup(slice_of(s));
}

char *
xasprintf(const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	return str_steal(&s);
}

int
full_write(int fd, const void *p, size_t n)
{
	const char *c = p;
	ssize_t w;

	while (n > 0) {
		w = write(fd, c, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		c += w;
		n -= (size_t)w;
	}
	return 0;
}

int
full_copy(int from, uint64_t at, uint64_t n, int to)
{
	static char buf[65536];
	ssize_t r;

	while (n > 0) {
		r = pread(from, buf, (size_t)MIN(n, (uint64_t)sizeof(buf)),
		    (off_t)at);
		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			errno = EIO;
		if (r <= 0 || full_write(to, buf, (size_t)r) < 0)
			return -1;
		at += (uint64_t)r;
		n -= (uint64_t)r;
	}
	return 0;
}

char *
read_file(const char *path, size_t max, size_t *n_r)
{
	struct str s = STR_INIT;
	struct stat st;
	ssize_t r;
	int e, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return NULL;
	/* in one piece: nothing of a secret stays where it was before */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		str_grow(&s, MIN((size_t)st.st_size, max) + 8192);
	for (;;) {
		str_grow(&s, 4096);
		r = read(fd, s.s + s.len, 4096);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		s.len += (size_t)r;
		if (s.len > max) {
			errno = EFBIG;
			r = -1;
			break;
		}
	}
	e = errno;
	close(fd);
	if (r < 0) {
		explicit_bzero(s.s, s.len);
		str_free(&s);
		errno = e;
		return NULL;
	}
	s.s[s.len] = '\0';	/* str_grow left room */
	if (n_r != NULL)
		*n_r = s.len;
	return str_steal(&s);
}

void
close_fd(int fd)
{
	int e = errno;

	if (fd >= 0)
		close(fd);
	errno = e;
}
