/*
 * peer.h - what a peer says, for what reads from a struct io.
 */
#ifndef FUZZ_PEER_H
#define FUZZ_PEER_H

#include <sys/socket.h>

#include "base/io.h"

/* all of s, then the end; s's beginning, where a socket takes no more without
 * a reader */
static inline void
peer_says(struct io *io, struct slice s)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		die("socketpair");
	if (full_write(fd[1], s.p, MIN(s.n, (size_t)65536)) < 0)
		die("write");
	close_fd(fd[1]);
	io_init(io, fd[0], 1000);
}

#endif
