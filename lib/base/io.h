/*
 * io.h - a buffered, deadline-bound byte stream over one file descriptor.
 *
 * For sessions that block.  The error is sticky: after the first failure
 * every call fails at once, so half of all checks go away; the reason is in
 * io->err.  Reading flushes what is waiting to be written, but only when
 * no complete answer is already in the buffer, so pipelined replies leave in
 * one segment.  No TLS inside.  The fd is not owned (io_close closes it).
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <signal.h>

#include "base/err.h"
#include "base/str.h"

enum io_eol { IO_CRLF, IO_LF };

/* What lies between the bytes of the session and those of the descriptor
 * (compression); set at a point where both sides know that it begins. */
struct io_layer {
	void *ctx;
	/* as read(2), from fd; EAGAIN: what came is not enough yet */
	ssize_t (*decode)(void *ctx, int fd, char *p, size_t n);
	/* is there something to decode without reading fd? */
	bool (*pending)(void *ctx);
	/* s becomes what is sent for it */
	void (*encode)(void *ctx, struct str *s);
};

struct io {
	int fd;
	int timeout_ms;		/* for one wait on the peer; 0: for ever */
	int64_t deadline;	/* mono_ms() at which all ends; 0: never */
	int64_t cmd_deadline;	/* the same for the command at work; 0: none */
	char *in;
	size_t in_pos, in_len, in_cap;
	struct str out;
	uint64_t bytes_in, bytes_out;
	bool failed, eof, timed_out, is_socket;
	int block_ms;		/* SO_RCVTIMEO of fd, which blocks: one call
				 * reads and waits; 0: poll(2) before each */
	int out_fd;		/* written to; that of fd, but for pipes */
	const struct io_layer *layer;	/* NULL: none */
	int wake_fd;		/* a readable wake_fd ends a wait: io->woken */
	bool woken;		/* (serve: SIGTERM); -1: none */
	int64_t last_write;	/* mono_ms() until which a woken one writes */
	int idle_ms;		/* a read that has waited so long calls */
	void (*idle)(void *);	/* this, once a wait; NULL: nothing */
	void *idle_arg;
	struct err err;
};

void io_init(struct io *io, int fd, int timeout_ms);
/* the same for a socket that blocks; io_block: waits up to ms are left to the
 * kernel (a wake_fd is seen after that) */
void io_init_socket(struct io *io, int fd, int timeout_ms);
void io_block(struct io *io, int ms);
/* set by the handler of the signal that makes wake_fd readable */
extern volatile sig_atomic_t io_stopping;
void io_free(struct io *io);		/* buffers only */
void io_close(struct io *io);		/* flushes nothing; buffers and fd */

/*
 * One line of at most max bytes without its end.  1: *line borrows the
 * buffer until the next read; 0: end of file (a half line is thrown away);
 * -1: io->err.  *eol (may be NULL) says how it ended; a CR before a bare LF
 * line end or inside the line is left in the line for the caller to judge.
 * A longer line is consumed to its end without being kept (but for at most
 * 16 * max bytes, then it fails) and returned as 1 with *too_long = true
 * and an empty line.
 */
int io_getline(struct io *io, size_t max, struct slice *line,
    enum io_eol *eol, bool *too_long);
/* What is in the buffer, after waiting for at least one byte: 1, 0 end of
 * file, -1.  Take it with io_consume. */
int io_peek(struct io *io, struct slice *buf);
void io_consume(struct io *io, size_t n);
/* bytes that can be read without waiting on the peer, now in the buffer */
size_t io_pending(const struct io *io);
bool io_has_line(const struct io *io);	/* a whole line is in the buffer */
/* put bytes in front of what is read next (unread input of a hand-over) */
void io_unread(struct io *io, const void *p, size_t n);
/* Give up waiting when fd becomes readable or hangs up: the read fails with
 * io->woken set, but only where no input is in the buffer; a write that the
 * peer does not take goes on for a second, then it fails in the same way. */
void io_wake_on(struct io *io, int fd);
/* What was read and is used is zeros: it held a secret. */
void io_wipe(struct io *io);
/* release the input buffer while a session idles (kept where data waits) */
void io_shrink(struct io *io);
void io_set_inbuf(struct io *io, size_t cap);	/* size of the input buffer */

void io_put(struct io *io, const void *p, size_t n);
void io_puts(struct io *io, const char *z);
void io_printf(struct io *io, const char *fmt, ...) PRINTF(2, 3);
int io_flush(struct io *io);		/* 0, or -1 */
/* Is this errno of a send one that goes by: the kernel has no memory for it, or
 * too many descriptors of this user are under way (unix(7))?  If so, a moment
 * has passed, and the same call is to be tried again. */
bool io_later(int e);
/* What was begun can not go on: nothing more is sent.  Returns -1. */
int io_break(struct io *io, const char *why);

#endif
