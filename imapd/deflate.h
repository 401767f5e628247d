/*
 * deflate.h - the layer of COMPRESS=DEFLATE (RFC 4978) over a session's io.
 */
#ifndef IMAPD_DEFLATE_H
#define IMAPD_DEFLATE_H

#include "base/io.h"

struct deflate;
/* What was read and not consumed yet is compressed already, too: it moves
 * behind the layer.  NULL: no memory. */
struct deflate *deflate_start(struct io *io);
/* off the io and freed; NULL is fine */
void deflate_stop(struct deflate *d, struct io *io);

#endif
