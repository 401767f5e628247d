/*
 * status.h - what a child tells master over STATUS_FD: records of eight
 * bytes, each one write, so that many children may share a pipe.
 */
#ifndef SERVE_STATUS_H
#define SERVE_STATUS_H

#include "base/base.h"

enum { STATUS_READY = 'r', STATUS_BUSY = 'b', STATUS_IDLE = 'i' };

struct status_msg {
	int32_t pid;
	char what;		/* STATUS_... */
	char pad[3];
};

#endif
