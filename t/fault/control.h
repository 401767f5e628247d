/*
 * control.h - what the shim is to do: a page of a file that the test writes
 * and all programs have mapped.  t/lib/Postrider/Faults.pm packs the same.
 */
#ifndef FAULT_CONTROL_H
#define FAULT_CONTROL_H

#include <stdint.h>

enum fault_class {
	FAULT_NONE,
	FAULT_SHORT,	/* half of what was to be written */
	FAULT_SPACE,	/* ENOSPC: data, names, sizes */
	FAULT_SYNC,	/* EIO of fsync and its kind */
	FAULT_READ,	/* EIO of reading a file */
	FAULT_NAME,	/* EIO of link, rename, unlink, mkdir */
	FAULT_FILES,	/* EMFILE: whatever gives a descriptor */
	FAULT_MEMORY,	/* ENOMEM of malloc */
	FAULT_EINTR,	/* of calls that wait */
	FAULT_CLOCK,	/* the time of day is another from then on */
	FAULT_FORK,	/* EAGAIN of fork and its kind */
	FAULT_RIGHTS,	/* EPERM of what takes rights away */
	FAULT_SEND,	/* ENOBUFS of sockets: what sends, connects, accepts */
	FAULT_OTHER,	/* ENOMEM, ENOLCK, EIO of calls of no other class */
	FAULT_KILL,	/* no error: the process ends before it changes a file
			 * or a name, or syncs one */
	FAULT_START,	/* any of them (but memory), before the first wait */
	FAULT_CLASSES
};

enum { FAULT_PROGRAMS = 48 };

/* how often a program came to calls of each class while `counting' was set */
struct fault_count {
	char program[16];
	uint32_t n[FAULT_CLASSES];
};

struct fault_control {
	char program[32];	/* the one it happens to */
	uint32_t class;
	int32_t countdown;	/* the N-th call fails */
	uint32_t fired;
	int32_t jump;		/* FAULT_CLOCK: seconds */
	uint32_t counting;
	uint32_t unused[3];
	struct fault_count count[FAULT_PROGRAMS];
};

#endif
