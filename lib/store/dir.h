/*
 * dir.h - inside the store, and for who opens its folders: opening below a
 * directory, reading one.
 */
#ifndef STORE_DIR_H
#define STORE_DIR_H

#include "base/err.h"
#include "base/str.h"

/* openat2 below dir, no symbolic link anywhere: fd, or -1 and errno */
int dir_open(int dir, const char *path, int flags, mode_t mode);

/* Lock the whole file for writing; another holder is waited for so long: 0, or
 * -1 (4.2.0) what is not to be changed now, or a failure. */
enum { DIR_LOCK_MS = 5000 };
int dir_lock(int fd, const char *what, int wait_ms, struct err *err);

/* Give every name of directory dir/sub that does not begin with a dot (all
 * but . and .. where dots) to fn, with its DT_ type.  fn returning non-zero
 * ends it.  What fn returned, 0 at the end or where sub is missing, -1. */
typedef int dir_fn(void *ctx, const char *name, int type);
int dir_each(int dir, const char *sub, bool dots, dir_fn *fn, void *ctx,
    struct err *err);

/* Reading a directory while others change it: the time of its last change,
 * nanoseconds, is asked before and behind that (0: it can not be told).  Where
 * both are the same, and dir_settles_ms is 0, nothing changed meanwhile.  It
 * is for how long a change may still leave the time as it is: times have a
 * grain, a timer's tick, or whole seconds on file systems that know no others.
 */
enum { DIR_GRAIN_MS = 20, DIR_COARSE_MS = 2100 };
int64_t dir_time(int fd);
int64_t dir_settles_ms(int64_t ns);

/* Directories below fd (open for reading) have nothing to do with each other:
 * ext4 lays them apart, so that what is deleted in one makes no work for who
 * creates in another.  True: from now on; false: they are already, or it can
 * not be. */
bool dir_spread(int fd);

#endif
