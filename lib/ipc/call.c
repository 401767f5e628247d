/*
 * call.c - the caller's side.  After any failure the connection is closed:
 * the next call starts on a fresh one, so an answer that comes late can never
 * be taken for the answer to something else.
 */
#include "ipc/ipc.h"

#include <poll.h>

#include "base/clock.h"
#include "ipc/codec.h"

static int wake_fd = -1;

void
ipc_wake_on(int fd)
{
	wake_fd = fd;
}

void
ipc_init(struct ipc *c, const char *path, int timeout_ms)
{
	memset(c, 0, sizeof(*c));
	c->path = path;
	c->timeout_ms = timeout_ms;
	c->fd = -1;
	ipc_msg_init(&c->reply);
}

void
ipc_close(struct ipc *c)
{
	close_fd(c->fd);
	c->fd = -1;
}

void
ipc_free(struct ipc *c)
{
	ipc_close(c);
	ipc_msg_free(&c->reply);
	arena_free(&c->arena);
}

static int
lost(struct ipc *c, struct err *err)
{
	ipc_close(c);
	return err_prefix(err, "%s", c->path);
}

static int
dial(struct ipc *c, struct err *err)
{
	c->fresh = true;
	c->fd = ipc_connect(c->path, c->timeout_ms, err);
	return c->fd < 0 ? -1 : 0;
}

/* Send, on a new connection where the old one turns out to be dead; and once
 * more where a daemon that ends took the new one and closed it unread. */
static int
send_request(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, struct err *err)
{
	c->fresh = false;
	if (c->fd >= 0) {
		if (ipc_send(c->fd, v->name, v->in, in, in_fd, -1, err) == 0)
			return 0;
		if (err->kind == ERR_PERM)
			return -1;
		ipc_close(c);
	}
	if (dial(c, err) < 0)
		return -1;
	if (ipc_send(c->fd, v->name, v->in, in, in_fd, -1, err) == 0)
		return 0;
	if (err->kind == ERR_PERM || (errno != EPIPE && errno != ECONNRESET))
		return lost(c, err);
	ipc_close(c);
	if (dial(c, err) < 0)
		return -1;
	return ipc_send(c->fd, v->name, v->in, in, in_fd, -1, err) == 0 ? 0 :
	    lost(c, err);
}

/* Wait for an answer, or for the end of this process.  How long it may take is
 * the socket's to know: 0 where it may be read, -1 err. */
