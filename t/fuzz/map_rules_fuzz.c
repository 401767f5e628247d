/*
 * map_rules_fuzz.c - any bytes as a table of networks (first octet even) or of
 * expressions, asked for the rest of its first line and for an address.  What
 * is found is text without anything that the table has not.
 */
#include <sys/mman.h>

#include "map/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
ask(struct map *m, const char *key)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int r = map_get(m, key, &out, &err);

	assert(r >= 0 || (err.kind == ERR_TEMP && *err.text));
	assert(r > 0 || out.len == 0);
	assert(map_get_part(m, key, &out, &err) == 0);
	str_free(&out);
}

static int
on_row(void *ctx UNUSED, struct slice key, struct slice value UNUSED)
{
	assert(key.n > 0);
	return 0;
}

/* how many errors there are */
static void
on_error(void *ctx, const struct err *err)
{
	assert(err->kind == ERR_TEMP && *err->text != '\0');
	++*(size_t *)ctx;
}

static void
all_errors(const char *spec)
{
	struct err err = ERR_INIT;
	struct map *m;
	size_t n = 0;

	map_report_to(on_error, &n);
	if (map_open(spec, &m, &err) == 0)
		abort();
	map_report_to(NULL, NULL);
	assert(n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s = { (const char *)data, n };
	char *spec, *key = slice_dup(slice_sub(s, 1, slice_find(s, '\n')));
	int fd = memfd_create("table", MFD_CLOEXEC);
	struct err err = ERR_INIT;
	struct map *m;

	if (fd < 0 || full_write(fd, s.p, n) != 0)
		die("memfd: %s", strerror(errno));
	/* the first octet begins a comment */
	if (n > 0 && pwrite(fd, "#", 1, 0) != 1)
		die("memfd: %s", strerror(errno));
	spec = xasprintf("%s:/proc/self/fd/%d", n > 0 && data[0] % 2 == 0 ?
	    "cidr" : "pcre", fd);
	if (map_open(spec, &m, &err) == 0) {
		ask(m, key);
		ask(m, "10.1.2.3");
		ask(m, "2001:db8::1");
		map_each(m, on_row, NULL, &err);
		map_close(m);
	} else {
		assert(err.kind == ERR_TEMP && *err.text != '\0');
		all_errors(spec);
	}
	free(spec);
	free(key);
	close(fd);
	return 0;
}
