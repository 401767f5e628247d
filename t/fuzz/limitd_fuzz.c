/*
 * limitd_fuzz.c - a snapshot of limitd whose sum is right and whose rows are
 * anything, and then counting with what it left; rates as text.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "../../limitd/limitd.h"
#include "base/hash.h"
#include "base/log.h"
#include "serve/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct limitd_conf conf = { .max_keys = 50, .max_values = 100,
    .key_values = 20 };
static const int64_t now = 1795000000000;

/* what was let in can be counted with, at any time */
static int
look(void *ctx UNUSED, struct entry *e)
{
	struct window *w;
	size_t i, n = entry_windows(e, &w);
	int64_t t, used, wait;

	assert(n <= WINDOWS && strlen(entry_key(e)) <= LIMIT_KEY_MAX);
	assert(entry_values(e)->n <= (size_t)conf.key_values);
	for (i = 0; i < n; i++)
		for (t = now; t < now + 4 * w[i].length;
		    t += w[i].length / 3 + 1) {
			used = window_used(&w[i], t);
			assert(used >= 0 && used <= 2LL * COUNT_MAX);
			wait = window_wait(&w[i], 10, 1, t);
			assert(wait >= 0 && wait <= 2 * w[i].length);
			window_add(&w[i], 1, t);
		}
	return 0;
}

static void
drop(const char *line UNUSED, size_t n UNUSED)
{
}

static void
snapshot(const uint8_t *data, size_t n)
{
	struct { char magic[8]; int64_t written; unsigned char secret[16];
	    uint64_t entries; } head = { .magic = "PRLIMIT1",
	    .written = now, .entries = n > 0 ? data[0] % 8 : 0 };
	struct str text = STR_INIT;
	struct err err;
	uint64_t sum;
	char path[64];
	int fd = memfd_create("limits", MFD_CLOEXEC);

	str_add(&text, &head, sizeof(head));
	if (n > 0)
		str_add(&text, data + 1, n - 1);
	sum = hash_sip(head.secret, text.s, text.len);
	str_add(&text, &sum, sizeof(sum));
	if (fd < 0 || full_write(fd, text.s, text.len) < 0)
		die("memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (snapshot_read(path, now, &err) < 0)
		assert(table_count() == 0);
	table_each(look, NULL);
	table_clear();
	close_fd(fd);
	str_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct limits_rate r;
	struct err err;
	char *text;

	log_set_sink(drop);
	if (n == 0)
		return 0;
	if (data[0] != 0) {
		snapshot(data, n);
		return 0;
	}
	text = slice_dup((struct slice){ (const char *)data + 1, n - 1 });
	if (limits_parse(text, &r, &err) == 0)
		assert(r.count >= 0 && r.count <= LIMITS_COUNT_MAX &&
		    r.time >= 1000 && r.time <= LIMITS_TIME_MAX);
	free(text);
	return 0;
}
