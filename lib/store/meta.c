/*
 * meta.c - the message cache.  A row's key is (number of the mailbox in the
 * file << 32 | UID), so that rows lie in the order in which FETCH wants them
 * and one statement is stepped for as long as UIDs ascend.
 *
 * Rows that were made wait in memory (m->wait) and are found there.  An open
 * statement reads an old state of the file, so it is reset before a write.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fault.h"
#include "store/meta_part.h"
#include "store/side.h"

enum { APPLICATION = 0x50524d31 /* PRM1 */, SCHEMA = 1 };
enum {
	MAP_MIN = 256 * 1024,	/* longer messages are mapped, not read */
	STEPS_MAX = 8,
};

enum { BEGIN_AT, PUT, COPY, DROP, FORGET, NUMBER, OF_ID, NEW,
	DROP_BOX, LAST, TOTAL };

static const char *const sql[TOTAL] = {
	[BEGIN_AT] = "SELECT k, v FROM row WHERE k BETWEEN ?1 AND ?2"
	    " ORDER BY k",
	[PUT] = "INSERT OR REPLACE INTO row VALUES (?, ?)",
	[COPY] = "SELECT v FROM row WHERE k = ?",
	[DROP] = "DELETE FROM row WHERE k = ?",
	[FORGET] = "DELETE FROM row WHERE k BETWEEN ?1 AND ?2",
	[NUMBER] = "SELECT n FROM box WHERE id = ? AND uidvalidity = ?",
	[OF_ID] = "SELECT n FROM box WHERE id = ? LIMIT 1",
	[NEW] = "INSERT INTO box (id, uidvalidity) VALUES (?, ?)",
	[DROP_BOX] = "DELETE FROM box WHERE n = ?",
	[LAST] = "SELECT k FROM row WHERE k BETWEEN ?1 AND ?2"
	    " ORDER BY k DESC LIMIT 1",
};

static const struct side_kind kind = {
	.name = "cache.db", .application = APPLICATION, .version = SCHEMA,
	.schema =
	    "CREATE TABLE box (n INTEGER PRIMARY KEY AUTOINCREMENT,"
	    " id TEXT NOT NULL, uidvalidity INTEGER NOT NULL);"
	    "CREATE UNIQUE INDEX box_id ON box (id, uidvalidity);"
	    "CREATE TABLE row (k INTEGER PRIMARY KEY, v BLOB NOT NULL);",
	.sql = sql, .nsql = TOTAL,
};

struct waiting { uint64_t key; size_t at, n; };

struct meta {
	struct side side;
	/* the mailbox last asked for: its number, 0 none */
	char box[33];
	uint32_t uidvalidity;
	uint64_t number;
	unsigned opened;	/* the file of all that: side.opened */
	/* stands on row `key`; from `from` to there are none */
	sqlite3_stmt *cursor;
	uint64_t from, key;
	struct waiting *wait;	/* room for META_BATCH; NULL: none waits */
	size_t nwait;
	struct str bytes;	/* of those that wait */
	struct str held;	/* a row to be copied */
	struct meta_make make;
	struct str file;
	bool preview;		/* rows are to have one */
};

struct meta *
meta_new(int index)
{
	struct meta *m = xcalloc(1, sizeof(*m));
	size_t i;

	side_init(&m->side, &kind, index);
	m->bytes = m->held = m->file = m->make.text = (struct str)STR_INIT;
	for (i = 0; i < META_PARTS; i++)
		m->make.part[i] = (struct str)STR_INIT;
	return m;
}

void
meta_want_preview(struct meta *m)
{
	m->preview = true;
}

static void
end_cursor(struct meta *m)
{
	/* a damaged file took its statements along */
	if (m->cursor != NULL && m->side.db != NULL)
		sqlite3_reset(m->cursor);
	m->cursor = NULL;
}

static void
drop_waiting(struct meta *m)
{
	m->nwait = 0;
	str_reset(&m->bytes);
}

