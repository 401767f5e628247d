/*
 * field.h - the one record form: name=value, described by a table.
 *
 * A struct, and next to it a static table with one row a member.  The same
 * table reads a configuration file, decodes and encodes an IPC message,
 * prints the options of a program (-P) and is what the man page is checked
 * against, so sender, receiver and documentation can not drift.
 *
 *   struct pop3_conf { int64_t timeout; const char *greeting; };
 *   static const struct field fields[] = {
 *	F_TIME(struct pop3_conf, timeout, "10m", "1s", "1d",
 *	    "how long a session may be idle"),
 *	F_STR(struct pop3_conf, greeting, "ready", "text of the greeting"),
 *	F_END };
 *
 * C types of the members, by kind:
 *   STR    const char *   (never NULL once defaulted; "" where empty)
 *   INT    int64_t        min..max
 *   SIZE   uint64_t       bytes; 64K 10M 2G
 *   TIME   int64_t        milliseconds; 250ms 30s 5m 2h 1d 1w
 *   BOOL   bool           yes no (also true false on off 1 0)
 *   ENUM   int            index into "a|b|c" given in .choices
 *   LIST   struct strlist IPC: the name repeated, once a value.
 *                         conf: values parted by commas or blanks
 * A row without default (NULL) is required, but for LIST (empty).
 */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum field_kind { FIELD_END, FIELD_STR, FIELD_INT, FIELD_SIZE, FIELD_TIME,
	FIELD_BOOL, FIELD_ENUM, FIELD_LIST };

enum { FIELD_SECRET = 1,	/* never printed in a log or an error */
	FIELD_LINES = 2 };	/* STR: a configuration's lines, see conf.h */

struct field {
	const char *name;
	enum field_kind kind;
	unsigned flags;
	size_t offset;
	const char *def;	/* default as text; NULL: required */
	const char *min, *max;	/* as text, in the unit's spelling, or 0 */
	const char *choices;	/* ENUM: "a|b|c" */
	const char *doc;	/* one line for -P */
};

#define F_ROW(st, m, k, fl, d, lo, hi, ch, txt) \
	{ #m, k, fl, offsetof(st, m), d, lo, hi, ch, txt }
#define F_STR(st, m, d, txt) F_ROW(st, m, FIELD_STR, 0, d, 0, 0, 0, txt)
#define F_SECRET(st, m, d, txt) \
	F_ROW(st, m, FIELD_STR, FIELD_SECRET, d, 0, 0, 0, txt)
#define F_LINES(st, m, txt) \
	F_ROW(st, m, FIELD_STR, FIELD_LINES, "", 0, 0, 0, txt)
#define F_INT(st, m, d, lo, hi, txt) \
	F_ROW(st, m, FIELD_INT, 0, d, lo, hi, 0, txt)
#define F_SIZE(st, m, d, lo, hi, txt) \
	F_ROW(st, m, FIELD_SIZE, 0, d, lo, hi, 0, txt)
#define F_TIME(st, m, d, lo, hi, txt) \
	F_ROW(st, m, FIELD_TIME, 0, d, lo, hi, 0, txt)
#define F_BOOL(st, m, d, txt) F_ROW(st, m, FIELD_BOOL, 0, d, 0, 0, 0, txt)
#define F_ENUM(st, m, d, ch, txt) F_ROW(st, m, FIELD_ENUM, 0, d, 0, 0, ch, txt)
#define F_LIST(st, m, txt) F_ROW(st, m, FIELD_LIST, 0, "", 0, 0, 0, txt)
#define F_LIST_D(st, m, d, txt) F_ROW(st, m, FIELD_LIST, 0, d, 0, 0, 0, txt)
#define F_END { 0, FIELD_END, 0, 0, 0, 0, 0, 0, 0 }

/* the row of that name, or NULL */
const struct field *field_find(const struct field *t, struct slice name);
/* the nearest known name by edit distance, for "did you mean", or NULL */
const char *field_nearest(const struct field *t, struct slice name);
/* the same over a list of names ending in NULL */
const char *nearest_name(const char *const *names, struct slice name);

/* Set every member from its default.  Required members become 0 or "". */
void field_defaults(const struct field *t, void *rec, struct arena *a);
/*
 * Set one member from text (LIST: append one value).  Strings are copied to
 * the arena; with a == NULL they borrow value.p, which must be
 * NUL-terminated.  Lists need the arena.  0, or -1: err says what was
 * expected ("expected a time between 1s and 1d").
 */
int field_set(const struct field *f, void *rec, struct slice value,
    struct arena *a, struct err *err);
/* the value as text, appended (LIST: values parted by ", ") */
void field_print(const struct field *f, const void *rec, struct str *out);
const char *field_kind_name(enum field_kind k);
/* the word of an ENUM value */
void field_choice(const struct field *f, int value, struct str *out);

#endif
