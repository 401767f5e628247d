/*
 * nursery.c - SERVE_USER with clients > 1: one process that has read its
 * configuration and never a byte of anybody's forks each session, which
 * becomes its user and closes its own jail.  So a login costs no start of a
 * program (2 ms, and 400 kB of relocated pages), and sessions share the pages
 * that the start made.
 *
 * Sessions of one nursery have the same addresses in memory.  After one died
 * of a signal no further is born here: this process is busy for good, ends
 * with its last session, and master starts another.
 */
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/log.h"
#include "conf/common.h"
#include "serve/internal.h"

enum { FORK_PAUSE_MS = 100 };
enum { HEAP_ROOM = 128 * 1024, HOLE_MAX = 96 * 1024, HOLE_SMALL = 1040 };

static int64_t living;
static int child_fd = -1;	/* readable: a session has ended */
static bool spoiled;

static void
watch_children(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (child_fd < 0)
		die("signalfd: %s", strerror(errno));
	serve_watch_also(child_fd);
}

static void
reap(void)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	while (read(child_fd, &si, sizeof(si)) > 0)
		continue;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		living--;
		if (!WIFSIGNALED(status))
			continue;
		log_event(LOG_ERROR, "died", KI("pid", pid),
		    KI("signal", WTERMSIG(status)), KEND);
		if (!serve_stopping())
			spoiled = true;
	}
}

/* What wakes the nursery shall not be woken by its sessions: SIGTERM is blocked
 * until this one has its own.  Its other descriptors are closed later. */
static int
become_session(pid_t parent)
{
	sigset_t none;

	close(serve_stop_fd);
	serve_stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return serve_stop_fd < 0 || getppid() != parent ? -1 : 0;
}

/* there is nothing that handlers of exit(3) could do, but for reports */
static void
leave(void)
{
#ifdef WITH_SANITIZERS
	exit(0);
#else
	_exit(0);
#endif
}

/* A SIGTERM that comes before is ours, and none is born after it; one that
 * comes later finds the session that finish() tells. */
static pid_t
fork_session(void)
{
	sigset_t term, old;
	pid_t pid = -1;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old);
	if (serve_stopping())
		errno = EINTR;
	else
		pid = fork();
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

static void
begin(const struct daemon *d, int sock)
{
	pid_t parent = getpid(), pid;

	pid = fork_session();
	if (pid == 0) {
		if (become_session(parent) == 0)
			serve_handover(d, sock, parent);
		leave();
	}
	if (pid < 0 && errno == EINTR) {
		close(sock);	/* auth says that it may be tried again */
		return;
	}
	if (pid < 0) {
		log_event(LOG_ERROR, "fork", KS("reason", strerror(errno)),
		    KEND);
		poll(NULL, 0, FORK_PAUSE_MS);
	} else {
		living++;
	}
	close(sock);
}

/* until a session ended, or (0) this generation ends */
static bool
wait_for_room(void)
{
	struct pollfd p[3] = { { child_fd, POLLIN, 0 },
		{ LIFE_FD, POLLIN, 0 }, { serve_stop_fd, POLLIN, 0 } };

	poll(p, 3, -1);
	reap();
	return p[1].revents == 0 && p[2].revents == 0 && !serve_stopping();
}

static bool
room(void)
{
	return living < launch.clients && !spoiled;
}

/* SIGTERM is handed on to the sessions, which are of our process group */
static int
finish(void)
{
	struct pollfd p[2] = { { child_fd, POLLIN, 0 },
		{ serve_stop_fd, POLLIN, 0 } };
	bool told = false;

	status_busy();
	for (;;) {
		reap();
		if (living == 0)
			return 0;
		if (serve_stopping() && !told) {
			kill(0, SIGTERM);
			told = true;
		}
		poll(p, told ? 1 : 2, -1);
	}
}

/*
 * What the start freed lies between what it keeps, a hole here and a hole
 * there: a session that is given it makes a copy of each of their pages.  So
 * the holes are taken, for good, and sessions get what they need where the
 * heap ends, in whole pages of their own.
 */
static void
take_holes(void)
{
#ifndef WITH_SANITIZERS	/* which have a malloc of their own */
	size_t end, left, size;
	void *p;

	free(malloc(HOLE_MAX));		/* from now on the end has room */
	malloc_trim(HEAP_ROOM);		/* neighbours become one hole */
	left = mallinfo2().fordblks - mallinfo2().keepcost;
	for (size = HOLE_MAX; size > 0;
	    size -= size > HOLE_SMALL ? size / 16 : 16) {
		size &= ~(size_t)15;
		end = mallinfo2().keepcost;
		while ((p = malloc(size)) != NULL && left >= size &&
		    mallinfo2().keepcost == end)
			left -= size;
		/* not a hole but the end: given back, not kept for reuse */
		free(realloc(p, 2 * HOLE_SMALL + size));
	}
#endif
}

int
serve_nursery(const struct daemon *d)
{
	struct jail jail = serve_session_jail(d, common.uid[ROLE_STORE]);
	enum wait_result r;
	struct err err = ERR_INIT;
	struct arrival a;
	int fd;

	/* for those of the store; without it each session makes its own */
	if (jail_prepare(&jail, &err) < 0)
		log_event(LOG_WARN, "jail", KERR(&err), KEND);
	watch_children();
	take_holes();
	for (;;) {
		reap();
		if (spoiled)
			return finish();
		if (!room()) {
			status_busy();
			if (!wait_for_room())
				return finish();
			if (room())
				status_idle();
			continue;
		}
		r = serve_wait(launch.max_idle);
		if (r == WAIT_DRAIN)
			return finish();
		if (r == WAIT_IDLE && living == 0)
			return 0;
		fd = r == WAIT_READY ? serve_accept(&a) : -1;
		if (fd >= 0)
			begin(d, fd);
	}
}
