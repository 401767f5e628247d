/*
 * clamd.h - inside filter: what clamd answers.
 */
#ifndef FILTER_CLAMD_H
#define FILTER_CLAMD_H

#include "filter.h"

/* 1: *name was found, 0: nothing, -1: err_temp, it could not look */
int clamd_read(struct slice answer, struct slice *name, struct err *err);

#endif
