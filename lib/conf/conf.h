/*
 * conf.h - configuration files over field tables.
 *
 * `name = value`, `#` comments at line start or after blanks, a line that
 * begins with a blank continues the one before, `include file` (relative to
 * the including file, at most 8 deep), `[section]` where the reader takes
 * sections.  Values may be quoted "like this" to keep blanks or a '#'.
 * An option of lines (F_LINES) is a text of lines, each with its place and a
 * tab in front, "smtpd.conf:12\tpermit if login"; what is further to the right
 * than the first line behind that of its name continues the line before.
 * An unknown name or a bad value fails with file:line, what was expected and
 * the nearest known name; the record is then not to be used.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/field.h"

/* one setting as it is read; section is "" outside sections.  0, or -1: err
 * (file:line is put in front by the caller) */
typedef int conf_fn(void *ctx, struct slice section, struct slice name,
    struct slice value, struct err *err);

/* Read a file, calling fn for each setting.  0, or -1: err.  A section
 * header is an error where sections is false. */
int conf_read(const char *path, bool sections, conf_fn *fn, void *ctx,
    struct err *err);

/* Defaults, then the file, then the check that required names came.  Strings
 * live in the arena.  A LIST setting replaces the default list; a second
 * setting of one name replaces the first.  0, or -1: err. */
int conf_load(const char *path, const struct field *t, void *rec,
    struct arena *a, struct err *err);

/* the same for who looks into the file of another program: names that are not
 * in the table are passed over */
int conf_pick(const char *path, const struct field *t, void *rec,
    struct arena *a, struct err *err);

/* set one name as conf_load would: for -o name=value and sections */
int conf_set(const struct field *t, void *rec, struct slice name,
    struct slice value, struct arena *a, struct err *err);

/* Give a complaint about what the file as a whole says its place: of one that
 * begins with the name of an option, or with "[section]" and perhaps one,
 * file:line of that, else the file.  Always -1. */
int conf_place(const char *path, struct err *err);

/* print every option: name, type, default, range, meaning (tab-separated) */
void conf_print_options(const struct field *t);

#endif
