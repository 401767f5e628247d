/*
 * inbox.h - a way to a daemon for who may not connect(2): a session in its
 * jail.  The daemon's listener (`inbox:NAME` in master.conf) is a datagram
 * socket; who got a socket to it before its jail closed makes a pair of
 * connected sockets whenever it wants and sends one end there.  To the daemon
 * that is a client like any other, whose credentials are of who made the pair.
 * The listener is master's, so a daemon that starts anew finds what came
 * meanwhile.
 *
 * All fail with -1 and errno.
 */
#ifndef IPC_INBOX_H
#define IPC_INBOX_H

#include "base/base.h"

/* the sender's socket: one a process, as whoever holds it can shut it down */
int inbox_open(const char *path);
/* a connection, SOCK_NONBLOCK; never waits (EAGAIN: the inbox is full) */
int inbox_connect(int inbox);

bool inbox_is(int listener);
/* The end of a connection; EAGAIN: none waits, EBADMSG: what came is none.
 * Whether it blocks is a flag that the sender has a hand on, too. */
int inbox_accept(int listener);

#endif