void
meta_shrink(struct meta *m)
{
	meta_flush(m);
	side_close(&m->side);
	drop_waiting(m);
	m->number = 0;
	meta_make_free(&m->make);
	free(m->wait);
	m->wait = NULL;
	str_free(&m->bytes);
	str_free(&m->held);
	str_free(&m->file);
}

void
meta_free(struct meta *m)
{
	if (m == NULL)
		return;
	meta_shrink(m);
	free(m);
}

static bool
is_same_file(struct meta *m)
{
	return side_ready(&m->side) && m->side.opened == m->opened;
}

void
meta_flush(struct meta *m)
{
	bool ok = true;
	size_t i;

	end_cursor(m);
	/* a file that was begun anew knows other numbers */
	if (m->nwait == 0 || !is_same_file(m)) {
		drop_waiting(m);
		return;
	}
	if (side_begin(&m->side) < 0) {
		/* somebody else writes: later, or not at all */
		if (m->nwait == META_BATCH)
			drop_waiting(m);
		return;
	}
	for (i = 0; i < m->nwait && ok; i++) {
		const struct waiting *w = &m->wait[i];

		ok = side_run(&m->side, PUT, "ib", (int64_t)w->key,
		    (struct slice){ m->bytes.s + w->at, w->n }) == 0;
	}
	side_end(&m->side, ok);
	drop_waiting(m);
}

/* the number of a mailbox in the file, 0: none.  make: it gets one */
static uint64_t
number_of(struct meta *m, const struct mailbox *mb, bool make)
{
	struct slice id = slice_of(mb->id);
	int64_t n = 0;

	if (m->number != 0 && m->side.db != NULL &&
	    m->side.opened == m->opened &&
	    m->uidvalidity == mb->uidvalidity && strcmp(m->box, mb->id) == 0)
		return m->number;
	/* what waits is of the file that was */
	if (!is_same_file(m))
		drop_waiting(m);
	end_cursor(m);
	m->opened = m->side.opened;
	if (side_number(&m->side, NUMBER, &n, "ti", id,
	    (int64_t)mb->uidvalidity) != 1) {
		n = 0;
		if (make && side_run(&m->side, NEW, "ti", id,
		    (int64_t)mb->uidvalidity) == 0)
			n = sqlite3_last_insert_rowid(m->side.db);
	}
	m->number = n > 0 && n < INT32_MAX && is_same_file(m) ?
	    (uint64_t)n : 0;
	m->uidvalidity = mb->uidvalidity;
	slice_copy(m->box, sizeof(m->box), id);
	return m->number;
}

static uint64_t
key_of(uint64_t number, uint32_t uid)
{
	return number << 32 | uid;
}

/* one row on, or (r not 1) behind the last */
static void
advance(struct meta *m)
{
	int r = side_step(&m->side, m->cursor);

	m->key = r == 1 ? (uint64_t)sqlite3_column_int64(m->cursor, 0) :
	    UINT64_MAX;
	if (r < 0)
		m->cursor = NULL;
}

/* Is row key there?  The cursor then stands on it. */
static bool
seek(struct meta *m, uint64_t key)
{
	int steps;

	if (m->side.db == NULL)
		m->cursor = NULL;
	/* a short way is stepped, a long one is a new question */
	for (steps = 0; m->cursor != NULL && key >= m->from; steps++) {
		if (key <= m->key)
			return key == m->key;
		if (steps == STEPS_MAX)
			break;
		m->from = m->key + 1;
		advance(m);
	}
	end_cursor(m);
	m->cursor = side_query(&m->side, BEGIN_AT, "ii", (int64_t)key,
	    (int64_t)(key | UINT32_MAX));
	m->from = key;
	if (m->cursor != NULL)
		advance(m);
	return m->cursor != NULL && m->key == key;
}

