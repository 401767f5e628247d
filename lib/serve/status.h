/*
 * status.h - what a child tells master.
 *
 * Over STATUS_FD: records of eight bytes, each one write, so that many
 * children may share a pipe.  On BOARD_FD, memory that the children of one
 * generation of a service share with master: a slot each.  A client more or
 * less changes a slot; a record is sent only by who leaves fewer idle than
 * master wants.  A child can spoil the board for its own service only; its
 * size is sealed.
 */
#ifndef SERVE_STATUS_H
#define SERVE_STATUS_H

#include "base/err.h"

enum { STATUS_READY = 'r', STATUS_FEW = 'f', STATUS_LEAVING = 'l' };

struct status_msg {
	int32_t pid;
	char what;		/* STATUS_... */
	char pad[3];
};

enum { SLOT_FREE, SLOT_IDLE, SLOT_BUSY };	/* free: also starting */
enum { SLOT_STATE = 3 };	/* the bits of these; the others: beats */

/* one side's view; what lies in the memory is not trusted */
struct board {
	uint32_t slots;
	struct board_memory *memory;
};

/* a new one: its fd, -1 and errno.  want: idle ones, fewer: tell master */
int board_make(struct board *b, uint32_t slots, uint32_t want);
int board_map(struct board *b, int fd);		/* 0, or -1 and errno */
void board_unmap(struct board *b);
/* SLOT_FREE also means that there was no beat yet */
void board_set(const struct board *b, uint32_t i, uint8_t state);
/* Who runs a loop counts its turns now and then, round and round, so that
 * master sees that it does: 0 is none yet. */
void board_beat(const struct board *b, uint32_t i);
uint8_t board_beats(const struct board *b, uint32_t i);
/* idle ones */
uint32_t board_idle(const struct board *b);
/* are there fewer than wanted, or none? */
bool board_few(const struct board *b);
/* or more? */
bool board_over(const struct board *b);

#endif
