/*
 * content_float.c - content without a name.  Invariant: what is handed on is
 * sealed, so whoever has the descriptor, and however it was opened, only
 * reads; and it is read at a place (pread), as all share one offset.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "queue/content.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	PIECE = 64 << 10 };

int
content_float(int *fd_r, struct err *err)
{
	int fd = memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(err, "content in memory");
	*fd_r = fd;
	return 0;
}

int
content_put(int fd, struct slice bytes, uint64_t at, struct err *err)
{
	ssize_t n;

	while (bytes.n > 0) {
		n = pwrite(fd, bytes.p, bytes.n, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, "write content");
		at += (uint64_t)n;
		bytes = slice_sub(bytes, (size_t)n, bytes.n);
	}
	return 0;
}

int
content_seal(int fd, struct err *err)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ?
	    err_sys(err, "seal content") : 0;
}

bool
content_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int
copy(int from, int to, uint64_t size, const char *q, struct err *err)
{
	static char *buf;
	uint64_t at = 0;
	ssize_t n;

	if (buf == NULL)
		buf = xmalloc(PIECE);
	while (at < size) {
		n = pread(from, buf, (size_t)MIN(size - at, (uint64_t)PIECE),
		    (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return err_temp(err, "4.3.0", "content of %s is "
			    "shorter than it was", q);
		if (n < 0 || full_write(to, buf, (size_t)n) < 0)
			return err_sys(err, "write %s", q);
		at += (uint64_t)n;
	}
	return 0;
}

int
content_anchor(const char *spool, const char *q, int fd, uint64_t size,
    int *fd_r, struct err *err)
{
	mode_t old = umask(0);
	struct err ignored;
	int to = -1, rc = content_create_whole(spool, q, &to, err);

	umask(old);
	if (rc == 0)
		return err_temp(err, "4.3.0", "%s has a file of its own", q);
	if (rc < 0)
		return -1;
	if (copy(fd, to, size, q, err) < 0) {
		close(to);
		content_remove(spool, q, &ignored);
		return -1;
	}
	*fd_r = to;
	return 0;
}
