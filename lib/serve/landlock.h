/*
 * landlock.h - inside lib/serve: the kernel's file and network rules by raw
 * system calls (landlock(7)); Debian 12's headers know only its first ABIs.
 */
#ifndef SERVE_LANDLOCK_H
#define SERVE_LANDLOCK_H

#include "base/err.h"

struct jail_rule {
	const char *path;
	unsigned rights;	/* PATH_... */
	uint64_t dev, ino;	/* where ino is not 0: of this one only */
};
/* Restrict this process for good to the rules and, for TCP connect, to the
 * ports; ports NULL: to any, and a source address may be chosen.  0, or -1 */
int landlock_enter(const struct jail_rule *rules, size_t n,
    const uint16_t *ports, size_t nports, struct err *err);

/* what a jail allows, on standard output (probe.c); nports SIZE_MAX: any */
void jail_tell(unsigned groups, const struct jail_rule *rules, size_t n,
    const uint16_t *ports, size_t nports);

/* tries a system call of each group, and says which are allowed (calls.c) */
void jail_try_calls(void);

#endif
