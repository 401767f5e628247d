/*
 * serve_fibre_test.c - stacks of their own: order, waiting, an end before the
 * time, limits.
 */
#include <event2/event.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "serve/fibre.h"
#include "serve/hub.h"
#include "test/tap.h"

enum { MANY = 20 };

struct job {
	struct fibre_work w;
	struct fibre *self;
	int waits;		/* how often it is to */
	int begun, woken, refused, ended;
};
static int ends;		/* of all */

static void
work(void *arg)
{
	struct job *j = arg;
	int i;

	j->begun++;
	j->self = fibre_self();
	for (i = 0; i < j->waits; i++) {
		errno = 7;
		if (fibre_wait())
			j->woken += errno == 7;
		else
			j->refused++;
	}
}

static void
then(void *arg)
{
	struct job *j = arg;

	j->ended = ++ends;
	if (fibre_self() != NULL)
		j->ended = -1;
}

static int
start(struct job *j, int waits)
{
	memset(j, 0, sizeof(*j));
	j->w.work = work;
	j->w.then = then;
	j->w.arg = j;
	j->waits = waits;
	return fibre_run(&j->w);
}

static void
turn(void)
{
	event_base_loop(hub_base, EVLOOP_NONBLOCK);
}

static void
test_one(void)
{
	struct job a, b;

	is_int(start(&a, 0), 1, "what does not wait has ended");
	is_int(a.ended, 1, "and the rest was done on the loop's stack");
	ok(a.self != NULL && fibre_self() == NULL, "not the work");
	is_int(start(&a, 2), 0, "what waits has not");
	is_int(start(&b, 1), 0, "nor the next");
	is_int(fibre_busy(), 2, "two stacks");
	errno = 3;
	fibre_wake(a.self);
	is_int(a.ended, 0, "woken it waits once more");
	fibre_wake(b.self);
	is_int(b.ended, 2, "the other ends first");
	fibre_wake(a.self);
	is_int(a.ended, 3, "then it");
	ok(a.woken == 2 && b.woken == 1, "each with the errno that it had");
	is_int(fibre_busy(), 0, "no stack is in use");
}

static void
test_cancel(void)
{
	struct job a, b;

	start(&a, 3);
	fibre_cancel(&a.w);
	ok(a.refused == 3 && a.woken == 0, "cancelled: no wait succeeds");
	is_int(a.ended, 0, "and there is no end on the loop's stack");
	is_int(fibre_busy(), 0, "the stack is free");
	fibre_cancel(&a.w);
	start(&b, 1);
	fibre_wake(b.self);
	is_int(b.woken, 1, "the next one on it waits as it should");
	start(&b, 0);
	fibre_cancel(&b.w);
	ok(true, "what has ended is not minded");
}

static void
test_limit(void)
{
	struct job j[MANY];
	int i, begun = 0;

	fibre_limit(2);
	ends = 0;
	for (i = 0; i < 5; i++)
		is_int(start(&j[i], 1), 0, "work %d", i);
	turn();
	for (i = 0; i < 5; i++)
		begun += j[i].begun;
	is_int(begun, 2, "two of five have begun");
	fibre_cancel(&j[3].w);
	fibre_wake(j[1].self);
	is_int(start(&j[5], 0), 0, "who comes now has no turn before others");
	turn();
	ok(j[2].begun && !j[4].begun && !j[5].begun, "the third has");
	fibre_wake(j[0].self);
	fibre_wake(j[2].self);
	turn();
	turn();
	ok(j[4].begun && j[5].ended, "then the others");
	ok(!j[3].begun, "not the one that was cancelled");
	fibre_wake(j[4].self);
	is_int(fibre_busy(), 0, "all have ended");
}

static void
test_many(void)
{
	struct job j[MANY];
	size_t kept;
	int i, n = 0;

	fibre_limit(MANY);
	for (i = 0; i < MANY; i++)
		start(&j[i], 1);
	is_int(fibre_busy(), MANY, "%d at a time", MANY);
	for (i = 0; i < MANY; i++) {
		fibre_wake(j[i].self);
		n += j[i].ended > 0;
	}
	is_int(n, MANY, "all end");
	kept = fibre_kept();
	ok(kept > 0 && kept <= 4, "few stacks are kept: %zu", kept);
}

static void
use(volatile char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += 512)
		p[i] = 1;
}

static void
deep(void *arg)
{
	char room[200 * 1024];

	use(room, sizeof(room));
	*(bool *)arg = true;
}

static int
fall(int n)
{
	volatile char room[1024];

	use(room, sizeof(room));
	return n <= 0 ? room[0] : fall(n - 1) + room[512];
}

static void
too_deep(void *arg)
{
	*(int *)arg = fall(2000);
}

static void
nothing(void *arg UNUSED)
{
}

static void
test_stack(void)
{
	static const struct rlimit none = { 0, 0 };
	bool done = false;
	struct fibre_work w = { .work = deep, .then = nothing, .arg = &done };
	int status, x = 0;
	pid_t pid;

	fibre_run(&w);
	ok(done, "200 kB of stack can be used");
	pid = fork();
	if (pid == 0) {
		w = (struct fibre_work){ .work = too_deep, .then = nothing,
			.arg = &x };
		setrlimit(RLIMIT_CORE, &none);
		close(2);
		signal(SIGSEGV, SIG_DFL);
		fibre_run(&w);
		_exit(0);
	}
	ok(waitpid(pid, &status, 0) == pid && !(WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0), "what uses more dies of it");
}

int
main(void)
{
	hub_base = event_base_new();
	test_one();
	test_cancel();
	test_limit();
	test_many();
	test_stack();
	return tap_done();
}
