/*
 * table.c - rows in memory.  After map_table_sort the keys are unique and in
 * the order of their bytes, so a look-up is a binary search: no hash, and so
 * no collisions that anybody could choose.
 */
#include "map/table.h"

enum { SHOWN = 80 };		/* bytes of a key in an error */

int
map_table_err(const struct map_table *t, size_t line, struct err *err,
    const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_temp(err, "4.3.5", "%s:%zu: %s", t->name, line, text);
}

/* who wants to hear of all errors */
static struct {
	map_report_fn *fn;
	void *ctx;
} report;

void
map_report_to(map_report_fn *fn, void *ctx)
{
	report.fn = fn;
	report.ctx = ctx;
}

bool
map_reporting(void)
{
	return report.fn != NULL;
}

int
map_table_bad(struct map_table *t, const struct err *err)
{
	if (report.fn == NULL)
		return -1;
	t->bad++;
	report.fn(report.ctx, err);
	return 0;
}

int
map_table_good(const struct map_table *t, struct err *err)
{
	return t->bad == 0 ? 0 : err_temp(err, "4.3.5", "%s: errors in %zu "
	    "rows", t->name, t->bad);
}

/* n bytes and then the end of file?  1, 0, or -1 with errno */
static int
read_exactly(int fd, char *buf, size_t n)
{
	size_t have = 0;
	ssize_t got;

	/* one byte more than there should be */
	while ((got = read(fd, buf + have, n + 1 - have)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		have += (size_t)got;
		if (have > n)
			break;
	}
	return have == n;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int
read_fd(struct map_table *t, int fd, const struct stat *st, struct err *err)
{
	size_t n = (size_t)st->st_size;
	struct stat now;
	int r;

	if (n > MAP_FILE_MAX)
		return err_temp(err, "4.3.5", "%s: %zu bytes, at most %lu",
		    t->name, n, MAP_FILE_MAX);
	t->buf = xmalloc(n + 1);
	r = read_exactly(fd, t->buf, n);
	if (r < 0)
		return err_sys(err, "cannot read %s", t->name);
	if (r == 0 || fstat(fd, &now) != 0 || !same_file(st, &now))
		return err_temp(err, "4.3.0",
		    "%s: changed while it was read", t->name);
	t->buf[n] = '\0';
	t->len = n;
	return 0;
}

int
map_table_read(struct map_table *t, const char *path, struct stat *st,
    struct err *err)
{
	int fd, r;

	t->name = path;
	fd = map_open_file(path, st, err);
	if (fd < 0)
		return -1;
	r = read_fd(t, fd, st, err);
	close_fd(fd);
	return r;
}

/* fold in place and look for what no key may hold */
static const char *
bad_key(char *p, size_t n)
{
	size_t i;

	if (n == 0)
		return "no key (a key that holds a colon is quoted)";
	if (n > MAP_KEY_MAX)
		return "a key of more than 1000 bytes";
	if (!utf8_valid((struct slice){ p, n }))
		return "a key that is not UTF-8";
	for (i = 0; i < n; i++) {
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return "a control character in a key";
		p[i] = (char)ascii_lower((unsigned char)p[i]);
	}
	return NULL;
}

int
map_table_add(struct map_table *t, struct map_row row, struct err *err)
{
	size_t off = row.key.n ? (size_t)(row.key.p - t->buf) : 0;
	const char *why = bad_key(t->buf + off, row.key.n);

	if (why != NULL)
		return map_table_err(t, row.line, err, "%s", why);
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->row = xrealloc(t->row, t->cap * sizeof(*t->row));
	}
	t->row[t->n++] = row;
	return 0;
}

static int
compare(struct slice a, struct slice b)
{
	int c = memcmp(a.p, b.p, MIN(a.n, b.n));

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int
by_line(const void *va, const void *vb)
{
	const struct map_row *a = va, *b = vb;

	return (a->line > b->line) - (a->line < b->line);
}

static int
by_key(const void *va, const void *vb)
{
	const struct map_row *a = va, *b = vb;
	int c = compare(a->key, b->key);

	return c != 0 ? c : by_line(va, vb);
}

int
map_table_sort(struct map_table *t, struct err *err)
{
	const struct map_row *a;
	size_t i;

	if (t->n > 1)
		qsort(t->row, t->n, sizeof(*t->row), by_key);
	for (i = 1; i < t->n; i++) {
		a = &t->row[i - 1];
		if (compare(a[0].key, a[1].key) != 0)
			continue;
		map_table_err(t, a[1].line, err,
		    "duplicate key \"%.*s\", first at %s:%zu",
		    (int)MIN(a->key.n, (size_t)SHOWN), a->key.p, t->name,
		    a->line);
		if (map_table_bad(t, err) != 0)
			return -1;
	}
	return map_table_good(t, err);
}

void
map_table_by_line(struct map_table *t)
{
	if (t->n > 1)
		qsort(t->row, t->n, sizeof(*t->row), by_line);
}

const struct map_row *
map_table_find(const struct map_table *t, struct slice key)
{
	size_t lo = 0, hi = t->n, mid;
	int c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = compare(key, t->row[mid].key);
		if (c == 0)
			return &t->row[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* Tables may hold password hashes: what is given back to malloc is zeroed. */
void
map_table_free(struct map_table *t)
{
	if (t->buf != NULL)
		explicit_bzero(t->buf, t->len);
	free(t->buf);
	free(t->row);
	*t = (struct map_table){ 0 };
}

int
map_unquote(char **pp, char *end, struct slice *r)
{
	char *p = *pp + 1, *w = p;

	r->p = w;
	for (; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end &&
		    (p[1] == '"' || p[1] == '\\'))
			p++;
		*w++ = *p;
	}
	if (p >= end)
		return 0;
	r->n = (size_t)(w - r->p);
	*pp = p + 1;
	return 1;
}

int
map_table_get(void *self, struct slice key, struct str *out,
    struct err *err UNUSED)
{
	const struct map_row *row = map_table_find(self, key);

	if (row == NULL)
		return 0;
	str_addsl(out, row->value);
	return 1;
}

int
map_table_each(void *self, map_each_fn *fn, void *ctx, struct err *err UNUSED)
{
	const struct map_table *t = self;
	size_t i;
	int r;

	for (i = 0; i < t->n; i++) {
		r = fn(ctx, t->row[i].key, t->row[i].value);
		if (r != 0)
			return r;
	}
	return 0;
}

void
map_table_close(void *self)
{
	map_table_free(self);
	free(self);
}
