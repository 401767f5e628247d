/*
 * map_cdb.c - cdb:FILE, a constant database, looked up on disk.
 *
 * The reader is our own and reads by pread, not by mmap or by lseek and read:
 * a failing disk or a truncated file is then an error and no SIGBUS, and a
 * child that was forked with the map open does not move our offset.
 *
 * Layout (little endian, 32 bits): 256 pairs {position, slots} of hash
 * tables; records {key length, value length, key, value}; the hash tables of
 * slots {hash, position of the record, 0 where empty}.  Every number from the
 * file is checked against data_end or size before it is used.
 */
#include "map/map.h"

#include <cdb.h>

enum { HEAD = 2048, SLOT = 8, RECORD = 8,
	VALUE_MAX = 1024 * 1024, SLOTS_READ = 4 /* at a time */,
	VALUE_READ = 256 /* of a value, with its record */ };

struct cdb_map {
	char *path;
	int fd;
	uint64_t size, data_end;
	struct { uint32_t pos, slots; } tab[256];
};

static int
corrupted(const struct cdb_map *c, struct err *err, const char *what)
{
	return err_temp(err, "4.3.5", "%s is corrupted (%s); compile it anew",
	    c->path, what);
}

static int
read_at(const struct cdb_map *c, void *buf, size_t n, uint64_t pos,
    struct err *err)
{
	char *p = buf;
	ssize_t got;

	while (n > 0) {
		got = pread(c->fd, p, n, (off_t)pos);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "cannot read %s", c->path);
		if (got == 0)
			return corrupted(c, err, "shorter than it was");
		p += got;
		pos += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int
read_head(struct cdb_map *c, struct err *err)
{
	unsigned char head[HEAD];
	uint64_t end;
	int i;

	if (c->size < HEAD || c->size > UINT32_MAX)
		return corrupted(c, err, "impossible size");
	if (read_at(c, head, sizeof(head), 0, err) != 0)
		return -1;
	for (i = 0; i < 256; i++) {
		c->tab[i].pos = cdb_unpack(head + 8 * i);
		c->tab[i].slots = cdb_unpack(head + 8 * i + 4);
	}
	/* the first table begins where the records end */
	c->data_end = c->tab[0].pos;
	if (c->data_end < HEAD || c->data_end > c->size)
		return corrupted(c, err, "end of the records");
	for (i = 0; i < 256; i++) {
		end = c->tab[i].pos + (uint64_t)SLOT * c->tab[i].slots;
		if (c->tab[i].slots > 0 &&
		    (c->tab[i].pos < c->data_end || end > c->size))
			return corrupted(c, err, "place of a hash table");
	}
	return 0;
}

static void
cdb_close_map(void *self)
{
	struct cdb_map *c = self;

	close_fd(c->fd);
	free(c->path);
	free(c);
}

static int
cdb_open_map(const char *path, void **self_r, struct stat *st,
    struct err *err)
{
	struct cdb_map *c;
	int fd = map_open_file(path, st, err);

	if (fd < 0)
		return -1;
	c = xcalloc(1, sizeof(*c));
	c->path = xstrdup(path);
	c->fd = fd;
	c->size = (uint64_t)st->st_size;
	if (read_head(c, err) != 0) {
		cdb_close_map(c);
		return -1;
	}
	*self_r = c;
	return 0;
}

/* the lengths in the eight bytes of the record at pos */
static int
check_lengths(const struct cdb_map *c, uint64_t pos, const char *p,
    uint32_t *klen, uint32_t *vlen, struct err *err)
{
	*klen = cdb_unpack((const unsigned char *)p);
	*vlen = cdb_unpack((const unsigned char *)p + 4);
	if (pos + RECORD + *klen + *vlen > c->data_end)
		return corrupted(c, err, "length of a record");
	if (*klen > MAP_KEY_MAX || *vlen > VALUE_MAX)
		return corrupted(c, err, "a record over the limits");
	return 0;
}

/* n bytes of the record at pos, at least its lengths, and these */
static int
read_record(const struct cdb_map *c, uint64_t pos, char *buf, size_t n,
    uint32_t *klen, uint32_t *vlen, struct err *err)
{
	if (pos < HEAD || pos + RECORD > c->data_end)
		return corrupted(c, err, "place of a record");
	if (read_at(c, buf, n, pos, err) != 0)
		return -1;
	return check_lengths(c, pos, buf, klen, vlen, err);
}

/* append n bytes at pos; out is untouched where that fails */
static int
add_value(const struct cdb_map *c, uint64_t pos, uint32_t n, struct str *out,
    struct err *err)
{
	char *buf = xmalloc((size_t)n + 1);
	int r = read_at(c, buf, n, pos, err);

