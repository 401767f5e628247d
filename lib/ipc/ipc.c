/*
 * ipc.c - one message is one sendmsg.  A channel that gave a malformed
 * message is closed by whoever read it; nothing here ends the process.
 */
#include "ipc/ipc.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/io.h"
#include "ipc/codec.h"

enum { SECRET_ROOM = 8192, LATER_MAX_MS = 10000 };

const struct verb_def verb_ping = {
	.name = "ping",
	.flags = VERB_AGAIN,
	.doc = "are you there?",
};

struct reply_err {
	const char *kind, *dsn, *text;
};
static const struct field err_fields[] = {
	F_STR(struct reply_err, kind, "temp", "temp or perm"),
	F_STR(struct reply_err, dsn, "4.3.0", "status code"),
	F_STR(struct reply_err, text, "", "why"),
	F_END
};

/* blocking calls on the socket fail with EAGAIN after timeout_ms */
static void
set_timeouts(int fd, int timeout_ms)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	if (timeout_ms <= 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/* A call was interrupted (with these timeouts one is by a stop of the process,
 * too), and its repetition would have the whole time again: wait for what is
 * left of it since start.  false: nothing is. */
static bool
wait_rest(int fd, short what, int timeout, int64_t start)
{
	struct pollfd p = { fd, what, 0 };
	struct timeval tv = { 0 };
	socklen_t n = sizeof(tv);
	int64_t left, ms;
	int r;

	if (getsockopt(fd, SOL_SOCKET, timeout, &tv, &n) < 0)
		return true;
	ms = (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
	if (ms == 0)
		return true;	/* it has no end */
	do {
		left = start + ms - mono_ms();
		r = poll(&p, 1, (int)MAX(left, (int64_t)0));
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		errno = EAGAIN;
	return r != 0;
}

int
ipc_connect(const char *path, int timeout_ms, struct err *err)
{
	return ipc_connect_flags(path, timeout_ms, 0, err);
}

int
ipc_connect_flags(const char *path, int timeout_ms, int flags,
    struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int64_t end = mono_ms() + timeout_ms;
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_temp(err, "4.3.5", "%s: path is too long for a "
		    "socket", path);
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	set_timeouts(fd, timeout_ms);
	while (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		if (errno == EINTR && (timeout_ms <= 0 || mono_ms() < end))
			continue;
		err_sys(err, "%s", path);
		close_fd(fd);
		return -1;
	}
	return fd;
}

int
ipc_send_bytes(int sock, const struct str *bytes, int fd, int flags)
{
	struct iovec iov = { bytes->s, bytes->len };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;
	int64_t start = flags & MSG_DONTWAIT ? 0 : mono_ms();
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(sock, &mh, MSG_NOSIGNAL | flags);
	} while (n < 0 && errno == EINTR && ((flags & MSG_DONTWAIT) ||
	    wait_rest(sock, POLLOUT, SO_SNDTIMEO, start)));
	return n < 0 ? -1 : 0;
}

static int
send_wait(int sock, const char *verb, const struct str *bytes, int fd,
    int timeout_ms, struct err *err)
{
	struct pollfd p = { sock, POLLOUT, 0 };
	int64_t end = timeout_ms == 0 ? 0 : mono_ms() +
	    (timeout_ms > 0 ? timeout_ms : LATER_MAX_MS);

	for (;;) {
		if (ipc_send_bytes(sock, bytes, fd,
		    timeout_ms >= 0 ? MSG_DONTWAIT : 0) == 0)
			return 0;
		if (timeout_ms != 0 && mono_ms() < end && io_later(errno))
			continue;
		if (errno != EAGAIN || timeout_ms <= 0)
			return err_sys(err, "%s: send", verb);
		if (poll(&p, 1, timeout_ms) == 0) {
			errno = ETIMEDOUT;
			return err_sys(err, "%s: send", verb);
		}
	}
}

int
ipc_pack(struct str *out, const char *verb, const struct field *t,
    const void *rec, bool *secret_r, struct err *err)
{
	str_reset(out);
	/* no copy of a secret is left where it grew out of */
	str_grow(out, SECRET_ROOM);
	*secret_r = ipc_encode(out, verb, t, rec);
	if (out->len > IPC_MAX)
		return err_perm(err, "5.3.4", "%s: message of %zu bytes",
		    verb, out->len);
	return 0;
}

int
ipc_send(int sock, const char *verb, const struct field *t, const void *rec,
    int fd, int timeout_ms, struct err *err)
{
	static struct str bytes = STR_INIT;
	bool secret;
	int r;

	r = ipc_pack(&bytes, verb, t, rec, &secret, err);
	if (r == 0)
		r = send_wait(sock, verb, &bytes, fd, timeout_ms, err);
	if (secret)
		explicit_bzero(bytes.s, bytes.len);
	return r;
}

void
ipc_msg_init(struct ipc_msg *m)
{
	*m = (struct ipc_msg){ .fd = -1 };
}

void
ipc_msg_free(struct ipc_msg *m)
{
	close_fd(m->fd);
	free(m->buf);
	ipc_msg_init(m);
}

/* keep the first descriptor, close any other */
static void
take_fds(struct msghdr *mh, struct ipc_msg *m)
{
	struct cmsghdr *cm;
	size_t i, n;
	int fd;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(fd));
			if (m->fd < 0)
				m->fd = fd;
			else
				close(fd);
		}
	}
}

