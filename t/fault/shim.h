/*
 * shim.h - inside the shim: is it this call that fails?
 */
#ifndef FAULT_SHIM_H
#define FAULT_SHIM_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"

/* nothing is to fail, and nobody counts */
bool shim_idle(void);
/* Is this call the one?  For what does not fail, but goes another way. */
bool shim_now(enum fault_class class);
/* the same for one that fails: errno is set */
bool shim_fails(enum fault_class class, int error);
/* FAULT_KILL: as kill -9 would end it here */
void shim_dies(void);
/* it waits for something: the start is over */
void shim_serves(void);
bool shim_serving(void);
/* FAULT_CLOCK: seconds that a reading of the time is off */
int shim_ahead(void);
/* S_IFREG, S_IFSOCK ...; errno stays */
mode_t shim_kind(int fd);

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) static __typeof__(&name) real; \
	if (real == NULL) \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define CALL(type, name, params, args, failure, value) \
EXPORT type \
name params \
{ \
	REAL(name); \
	return failure ? value : real args; \
}
#define INT_CALL(name, params, args, failure) \
	CALL(int, name, params, args, failure, -1)

#endif
