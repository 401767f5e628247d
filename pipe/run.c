/*
 * run.c - one run of a command, on the side that is jailed.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "conf/common.h"
#include "map/map.h"
#include "pipe.h"
#include "starter.h"

enum { START_MS = 60000, GRACE_MS = 30000, OUTPUT_MAX = 2048 };

static struct ipc starter;

int
run_init(struct err *err)
{
	int s[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_sys(err, "socketpair");
	pid = fork();
	if (pid < 0)
		return err_sys(err, "fork");
	if (pid == 0) {
		/* the log stays; master's pipes must not */
		if (dup2(s[1], 3) != 3 ||
		    syscall(SYS_close_range, 4U, ~0U, 0U) < 0)
			die("starter: descriptors: %s", strerror(errno));
		/* a stop is for the one who asks: it ends, then we do */
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		/* a command may be one that gains rights: not bound */
		if (serve_keep_caps(CAPS_BECOME, false, err) < 0)
			die("starter: %s", err->text);
		starter_serve(3, conf.user);
	}
	close(s[1]);
	ipc_init(&starter, "starter", START_MS);
	starter.fd = s[0];
	return 0;
}

/* Nothing can be started any more: master starts another one of us. */
static int
lost(struct err *err)
{
	if (starter.fd < 0)
		serve_end();
	return err->kind == ERR_TEMP ? -1 : err_temp(err, "4.3.0", "%s",
	    err->text);
}

static void
listen_to(struct run *r, int *fd)
{
	char buf[4096];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n <= 0) {
		if (n < 0 && errno == EINTR)
			return;
		close(*fd);
		*fd = -1;
		return;
	}
	n = MIN(n, (ssize_t)(OUTPUT_MAX - r->output.len));
	str_add(&r->output, buf, (size_t)n);
}

/* what is still in the pipe: others may hold it open, and write, for ever */
static void
drain(struct run *r, int *fd)
{
	struct pollfd p = { *fd, POLLIN, 0 };

	while (*fd >= 0 && r->output.len < OUTPUT_MAX && poll(&p, 1, 0) == 1)
		listen_to(r, fd);
}

/* until the starter says how it ended: 0 or -1 */
static int
attend(struct run *r, int out, struct err *err)
{
	int rc = 0, n;

	for (;;) {
		struct pollfd p[2] = { { starter.fd, POLLIN, 0 },
			{ out, POLLIN, 0 } };

		n = poll(p, 2, (int)MIN(conf.time_limit + GRACE_MS,
		    (int64_t)INT_MAX));
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) {
			ipc_close(&starter);
			rc = err_temp(err, "4.3.0", "starter is silent");
		}
		if (n <= 0 || p[0].revents != 0)
			break;
		if (p[1].revents != 0)
			listen_to(r, &out);
	}
	drain(r, &out);
	close_fd(out);
	return rc;
}

/* *out_r: what it prints.  The message is whole before it begins. */
static int
start(const struct run *r, int *out_r, struct err *err)
{
	struct starter_run_in in = { .login = r->login, .dir = r->dir,
		.arg = r->arg, .env = r->env, .time_limit = conf.time_limit };
	int fd = feed_file(&r->feed, err), rc;

	if (fd < 0)
		return -1;
	rc = ipc_call(&starter, &starter_run, &in, fd, NULL, out_r, NULL, err);
	close(fd);
	return rc;
}

int
run_command(struct run *r, struct err *err)
{
	struct starter_wait_out w;
	int out = -1;

	if (start(r, &out, err) < 0)
		return lost(err);
	if (ipc_tell(&starter, &starter_wait, NULL, err) < 0) {
		close_fd(out);
		return lost(err);
	}
	if (attend(r, out, err) < 0 ||
	    ipc_answer(&starter, &starter_wait, NULL, NULL, &w, NULL,
	    err) != 1)
		return lost(err);
	r->status = (int)w.status;
	r->timed_out = w.timed_out;
	return 0;
}
