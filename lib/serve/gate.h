/*
 * gate.h - a client from gate to the program that serves it: one datagram
 * (proto/gate.h) with two descriptors, which is why it is none of lib/ipc.
 * master makes the socket for root alone, who opens it for gate before its
 * jail closes: what comes there is believed.
 *
 * In a SERVE_CLIENT program struct peer's `gate' are the facts; where the
 * client came by a proxy, addresses are those that it told.
 */
#ifndef SERVE_GATE_H
#define SERVE_GATE_H

#include "base/arena.h"
#include "proto/gate.h"
#include "serve/serve.h"

/* a connected socket for gate_send, SOCK_NONBLOCK: -1 and errno */
int gate_open(const char *service);
/* lease -1: none.  0; -1 and errno, EAGAIN: the listener is full, wait until
 * it is writable */
int gate_send(int sock, const struct gate_client_in *in, int client,
    int lease);

/* what came; in and lease live until gate_end */
struct gate_arrival {
	int fd;			/* the client; the caller's */
	int lease;		/* -1: none */
	struct gate_client_in in;
	struct arena arena;
};
/* 1; -1 and errno, EAGAIN: none waits */
int gate_recv(int listener, struct gate_arrival *a);
/* peer is of the descriptor: what gate knows better */
void gate_peer(struct peer *peer, const struct gate_arrival *a);
void gate_end(struct gate_arrival *a);

#endif
