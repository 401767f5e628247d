/*
 * back.c - clients that come back from a session (UNAUTHENTICATE).  The sender
 * is jailed, but otherwise anybody whose mail we keep: it may have sent what is
 * no client, and may still hold what it sent.
 */
#include "base/log.h"
#include "login.h"
#include "proto/imap.h"

#include <sys/socket.h>

enum { RECEIVE_MS = 5000, REPLY_MS = 1000 };

static int
option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

bool
back_is(int fd)
{
	return option(fd, SO_DOMAIN) == AF_UNIX &&
	    option(fd, SO_TYPE) == SOCK_SEQPACKET;
}

static bool
is_client(int fd)
{
	int domain = option(fd, SO_DOMAIN);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return (domain == AF_INET || domain == AF_INET6) &&
	    option(fd, SO_TYPE) == SOCK_STREAM &&
	    getpeername(fd, (struct sockaddr *)&ss, &len) == 0;
}

/* Whether reads block is a flag that the sender shares; ours never do. */
static ssize_t
read_now(void *ctx UNUSED, int fd, char *p, size_t n)
{
	return recv(fd, p, n, MSG_DONTWAIT);
}

static bool
nothing_pending(void *ctx UNUSED)
{
	return false;
}

static void
as_it_is(void *ctx UNUSED, struct str *s UNUSED)
{
}

static const struct io_layer careful = { NULL, read_now, nothing_pending,
	as_it_is };

/* the one message: what is in it, or -1 */
static int
receive(int sock, struct ipc_msg *m, struct imap_back_in *in,
    struct str *input, struct err *err)
{
	int r = ipc_recv(sock, m, RECEIVE_MS, err);

	if (r <= 0)
		return r < 0 ? -1 : err_temp(err, "4.3.0", "no message");
	if (strcmp(m->verb, imap_back.name) != 0)
		return err_perm(err, "5.5.1", "unexpected verb");
	if (ipc_decode(m, imap_back.in, in, NULL, err) < 0)
		return -1;
	if (m->fd < 0 || !is_client(m->fd))
		return err_perm(err, "5.5.4", "no client came along");
	if (!base64_decode(input, slice_of(in->input)) ||
	    input->len > IMAP_UNREAD_MAX)
		return err_perm(err, "5.5.4", "bad input");
	return 0;
}

static void
run(int fd, int wake_fd, const struct str *input, const char *session,
    void (*serve)(struct io *, struct peer *))
{
	struct tls_facts facts = { 0 };
	struct peer peer;
	struct io io;

	peer_fill(&peer, fd);
	peer.facts = &facts;
	log_set_session(peer.id);
	log_event(LOG_INFO, "back", KS("client", peer.addr),
	    KS("from", session), KEND);
	io_init(&io, fd, 0);
	io_wake_on(&io, wake_fd);
	io.layer = &careful;
	io_unread(&io, input->s, input->len);
	serve(&io, &peer);
	tls_facts_free(&facts);
	io_close(&io);
}

void
back_client(struct io *channel, void (*serve)(struct io *, struct peer *))
{
	struct imap_back_in in = { 0 };
	struct str input = STR_INIT;
	struct err err = ERR_INIT, ignored;
	struct ipc_msg m;
	int fd;

	ipc_msg_init(&m);
	if (receive(channel->fd, &m, &in, &input, &err) < 0) {
		log_event(LOG_WARN, "refused", KERR(&err), KEND);
		ipc_reply_err(channel->fd, &err, &ignored);
	} else if (ipc_send(channel->fd, "ok", NULL, NULL, -1, REPLY_MS,
	    &err) == 0) {
		fd = m.fd;
		m.fd = -1;
		run(fd, channel->wake_fd, &input, in.session, serve);
	}
	str_free(&input);
	ipc_msg_free(&m);
}
