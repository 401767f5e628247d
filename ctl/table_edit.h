/*
 * table_edit.h - inside ctl: changing the rows of a text table in conf.
 */
#ifndef CTL_TABLE_EDIT_H
#define CTL_TABLE_EDIT_H

#include "base/err.h"
#include "base/str.h"

#include <sys/stat.h>

/* an open edit of conf/NAME: locked from begin to end */
struct table_edit {
	const char *name;
	int lock;
	struct str text;
	bool bad;	/* a row was put that is more than one line */
};
int table_begin(struct table_edit *e, const char *name, struct err *err);
/* write, compile, unlock: 0, or -1: err; then the file is as it was.  mode:
 * of a file that is new. */
typedef int table_compile_fn(const char *conf_dir, size_t *count_r,
    struct err *err);
int table_commit(struct table_edit *e, mode_t mode,
    table_compile_fn *compile, struct err *err);
void table_abort(struct table_edit *e);

/* the value of a row, continuations joined, appended: 1, or 0 none */
int table_get(const struct table_edit *e, const char *key,
    struct str *value);
/* put a row in the place of the one with that key, or at the end; one with
 * control characters, which could be several, makes the commit fail */
void table_put(struct table_edit *e, const char *key, struct slice value);
/* a new one at the end; that it is none is the compiler's to see */
void table_append(struct table_edit *e, const char *key, struct slice value);
/* no control characters: it can not be several rows */
bool table_line(struct slice s);
int table_remove(struct table_edit *e, const char *key);	/* 1 or 0 */
/* a name in the text that is nearly this one, or NULL */
const char *table_near(const struct table_edit *e, const char *name);
/* Each row, its key folded; fn returns 0 to go on, what else it returns is
 * returned. */
typedef int table_row_fn(void *ctx, const char *key, struct slice value);
int table_each(struct slice text, table_row_fn *fn, void *ctx);

#endif
