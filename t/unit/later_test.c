/*
 * later_test.c - the kernel has no memory, for a moment or for long, for what
 * is sent or waited for.  The library sends with our calls.
 */
#include <event2/event.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "ipc/ipc.h"
#include "serve/hub.h"
#include "serve/sendq.h"
#include "test/tap.h"

enum { FOR_EVER = 1000000 };

static int failures;		/* so many calls fail */
static int error;
static int pair[2];

static bool
fails(void)
{
	if (failures == 0)
		return false;
	failures--;
	errno = error;
	return true;
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	return fails() ? -1 :
	    syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return fails() ? -1 : syscall(SYS_sendmsg, fd, m, flags);
}

int
epoll_ctl(int ep, int op, int fd, struct epoll_event *e)
{
	return op == EPOLL_CTL_ADD && fails() ? -1 :
	    (int)syscall(SYS_epoll_ctl, ep, op, fd, e);
}

static void
begin(int type, int n, int e)
{
	if (socketpair(AF_UNIX, type, 0, pair) < 0)
		die("socketpair: %s", strerror(errno));
	failures = n;
	error = e;
}

static void
end(void)
{
	close(pair[0]);
	close(pair[1]);
}

static void
test_stream(int e)
{
	struct io io;
	char got[8] = "";
	int64_t t = mono_ms();

	begin(SOCK_STREAM, 3, e);
	io_init(&io, pair[0], 30000);
	io_puts(&io, "answer");
	is_int(io_flush(&io), 0, "%s: a stream waits", strerror(e));
	ok(recv(pair[1], got, 7, MSG_DONTWAIT) == 6 && !strcmp(got, "answer"),
	    "and it is sent, once");
	failures = FOR_EVER;
	io.deadline = mono_ms() + 100;
	io_puts(&io, "more");
	is_int(io_flush(&io), -1, "not for ever");
	ok(io.timed_out && mono_ms() - t < 20000, "but to its deadline");
	io_free(&io);
	end();
}

static void
test_stream_of_no_use(void)
{
	struct io io;

	begin(SOCK_STREAM, 1, ECONNRESET);
	io_init(&io, pair[0], 30000);
	io_puts(&io, "answer");
	is_int(io_flush(&io), -1, "a connection that is gone is gone");
	io_free(&io);
	end();
}

static int
messages(void)
{
	struct ipc_msg m;
	struct err err;
	int n = 0;

	ipc_msg_init(&m);
	while (ipc_recv(pair[1], &m, 0, &err) == 1)
		n++;
	ipc_msg_free(&m);
	return n;
}

static void
test_message(int e)
{
	struct err err;

	begin(SOCK_SEQPACKET, 3, e);
	is_int(ipc_send(pair[0], "x", NULL, NULL, pair[0], 30000, &err), 0,
	    "%s: a message waits", strerror(e));
	failures = 3;
	is_int(ipc_send(pair[0], "x", NULL, NULL, -1, -1, &err), 0,
	    "where it has no deadline, too");
	is_int(messages(), 2, "each is sent once");
	failures = 1;
	is_int(ipc_send(pair[0], "x", NULL, NULL, -1, 0, &err), -1,
	    "who does not wait is told");
	failures = FOR_EVER;
	is_int(ipc_send(pair[0], "x", NULL, NULL, -1, 100, &err), -1,
	    "not for ever");
	end();
}

static void
test_queue(int e)
{
	struct sendq q = { 0 };
	struct err err;
	int rc, n = 0;

	begin(SOCK_SEQPACKET, 3, e);
	is_int(sendq_record(&q, pair[0], "one", NULL, NULL, pair[0], &err), 0,
	    "%s: a queue keeps it", strerror(e));
	is_int(sendq_record(&q, pair[0], "two", NULL, NULL, -1, &err), 0,
	    "and what comes behind");
	is_int(q.n, 2, "in their order");
	while ((rc = sendq_flush(&q, pair[0], &err)) == 1)
		n++;
	is_int(rc, 0, "it is all sent");
	is_int(n, 2, "when there is memory again");
	is_int(messages(), 2, "once");
	failures = 1;
	error = EPIPE;
	is_int(sendq_record(&q, pair[0], "x", NULL, NULL, -1, &err), -1,
	    "a peer that is gone is gone");
	sendq_free(&q);
	end();
}