	if (r == 0)
		str_add(out, buf, n);
	explicit_bzero(buf, n);
	free(buf);
	return r;
}

/* 1: the record at pos is that of key, and its value was appended.  Most are
 * short, and read at once. */
static int
try_record(const struct cdb_map *c, uint64_t pos, struct slice key,
    struct str *out, struct err *err)
{
	char buf[RECORD + MAP_KEY_MAX + VALUE_READ];
	size_t n = RECORD + key.n + VALUE_READ;
	uint32_t klen = 0, vlen = 0;
	int r = 0;

	if (pos + n > c->data_end)
		n = pos + RECORD + key.n <= c->data_end ?
		    (size_t)(c->data_end - pos) : RECORD;
	if (read_record(c, pos, buf, n, &klen, &vlen, err) != 0)
		return -1;
	if (klen == key.n && n >= RECORD + klen &&
	    memcmp(buf + RECORD, key.p, klen) == 0) {
		if (n >= RECORD + klen + vlen)
			str_add(out, buf + RECORD + klen, vlen);
		else if (add_value(c, pos + RECORD + klen, vlen, out,
		    err) != 0)
			r = -1;
		r = r == 0 ? 1 : -1;
	}
	explicit_bzero(buf, n);
	return r;
}

static int
cdb_get_map(void *self, struct slice key, struct str *out, struct err *err)
{
	const struct cdb_map *c = self;
	uint32_t hash = cdb_hash(key.p, (unsigned)key.n), pos, i, at, have;
	uint32_t base = c->tab[hash & 255].pos, n = c->tab[hash & 255].slots;
	unsigned char b[SLOT * SLOTS_READ], *p = b;
	int r;

	for (i = have = 0; i < n; i++, p += SLOT, have--) {
		at = (uint32_t)(((uint64_t)(hash >> 8) % n + i) % n);
		if (have == 0) {
			have = MIN((uint32_t)SLOTS_READ, n - at);
			p = b;
			if (read_at(c, b, SLOT * have, base +
			    (uint64_t)SLOT * at, err) != 0)
				return -1;
		}
		pos = cdb_unpack(p + 4);
		if (pos == 0)
			return 0;
		if (cdb_unpack(p) != hash)
			continue;
		r = try_record(c, pos, key, out, err);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
cdb_each_map(void *self, map_each_fn *fn, void *ctx, struct err *err)
{
	const struct cdb_map *c = self;
	char *buf = xmalloc(MAP_KEY_MAX + VALUE_MAX);
	uint64_t pos = HEAD;
	uint32_t klen, vlen;
	int r = 0;

	while (r == 0 && pos < c->data_end) {
		r = read_record(c, pos, buf, RECORD, &klen, &vlen, err);
		if (r == 0)
			r = read_at(c, buf, klen + vlen, pos + RECORD, err);
		if (r != 0)
			break;
		r = fn(ctx, (struct slice){ buf, klen },
		    (struct slice){ buf + klen, vlen });
		pos += (uint64_t)RECORD + klen + vlen;
	}
	explicit_bzero(buf, MAP_KEY_MAX + VALUE_MAX);
	free(buf);
	return r;
}

const struct map_type map_type_cdb = {
	.name = "cdb",
	.suffix = ".cdb",
	.open = cdb_open_map,
	.get = cdb_get_map,
	.each = cdb_each_map,
	.close = cdb_close_map,
};
