/*
 * lines.h - bytes of the log pipe become whole lines, each with a prefix.
 *
 * Pure: no I/O, no clock.  What a line says is never looked at.  A line that
 * is longer than LINES_MAX is cut, so memory is bounded.
 */
#ifndef LOGD_LINES_H
#define LOGD_LINES_H

#include "base/str.h"

enum { LINES_MAX = 4096 };	/* bytes of a line with its end */

struct lines {
	char part[LINES_MAX];	/* a line whose end has not come yet */
	size_t n;
};

/* Take bytes; append every line that is whole now, its end included, to out,
 * each behind prefix.  The number of lines appended. */
size_t lines_feed(struct lines *l, struct slice in, struct slice prefix,
    struct str *out);
/* the half line at the end of all input, if any: ended and appended */
size_t lines_finish(struct lines *l, struct slice prefix, struct str *out);

#endif
