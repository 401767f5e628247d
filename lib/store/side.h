/*
 * side.h - inside lib/store: SQLite files of derived data in the index
 * directory.  Nothing here fails: where a file can not be used there is none.
 *
 * One may be deleted at any time, and is where it is damaged, foreign or of
 * another version.  Whoever opens or deletes one locks the directory, so that
 * no log of an old file is taken for a new one's.
 */
#ifndef STORE_SIDE_H
#define STORE_SIDE_H

#include "base/str.h"

#include <sqlite3.h>

enum { SIDE_SQL_MAX = 16 };

struct side_kind {
	const char *name;	/* "cache.db" */
	int application, version;
	const char *schema;
	const char *const *sql;	/* nsql statements */
	size_t nsql;
};
struct side {
	const struct side_kind *kind;
	int index;		/* the directory; -1: none */
	sqlite3 *db;		/* NULL: not open */
	sqlite3_stmt *st[SIDE_SQL_MAX];
	unsigned opened;	/* how often: what was read from another file
				 * holds no longer */
	bool given_up;		/* it could not be opened: not tried again
				 * until side_close */
};
/* before processes are forked: what SQLite keeps for good is shared then */
void side_preload(void);
void side_init(struct side *s, const struct side_kind *kind, int index);
/* open it where it is not: is it? */
bool side_ready(struct side *s);
void side_close(struct side *s);
/* is there a file, without opening one? */
bool side_exists(const struct side *s);

/* A statement with its parameters, all int64_t (fmt i) or struct slice (fmt
 * t text, b blob, which must live until side_done); NULL: trouble */
sqlite3_stmt *side_query(struct side *s, unsigned which, const char *fmt,
    ...);
/* 1 a row, 0 the end, -1 busy or trouble; damaged: the file is deleted */
int side_step(struct side *s, sqlite3_stmt *st);
/* query, step to the end, reset: 0 or -1 */
int side_run(struct side *s, unsigned which, const char *fmt, ...);
/* The same for a row that was just found by an index.  Where the table has none
 * it would be found again, for ever: the file is damaged, and deleted. */
int side_drop(struct side *s, unsigned which, int64_t key);
/* the first column of the first row: 1, 0 none, -1 */
int side_number(struct side *s, unsigned which, int64_t *r,
    const char *fmt, ...);
/* what is read up to side_end is of one moment: 0 or -1 */
int side_read(struct side *s);
/* BEGIN IMMEDIATE: 0, or -1 where somebody else writes */
int side_begin(struct side *s);
/* COMMIT, or where !ok or that fails ROLLBACK: 0 it is written, -1 */
int side_end(struct side *s, bool ok);

#endif
