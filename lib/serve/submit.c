/*
 * submit.c - begin, content, commit; a lost answer to commit is settled.
 */
#include "serve/submit.h"

#include <poll.h>

#include "conf/common.h"

enum { SETTLE_TRIES = 8, SETTLE_WAIT_MS = 250 };

static int
begin(struct ipc *c, const struct cleanup_begin_in *in, struct arena *a,
    const char **q_r, int *fd_r, struct err *err)
{
	struct cleanup_begin_out out;

	if (ipc_call(c, &cleanup_begin, in, -1, &out, fd_r, NULL, err) < 0)
		return -1;
	*q_r = arena_strdup(a, out.q);
	if (*fd_r < 0)
		return err_temp(err, "4.3.0", "cleanup gave no descriptor");
	return 0;
}

/* The answer to commit is lost: ask, for a while.  Where nobody knows, our
 * caller comes again, and somebody may get two copies rather than none. */
static int
settle(struct ipc *c, const char *q, struct err *err)
{
	struct cleanup_settle_in in = { .q = q };
	struct cleanup_settle_out out;
	int i;

	for (i = 0; i < SETTLE_TRIES; i++) {
		ipc_close(c);
		if (ipc_call(c, &cleanup_settle, &in, -1, &out, NULL, NULL,
		    err) == 0)
			return out.queued ? 0 : err_temp(err, "4.3.0",
			    "the message could not be queued");
		poll(NULL, 0, SETTLE_WAIT_MS);
	}
	return -1;
}

static int
commit(struct ipc *c, const char *q, uint64_t size, struct err *err)
{
	struct cleanup_commit_in in = { .size = size };
	bool sent;

	if (ipc_call(c, &cleanup_commit, &in, -1, NULL, NULL, &sent,
	    err) == 0)
		return 0;
	/* the connection is there: cleanup has refused it; a fresh one is to
	 * a cleanup that never had it */
	if (c->fd >= 0 || !sent || c->fresh)
		return -1;
	return settle(c, q, err);
}

/* all but the last, which goes with begin */
static int
tell_rcpts(struct ipc *c, const struct cleanup_rcpt_in *rcpt, size_t n,
    struct err *err)
{
	size_t i;

	for (i = 0; i + 1 < n; i++)
		if (ipc_tell(c, &cleanup_rcpt, &rcpt[i], err) < 0 ||
		    (i > 0 && c->fresh && err_temp(err, "4.3.0",
		    "connection lost") < 0))
			return -1;
	return 0;
}

static int
put(int fd, const struct submit_source *src, struct err *err)
{
	if (full_write(fd, src->head.p, src->head.n) < 0 || (src->fd >= 0 &&
	    full_copy(src->fd, src->from, src->to - src->from, fd) < 0))
		return err_sys(err, "write message");
	return 0;
}

static int
submit(const struct cleanup_begin_in *in, const struct cleanup_rcpt_in *rcpt,
    size_t n, const struct submit_source *src, int timeout, struct arena *a,
    const char **q_r, struct err *err)
{
	static const char *path;	/* never freed: made once */
	uint64_t size = src->head.n + (src->fd < 0 ? 0 : src->to - src->from);
	struct ipc c;
	int fd = -1, rc;

	if (path == NULL)
		path = socket_path("cleanup");
	ipc_init(&c, path, timeout);
	rc = tell_rcpts(&c, rcpt, n, err);
	if (rc == 0)
		rc = begin(&c, in, a, q_r, &fd, err);
	if (rc == 0)
		rc = put(fd, src, err);
	close_fd(fd);
	if (rc == 0)
		rc = commit(&c, *q_r, size, err);
	ipc_free(&c);
	return rc;
}

int
submit_copy(struct cleanup_begin_in *in, const struct cleanup_rcpt_in *rcpt,
    size_t n, const struct submit_source *src, int timeout, struct arena *a,
    const char **q_r, struct err *err)
{
	const struct cleanup_rcpt_in *last = &rcpt[n - 1];

	in->rcpts = (int64_t)n;
	in->rcpt = last->addr;
	in->notify = last->notify;
	in->orcpt = last->orcpt;
	in->orig = last->orig;
	return submit(in, rcpt, n, src, timeout, a, q_r, err);
}

int
submit_message(const struct cleanup_begin_in *in, struct slice text,
    int timeout, struct arena *a, const char **q_r, struct err *err)
{
	const struct submit_source src = { .head = text, .fd = -1 };

	return submit(in, NULL, 0, &src, timeout, a, q_r, err);
}
