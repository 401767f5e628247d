/*
 * talk.h - a stream whose peer says what is known, then ends, and who may be
 * answered without limit: files in memory.
 */
#ifndef FUZZ_TALK_H
#define FUZZ_TALK_H

#include <sys/mman.h>

#include "base/io.h"

static inline int
talk_file(int *fd)
{
	if (*fd < 0)
		*fd = memfd_create("talk", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, 0) < 0 || lseek(*fd, 0, SEEK_SET) < 0)
		die("memfd_create");
	return *fd;
}

static inline void
talk_begin(struct io *io, struct slice said)
{
	static int in = -1, out = -1;

	if (full_write(talk_file(&in), said.p, said.n) < 0 ||
	    lseek(in, 0, SEEK_SET) < 0)
		die("write");
	io_init(io, in, 1000);
	io->out_fd = talk_file(&out);
}

/* what was answered, appended */
static inline void
talk_end(struct io *io, struct str *out)
{
	char buf[4096];
	ssize_t n;
	off_t at = 0;

	while ((n = pread(io->out_fd, buf, sizeof(buf), at)) > 0) {
		str_add(out, buf, (size_t)n);
		at += n;
	}
	io_free(io);
}

#endif
