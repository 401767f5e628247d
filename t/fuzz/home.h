/*
 * home.h - a directory in memory that goes with the process.
 */
#ifndef FUZZ_HOME_H
#define FUZZ_HOME_H

#include <ftw.h>
#include <sys/stat.h>

#include "base/base.h"

static char home[] = "/dev/shm/postrider-fuzz-XXXXXX";

static inline int
home_remove_one(const char *path, const struct stat *st UNUSED,
    int type UNUSED, struct FTW *ftw UNUSED)
{
	return remove(path);
}

/* a directory and all below it */
static inline void
home_remove(const char *path)
{
	nftw(path, home_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
home_end(void)
{
	home_remove(home);
}

static inline void
home_begin(void)
{
	if (mkdtemp(home) == NULL)
		die("mkdtemp");
	atexit(home_end);
}

#endif
