/*
 * sendmail_fuzz.c - a message on standard input, with the recipients of its
 * header (the first octet is odd) and dots that count (2).  What would be sent
 * has one header with what must be there, and nobody's Bcc.
 */
#include "../../ctl/sendmail.h"

#include <sys/mman.h>

#include "conf/common.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
sm_fail(int status, const char *fmt UNUSED, ...)
{
	assert(status != EX_OK);
	return status;
}

static void
input(const void *p, size_t n)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("input", MFD_CLOEXEC);
		if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
			die("memfd_create");
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, p, n, 0) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) < 0)
		die("write");
}

static void
judge(const struct mail *m)
{
	static const char *const once[] = { "From", "Date", "Message-ID" };
	struct mime_field f;
	struct mime_scan s;
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(once); i++) {
		mime_scan_init(&s, slice_str(&m->header));
		for (n = 0; mime_scan_next(&s, &f); )
			n += slice_ieqz(f.name, once[i]);
		assert(n >= 1);
	}
	mime_scan_init(&s, slice_str(&m->header));
	while (mime_scan_next(&s, &f))
		assert(!slice_ieqz(f.name, "Bcc"));
	assert(s.blank && m->body <= m->size);
	for (i = 0; i < m->rcpts.n; i++)
		assert(strpbrk(m->rcpts.v[i], "\r\n") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mail m = { .header = STR_INIT, .fd = -1,
		.sender = "ann@example.org", .full_name = "Ann" };

	if (n == 0)
		return 0;
	common.hostname = "mx.example";
	m.from_header = data[0] & 1;
	m.ignore_dots = !(data[0] & 2);
	input(data + 1, n - 1);
	if (sm_read(&m) == EX_OK && sm_header(&m) == EX_OK)
		judge(&m);
	close_fd(m.fd);
	str_free(&m.header);
	arena_free(&m.arena);
	return 0;
}
