/*
 * fts.c - asking the index.  Invariant: a message is left out of the
 * candidates only where its bit says that it is in the index, and the index
 * was asked after that bit was read in the same transaction or later.
 */
#include "store/fts_part.h"

enum {
	APPLICATION = 0x50524631 /* PRF1 */, SCHEMA = 1,
	GRAM = 3,		/* characters of a trigram */
	GRAMS_MAX = 32,		/* of a term; the others are not asked */
};

static const char *const sql[F_TOTAL] = {
	[F_FIND] = "SELECT rowid FROM text WHERE text MATCH ?1"
	    " AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid",
	[F_ADD] = "INSERT INTO text (rowid, t) VALUES (?, ?)",
	[F_CLEAR] = "INSERT INTO text (text) VALUES ('delete-all')",
	[F_NUMBER] = "SELECT n FROM box WHERE id = ? AND uidvalidity = ?",
	[F_OF_ID] = "SELECT n FROM box WHERE id = ? LIMIT 1",
	[F_NEW] = "INSERT INTO box (id, uidvalidity) VALUES (?, ?)",
	[F_DROP_BOX] = "DELETE FROM box WHERE n = ?",
	[F_BITS] = "SELECT k, v FROM bits WHERE k BETWEEN ?1 AND ?2"
	    " ORDER BY k",
	[F_BITS_GET] = "SELECT v FROM bits WHERE k = ?",
	[F_BITS_PUT] = "INSERT OR REPLACE INTO bits VALUES (?, ?)",
	[F_BITS_DROP] = "DELETE FROM bits WHERE k BETWEEN ?1 AND ?2",
	[F_BITS_CLEAR] = "DELETE FROM bits",
	[F_DEAD] = "SELECT n FROM dead",
	[F_DEAD_ADD] = "UPDATE dead SET n = n + ?",
	[F_DEAD_CLEAR] = "UPDATE dead SET n = 0",
};

static const struct side_kind kind = {
	.name = "fts.db", .application = APPLICATION, .version = SCHEMA,
	.schema =
	    "CREATE TABLE box (n INTEGER PRIMARY KEY AUTOINCREMENT,"
	    " id TEXT NOT NULL, uidvalidity INTEGER NOT NULL);"
	    "CREATE UNIQUE INDEX box_id ON box (id, uidvalidity);"
	    "CREATE TABLE bits (k INTEGER PRIMARY KEY, v BLOB NOT NULL);"
	    "CREATE TABLE dead (n INTEGER NOT NULL);"
	    "INSERT INTO dead VALUES (0);"
	    "CREATE VIRTUAL TABLE text USING fts5 (t, content = '',"
	    " columnsize = 0, detail = none,"
	    " tokenize = 'ascii');",
	.sql = sql, .nsql = F_TOTAL,
};

struct fts *
fts_new(int index)
{
	struct fts *f = xcalloc(1, sizeof(*f));

	side_init(&f->side, &kind, index);
	f->text = f->fold = (struct str)STR_INIT;
	return f;
}

void
fts_shrink(struct fts *f)
{
	fts_write(f);
	fts_drop_waiting(f);
	side_close(&f->side);
	str_free(&f->text);
	str_free(&f->fold);
	free(f->wait);
	f->wait = NULL;
	free(f->span);
	f->span = NULL;
	f->nspan = 0;
	f->number = 0;
}

void
fts_free(struct fts *f)
{
	if (f == NULL)
		return;
	fts_shrink(f);
	free(f);
}

bool
fts_wanted(const struct fts *f)
{
	return side_exists(&f->side);
}

struct uids { uint32_t *v; size_t n, cap; };

static void
push(struct uids *l, uint32_t uid)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = uid;
}

/* UIDs of documents that hold the term, ascending: 0 or -1 */
static int
find_term(struct fts *f, struct slice query, unsigned where, struct uids *l)
{
	sqlite3_stmt *st;
	uint32_t uid;
	int64_t key;
	int r = -1;

	st = side_query(&f->side, F_FIND, "tii", query,
	    fts_key(f->number, 0, 0), fts_key(f->number, UINT32_MAX, 1));
	while (st != NULL && (r = side_step(&f->side, st)) == 1) {
		key = sqlite3_column_int64(st, 0);
		uid = (uint32_t)(key >> 1);
		if ((where & (key & 1 ? FTS_BODY : FTS_HEADER)) != 0 &&
		    (l->n == 0 || l->v[l->n - 1] != uid))
			push(l, uid);
	}
	if (r == 0)
		sqlite3_reset(st);
	return r;
}

/* what is in both stays in a */
static void
intersect(struct uids *a, const struct uids *b)
{
	size_t i, j = 0, n = 0;

	for (i = 0; i < a->n; i++) {
		while (j < b->n && b->v[j] < a->v[i])
			j++;
		if (j < b->n && b->v[j] == a->v[i])
			a->v[n++] = a->v[i];
	}
	a->n = n;
}

/* 1 all terms that can be asked for, 0 there were none, -1 */
static int
find_all(struct fts *f, unsigned where, const struct slice *terms, size_t n,
    struct uids *hits)
{
	struct str query = STR_INIT;
	struct uids more;
	int r = 0, asked = 0;
	size_t i;

	for (i = 0; i < n && r == 0; i++) {
		str_reset(&query);
		if (!fts_query(terms[i], &query))
			continue;
		more = (struct uids){ 0 };
		r = find_term(f, slice_str(&query), where,
		    asked ? &more : hits);
		if (asked)
			intersect(hits, &more);
		free(more.v);
		asked = 1;
	}
	str_free(&query);
	return r < 0 ? -1 : asked;
}

/* those of the mailbox that were found or are not in the index */
static void
choose(const struct fts *f, const struct mailbox *mb,
    const struct uids *hits, struct uids *out)
{
	size_t i, j = 0;
	uint32_t uid;

	for (i = 0; i < mb->n; i++) {
		uid = mb->msg[i].uid;
		while (j < hits->n && hits->v[j] < uid)
			j++;
		if ((mb->msg[i].flags & MSG_GONE) == 0 &&
		    ((j < hits->n && hits->v[j] == uid) ||
		    !fts_is_in(f, uid) || fts_is_never(f, uid)))
			push(out, uid);
	}
}

int
fts_candidates(struct fts *f, struct mailbox *mb, unsigned where,
    const struct slice *terms, size_t n, uint32_t **uids, size_t *count,
    struct err *err UNUSED)
{
	struct uids hits = { 0 }, out = { 0 };
	int r;

	*uids = NULL;
	*count = 0;
	/* what waits for another mailbox is written before */
	if (!fts_box(f, mb, false, false) || side_read(&f->side) < 0)
		return 0;
	r = fts_box(f, mb, false, true) && f->nspan > 0;
	/* trouble: a scan gives the same answer */
	if (r == 1)
		r = find_all(f, where, terms, n, &hits);
	side_end(&f->side, true);
	if (r == 1)
		choose(f, mb, &hits, &out);
	free(hits.v);
	if (r != 1) {
		free(out.v);
		return 0;
	}
	*uids = out.v != NULL ? out.v : xcalloc(1, sizeof(**uids));
	*count = out.n;
	return 1;
}