/* 1 *row is what waits or lies in the file, and is all that is wanted */
static int
find(struct meta *m, uint64_t key, struct meta_row *row)
{
	struct slice s;
	size_t i;

	for (i = m->nwait; i > 0; i--) {
		const struct waiting *w = &m->wait[i - 1];

		if (w->key == key)
			return meta_decode((struct slice){
			    m->bytes.s + w->at, w->n }, key, row) &&
			    (row->preview.p != NULL || !m->preview);
	}
	if (!seek(m, key))
		return 0;
	s.p = sqlite3_column_blob(m->cursor, 1);
	s.n = (size_t)sqlite3_column_bytes(m->cursor, 1);
	return s.p != NULL && meta_decode(s, key, row) &&
	    (row->preview.p != NULL || !m->preview);
}

/* n bytes, of the file or fewer where it is shorter */
static int
read_bytes(struct meta *m, int fd, size_t n, struct err *err)
{
	ssize_t r;

	str_reset(&m->file);
	str_grow(&m->file, n);
	do {
		r = pread(fd, m->file.s + m->file.len, n - m->file.len,
		    (off_t)m->file.len);
		if (r < 0 && errno != EINTR)
			return err_sys(err, "read message");
		m->file.len += r > 0 ? (size_t)r : 0;
	} while (r != 0 && m->file.len < n);
	m->file.s[m->file.len] = '\0';
	return 0;
}

/* a file of unknown size */
static int
read_any(struct meta *m, int fd, struct meta_row *row, struct err *err)
{
	struct stat st;
	unsigned faults;
	size_t n;
	void *p;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "message");
	n = (size_t)st.st_size;
	if (n < MAP_MIN) {
		if (read_bytes(m, fd, n, err) < 0)
			return -1;
		meta_make(&m->make, slice_str(&m->file), m->preview, row);
		return 0;
	}
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(err, "map message");
	faults = fault_count();
	meta_make(&m->make, (struct slice){ p, n }, m->preview, row);
	munmap(p, n);
	return fault_count() == faults ? 0 : err_temp(err, "4.2.0",
	    "a message was cut off by another program");
}

/* Read the message and make its row.  Its name mostly tells the size: one that
 * is right is seen by one read, which asks for an octet more. */
static int
make(struct meta *m, int fd, uint64_t size, struct meta_row *row,
    struct err *err)
{
	ssize_t r;

	if (size == 0 || size >= MAP_MIN)
		return read_any(m, fd, row, err);
	str_reset(&m->file);
	str_grow(&m->file, size + 1);
	r = pread(fd, m->file.s, size + 1, 0);
	if (r < 0 || (uint64_t)r != size)
		return read_any(m, fd, row, err);
	m->file.len = size;
	m->file.s[size] = '\0';
	meta_make(&m->make, slice_str(&m->file), m->preview, row);
	return 0;
}

static void
keep(struct meta *m, uint64_t key, const struct meta_row *row)
{
	struct waiting *w;
	size_t at = m->bytes.len;

	if (m->nwait == META_BATCH) {
		meta_flush(m);
		at = m->bytes.len;
	}
	if (!meta_encode(&m->bytes, key, row))
		return;
	if (m->wait == NULL)
		m->wait = xcalloc(META_BATCH, sizeof(*m->wait));
	w = &m->wait[m->nwait++];
	*w = (struct waiting){ key, at, m->bytes.len - at };
}

int
meta_get(struct meta *m, struct mailbox *mb, size_t i, struct meta_row *row,
    struct err *err)
{
	uint64_t number = number_of(m, mb, true), key;
	int fd, r;

	key = key_of(number, mb->msg[i].uid);
	if (number != 0 && find(m, key, row))
		return 1;
	fd = mailbox_read(mb, i, err);
	if (fd < 0)
		return -1;
	r = make(m, fd, mb->msg[i].size, row, err);
	close(fd);
	if (r == 0 && number != 0)
		keep(m, key, row);
	return r;
}

