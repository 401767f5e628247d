/*
 * queue_frame.h - inside ctl: messages on their way from one queue to another,
 * through a pipe or in a file.
 *
 * The one who sends:			The answer:
 *   postrider-queue 1			  postrider-queue 1
 *   Q ID	did it come?		  known ID | none ID
 *   M ID BYTES SIZE, the envelope	  ok ID | err ID TEXT
 *   of BYTES, the content of SIZE
 *   E		the end			  bye
 *
 * Lines end with LF.  The envelope is what qmgr is told: each part a line with
 * its length and that many bytes, all but the last `rcpt' messages, the last an
 * `enqueue'.  "ok" comes when the message is durable there.  A file has no
 * answers.
 */
#ifndef CTL_QUEUE_FRAME_H
#define CTL_QUEUE_FRAME_H

#include "proto/qmgr.h"
#include "queue/content.h"

#include <stdio.h>

#define FRAME_HELLO "postrider-queue 1"
enum { FRAME_LINE = 1000, FRAME_ENVELOPE_MAX = 64 << 20,
	FRAME_TEXT_MAX = 4096 };

struct frame {
	char kind;		/* Q, M, E */
	char q[QID_SIZE];
	uint64_t envelope, content;	/* bytes that follow */
};

/* a line without its LF: 1, 0 at the end, -1 err */
int frame_line(FILE *in, char buf[FRAME_LINE], struct err *err);
/* the next frame's line: 1, 0 at the end, -1 */
int frame_next(FILE *in, struct frame *f, struct err *err);
int frame_hello(FILE *in, struct err *err);	/* 0 or -1 */
int frame_put(FILE *out, const struct frame *f, struct slice envelope, int fd,
    struct err *err);
/* n bytes from in to fd (-1: nowhere); 0, -1 in is at its end, -2 fd is in
 * trouble, and the rest was read */
int frame_copy(FILE *in, uint64_t n, int fd, struct err *err);

#endif
