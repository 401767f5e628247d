/*
 * status.h - what a child writes on the status pipe: one record an event,
 * shorter than PIPE_BUF, so records of many children never mix.
 */
#ifndef SERVE_STATUS_H
#define SERVE_STATUS_H

#include <stdint.h>

struct status_msg {
	int32_t pid;
	char what;	/* 'r' ready, 'b' busy, 'i' idle */
	char pad[3];
};

#endif
