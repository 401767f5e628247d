/*
 * send.c - a report goes the way of any message, on a connection of its own,
 * so that no cleanup is kept waiting between two.
 */
#include <poll.h>

#include "bounce.h"
#include "conf/common.h"
#include "proto/cleanup.h"

enum { SETTLE_TRIES = 8, SETTLE_WAIT_MS = 250 };

static struct ipc cleanup;

void
send_init(void)
{
	ipc_init(&cleanup, socket_path("cleanup"), (int)conf.cleanup_timeout);
}

static int
begin(const char *to, bool utf8, bool body8, struct arena *a,
    const char **q_r, int *fd_r, struct err *err)
{
	struct cleanup_begin_in in = { .sender = "", .rcpts = 1, .rcpt = to,
		.notify = "never", .orcpt = "", .ret = "", .envid = "",
		.utf8 = utf8, .body8 = body8, .proto = "",
		.helo = "", .client_addr = "", .client_name = "",
		.login = "", .uid = -1, .session = "", .internal = true };
	struct cleanup_begin_out out;

	if (ipc_call(&cleanup, &cleanup_begin, &in, -1, &out, fd_r, NULL,
	    err) < 0)
		return -1;
	*q_r = arena_strdup(a, out.q);
	if (*fd_r < 0)
		return err_temp(err, "4.3.0", "cleanup gave no descriptor");
	return 0;
}

/* The answer to commit is lost: ask, for a while.  Where nobody knows, qmgr
 * comes again, and the sender may get two reports rather than none. */
static int
settle(const char *q, struct err *err)
{
	struct cleanup_settle_in in = { .q = q };
	struct cleanup_settle_out out;
	int i;

	for (i = 0; i < SETTLE_TRIES; i++) {
		ipc_close(&cleanup);
		if (ipc_call(&cleanup, &cleanup_settle, &in, -1, &out, NULL,
		    NULL, err) == 0)
			return out.queued ? 0 : err_temp(err, "4.3.0",
			    "the report could not be queued");
		poll(NULL, 0, SETTLE_WAIT_MS);
	}
	return -1;
}

static int
commit(const char *q, uint64_t size, struct err *err)
{
	struct cleanup_commit_in in = { .size = size };
	bool sent;

	if (ipc_call(&cleanup, &cleanup_commit, &in, -1, NULL, NULL, &sent,
	    err) == 0)
		return 0;
	/* the connection is there: cleanup has refused it; a fresh one is to
	 * a cleanup that never had it */
	if (cleanup.fd >= 0 || !sent || cleanup.fresh)
		return -1;
	return settle(q, err);
}

int
send_report(const char *to, const struct str *text, bool utf8,
    struct arena *a, const char **q_r, struct err *err)
{
	bool body8 = !slice_is_ascii(slice_str(text));
	int fd = -1, rc;

	ipc_close(&cleanup);
	rc = begin(to, utf8, body8, a, q_r, &fd, err);
	if (rc == 0 && full_write(fd, text->s, text->len) < 0)
		rc = err_sys(err, "write report");
	close_fd(fd);
	if (rc == 0)
		rc = commit(*q_r, text->len, err);
	ipc_close(&cleanup);
	return rc;
}
