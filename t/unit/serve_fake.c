/*
 * serve_fake.c - two daemons, the part of master that starts and ends them,
 * and callers.
 */
#include "serve_fake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "serve/hub.h"
#include "serve/request.h"
#include "serve/status.h"
#include "test/tap.h"

enum { HELD_MAX = 64 };

/* --- the daemons ---------------------------------------------------------- */

struct num { int64_t n; };
static const struct field num_fields[] = {
	F_INT(struct num, n, "0", NULL, NULL, "a number"),
	F_END
};
struct text { const char *text; };
static const struct field text_fields[] = {
	F_STR(struct text, text, "", "a text"),
	F_END
};
static const struct verb_def
    echo_def = { .name = "echo", .in = num_fields, .out = num_fields,
	.in_size = sizeof(struct num), .out_size = sizeof(struct num) },
    hold_def = { .name = "hold", .out = num_fields,
	.out_size = sizeof(struct num) },
    promise_def = { .name = "promise", .out = num_fields,
	.out_size = sizeof(struct num) },
    release_def = { .name = "release" },
    balance_def = { .name = "balance", .out = num_fields,
	.out_size = sizeof(struct num) },
    big_def = { .name = "big", .out = text_fields,
	.out_size = sizeof(struct text) },
    once_def = { .name = "once", .flags = VERB_ONCE },
    fd_def = { .name = "fd", .flags = VERB_FD_IN };

static struct call_ticket held[HELD_MAX];
static struct hub_ticket hub_held[HELD_MAX];
static int nheld;
static bool promised, in_hub;	/* the next close answers what is held */
static int64_t open_conns;

static int
do_echo(struct call *c UNUSED, const void *in, void *out, struct err *e UNUSED)
{
	*(struct num *)out = *(const struct num *)in;
	return 0;
}

static int
do_hold(struct call *c, const void *in UNUSED, void *out UNUSED,
    struct err *err)
{
	if (nheld == HELD_MAX)
		return err_temp(err, "4.3.2", "too many");
	if (c->hub != NULL)
		hub_held[nheld++] = hub_hold(c);
	else
		held[nheld++] = request_hold(c);
	return CALL_LATER;
}

static int
do_promise(struct call *c, const void *in, void *out, struct err *err)
{
	promised = true;
	in_hub = c->hub != NULL;
	return do_hold(c, in, out, err);
}

static void
release(bool hub)
{
	struct num n;
	int i;

	for (i = 0; i < nheld; i++) {
		n.n = i;
		if (hub)
			hub_ok(hub_held[i], &n);
		else
			request_ok(held[i], &n, -1);
	}
	nheld = 0;
}

static int
do_release(struct call *c, const void *in UNUSED, void *out UNUSED,
    struct err *err UNUSED)
{
	release(c->hub != NULL);
	return 0;
}

static int
do_balance(struct call *c UNUSED, const void *in UNUSED, void *out,
    struct err *err UNUSED)
{
	((struct num *)out)->n = open_conns;
	return 0;
}

static int
do_big(struct call *c, const void *in UNUSED, void *out, struct err *e UNUSED)
{
	char *s = arena_alloc(c->arena, IPC_MAX + 100);

	memset(s, 'x', IPC_MAX + 99);
	((struct text *)out)->text = s;
	return 0;
}

static int
do_nothing(struct call *c UNUSED, const void *in UNUSED, void *out UNUSED,
    struct err *err UNUSED)
{
	return 0;
}

static void *
opened(const struct ipc_cred *peer UNUSED)
{
	open_conns++;
	return NULL;
}

static void
closed(void *state UNUSED)
{
	open_conns--;
	if (promised)
		release(in_hub);
	promised = false;
}

/* something is always under way: only SIGTERM ends this hub */
static void
never_done(void)
{
}

static const struct verb verbs[] = {
	{ &echo_def, do_echo, PEER_ANY }, { &hold_def, do_hold, PEER_ANY },
	{ &promise_def, do_promise, PEER_ANY },
	{ &release_def, do_release, PEER_ANY }, { &big_def, do_big, PEER_ANY },
	{ &balance_def, do_balance, PEER_ANY },
	{ &once_def, do_nothing, PEER_ANY }, { &fd_def, do_nothing, PEER_ANY },
	{ 0 }
};
const struct daemon request_daemon = {
	.name = "request", .kind = SERVE_REQUEST, .verbs = verbs,
	.conn_open = opened, .conn_close = closed,
	.jail = { .files = 1 << 20 },
};

static void
release_all(void)
{
	release(false);
}

const struct daemon gather_daemon = {
	.name = "gather", .kind = SERVE_REQUEST, .verbs = verbs,
	.idle = release_all, .gather_ms = GATHER_MS,
	.jail = { .files = 1 << 20 },
};
const struct daemon hub_daemon = {
	.name = "hub", .kind = SERVE_EVENT, .verbs = verbs, .run = hub_run,
	.conn_open = opened, .conn_close = closed, .drain = never_done,
	.jail = { .groups = JAIL_EPOLL | JAIL_UNIX, .files = 40 },
};

