/*
 * table.h - inside lib/map: rows of a text in memory, sorted by key.
 *
 * The rows point into one buffer that the table owns and that the parsers
 * change in place: folding, unquoting and joining never make a text longer.
 */
#ifndef MAP_TABLE_H
#define MAP_TABLE_H

#include "map/map.h"

struct map_row {
	struct slice key, value;
	size_t line;		/* of the text, or the number of the row */
};

struct map_table {
	const char *name;	/* of the text, for errors; borrowed */
	char *buf;		/* malloced */
	size_t len;
	struct map_row *row;
	size_t n, cap;
	size_t bad;		/* errors that were told, see map_report_to */
};

/* Read a text file into t->buf.  A file that changes meanwhile is an error.
 * 0, or -1. */
int map_table_read(struct map_table *t, const char *path, struct stat *st,
    struct err *err);
/* parse t->buf: 0 and the table is sorted, or -1 */
int map_text_parse(struct map_table *t, struct err *err);
int map_inline_parse(struct map_table *t, struct err *err);

/* The rows of t->buf, one after the other; { t, t->buf, t->buf + t->len } at
 * the beginning. */
struct map_lines {
	const struct map_table *t;
	char *p, *end;
	size_t line;		/* the last that was read, from 1 */
	size_t row;		/* where the last row begins */
};
/* Comments skipped and continuations joined, in place; without blanks at both
 * ends, never empty.  1, 0 at the end, -1: err, and the next call goes on
 * behind that row. */
int map_lines_next(struct map_lines *l, char **p, char **end,
    struct err *err);
/* An error in a row: 0 where somebody wants to hear of all of them
 * (map_report_to), and it was told; else -1 */
int map_table_bad(struct map_table *t, const struct err *err);
bool map_reporting(void);
/* at the end of the rows: -1 where one was told */
int map_table_good(const struct map_table *t, struct err *err);

/* Fold and check a key, which lies in t->buf, and add the row.  0, or -1:
 * err, with its place. */
int map_table_add(struct map_table *t, struct map_row row, struct err *err);
/* sort by key; a key given twice is an error that names both places */
int map_table_sort(struct map_table *t, struct err *err);
void map_table_by_line(struct map_table *t);	/* ends map_table_find */
const struct map_row *map_table_find(const struct map_table *t,
    struct slice key);
void map_table_free(struct map_table *t);

/* Read "a \"quoted\" text" in place; *pp is at its opening quote and is set
 * behind the closing one.  1, or 0: no closing quote before end. */
int map_unquote(char **pp, char *end, struct slice *r);
/* an error at a place of the table: "NAME:LINE: text", temporary */
int map_table_err(const struct map_table *t, size_t line, struct err *err,
    const char *fmt, ...) PRINTF(4, 5);

/* struct map_type members of every type that is a struct map_table */
int map_table_get(void *self, struct slice key, struct str *out,
    struct err *err);
int map_table_each(void *self, map_each_fn *fn, void *ctx, struct err *err);
void map_table_close(void *self);

#endif
