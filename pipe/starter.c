/*
 * starter.c - the process that becomes others.  It has root (or is the owner
 * of an instance without root), no jail, and knows nothing of mail.
 */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/common.h"
#include "map/users.h"
#include "starter.h"

enum { TERM_MS = 2000, SEND_MS = 60000 };

static const struct field run_in[] = {
	F_STR(struct starter_run_in, login, NULL, "who runs it"),
	F_STR(struct starter_run_in, dir, "", "where; none: its home"),
	F_LIST(struct starter_run_in, arg, "the program and its arguments"),
	F_LIST(struct starter_run_in, env, "NAME=value"),
	F_INT(struct starter_run_in, time_limit, "60000", NULL, NULL, "ms"),
	F_END
};

static const struct field wait_out[] = {
	F_INT(struct starter_wait_out, status, "0", NULL, NULL,
	    "as waitpid gives it"),
	F_BOOL(struct starter_wait_out, timed_out, "no", "it was killed"),
	F_END
};

const struct verb_def starter_run = {
	.name = "run",
	.in = run_in, .in_size = sizeof(struct starter_run_in),
	.flags = VERB_FD_IN | VERB_FD_OUT,
	.doc = "start a command",
};
const struct verb_def starter_wait = {
	.name = "wait",
	.out = wait_out, .out_size = sizeof(struct starter_wait_out),
	.doc = "until it has ended",
};

struct account {
	uid_t uid;
	gid_t gid;
	const char *home, *shell;
};

static int sock;
static const char *service_user;
static pid_t child;		/* 0: none */
static int64_t child_end;	/* mono_ms() */

/* --- who --------------------------------------------------------- */

/* the account that the configuration names: it may be one of the system's */
static int
find_service_user(const char *login, struct account *u, struct err *err)
{
	const struct passwd *p = getpwnam(login);

	if (p == NULL)
		return err_temp(err, "4.3.5", "no account %s", login);
	*u = (struct account){ p->pw_uid, p->pw_gid, p->pw_dir, "/bin/sh" };
	return 0;
}

static int
find_account(const char *login, struct account *u, struct arena *a,
    struct err *err)
{
	struct system_user s;
	int rc;

	if (strcmp(login, service_user) == 0) {
		rc = find_service_user(login, u, err);
	} else {
		rc = system_user_find(login, &s, a, err);
		if (rc == 0)
			return err_temp(err, "4.3.5", "no account %s that "
			    "commands may run as", login);
		*u = (struct account){ s.uid, s.gid, s.home, "/bin/sh" };
	}
	if (rc < 0)
		return -1;
	if (common.single_uid) {
		if (u->uid != geteuid() && strcmp(login, service_user) != 0)
			return err_temp(err, "4.3.5", "can not become uid %u "
			    "without root", (unsigned)u->uid);
		u->uid = geteuid();
		u->gid = getegid();
	}
	if (u->uid == 0 || u->gid == 0)
		return err_temp(err, "4.3.5", "no command runs as root");
	return 0;
}

/* --- in the child ------------------------------------------------ */

