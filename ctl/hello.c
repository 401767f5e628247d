/*
 * hello.c - does a TLS server answer?  A first message is sent, and what
 * comes back must be a server's handshake and no alert.  libssl is tlsd's
 * alone; this needs nothing of it, as no key is ever agreed on.
 */
#include "ctl.h"

#include <poll.h>
#include <sys/socket.h>

enum { END_MS = 1000 };

/* ClientHello of TLS 1.3 or 1.2 (RFC 8446 section 4.1.2), without a key share:
 * the server asks for one */
static const unsigned char hello[] = {
	0x16, 3, 1, 0, 110,
	1, 0, 0, 106,
	3, 3,
	/* random; nothing depends on it */
	'P', 'o', 's', 't', 'r', 'i', 'd', 'e', 'r', ' ', 'l', 'o', 'o', 'k',
	's', ' ', 'w', 'h', 'e', 't', 'h', 'e', 'r', ' ', 't', 'l', 's', 'd',
	' ', 'i', 's', ' ',
	0,
	0, 14, 0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c,
	0xc0, 0x30,
	1, 0,
	0, 51,
	0, 10, 0, 6, 0, 4, 0, 29, 0, 23,		/* groups */
	0, 11, 0, 2, 1, 0,				/* point formats */
	0, 13, 0, 16, 0, 14, 4, 3, 5, 3, 8, 4, 8, 5, 8, 6, 8, 7, 4, 1,
	0, 43, 0, 5, 4, 3, 4, 3, 3,			/* versions */
	0, 51, 0, 2, 0, 0,				/* key shares: none */
};
/* user_canceled: nothing is wrong, it was all we wanted */
static const unsigned char goodbye[] = { 0x15, 3, 3, 0, 2, 1, 90 };

int
tls_hello(int fd, int timeout_ms, struct err *err)
{
	struct pollfd p = { fd, POLLIN, 0 };
	unsigned char kind = 0;
	char rest[512];

	if (send(fd, hello, sizeof(hello), MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(hello))
		return err_sys(err, "cannot send");
	if (poll(&p, 1, timeout_ms) != 1)
		return err_temp(err, "4.4.2", "no answer to a TLS handshake");
	if (recv(fd, &kind, 1, 0) != 1)
		return err_temp(err, "4.4.2", "it hangs up on a TLS "
		    "handshake");
	if (kind != 0x16)
		return err_temp(err, "4.7.0", "it refuses a TLS handshake");
	/* to its end, or the server would see a connection that breaks */
	(void)send(fd, goodbye, sizeof(goodbye), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (poll(&p, 1, END_MS) == 1 &&
	    recv(fd, rest, sizeof(rest), 0) > 0)
		;
	return 0;
}
