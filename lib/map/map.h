/*
 * map.h - tables: a key goes in, a value comes out.
 *
 * A map is named `type:name` everywhere (cdb:users, text:domains,
 * inline:root=ann;abuse=ann).  A name of a file that does not start with / is
 * relative to map_set_dir().  Several, parted by blanks or commas, are one
 * map: they are asked in turn, the first that has the key wins, and one that
 * can not answer ends the look-up.
 * Keys are ASCII-folded to lower case on both sides.  Types with a server
 * behind them (sqlite, pgsql, ...) ask mapd, which must know the table; they
 * never change.  Tables of patterns (pcre, cidr) are asked for whole keys
 * alone.  What a table holds and how its text is written is described in
 * postrider-tables(5).
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
#define MAP_TEXT_MAX 65536	/* of a text */
#define MAP_LINE_MAX 65536		/* bytes of a line with continuations */
#define MAP_FILE_MAX (1024UL * 1024 * 1024)

struct map;

/* The directory (the instance's conf) of relative names; "" or NULL: the
 * current one.  Copied.  Once, before the first map_open. */
void map_set_dir(const char *dir);
/* Is each `type:name` with a known type?  0, or -1: err has a hint.  Opens
 * nothing, but where a configuration is only checked (common_checking) it
 * reads texts and patterns and says FILE:LINE; what is not there, or not to be
 * read, is no mistake. */
int map_check(const char *spec, struct err *err);
/* the i-th of them, a copy: 1, or 0 */
int map_spec_nth(const char *spec, size_t i, char **one_r);
/* the path of the file of the first of them (no file: nothing), appended: 0,
 * or -1 */
int map_path(const char *spec, struct str *out, struct err *err);
/* What the i-th of them needs of a jail (jail_table of serve/jail.h asks). */
struct map_needs {
	struct str path;	/* a file to read; empty: none */
	bool local;		/* connects to a UNIX socket */
	bool mapd;		/* ... of mapd */
	uint16_t port;		/* connects to it by TCP; 0: does not */
	char host[256];		/* there: a name or an address */
};
/* 1, and path is the caller's; 0: there is no such one; -1: err */
int map_needs(const char *spec, size_t i, struct map_needs *n,
    struct err *err);
/* Open now what can not be opened as well in the jail (machine code of
 * expressions); the next map_open of it finds it.  What fails is told by the
 * event `table', and fails there, too. */
void map_ahead(const char *spec);

/* 0: *map_r is the caller's until map_close; -1: err, *map_r is NULL */
int map_open(const char *spec, struct map **map_r, struct err *err);
/* 1 found and appended, 0 absent, -1 err; out is untouched unless 1.  An
 * empty or over-long key is absent. */
int map_get(struct map *m, const char *key, struct str *out, struct err *err);
/* The same for a key that is only a part of what is looked for: the domain of
 * an address, an address without its extension, a network.  Tables of patterns
 * are passed over. */
int map_get_part(struct map *m, const char *key, struct str *out,
    struct err *err);
/* The same for a key that is a text, such as a line of a message, of up to
 * MAP_TEXT_MAX bytes: a table of patterns takes it as it is, and what groups
 * matched is put in as it is, too.  A match that takes too long counts as
 * none and sets *gave_up. */
int map_get_text(struct map *m, struct slice text, struct str *out,
    bool *gave_up, struct err *err);
/* is a table of patterns among them?  Its values may hold what the key has. */
bool map_is_pattern(const struct map *m);
/* the same of a spec; malformed: false */
bool map_spec_is_pattern(const char *spec);
/* is each of them a file or rows that an admin wrote: text, cdb, inline? */
bool map_spec_is_fixed(const char *spec);
/* 1: the file is another one than that which is open; 0: the same (always,
 * where there is no file); -1: it can not be looked at, errno says why */
int map_changed(struct map *m);
/* Open anew what has changed; *any_r: some was.  Where that fails the old one
 * stays.  0, or -1 with the first err */
int map_reopen(struct map *m, bool *any_r, struct err *err);
/* Give every row to fn, in no promised order; the slices last for the call.
 * fn returns 0 to go on; anything else ends the walk and is returned.  0 at
 * the end, -1 with err set for trouble or a type that can not list.  What an
 * earlier table hides is told, too; of patterns the key is their text. */
typedef int map_each_fn(void *ctx, struct slice key, struct slice value);
int map_each(struct map *m, map_each_fn *fn, void *ctx, struct err *err);
bool map_can_list(const struct map *m);	/* all of them, and keys */
/* Until fn is NULL again: each error in the text of a table that is opened or
 * compiled is told, not only the first; and what would be compiled is only
 * checked. */
typedef void map_report_fn(void *ctx, const struct err *err);
void map_report_to(map_report_fn *fn, void *ctx);
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
	bool pattern;		/* rows are patterns: keys are asked whole */
	bool ahead;		/* see map_ahead */
	bool mapd;		/* mapd is asked */
	/* the text after the colon; NULL: nothing to check, nothing needed */
	int (*check)(const char *name, struct err *err);
	void (*needs)(const char *name, struct map_needs *n);
	/* own state into *self_r; path is absolute or relative to the current
	 * directory, or, with no file, the text after the colon.  st is
	 * filled from the open file.  0 or -1. */
	int (*open)(const char *path, void **self_r, struct stat *st,
	    struct err *err);
	/* the key is folded unless exact, not empty, not too long */
	int (*get)(void *self, struct slice key, struct str *out,
	    struct err *err);
	/* see map_get_text; NULL: as get */
	int (*text)(void *self, struct slice text, struct str *out,
	    bool *gave_up, struct err *err);
	int (*each)(void *self, map_each_fn *fn, void *ctx, struct err *err);
	void (*close)(void *self);
};
extern const struct map_type map_type_text, map_type_cdb, map_type_inline,
    map_type_pcre, map_type_cidr, map_type_socket;
/* map_remote.c */
extern const struct map_type map_type_sqlite, map_type_pgsql, map_type_mysql,
    map_type_ldap, map_type_lmdb, map_type_oauth, map_type_jwks,
    map_type_refresh;

/* open a regular file for reading, never waiting: fd, or -1 err */
int map_open_file(const char *path, struct stat *st, struct err *err);

#endif
