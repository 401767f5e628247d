/*
 * tar.c - the part of the pax form that a mailbox needs: files and
 * directories, their times, and paths of any length.
 */
#include "mailbox.h"

enum {
	BLOCK = 512,
	PATH_AT = 0, PATH_LEN = 100, MODE_AT = 100, UID_AT = 108,
	GID_AT = 116, SIZE_AT = 124, TIME_AT = 136, SUM_AT = 148,
	SUM_LEN = 8, TYPE_AT = 156, LINK_AT = 157, MAGIC_AT = 257,
	PREFIX_AT = 345, PREFIX_LEN = 155, EXTRA_MAX = 1 << 20,
};

size_t
tar_padding(uint64_t size)
{
	return (size_t)(-size % BLOCK);
}

static void
put_octal(char *at, size_t len, uint64_t v)
{
	size_t i = len - 1;

	at[i] = '\0';
	while (i-- > 0) {
		at[i] = (char)('0' + (v & 7));
		v >>= 3;
	}
}

static unsigned
sum_of(const unsigned char *b)
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < BLOCK; i++)
		sum += i >= SUM_AT && i < SUM_AT + SUM_LEN ? ' ' : b[i];
	return sum;
}

static void
put_block(struct str *out, const char *path, char type, uint64_t size,
    int64_t mtime)
{
	char b[BLOCK] = { 0 };

	memcpy(b + PATH_AT, path, MIN(strlen(path), (size_t)PATH_LEN));
	put_octal(b + MODE_AT, 8, type == '5' ? 0700 : 0600);
	put_octal(b + UID_AT, 8, 0);
	put_octal(b + GID_AT, 8, 0);
	put_octal(b + SIZE_AT, 12, size);
	put_octal(b + TIME_AT, 12, mtime > 0 ? (uint64_t)mtime : 0);
	b[TYPE_AT] = type;
	memcpy(b + MAGIC_AT, "ustar\00000", 8);
	put_octal(b + SUM_AT, 7, sum_of((const unsigned char *)b));
	b[SUM_AT + 7] = ' ';
	str_add(out, b, BLOCK);
}

/* "LEN name=value\n", where LEN counts itself */
static void
put_record(struct str *out, const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + 3, len = n + 1, digits;

	do {
		digits = (size_t)snprintf(NULL, 0, "%zu", len);
		if (n + digits == len)
			break;
		len = n + digits;
	} while (1);
	str_addf(out, "%zu %s=%s\n", len, name, value);
}

static void
pad(struct str *out, size_t n)
{
	static const char zeros[BLOCK];

	str_add(out, zeros, n);
}

void
tar_header(struct str *out, const struct tar_entry *e)
{
	struct str extra = STR_INIT;

	if (e->path.len > PATH_LEN || !slice_is_ascii(slice_str(&e->path))) {
		put_record(&extra, "path", e->path.s);
		put_block(out, "PaxHeader", 'x', extra.len, e->mtime);
		str_addsl(out, slice_str(&extra));
		pad(out, tar_padding(extra.len));
	}
	put_block(out, e->path.s, e->type, e->size, e->mtime);
	str_free(&extra);
}

int
tar_read(int fd, void *p, size_t n, struct err *err)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read(fd, (char *)p + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(err, "read");
		if (r == 0 && got == 0)
			return 0;
		if (r == 0)
			return err_perm(err, "5.6.0", "the file is cut off");
		got += (size_t)r;
	}
	return 1;
}

/* digits of base 8 between blanks and NULs: 1 or 0 */
static int
take_octal(const char *at, size_t len, uint64_t *r)
{
	struct slice s = { at, strnlen(at, len) };
	size_t i;

	s = slice_trim(s);
	*r = 0;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return 0;
		*r = *r << 3 | (uint64_t)(s.p[i] - '0');
	}
	return 1;
}

static void
put_text(struct str *out, struct slice s)
{
	str_reset(out);
	str_addsl(out, s);
}

/* "LEN path=..." and "LEN linkpath=..."; other records are of no use to us */
static void
take_records(struct slice rest, struct tar_entry *e)
{
	struct slice line;
	size_t blank;
	uint64_t n;

	while (rest.n > 0) {
		blank = slice_find(rest, ' ');
		if (!slice_u64(slice_sub(rest, 0, blank), rest.n, &n) ||
		    n <= blank + 1)
			break;
		line = slice_sub(rest, blank + 1, (size_t)n - blank - 2);
		if (slice_starts(line, "path="))
			put_text(&e->path, slice_sub(line, 5, line.n));
		else if (slice_starts(line, "linkpath="))
			put_text(&e->link, slice_sub(line, 9, line.n));
		rest = slice_sub(rest, (size_t)n, rest.n);
	}
}

/* what stands in front of a header: pax records, or a long path of GNU's */
static int
take_extra(int fd, struct tar_entry *e, struct err *err)
{
	size_t len = (size_t)e->size + tar_padding(e->size);
	struct str s = STR_INIT;
	struct slice all;
	int r;

	if (e->size > EXTRA_MAX)
		return err_perm(err, "5.6.0", "a header is too long");
	str_grow(&s, len);
	r = tar_read(fd, s.s, len, err);
	all = (struct slice){ s.s, (size_t)e->size };
	if (r == 1 && e->type == 'x')
		take_records(all, e);
	else if (r == 1 && (e->type == 'L' || e->type == 'K'))
		put_text(e->type == 'L' ? &e->path : &e->link,
		    slice_sub(all, 0, slice_find(all, '\0')));
	str_free(&s);
	return r == 1 ? 0 : r < 0 ? -1 :
	    err_perm(err, "5.6.0", "the file is cut off");
}

/* ustar's prefix and name */
static void
take_path(const char *b, struct str *path)
{
	if (b[PREFIX_AT] != '\0') {
		str_add(path, b + PREFIX_AT, strnlen(b + PREFIX_AT,
		    PREFIX_LEN));
		str_addc(path, '/');
	}
	str_add(path, b + PATH_AT, strnlen(b + PATH_AT, PATH_LEN));
}

int
tar_next(int fd, struct tar_entry *e, struct err *err)
{
	static const char zeros[BLOCK];
	char b[BLOCK];
	uint64_t sum, mtime;
	int r;

	str_reset(&e->path);
	str_reset(&e->link);
	for (;;) {
		r = tar_read(fd, b, BLOCK, err);
		if (r <= 0)
			return r;
		if (memcmp(b, zeros, BLOCK) == 0)
			return 0;
		if (!take_octal(b + SUM_AT, SUM_LEN, &sum) ||
		    sum != sum_of((const unsigned char *)b) ||
		    !take_octal(b + SIZE_AT, 12, &e->size) ||
		    !take_octal(b + TIME_AT, 12, &mtime))
			return err_perm(err, "5.6.0", "this is no tar file");
		e->mtime = (int64_t)mtime;
		e->type = b[TYPE_AT];
		if (strchr("xgLK", e->type) == NULL || e->type == '\0')
			break;
		if (take_extra(fd, e, err) < 0)
			return -1;
	}
	if (e->path.len == 0)
		take_path(b, &e->path);
	if (e->link.len == 0)
		str_add(&e->link, b + LINK_AT, strnlen(b + LINK_AT, PATH_LEN));
	return 1;
}
