/*
 * snapshot.c - the table in a file, which is replaced as a whole:
 *
 *   magic, time of writing, secret, number of entries,
 *   each entry: length of key, windows, values; key, windows, values
 *   SipHash of all that, by the secret
 *
 * in the byte order of this machine.  What is damaged is not used at all: an
 * empty table errs on the side of the users.  The file is not synced, so that
 * a slow disk does not hold up who asks; after a power cut counts may be old.
 */
#include "limitd.h"

#include <fcntl.h>

#include "base/hash.h"
#include "serve/limits.h"

enum { FILE_LIMIT = 1 << 30 };
#define MAGIC "PRLIMIT1"

struct head {
	char magic[8];
	int64_t written;
	unsigned char secret[sizeof(table_secret)];
	uint64_t entries;
};

struct row {
	uint32_t key, windows, values, reserved;
};

static int
put_entry(void *ctx, struct entry *e)
{
	struct str *out = ctx;
	struct values *s = entry_values(e);
	const char *key = entry_key(e);
	struct window *w;
	struct row row = { .key = (uint32_t)strlen(key),
	    .windows = (uint32_t)entry_windows(e, &w),
	    .values = (uint32_t)s->n };

	str_add(out, &row, sizeof(row));
	str_add(out, key, row.key);
	str_add(out, w, row.windows * sizeof(*w));
	str_add(out, s->v, s->n * sizeof(*s->v));
	return 0;
}

static int
write_file(const char *path, const struct str *text, struct err *err)
{
	char *tmp = xasprintf("%s~", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	bool good = fd >= 0 && full_write(fd, text->s, text->len) == 0;
	int r = 0;

	/* in any case: what is open still takes room on a full disk */
	if (fd >= 0 && close(fd) < 0)
		good = false;
	if (!good || rename(tmp, path) < 0) {
		r = err_sys(err, "%s", path);
		unlink(tmp);
	}
	free(tmp);
	return r;
}

int
snapshot_write(const char *path, int64_t now, struct err *err)
{
	struct head head = { .magic = MAGIC, .written = now };
	struct str out = STR_INIT;
	uint64_t sum;
	int r;

	table_sweep(now);
	memcpy(head.secret, table_secret, sizeof(head.secret));
	head.entries = table_count();
	str_add(&out, &head, sizeof(head));
	table_each(put_entry, &out);
	sum = hash_sip(head.secret, out.s, out.len);
	str_add(&out, &sum, sizeof(sum));
	r = write_file(path, &out, err);
	str_free(&out);
	if (r == 0)
		table_dirty = false;
	return r;
}

/* n bytes off the front: 1, or 0 there are not so many */
static int
take(struct slice *s, void *p, size_t n)
{
	if (s->n < n)
		return 0;
	if (n > 0)
		memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return 1;
}

static bool
plausible(const struct window *w, int64_t now)
{
	return w->length > 0 && w->length <= LIMITS_TIME_MAX &&
	    w->start <= now && w->start >= 0 &&
	    w->cur >= 0 && w->cur <= COUNT_MAX &&
	    w->prev >= 0 && w->prev <= COUNT_MAX;
}

/* ahead: how much the clock of the writer was ahead of ours */
static bool
take_windows(struct slice *s, struct entry *e, size_t n, int64_t ahead,
    int64_t now)
{
	struct window w, *to;

	for (; n > 0; n--) {
		if (!take(s, &w, sizeof(w)))
			return false;
		w.start = MIN(w.start - ahead, now);
		if (!plausible(&w, now))
			return false;
		to = entry_window(e, w.length, true, now);
		*to = w;
	}
	return true;
}

static bool
take_values(struct slice *s, struct entry *e, size_t n, int64_t ahead)
{
	struct value v;

	for (; n > 0; n--) {
		if (!take(s, &v, sizeof(v)))
			return false;
		values_add(entry_values(e), &v.hash, 1, v.time - ahead,
		    (size_t)conf.key_values);
	}
	table_settle(e);
	return true;
}

static bool
take_entry(struct slice *s, int64_t ahead, int64_t now)
{
	char key[LIMIT_KEY_MAX + 1];
	struct entry *e;
	struct row row;

	if (!take(s, &row, sizeof(row)) || row.key == 0 ||
	    row.key > LIMIT_KEY_MAX || row.windows > WINDOWS ||
	    !take(s, key, row.key) || memchr(key, '\0', row.key) != NULL)
		return false;
	key[row.key] = '\0';
	e = table_make(key);
	return take_windows(s, e, row.windows, ahead, now) &&
	    take_values(s, e, row.values, ahead);
}

static bool
take_table(struct slice s, int64_t now)
{
	struct head head;
	int64_t ahead;
	uint64_t i, sum;

	if (s.n < sizeof(head) + sizeof(sum))
		return false;
	s.n -= sizeof(sum);
	memcpy(&sum, s.p + s.n, sizeof(sum));
	memcpy(&head, s.p, sizeof(head));
	if (memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0 ||
	    hash_sip(head.secret, s.p, s.n) != sum)
		return false;
	take(&s, &head, sizeof(head));
	ahead = MAX(head.written - now, (int64_t)0);
	memcpy(table_secret, head.secret, sizeof(table_secret));
	for (i = 0; i < head.entries; i++)
		if (!take_entry(&s, ahead, now))
			return false;
	return s.n == 0;
}

int
snapshot_read(const char *path, int64_t now, struct err *err)
{
	size_t n;
	char *text = read_file(path, FILE_LIMIT, &n);
	bool ok;

	table_clear();
	if (text == NULL && errno == ENOENT)
		return 0;
	if (text == NULL)
		return err_sys(err, "%s", path);
	ok = take_table((struct slice){ text, n }, now);
	free(text);
	table_dirty = false;
	if (ok)
		return 1;
	table_clear();
	return err_temp(err, "4.3.0", "%s is damaged", path);
}
