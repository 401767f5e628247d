/*
 * cmd_unauthenticate.c - UNAUTHENTICATE: RFC 8437.  This process is its user
 * for good, so the client goes back to imap-login; all that was enabled,
 * selected or asked for ends with the session.  Compression would have to end
 * in the middle of what was read ahead: with it there is no way back.  Nor is
 * there under TLS: what we have is a socket pair, without the addresses that
 * imap-login goes by, or of a client that came by a proxy, whose own address
 * only its first session was told.
 */
#include "base/log.h"
#include "conf/common.h"
#include "ipc/codec.h"
#include "ipc/inbox.h"
#include "proto/imap.h"
#include "session.h"

#include <poll.h>
#include <sys/socket.h>

enum { GIVE_TIMEOUT_MS = 10000, TRIES = 100 };

static int inbox = -1;		/* of imap-login */

void
unauthenticate_open(void)
{
	inbox = inbox_open(socket_path("imap-login"));
}

static bool
own_address(const struct session *s)
{
	static int own = -1;
	struct peer now;

	if (own < 0) {
		peer_fill(&now, s->imap.io->fd);
		own = strcmp(now.addr, s->peer->addr) == 0;
	}
	return own;
}

bool
unauthenticate_offered(const struct session *s)
{
	return inbox >= 0 && s->deflate == NULL && !s->user->preauth &&
	    !s->peer->tls && strcmp(s->peer->addr, "unix") != 0 &&
	    own_address(s);
}

static int
answer(int sock, struct err *err)
{
	struct ipc_msg m;
	int r;

	ipc_msg_init(&m);
	r = ipc_recv(sock, &m, GIVE_TIMEOUT_MS, err);
	if (r == 0)
		err_temp(err, "4.3.0", "connection closed");
	else if (r > 0 && strcmp(m.verb, "ok") != 0)
		r = ipc_get_err(&m, err);
	ipc_msg_free(&m);
	return r > 0 ? 0 : -1;
}

/* the queue of an inbox is short, and soon empty again */
static int
dial(void)
{
	struct pollfd p = { inbox, POLLOUT, 0 };
	int i, sock = inbox_connect(inbox);

	for (i = 0; i < TRIES && sock < 0 && errno == EAGAIN &&
	    poll(&p, 1, GIVE_TIMEOUT_MS) == 1; i++)
		sock = inbox_connect(inbox);
	return sock;
}

static int
give(struct io *io, const char *id, struct err *err)
{
	struct str input = STR_INIT;
	struct imap_back_in in = { .session = id };
	int r, sock = dial();

	if (sock < 0)
		return err_sys(err, "imap-login");
	base64_encode(&input, io->in + io->in_pos, io_pending(io));
	in.input = input.s;
	r = ipc_send(sock, imap_back.name, imap_back.in, &in, io->fd,
	    GIVE_TIMEOUT_MS, err);
	if (r == 0)
		r = answer(sock, err);
	close_fd(sock);
	str_free(&input);
	return r;
}

/* the OK is out; where nobody took the client nobody may have it */
static void
go_back(void *session)
{
	struct session *s = session;
	struct io *io = s->imap.io;
	struct err err = ERR_INIT;

	s->imap.end = "unauthenticate";
	if (give(io, s->peer->id, &err) < 0) {
		s->imap.end = "lost";
		log_event(LOG_WARN, "trouble", KS("command", "UNAUTHENTICATE"),
		    KERR(&err), KEND);
		imap_say(&s->imap, "BYE log in on a new connection");
		io_flush(io);
		shutdown(io->fd, SHUT_RDWR);
	}
	io->failed = true;	/* it is not ours any more */
}

void
cmd_unauthenticate(void *session)
{
	struct session *s = session;

	if (!imap_args_end(&s->imap))
		return;
	if (!unauthenticate_offered(s)) {
		imap_bad(&s->imap, NULL, "this connection stays logged in");
		return;
	}
	if (io_pending(s->imap.io) > IMAP_UNREAD_MAX) {
		imap_bad(&s->imap, NULL, "too much input before the answer");
		return;
	}
	select_close(s);
	s->imap.after = go_back;
	imap_ok(&s->imap, NULL, "logged in no more");
}