static int
recv_once(int sock, struct ipc_msg *m, int flags, struct err *err)
{
	struct iovec iov = { m->buf, IPC_MAX };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	int64_t start = flags & MSG_DONTWAIT ? 0 : mono_ms();
	ssize_t n;

	do {
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC | flags);
	} while (n < 0 && errno == EINTR && ((flags & MSG_DONTWAIT) ||
	    wait_rest(sock, POLLIN, SO_RCVTIMEO, start)));
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0 && errno == EAGAIN)
		return err_temp(err, flags ? "again" : "4.4.2",
		    flags ? "no message" : "timeout");
	if (n < 0)
		return err_sys(err, "receive");
	take_fds(&mh, m);
	if (n == 0) {
		errno = 0;
		return 0;
	}
	m->len = (size_t)n;
	if (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return err_perm(err, "5.5.4", "message too long");
	return ipc_check(m, err) < 0 ? -1 : 1;
}

int
ipc_recv(int sock, struct ipc_msg *m, int timeout_ms, struct err *err)
{
	struct pollfd p = { sock, POLLIN, 0 };
	int64_t end, left;
	int r;

	if (m->buf == NULL)
		m->buf = xmalloc(IPC_MAX + 1);
	close_fd(m->fd);
	m->fd = -1;
	m->len = 0;
	if (timeout_ms > 0) {
		end = mono_ms() + timeout_ms;
		do {
			left = end - mono_ms();
			r = poll(&p, 1, (int)MAX(left, (int64_t)0));
		} while (r < 0 && errno == EINTR);
		if (r == 0)
			return err_temp(err, "4.4.2", "timeout");
	}
	return recv_once(sock, m, timeout_ms < 0 ? 0 : MSG_DONTWAIT, err);
}

static struct reply_err
err_record(const struct err *why)
{
	return (struct reply_err){ why->kind == ERR_PERM ? "perm" : "temp",
		why->dsn, why->text };
}

int
ipc_reply_err(int sock, const struct err *why, struct err *err)
{
	struct reply_err r = err_record(why);

	return ipc_send(sock, "err", err_fields, &r, -1, 1000, err);
}

void
ipc_encode_err(struct str *out, const struct err *why)
{
	struct reply_err r = err_record(why);

	ipc_encode(out, "err", err_fields, &r);
}

int
ipc_get_err(const struct ipc_msg *m, struct err *err)
{
	struct reply_err r;
	struct err bad;

	if (ipc_decode(m, err_fields, &r, NULL, &bad) < 0)
		return err_temp(err, "4.3.0", "malformed error");
	if (strcmp(r.kind, "perm") == 0)
		return err_perm(err, r.dsn, "%s", r.text);
	return err_temp(err, r.dsn, "%s", r.text);
}

int
ipc_peer(int sock, struct ipc_cred *cred)
{
	struct ucred uc;
	socklen_t len = sizeof(uc);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &uc, &len) < 0)
		return -1;
	*cred = (struct ipc_cred){ uc.pid, uc.uid, uc.gid };
	return 0;
}