int
meta_fill(struct meta *m, struct mailbox *mb, int ms)
{
	int64_t end = mono_ms() + ms, last;
	struct meta_row row;
	struct err ignored;
	uint64_t number;
	size_t i;

	if (!side_exists(&m->side))
		return 0;
	number = number_of(m, mb, false);
	meta_flush(m);
	if (number == 0 || side_number(&m->side, LAST, &last, "ii",
	    (int64_t)key_of(number, 0),
	    (int64_t)key_of(number, UINT32_MAX)) != 1)
		return 0;
	for (i = mailbox_find(mb, (uint32_t)last + 1); i < mb->n; i++) {
		if (mb->msg[i].flags & MSG_GONE)
			continue;
		if (mono_ms() >= end)
			break;
		(void)meta_get(m, mb, i, &row, &ignored);
	}
	meta_flush(m);
	return i < mb->n;
}

/* a row in m->held: 1, 0 none, -1 */
static int
hold(struct meta *m, uint64_t key)
{
	sqlite3_stmt *st = side_query(&m->side, COPY, "i", (int64_t)key);
	int r = st == NULL ? -1 : side_step(&m->side, st);

	str_reset(&m->held);
	if (r == 1)
		str_add(&m->held, sqlite3_column_blob(st, 0),
		    (size_t)sqlite3_column_bytes(st, 0));
	if (r >= 0)
		sqlite3_reset(st);
	return r;
}

static bool
copy_row(struct meta *m, uint64_t from, uint64_t to, struct str *bytes)
{
	struct meta_row row;
	int r = hold(m, from);

	if (r <= 0)
		return r == 0;
	str_reset(bytes);
	/* the sum is over the key, too */
	if (!meta_decode(slice_str(&m->held), from, &row) ||
	    !meta_encode(bytes, to, &row))
		return true;
	return side_run(&m->side, PUT, "ib", (int64_t)to,
	    slice_str(bytes)) == 0;
}

void
meta_copied(struct meta *m, const struct mailbox *from,
    const struct mailbox *to, const struct meta_pair *v, size_t n)
{
	struct str bytes = STR_INIT;
	uint64_t a, b;
	bool ok = true;
	size_t i;

	meta_flush(m);
	a = number_of(m, from, false);
	b = a == 0 ? 0 : number_of(m, to, true);
	if (b == 0 || side_begin(&m->side) < 0)
		return;
	for (i = 0; i < n && ok; i++)
		ok = copy_row(m, key_of(a, v[i].from), key_of(b, v[i].to),
		    &bytes);
	side_end(&m->side, ok);
	str_free(&bytes);
}

void
meta_expunged(struct meta *m, const struct mailbox *mb, const uint32_t *uid,
    size_t n)
{
	uint64_t number;
	bool ok = true;
	size_t i;

	meta_flush(m);
	number = number_of(m, mb, false);
	if (number == 0 || side_begin(&m->side) < 0)
		return;
	for (i = 0; i < n && ok; i++)
		ok = side_run(&m->side, DROP, "i",
		    (int64_t)key_of(number, uid[i])) == 0;
	side_end(&m->side, ok);
}

void
meta_forget(struct meta *m, const char *mailbox_id)
{
	struct slice id = slice_of(mailbox_id);
	int64_t n = 0;
	bool ok = true;

	drop_waiting(m);
	end_cursor(m);
	m->number = 0;
	if (side_begin(&m->side) < 0)
		return;
	while (ok && side_number(&m->side, OF_ID, &n, "t", id) == 1)
		ok = side_run(&m->side, FORGET, "ii",
		    (int64_t)key_of((uint64_t)n, 0),
		    (int64_t)key_of((uint64_t)n, UINT32_MAX)) == 0 &&
		    side_drop(&m->side, DROP_BOX, n) == 0;
	side_end(&m->side, ok);
}