/* --- what master does ----------------------------------------------------- */

static char sock_path[100];
static int status_fd;
struct board board;
int life_fd;
pid_t pid;

static int
listen_unix(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sock_path, sizeof(sock_path), "%s/sock", tap_dir());
	slice_copy(sun.sun_path, sizeof(sun.sun_path), slice_of(sock_path));
	unlink(sock_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    chmod(sock_path, 0666) < 0 || listen(fd, 100) < 0)
		die("listen: %s", strerror(errno));
	return fd;
}

static void NORETURN
child(const struct daemon *d, const int fd[4])
{
	char *argv[] = { (char *)d->name, (char *)"-c", (char *)tap_dir(),
		(char *)"-Mservice=test", (char *)"-Mlisteners=1",
		(char *)"-Mclients=8", (char *)"-Mwatchdog=400ms", NULL };
	struct rlimit rl = { 1024, 1024 };
	int null = open("/dev/null", O_RDWR), fds[4], i;

	for (i = 0; i < 4; i++)
		fds[i] = fcntl(fd[i], F_DUPFD, 20);
	for (i = 0; i < 4; i++)
		dup2(fds[i], STATUS_FD + i);
	dup2(null, STDERR_FILENO);
	for (i = LISTEN_FD + 1; i < 64; i++)
		close(i);
	setrlimit(RLIMIT_NOFILE, &rl);
	/* one uid for all: no accounts of the suite are needed */
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		_exit(99);
	_exit(serve_main(7, argv, d));
}

/* the next status byte, or 0 where none comes */
char
status(int timeout_ms)
{
	struct pollfd p = { status_fd, POLLIN, 0 };
	struct status_msg m;

	if (poll(&p, 1, timeout_ms) <= 0 ||
	    read(status_fd, &m, sizeof(m)) != (ssize_t)sizeof(m))
		return 0;
	return m.pid == pid ? m.what : '?';
}

void
start(const struct daemon *d)
{
	int s[2], l[2], listener = listen_unix(), memory;

	board_unmap(&board);
	memory = board_make(&board, 1, 1);
	if (memory < 0 || pipe2(s, O_CLOEXEC) < 0 || pipe2(l, O_CLOEXEC) < 0)
		die("pipe");
	board_set(&board, 0, SLOT_FREE);
	pid = fork();
	if (pid == 0)
		child(d, (int[4]){ s[1], l[0], memory, listener });
	close(s[1]);
	close(l[0]);
	close(memory);
	close(listener);
	status_fd = s[0];
	life_fd = l[1];
	ok(status(WAIT_MS) == 'r', "%s: ready", d->name);
}

void
finish(const char *what)
{
	int64_t end = mono_ms() + WAIT_MS;
	int st = -1;

	while (waitpid(pid, &st, WNOHANG) == 0 && mono_ms() < end)
		usleep(5000);
	if (st == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, &st, 0);
	}
	is_int(st, 0, "%s", what);
	close(status_fd);
	close_fd(life_fd);
}

/* --- what callers do ------------------------------------------------------ */

int
dial(void)
{
	struct err err;
	int fd = ipc_connect(sock_path, WAIT_MS, &err);

	if (fd < 0)
		die("connect: %s", err.text);
	return fd;
}

void
say(int fd, const char *verb, int with)
{
	struct err err;

	ipc_send(fd, verb, NULL, NULL, with, WAIT_MS, &err);
}

/* "ok", "err", "closed" or "nothing" */
static const char *
hear_n(int fd, int64_t *n_r)
{
	static struct ipc_msg m = { .fd = -1 };
	struct err err;
	struct num num = { -1 };
	int r = ipc_recv(fd, &m, WAIT_MS, &err);

	if (r <= 0)
		return r == 0 ? "closed" : "nothing";
	if (n_r != NULL && ipc_decode(&m, num_fields, &num, NULL, &err) == 0)
		*n_r = num.n;
	return m.verb;
}

const char *
hear(int fd)
{
	return hear_n(fd, NULL);
}

int64_t
balance(int fd)
{
	int64_t n = -1;

	say(fd, "balance", -1);
	hear_n(fd, &n);
	return n;
}

/* ask until the daemon has seen who went */
int64_t
settled(int fd, int64_t want)
{
	int i;

	for (i = 0; i < 200 && balance(fd) != want; i++)
		usleep(5000);
	return balance(fd);
}

/* did the daemon close its copy of the pipe's write end? */
bool
pipe_ends(int read_end)
{
	struct pollfd p = { read_end, POLLIN, 0 };

	return poll(&p, 1, 1000) == 1 && (p.revents & POLLHUP);
}

void
write_conf(void)
{
	char path[200];
	FILE *f;

	chmod(tap_dir(), 0755);
	snprintf(path, sizeof(path), "%s/common.conf", tap_dir());
	f = fopen(path, "w");
	if (f == NULL || fputs("hostname = test.example\n", f) < 0 ||
	    fclose(f) != 0 || chmod(path, 0644) < 0)
		die("%s", path);
}