static void
on_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	(*(int *)arg)++;
	event_base_loopbreak(hub_base);
}

static void
quiet(int level UNUSED, const char *line UNUSED)
{
}

static void
on_time(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	(*(int *)arg)++;
}

static int
dispatch(int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(hub_base, &tv);
	return event_base_dispatch(hub_base);
}

static void
put(void)
{
	if (write(pair[0], "x", 1) != 1)
		die("write");
}

/* a hub is told, later, and does something else meanwhile */
static void
test_event(void)
{
	static const struct timeval soon = { 0, 10000 };
	int heard = 0, times = 0;
	struct event *ev, *other;
	int64_t start = mono_ms();

	begin(SOCK_STREAM, 5, ENOMEM);
	ev = event_new(hub_base, pair[1], EV_READ, on_readable, &heard);
	other = event_new(hub_base, -1, EV_PERSIST, on_time, &times);
	event_add(other, &soon);
	hub_watch(ev);
	hub_watch(ev);
	ok(mono_ms() - start < 40, "nothing is waited for in the loop");
	is_int(event_pending(ev, EV_READ, NULL), 0, "there is no memory");
	put();
	event_base_dispatch(hub_base);
	is_int(heard, 1, "an event is waited for, a little later");
	ok(times >= 5, "meanwhile others have their turn: %d", times);
	is_int(dispatch(200), 0, "once");
	is_int(heard, 1, "it is heard once");
	event_free(other);
	hub_free(ev);
	end();
}

/* what is not wanted any more while there is no memory */
static void
test_unwatch(void)
{
	int heard = 0;
	struct event *ev;

	begin(SOCK_STREAM, 2, ENOMEM);
	ev = event_new(hub_base, pair[1], EV_READ | EV_PERSIST, on_readable,
	    &heard);
	hub_watch(ev);
	hub_unwatch(ev);
	put();
	dispatch(200);
	is_int(heard, 0, "what is not wanted any more is not heard of");
	failures = 1;
	hub_watch(ev);
	hub_watch(ev);
	is_int(event_pending(ev, EV_READ, NULL), EV_READ,
	    "who asks again may be the first to have it");
	hub_unwatch(ev);
	is_int(event_pending(ev, EV_READ, NULL), 0, "and then not");
	failures = 1;
	hub_watch(ev);
	hub_free(ev);
	dispatch(200);
	is_int(heard, 0, "nor is one that is not there any more");
	end();
}

/* or it ends */
static void
test_no_end(void)
{
	int heard = 0, status;
	int64_t start = mono_ms();
	struct event *ev;
	pid_t pid;

	begin(SOCK_STREAM, 0, ENOMEM);
	pid = fork();
	if (pid == 0) {
		/* as in a new process: the kernel's list is not its parent's */
		event_reinit(hub_base);
		failures = FOR_EVER;
		ev = event_new(hub_base, pair[1], EV_READ, on_readable,
		    &heard);
		hub_watch(ev);
		event_base_dispatch(hub_base);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(status != 0, "who would never hear of it ends");
	ok(mono_ms() - start >= 2000, "after two seconds");
	end();
}

int
main(void)
{
	static const int errors[] = { ENOBUFS, ENOMEM, ETOOMANYREFS };
	size_t i;

	for (i = 0; i < ARRAY_LEN(errors); i++) {
		test_stream(errors[i]);
		test_message(errors[i]);
		test_queue(errors[i]);
	}
	test_stream_of_no_use();
	event_set_log_callback(quiet);
	hub_base = event_base_new();
	test_event();
	test_unwatch();
	test_no_end();
	event_base_free(hub_base);
	return tap_done();
}