static int
wait_answer(const struct ipc *c, struct err *err)
{
	struct pollfd p[2] = { { c->fd, POLLIN, 0 }, { wake_fd, POLLIN, 0 } };
	int64_t end;
	int r;

	if (wake_fd < 0)
		return 0;
	end = mono_ms() + c->timeout_ms;
	do {
		r = poll(p, 2, c->timeout_ms > 0 ?
		    (int)MAX(end - mono_ms(), (int64_t)0) : -1);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_sys(err, "poll");
	if (r == 0)
		return err_temp(err, "4.4.2", "timeout");
	if (p[0].revents == 0)
		return err_temp(err, "4.3.2", "this host shuts down");
	return 0;
}

enum heard { HEARD_NOTHING, HEARD_END, HEARD_UNREAD, HEARD_ANSWER };

/* Read replies up to ok or err.  0, -1; *heard is what came first. */
static int
read_replies(struct ipc *c, const struct verb_def *v, ipc_more_fn *fn,
    void *ctx, enum heard *heard, struct err *err)
{
	void *more;
	int r;

	*heard = HEARD_NOTHING;
	for (;;) {
		if (wait_answer(c, err) < 0)
			return lost(c, err);
		r = ipc_recv(c->fd, &c->reply, -1, err);
		if (r == 0 && *heard == HEARD_NOTHING)
			*heard = errno == ECONNRESET ? HEARD_UNREAD :
			    HEARD_END;
		if (r == 0)
			err_temp(err, "4.3.0", "connection closed");
		if (r <= 0)
			return lost(c, err);
		*heard = HEARD_ANSWER;
		if (strcmp(c->reply.verb, "ok") == 0)
			return 0;
		if (strcmp(c->reply.verb, "err") == 0)
			return ipc_get_err(&c->reply, err);
		if (fn == NULL || strcmp(c->reply.verb, "more") != 0) {
			err_temp(err, "4.3.0", "unexpected reply");
			return lost(c, err);
		}
		arena_reset(&c->arena);
		more = arena_alloc(&c->arena, v->more_size);
		if (ipc_decode(&c->reply, v->more, more, &c->arena, err) < 0 ||
		    fn(ctx, more, err) < 0) {
			ipc_close(c);
			return -1;
		}
	}
}

/* was it an old connection whose daemon ended before it read us? */
static bool
may_repeat(const struct ipc *c, const struct verb_def *v, enum heard heard)
{
	if (c->fresh || (heard != HEARD_END && heard != HEARD_UNREAD))
		return false;
	return (v->flags & VERB_AGAIN) ||
	    (heard == HEARD_UNREAD && (v->flags & VERB_UNREAD));
}

static int
transact(struct ipc *c, const struct verb_def *v, const void *in, int in_fd,
    ipc_more_fn *fn, void *ctx, bool *sent, struct err *err)
{
	enum heard heard;

	*sent = false;
	if (send_request(c, v, in, in_fd, err) < 0)
		return -1;
	*sent = true;
	if (read_replies(c, v, fn, ctx, &heard, err) == 0)
		return 0;
	if (!may_repeat(c, v, heard))
		return -1;
	if (send_request(c, v, in, in_fd, err) < 0)
		return -1;
	return read_replies(c, v, fn, ctx, &heard, err);
}

static int
finish(struct ipc *c, const struct verb_def *v, void *out, int *out_fd_r,
    struct err *err)
{
	if (out_fd_r != NULL) {
		*out_fd_r = c->reply.fd;
		c->reply.fd = -1;
	}
	arena_reset(&c->arena);
	if (out != NULL && v->out != NULL &&
	    ipc_decode(&c->reply, v->out, out, &c->arena, err) < 0) {
		if (out_fd_r != NULL) {
			close_fd(*out_fd_r);
			*out_fd_r = -1;
		}
		return lost(c, err);
	}
	return 0;
}

int
ipc_call(struct ipc *c, const struct verb_def *v, const void *in, int in_fd,
    void *out, int *out_fd_r, bool *sent, struct err *err)
{
	bool was_sent;

	if (out_fd_r != NULL)
		*out_fd_r = -1;
	if (transact(c, v, in, in_fd, NULL, NULL, sent ? sent : &was_sent,
	    err) < 0)
		return -1;
	return finish(c, v, out, out_fd_r, err);
}

int
ipc_call_more(struct ipc *c, const struct verb_def *v, const void *in,
    int in_fd, ipc_more_fn *fn, void *ctx, void *out, struct err *err)
{
	bool sent;

	if (transact(c, v, in, in_fd, fn, ctx, &sent, err) < 0)
		return -1;
	return finish(c, v, out, NULL, err);
}

int
ipc_tell(struct ipc *c, const struct verb_def *v, const void *in,
    struct err *err)
{
	return send_request(c, v, in, -1, err);
}

int
ipc_answer(struct ipc *c, const struct verb_def *v, ipc_more_fn *fn,
    void *ctx, void *out, int *out_fd_r, struct err *err)
{
	enum heard heard;

	if (out_fd_r != NULL)
		*out_fd_r = -1;
	if (read_replies(c, v, fn, ctx, &heard, err) < 0)
		return heard == HEARD_END || heard == HEARD_UNREAD ? 0 : -1;
	return finish(c, v, out, out_fd_r, err) < 0 ? -1 : 1;
}
