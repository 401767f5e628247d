/*
 * bounce_template_fuzz.c - a file of templates, and what reports are made of
 * it.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "../../bounce/template.h"
#include "conf/common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct bounce_conf conf = { .from = "", .postmaster = "help@d.example",
	.footer = "", .double_bounce = "" };

static const char *
file(void)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("templates", MFD_CLOEXEC);
		if (fd < 0)
			die("memfd_create");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	return path;
}

static void
put(const uint8_t *data, size_t n)
{
	int fd = open(file(), O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || full_write(fd, (const char *)data, n) < 0)
		die("%s", file());
	close(fd);
}

/* one line that is text, or none */
static void
line(const char *z)
{
	if (z != NULL)
		assert(utf8_valid(slice_of(z)) &&
		    strpbrk(z, "\n") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bounce_report_in in = { .q = "Q1", .sender = "$a@d.example",
		.created = 1000000000000000, .expires = 1000400000 };
	struct dsn_report r;
	struct arena a = { 0 };
	struct err err;

	common.hostname = "mx.d.example";
	put(data, n);
	if (templates_load(file(), &err) < 0)
		return 0;
	for (in.kind = 0; in.kind <= BOUNCE_SUCCESS; in.kind++) {
		r = (struct dsn_report){ 0 };
		template_use(&in, n % 2 == 1, &a, &r);
		line(r.subject);
		line(r.from);
		assert(r.text == NULL || (utf8_valid(slice_of(r.text)) &&
		    strlen(r.text) > 0));
	}
	arena_free(&a);
	return 0;
}
