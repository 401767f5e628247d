/*
 * jit.h - machine code of regular expressions, and the jail.
 *
 * PCRE2 makes code in memory that can be written and executed.  No program
 * keeps such memory while it serves: what is made before the jail closes is
 * then made unwritable, and nothing is made any more.  Whoever calls
 * pcre2_jit_compile asks jit_open() before and says jit_used() after; code
 * that exists when jit_close() was called is never freed, since its
 * neighbours' bookkeeping can not be written either.
 */
#ifndef MAP_JIT_H
#define MAP_JIT_H

#include "base/err.h"

bool jit_open(void);		/* may code be made? */
void jit_used(void);		/* some was made */
/* No more code; what is there can not be written from here on.  Called by
 * jail_enter; does nothing the second time.  0, or -1 err. */
int jit_close(struct err *err);

#endif
