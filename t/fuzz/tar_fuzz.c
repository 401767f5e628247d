/*
 * tar_fuzz.c - an archive that a mailbox is restored from: it is read to its
 * end or refused, in memory that its headers do not choose, and an entry that
 * is written as it was read is read as the same.
 */
#include "../../ctl/mailbox.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FEW = 50, EXTRA = 1 << 20 };

static int
file_with(int *fd, const void *p, size_t n)
{
	if (*fd < 0)
		*fd = memfd_create("tar", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, 0) < 0 || lseek(*fd, 0, SEEK_SET) < 0 ||
	    full_write(*fd, p, n) < 0 || lseek(*fd, 0, SEEK_SET) < 0)
		die("memfd_create");
	return *fd;
}

static void
again(const struct tar_entry *e)
{
	static int fd = -1;
	struct tar_entry second = { .path = STR_INIT, .link = STR_INIT };
	struct str out = STR_INIT;
	struct err err;

	tar_header(&out, e);
	assert(out.len % 512 == 0);
	if (tar_next(file_with(&fd, out.s, out.len), &second, &err) != 1)
		die("tar_next: %s", err.text);
	assert(strcmp(second.path.s, e->path.s) == 0);
	assert(second.size == e->size && second.type == e->type);
	assert(second.mtime == MAX(e->mtime, 0));
	str_free(&out);
	str_free(&second.path);
	str_free(&second.link);
}

/* what tar_header is for: a path with no NUL, numbers that have a place */
static bool
usual(const struct tar_entry *e)
{
	return (e->type == '0' || e->type == '5') && e->path.len > 0 &&
	    strlen(e->path.s) == e->path.len && e->size < 1ULL << 33 &&
	    e->mtime < (int64_t)1 << 33;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	struct tar_entry e = { .path = STR_INIT, .link = STR_INIT };
	struct err err = ERR_INIT;
	size_t i;

	file_with(&fd, data, n);
	for (i = 0; i < FEW && tar_next(fd, &e, &err) == 1; i++) {
		assert(e.path.len <= EXTRA && e.link.len <= EXTRA);
		if (usual(&e))
			again(&e);
		if (lseek(fd, (off_t)MIN(e.size + tar_padding(e.size),
		    (uint64_t)n), SEEK_CUR) < 0)
			break;
	}
	str_free(&e.path);
	str_free(&e.link);
	return 0;
}
