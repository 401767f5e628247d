/*
 * fts_bits.c - what the index knows, and forgetting it.  Documents can not be
 * taken out of an index that keeps no text: those of expunged messages are
 * found and match no UID.  They are counted, and when there are more than
 * half, all is indexed anew.
 */
#include "store/fts_part.h"

int64_t
fts_key(int64_t number, uint32_t uid, unsigned which)
{
	return number << 33 | (int64_t)uid << 1 | (int64_t)which;
}

static int64_t
bits_key(int64_t number, uint32_t uid)
{
	return number << 32 | uid / FTS_SPAN;
}

static const struct fts_span *
span_of(const struct fts *f, uint32_t uid)
{
	uint32_t base = uid - uid % FTS_SPAN;
	size_t lo = 0, hi = f->nspan, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (f->span[mid].base == base)
			return &f->span[mid];
		if (f->span[mid].base < base)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool
bit(const unsigned char *v, uint32_t uid)
{
	uid %= FTS_SPAN;
	return v[uid / 8] >> uid % 8 & 1;
}

bool
fts_is_in(const struct fts *f, uint32_t uid)
{
	const struct fts_span *s = span_of(f, uid);

	return s != NULL && bit(s->in, uid);
}

bool
fts_is_never(const struct fts *f, uint32_t uid)
{
	const struct fts_span *s = span_of(f, uid);

	return s != NULL && bit(s->never, uid);
}

/* the bits of f's mailbox, as the file has them now */
static int
read_bits(struct fts *f)
{
	sqlite3_stmt *st;
	const unsigned char *bits;
	struct fts_span *s;
	size_t cap = 0;
	int r = -1;

	free(f->span);
	f->span = NULL;
	f->nspan = 0;
	st = side_query(&f->side, F_BITS, "ii", bits_key(f->number, 0),
	    bits_key(f->number, UINT32_MAX));
	while (st != NULL && (r = side_step(&f->side, st)) == 1) {
		if (sqlite3_column_bytes(st, 1) != 2 * FTS_BITS)
			continue;
		if (f->nspan == cap) {
			cap = cap ? cap * 2 : 4;
			f->span = xrealloc(f->span, cap * sizeof(*s));
		}
		s = &f->span[f->nspan++];
		s->base = (uint32_t)sqlite3_column_int64(st, 0) * FTS_SPAN;
		bits = sqlite3_column_blob(st, 1);
		memcpy(s->in, bits, FTS_BITS);
		memcpy(s->never, bits + FTS_BITS, FTS_BITS);
	}
	if (r == 0)
		sqlite3_reset(st);
	else
		f->nspan = 0;
	return r;
}

static bool
good_number(int64_t n)
{
	return n > 0 && n < 1 << 29;
}

static int64_t
find_number(struct fts *f, const struct mailbox *mb, bool make)
{
	struct slice id = slice_of(mb->id);
	int64_t n = 0;

	if (side_number(&f->side, F_NUMBER, &n, "ti", id,
	    (int64_t)mb->uidvalidity) != 1) {
		n = 0;
		if (make && side_run(&f->side, F_NEW, "ti", id,
		    (int64_t)mb->uidvalidity) == 0)
			n = sqlite3_last_insert_rowid(f->side.db);
	}
	return good_number(n) ? n : 0;
}

bool
fts_box(struct fts *f, const struct mailbox *mb, bool make, bool again)
{
	bool same = f->uidvalidity == mb->uidvalidity &&
	    strcmp(f->box, mb->id) == 0;

	if (!same) {
		fts_write(f);
		fts_drop_waiting(f);
		f->number = 0;
		f->uidvalidity = mb->uidvalidity;
		slice_copy(f->box, sizeof(f->box), slice_of(mb->id));
	}
	if (!side_ready(&f->side))
		return false;
	if (f->side.opened != f->opened) {
		/* a file that was begun anew knows other numbers */
		fts_drop_waiting(f);
		f->opened = f->side.opened;
		f->number = 0;
	}
	if (f->number == 0 || again) {
		f->number = find_number(f, mb, make);
		if (f->number == 0 || read_bits(f) < 0)
			f->number = 0;
	}
	return f->number != 0 && f->side.db != NULL &&
	    f->side.opened == f->opened;
}

static int64_t
count_in(const struct fts *f)
{
	int64_t n = 0;
	size_t i, j;

	for (i = 0; i < f->nspan; i++)
		for (j = 0; j < FTS_BITS; j++)
			n += __builtin_popcount(f->span[i].in[j]);
	return n;
}

void
fts_expunged(struct fts *f, const struct mailbox *mb, const uint32_t *uid,
    size_t n)
{
	int64_t dead = 0;
	size_t i;

	if (!fts_box(f, mb, false, false))
		return;
	for (i = 0; i < n; i++)
		dead += fts_is_in(f, uid[i]);
	if (dead > 0)
		side_run(&f->side, F_DEAD_ADD, "i", dead);
}

static int
forget_bits(struct fts *f, int64_t n)
{
	f->number = n;
	return read_bits(f) < 0 || side_run(&f->side, F_DEAD_ADD, "i",
	    count_in(f)) < 0 || side_run(&f->side, F_BITS_DROP, "ii",
	    bits_key(n, 0), bits_key(n, UINT32_MAX)) < 0 ? -1 : 0;
}

void
fts_forget(struct fts *f, const char *mailbox_id)
{
	struct slice id = slice_of(mailbox_id);
	int64_t n = 0;
	bool ok = true;

	fts_drop_waiting(f);
	f->box[0] = '\0';
	if (side_begin(&f->side) < 0)
		return;
	while (ok && side_number(&f->side, F_OF_ID, &n, "t", id) == 1)
		ok = (!good_number(n) || forget_bits(f, n) == 0) &&
		    side_drop(&f->side, F_DROP_BOX, n) == 0;
	side_end(&f->side, ok);
	f->number = 0;
}

/* all bits of the file */
static int64_t
count_all(struct fts *f)
{
	sqlite3_stmt *st;
	const unsigned char *p;
	int64_t n = 0;
	int j, r = -1;

	st = side_query(&f->side, F_BITS, "ii", (int64_t)0, INT64_MAX);
	while (st != NULL && (r = side_step(&f->side, st)) == 1) {
		p = sqlite3_column_blob(st, 1);
		for (j = 0; j < FTS_BITS && j < sqlite3_column_bytes(st, 1);
		    j++)
			n += __builtin_popcount(p[j]);
	}
	if (r == 0)
		sqlite3_reset(st);
	return n;
}

void
fts_renew(struct fts *f)
{
	int64_t dead = 0;

	if (side_number(&f->side, F_DEAD, &dead, "") != 1 ||
	    dead < FTS_DEAD_MIN || dead < count_all(f) / 2 ||
	    side_begin(&f->side) < 0)
		return;
	side_end(&f->side, side_run(&f->side, F_CLEAR, "") == 0 &&
	    side_run(&f->side, F_BITS_CLEAR, "") == 0 &&
	    side_run(&f->side, F_DEAD_CLEAR, "") == 0);
	read_bits(f);
}

/* the row of a span within a transaction, changed in memory */
struct row { int64_t key; unsigned char v[2 * FTS_BITS]; bool dirty; };

static int
load_row(struct fts *f, struct row *w, int64_t key)
{
	sqlite3_stmt *st = side_query(&f->side, F_BITS_GET, "i", key);
	int r = st == NULL ? -1 : side_step(&f->side, st);

	*w = (struct row){ .key = key };
	if (r == 1 && sqlite3_column_bytes(st, 0) == (int)sizeof(w->v))
		memcpy(w->v, sqlite3_column_blob(st, 0), sizeof(w->v));
	if (r >= 0)
		sqlite3_reset(st);
	return r < 0 ? -1 : 0;
}

static int
store_row(struct fts *f, struct row *w)
{
	if (!w->dirty)
		return 0;
	w->dirty = false;
	return side_run(&f->side, F_BITS_PUT, "ib", w->key,
	    (struct slice){ (const char *)w->v, sizeof(w->v) });
}

static int
add_document(struct fts *f, uint32_t uid, unsigned which, size_t at,
    size_t n)
{
	if (n == 0)
		return 0;
	return side_run(&f->side, F_ADD, "it", fts_key(f->number, uid, which),
	    (struct slice){ f->text.s + at, n });
}

static int
add_message(struct fts *f, struct row *row, const struct fts_waiting *w)
{
	int64_t key = bits_key(f->number, w->uid);
	unsigned char *in, mask = (unsigned char)(1 << w->uid % 8);

	if (row->key != key && (store_row(f, row) < 0 ||
	    load_row(f, row, key) < 0))
		return -1;
	in = &row->v[w->uid % FTS_SPAN / 8];
	if (in[0] & mask)
		return 0;	/* another session was first */
	in[0] |= mask;
	if (w->never)
		in[FTS_BITS] |= mask;
	row->dirty = true;
	if (w->never)
		return 0;
	return add_document(f, w->uid, 0, w->at, w->header) < 0 ||
	    add_document(f, w->uid, 1, w->at + w->header, w->body) < 0 ?
	    -1 : 0;
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct fts_waiting *)a)->uid,
	    y = ((const struct fts_waiting *)b)->uid;

	return x < y ? -1 : x > y;
}

int
fts_write(struct fts *f)
{
	struct row row = { .key = -1 };
	bool ok = true;
	size_t i;

	if (f->nwait == 0)
		return 0;
	if (f->number == 0 || !side_ready(&f->side) ||
	    f->side.opened != f->opened || side_begin(&f->side) < 0)
		return -1;
	/* the index takes documents in order, else it ends a segment */
	qsort(f->wait, f->nwait, sizeof(f->wait[0]), by_uid);
	for (i = 0; i < f->nwait && ok; i++)
		ok = add_message(f, &row, &f->wait[i]) == 0;
	ok = ok && store_row(f, &row) == 0;
	if (side_end(&f->side, ok) < 0)
		return -1;
	fts_drop_waiting(f);
	return read_bits(f);
}
