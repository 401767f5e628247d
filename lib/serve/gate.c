/*
 * gate.c - both ends of the way from gate to a session.
 */
#include "serve/gate.h"

#include <sys/socket.h>

#include "base/log.h"
#include "conf/common.h"
#include "ipc/codec.h"
#include "ipc/inbox.h"

enum { FDS = 2, MESSAGE_MAX = 16384 };

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(FDS * sizeof(int))];
};

int
gate_open(const char *service)
{
	return inbox_open(socket_path(service));
}

int
gate_send(int sock, const struct gate_client_in *in, int client, int lease)
{
	static struct str bytes = STR_INIT;
	int fds[FDS] = { client, lease };
	size_t n = (lease < 0 ? 1 : 2) * sizeof(int);
	union control control = { .space = { 0 } };
	struct msghdr mh = { .msg_control = control.space,
		.msg_controllen = CMSG_SPACE(n) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	struct iovec iov;
	ssize_t r;

	str_reset(&bytes);
	ipc_encode(&bytes, gate_client.name, gate_client.in, in);
	iov = (struct iovec){ bytes.s, bytes.len };
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(cm), fds, n);
	do {
		r = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -1 : 0;
}

static void
take_fds(struct msghdr *mh, struct gate_arrival *a)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(mh);
	int fds[FDS] = { -1, -1 };

	if (cm != NULL && cm->cmsg_level == SOL_SOCKET &&
	    cm->cmsg_type == SCM_RIGHTS && cm->cmsg_len > CMSG_LEN(0))
		memcpy(fds, CMSG_DATA(cm), MIN(cm->cmsg_len - CMSG_LEN(0),
		    sizeof(fds)));
	a->fd = fds[0];
	a->lease = fds[1];
}

static int
bad(struct gate_arrival *a, const char *why)
{
	log_event(LOG_WARN, "bad-arrival", KS("reason", why), KEND);
	close_fd(a->fd);
	gate_end(a);
	errno = EBADMSG;
	return -1;
}

int
gate_recv(int listener, struct gate_arrival *a)
{
	static char buf[MESSAGE_MAX + 1];
	union control control;
	struct iovec iov = { buf, MESSAGE_MAX };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct ipc_msg m = { .buf = buf, .fd = -1 };
	struct err err = ERR_INIT;
	ssize_t n = recvmsg(listener, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	*a = (struct gate_arrival){ .fd = -1, .lease = -1 };
	if (n < 0)
		return -1;
	take_fds(&mh, a);
	m.len = (size_t)n;
	if (a->fd < 0)	/* none left: the kernel has dropped it */
		return bad(a, "no client came along");
	if (ipc_check(&m, &err) < 0 ||
	    ipc_decode(&m, gate_client.in, &a->in, &a->arena, &err) < 0)
		return bad(a, err.text);
	return 1;
}

/* strings of the message lie in the buffer of gate_recv: until the next */
void
gate_peer(struct peer *peer, const struct gate_arrival *a)
{
	const struct gate_client_in *in = &a->in;

	peer->gate = &in->facts;
	peer->greeted = in->greeted;
	if (in->session[0] != '\0')
		slice_copy(peer->id, sizeof(peer->id), slice_of(in->session));
	if (in->addr[0] == '\0')
		return;
	slice_copy(peer->addr, sizeof(peer->addr), slice_of(in->addr));
	slice_copy(peer->local_addr, sizeof(peer->local_addr),
	    slice_of(in->local_addr));
	peer->port = (int)in->port;
	peer->local_port = (int)in->local_port;
}

void
gate_end(struct gate_arrival *a)
{
	close_fd(a->lease);
	arena_free(&a->arena);
	*a = (struct gate_arrival){ .fd = -1, .lease = -1 };
}
