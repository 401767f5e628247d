/*
 * maps.h - inside ctl: the tables that have a text in the conf directory.
 */
#ifndef CTL_MAPS_H
#define CTL_MAPS_H

#include "base/err.h"

struct map_file {
	const char *name;
	int (*stale)(const char *conf_dir, struct err *err);
	int (*compile)(const char *conf_dir, size_t *rows, struct err *err);
};
extern const struct map_file map_files[];	/* ends with NULL */
int map_file_compile(const struct map_file *f, bool quiet, struct err *err);

/* Say all that is wrong with them, and, unless quiet, which are good.  Nothing
 * is written.  An exit code. */
int maps_check(bool quiet);

/* Say where nobody gets the mail of postmaster, which smtpd then answers
 * with 451: no mailbox, no alias, and none named in common.conf. */
void warn_postmaster(const char *conf_dir);

#endif
