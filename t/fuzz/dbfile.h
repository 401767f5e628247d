/*
 * dbfile.h - a file of SQLite with any damage.  The image is a good one; the
 * input is a list of edits:
 *
 *	BYTES	place: 3 octets, width: 1, value: 4
 *	SET	column: 1 octet, row: 1, kind of value: 1, length: 1, value
 *	DROP	column (of the table): 1 octet, row: 1
 *
 * SET and DROP are statements, so what they leave is a file of good form; they
 * come first, whatever their order.  A last incomplete edit cuts the file.
 */
#ifndef FUZZ_DBFILE_H
#define FUZZ_DBFILE_H

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/str.h"

enum { DBFILE_BYTES, DBFILE_SET, DBFILE_DROP, DBFILE_KINDS };
enum { DBFILE_COLUMNS = 128, DBFILE_MAX = 1 << 22, DBFILE_EDITS = 32 };

struct dbfile {
	const char *path;
	char *image;
	size_t n;
	/* statements of SET and DROP, a column each */
	char *set[DBFILE_COLUMNS], *drop[DBFILE_COLUMNS];
	size_t columns;
};

static inline void
dbfile_write(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || full_write(fd, p, n) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static inline sqlite3 *
dbfile_connect(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		die("%s: %s", path, sqlite3_errmsg(db));
	sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE;"
	    " PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE", NULL,
	    NULL, NULL);
	return db;
}

static inline void
dbfile_column(struct dbfile *f, const char *table, const char *column,
    const char *key)
{
	if (f->columns == DBFILE_COLUMNS)
		die("%s: too many columns", f->path);
	f->set[f->columns] = xasprintf("UPDATE OR IGNORE \"%s\" SET \"%s\" = "
	    "?1 WHERE (%s) IN (SELECT %s FROM \"%s\" LIMIT 1 OFFSET ?2)",
	    table, column, key, key, table);
	f->drop[f->columns++] = xasprintf("DELETE FROM \"%s\" WHERE (%s) IN "
	    "(SELECT %s FROM \"%s\" LIMIT 1 OFFSET ?2)", table, key, key,
	    table);
}

/* the file at path becomes the image; its writer has closed it */
static inline void
dbfile_take(struct dbfile *f, const char *path)
{
	sqlite3 *db = dbfile_connect(path);
	sqlite3_stmt *st;
	const char *key;

	f->path = path;
	if (sqlite3_prepare_v2(db, "SELECT m.name, p.name,"
	    " (SELECT group_concat(k.name) FROM pragma_table_info(m.name) k"
	    " WHERE k.pk > 0), m.sql LIKE '%WITHOUT ROWID%'"
	    " FROM sqlite_schema m, pragma_table_info(m.name) p"
	    " WHERE m.type = 'table' AND m.sql NOT LIKE '%VIRTUAL%'"
	    " ORDER BY 1, p.cid", -1, &st, NULL) != SQLITE_OK)
		die("%s: %s", path, sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		key = (const char *)sqlite3_column_text(st, 2);
		dbfile_column(f, (const char *)sqlite3_column_text(st, 0),
		    (const char *)sqlite3_column_text(st, 1),
		    sqlite3_column_int(st, 3) ? key : "rowid");
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	f->image = read_file(path, DBFILE_MAX, &f->n);
	if (f->image == NULL || f->columns == 0)
		die("%s: no image", path);
}

static inline void
dbfile_free(struct dbfile *f)
{
	size_t i;

	for (i = 0; i < f->columns; i++) {
		free(f->set[i]);
		free(f->drop[i]);
	}
	free(f->image);
}

/* octets of the edit that data begins with; 0: it is not whole */
static inline size_t
dbfile_edit(const uint8_t *data, size_t n)
{
	static const size_t fixed[DBFILE_KINDS] = { 9, 5, 3 };
	size_t len;

	if (n == 0)
		return 0;
	len = fixed[data[0] % DBFILE_KINDS];
	if (data[0] % DBFILE_KINDS == DBFILE_SET && n >= len)
		len += data[4];
	return len <= n ? len : 0;
}

static inline void
dbfile_bind(sqlite3_stmt *st, const uint8_t *data)
{
	const char *p = (const char *)data + 5;
	int64_t v = 0;
	double d = 0;

	memcpy(&v, p, MIN((size_t)data[4], sizeof(v)));
	memcpy(&d, p, MIN((size_t)data[4], sizeof(d)));
	switch (data[3] % 5) {
	case 0:
		sqlite3_bind_int64(st, 1, v);
		break;
	case 1:
		sqlite3_bind_text(st, 1, p, data[4], SQLITE_STATIC);
		break;
	case 2:
		sqlite3_bind_blob(st, 1, p, data[4], SQLITE_STATIC);
		break;
	case 3:
		sqlite3_bind_double(st, 1, d);
		break;
	default:	/* some zeros */
		sqlite3_bind_zeroblob(st, 1, v & 0xffff);
		break;
	}
}

static inline void
dbfile_state(const struct dbfile *f, sqlite3 *db, const uint8_t *data)
{
	bool set = data[0] % DBFILE_KINDS == DBFILE_SET;
	size_t i = data[1] % f->columns;
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(db, set ? f->set[i] : f->drop[i], -1, &st,
	    NULL) != SQLITE_OK)
		die("%s: %s", f->set[i], sqlite3_errmsg(db));
	sqlite3_bind_int(st, 2, data[2]);
	if (set)
		dbfile_bind(st, data);
	sqlite3_step(st);	/* a constraint may not like it */
	sqlite3_finalize(st);
}

/* the file, as the edits make it of the image */
static inline void
dbfile_put(const struct dbfile *f, const uint8_t *data, size_t n)
{
	size_t len = f->n, at = 0, step, place, i, edits = 0;
	sqlite3 *db = NULL;
	char *p;

	dbfile_write(f->path, f->image, f->n);
	for (; (step = dbfile_edit(data + at, n - at)) > 0; at += step) {
		if (++edits > DBFILE_EDITS)
			break;
		if (data[at] % DBFILE_KINDS == DBFILE_BYTES)
			continue;
		if (db == NULL)
			db = dbfile_connect(f->path);
		dbfile_state(f, db, data + at);
	}
	sqlite3_close(db);
	p = read_file(f->path, DBFILE_MAX, &len);
	if (p == NULL || len == 0)
		die("%s: %s", f->path, strerror(errno));
	for (at = 0; (step = dbfile_edit(data + at, n - at)) > 0; at += step) {
		if (data[at] % DBFILE_KINDS != DBFILE_BYTES)
			continue;
		place = (data[at + 1] | (size_t)data[at + 2] << 8 |
		    (size_t)data[at + 3] << 16) % len;
		for (i = 0; i < data[at + 4] % 9u && place + i < len; i++)
			p[place + i] = (char)data[at + 5 + i % 4];
	}
	if (n - at >= 3)
		len = (data[at + 1] | (size_t)data[at + 2] << 8) * 16 % len;
	dbfile_write(f->path, p, len);
	free(p);
}

#endif
