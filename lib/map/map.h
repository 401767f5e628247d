/*
 * map.h - tables: a key goes in, a value comes out.
 *
 * A map is named `type:name` everywhere (cdb:users, text:domains,
 * inline:root=ann;abuse=ann).  A name of a file that does not start with / is
 * relative to map_set_dir().  Keys are ASCII-folded to lower case on both
 * sides.  Types with a server behind them (sqlite, pgsql, ...) ask mapd, which
 * must know the table; they never change.  What a table holds and how its
 * text is written is described in postrider-tables(5).
 *
 * A missing, unreadable, malformed or corrupted table is trouble of our own
 * machine: every error here is temporary (4.3.0, or 4.3.5 for what an admin
 * must mend), so nobody bounces mail because of it.  A map is opened once and
 * stays on what it opened; files are replaced by rename, never written in
 * place, so ask map_changed() now and then and open anew.
 */
#ifndef MAP_MAP_H
#define MAP_MAP_H

#include "base/err.h"
#include "base/str.h"

#include <sys/stat.h>

#define MAP_KEY_MAX 1000		/* bytes of a key */
#define MAP_TOKEN_MAX 16384		/* of one that is taken as it is */
#define MAP_LINE_MAX 65536		/* bytes of a line with continuations */
#define MAP_FILE_MAX (1024UL * 1024 * 1024)

struct map;

/* The directory (the instance's conf) of relative names; "" or NULL: the
 * current one.  Copied.  Once, before the first map_open. */
void map_set_dir(const char *dir);
/* is it `type:name` with a known type?  0, or -1: err has a hint.  Opens
 * nothing: for the check of a configuration. */
int map_check(const char *spec, struct err *err);
/* the path of the table's file (no file: nothing), appended: 0, or -1 */
int map_path(const char *spec, struct str *out, struct err *err);

/* 0: *map_r is the caller's until map_close; -1: err, *map_r is NULL */
int map_open(const char *spec, struct map **map_r, struct err *err);
/* 1 found and appended, 0 absent, -1 err; out is untouched unless 1.  An
 * empty or over-long key is absent. */
int map_get(struct map *m, const char *key, struct str *out, struct err *err);
/* 1: the file is another one than that which is open; 0: the same (always,
 * where there is no file); -1: it can not be looked at, errno says why */
int map_changed(struct map *m);
/* Give every row to fn, in no promised order; the slices last for the call.
 * fn returns 0 to go on; anything else ends the walk and is returned.  0 at
 * the end, -1 with err set for trouble or a type that can not list. */
typedef int map_each_fn(void *ctx, struct slice key, struct slice value);
int map_each(struct map *m, map_each_fn *fn, void *ctx, struct err *err);
bool map_can_list(const struct map *m);
/* the spec that it was opened with */
const char *map_spec(const struct map *m);
void map_close(struct map *m);			/* NULL is fine */

/* --- the compiler: text to cdb -------------------------------------- */

/*
 * Compile a text table.  The new file is made beside the old one, synced and
 * renamed over it, and the directory is synced: after any failure, power cuts
 * included, the old table is still there whole.  uid or gid (uid_t)-1: left
 * alone.  *count_r (may be NULL): rows.  The cdb gets the modification time
 * of its text, see map_stale.  0, or -1: err says FILE:LINE where it can.
 */
int map_compile_cdb(const char *text_path, const char *cdb_path, mode_t mode,
    uid_t uid, gid_t gid, size_t *count_r, struct err *err);
/* The same with each value seen (and so checked) by a filter: 1: keep the
 * row, with what was appended to value_out as its value; 0: leave the row
 * out; -1: err, and FILE:LINE is put in front of it. */
typedef int map_filter_fn(void *ctx, struct slice key, struct slice value,
    struct str *value_out, struct err *err);
int map_compile_cdb_with(const char *text_path, const char *cdb_path,
    mode_t mode, uid_t uid, gid_t gid, map_filter_fn *filter, void *ctx,
    size_t *count_r, struct err *err);
/* 1: the cdb is missing or was made from another version of the text (their
 * times differ); 0: fresh; -1: the text can not be looked at, err */
int map_stale(const char *text_path, const char *cdb_path, struct err *err);

/* --- for those who write a type: one file map_NAME.c, one line in map.c --- */

struct map_type {
	const char *name;
	const char *suffix;	/* added to a file's name; NULL: no file */
	bool exact;		/* keys are not folded, up to MAP_TOKEN_MAX */
	/* own state into *self_r; path is absolute or relative to the current
	 * directory, or, with no file, the text after the colon.  st is
	 * filled from the open file.  0 or -1. */
	int (*open)(const char *path, void **self_r, struct stat *st,
	    struct err *err);
	/* the key is folded unless exact, not empty, not too long */
	int (*get)(void *self, struct slice key, struct str *out,
	    struct err *err);
	int (*each)(void *self, map_each_fn *fn, void *ctx, struct err *err);
	void (*close)(void *self);
};
extern const struct map_type map_type_text, map_type_cdb, map_type_inline;
/* map_remote.c */
extern const struct map_type map_type_sqlite, map_type_pgsql, map_type_mysql,
    map_type_ldap, map_type_lmdb, map_type_oauth, map_type_jwks,
    map_type_refresh;

/* open a regular file for reading, never waiting: fd, or -1 err */
int map_open_file(const char *path, struct stat *st, struct err *err);

#endif
