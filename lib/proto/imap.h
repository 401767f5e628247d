/*
 * imap.h - a client that gives up its login (UNAUTHENTICATE) goes from its
 * session back to imap-login.  Any session may send this, so it says nothing
 * that imap-login believes: the client's addresses are those of the
 * descriptor, and it is not logged in.
 */
#ifndef PROTO_IMAP_H
#define PROTO_IMAP_H

#include "ipc/ipc.h"

enum { IMAP_UNREAD_MAX = 32768 };	/* octets of input that go along */

struct imap_back_in {
	const char *session;	/* for the log */
	const char *input;	/* base64 of unread input */
};
extern const struct verb_def imap_back;	/* a TCP connection goes along */

#endif
