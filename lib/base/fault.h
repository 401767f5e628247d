/*
 * fault.h - files that are mapped, and made shorter by a foreign program
 * meanwhile: what is then behind their end reads as zeros, and is counted.
 *
 *	before = fault_count();
 *	... use the mapping ...
 *	if (fault_count() != before)	what was read is not to be used
 *
 * Without fault_catch such a read ends the process (SIGBUS).
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/base.h"

void fault_catch(void);
/* What zeros in it would make of the rest can not be undone: with a page that
 * is missing here the process ends.  Until the other unmaps it. */
void fault_vital(const void *p, size_t n);
void fault_unmap(const void *p, size_t n);
/* pages that were found missing since the process began */
unsigned fault_count(void);

#endif