static int
become(const char *login, const struct account *u)
{
	if (common.single_uid)
		return 0;
	if (initgroups(login, u->gid) < 0 ||
	    setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return -1;
	if (setuid(0) == 0 || geteuid() != u->uid) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static void
reset_signals(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static char **
vector(const struct strlist *l)
{
	char **v = xcalloc(l->n + 1, sizeof(*v));
	size_t i;

	for (i = 0; i < l->n; i++)
		v[i] = xstrdup(l->v[i]);
	return v;
}

/* why goes back over a descriptor that the command never sees */
static void NORETURN
run_child(const struct starter_run_in *in, const struct account *u,
    int in_fd, int out_fd, int why)
{
	const char *dir = in->dir[0] != '\0' ? in->dir : u->home;
	char **arg = vector(&in->arg), **env = vector(&in->env);
	int e;

	/* in this order none is overwritten: all are above 2 */
	if (dup2(in_fd, 0) == 0 && dup2(out_fd, 1) == 1 &&
	    dup2(out_fd, 2) == 2 && dup2(why, 3) == 3 &&
	    fcntl(3, F_SETFD, FD_CLOEXEC) == 0 &&
	    syscall(SYS_close_range, 4U, ~0U, 0U) == 0) {
		setsid();
		umask(077);
		reset_signals();
		/* nobody has no home */
		if (become(in->login, u) == 0 && (chdir(dir) == 0 ||
		    (in->dir[0] == '\0' && errno == ENOENT &&
		    chdir("/") == 0)))
			execve(arg[0], arg, env);
	}
	e = errno;
	if (write(3, &e, sizeof(e)) != (ssize_t)sizeof(e))
		_exit(126);
	_exit(127);
}

/* --- the requests ------------------------------------------------ */

static void
kill_child(void)
{
	if (child == 0)
		return;
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	child = 0;
}

static void
add_env(struct strlist *env, struct arena *a, const char *name,
    const char *value)
{
	strlist_add(env, a, arena_printf(a, "%s=%s", name, value));
}

/* Did the program begin?  0; -1: why not */
static int
began(const struct starter_run_in *in, int why, struct err *err)
{
	ssize_t n;
	int e;

	while ((n = read(why, &e, sizeof(e))) < 0 && errno == EINTR)
		continue;
	if (n <= 0)
		return 0;
	kill_child();
	log_event(LOG_ERROR, "not-run", KS("program", in->arg.v[0]),
	    KS("user", in->login), KS("reason", strerror(e)), KEND);
	return err_temp(err, "4.3.5", "command can not be run");
}

static int
fork_child(struct starter_run_in *in, const struct account *u, int in_fd,
    int *out_r, struct err *err)
{
	int from[2] = { -1, -1 }, why[2] = { -1, -1 };
	int rc = 0;

	if (pipe2(from, O_CLOEXEC) < 0 || pipe2(why, O_CLOEXEC) < 0) {
		rc = err_sys(err, "pipe");
	} else {
		child = fork();
		if (child == 0)
			run_child(in, u, in_fd, from[1], why[1]);
		if (child < 0) {
			child = 0;
			rc = err_sys(err, "fork");
		}
	}
	close_fd(from[1]);
	close_fd(why[1]);
	if (rc == 0)
		rc = began(in, why[0], err);
	close_fd(why[0]);
	if (rc < 0) {
		close_fd(from[0]);
		return -1;
	}
	*out_r = from[0];
	return 0;
}

static int
run(struct starter_run_in *in, int in_fd, int *out_r, struct arena *a,
    struct err *err)
{
	struct account u = { 0 };

	kill_child();
	if (in_fd < 0 || in->arg.n == 0 || in->arg.v[0][0] != '/')
		return err_temp(err, "4.3.5", "no absolute path of a program");
	if (find_account(in->login, &u, a, err) < 0)
		return -1;
	add_env(&in->env, a, "HOME", u.home);
	add_env(&in->env, a, "LOGNAME", in->login);
	add_env(&in->env, a, "USER", in->login);
	add_env(&in->env, a, "SHELL", u.shell);
	child_end = mono_ms() + in->time_limit;
	return fork_child(in, &u, in_fd, out_r, err);
}

/* Until it ends, or its time is over, or who asked is gone. */
static void
wait_child(struct starter_wait_out *out)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd p[2] = { { pidfd, POLLIN, 0 }, { sock, POLLRDHUP, 0 } };
	int64_t left;
	int n, status = 0, rounds = 0;

	while (child > 0 && pidfd >= 0) {
		left = child_end - mono_ms();
		n = left > 0 ? poll(p, 2, (int)MIN(left, (int64_t)INT_MAX)) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0 && p[0].revents != 0)
			break;
		if (n > 0 && p[1].revents != 0) {
			kill_child();
			_exit(0);
		}
		if (left > 0)
			continue;
		out->timed_out = true;
		kill(-child, rounds++ == 0 ? SIGTERM : SIGKILL);
		child_end = mono_ms() + TERM_MS;
	}
	close_fd(pidfd);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (out->timed_out)
		kill(-child, SIGKILL);
	child = 0;
	out->status = status;
}

static void
answer(const struct field *t, const void *rec, int fd)
{
	struct err err;

	if (ipc_send(sock, "ok", t, rec, fd, SEND_MS, &err) < 0) {
		kill_child();
		_exit(0);
	}
	close_fd(fd);
}

static void
refuse(const struct err *why)
{
	struct err err;

	if (ipc_reply_err(sock, why, &err) < 0)
		_exit(0);
}

static void
serve(const struct ipc_msg *m, struct arena *a)
{
	struct starter_run_in in;
	struct starter_wait_out out = { 0 };
	struct err err;
	int fd = -1;

	if (strcmp(m->verb, "run") == 0) {
		if (ipc_decode(m, run_in, &in, a, &err) < 0 ||
		    run(&in, m->fd, &fd, a, &err) < 0)
			refuse(&err);
		else
			answer(NULL, NULL, fd);
	} else if (strcmp(m->verb, "wait") == 0 && child > 0) {
		wait_child(&out);
		answer(wait_out, &out, -1);
	} else {
		err_perm(&err, "5.5.1", "not now");
		refuse(&err);
	}
}

void
starter_serve(int s, const char *user)
{
	struct arena a = { 0 };
	struct ipc_msg m;
	struct err err;

	sock = s;
	service_user = user;
	ipc_msg_init(&m);
	while (ipc_recv(sock, &m, -1, &err) == 1) {
		serve(&m, &a);
		arena_reset(&a);
	}
	kill_child();
	_exit(0);
}
