/*
 * fibre.c - stacks of fibres by makecontext(3).  A stack serves one work after
 * another; some are kept for the next, so that a handshake costs no page fault,
 * and the rest go.
 *
 * A sanitizer has to be told of each change of the stack, and of none by
 * swapcontext, which its runtime believes to be its own affair.
 */
#include "serve/fibre.h"

#include <event2/event.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "serve/hub.h"

#ifdef WITH_SANITIZERS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum { KEEP = 4, GUARD = 65536 /* a page, of any size */ };

struct fibre {
	struct fibre *next;		/* kept */
	struct fibre_work *w;
	ucontext_t at;
	char *stack;			/* above the guard */
	bool cancelled;
	void *shadow;			/* of the sanitizer */
};

static struct fibre *kept, *self;
static size_t nkept, nbusy, limit = 64;
static ucontext_t loop;
static struct fibre_work *queue, **queue_end = &queue;
static struct event *turn;

#ifdef WITH_SANITIZERS
static void *loop_shadow;
static const void *loop_stack;
static size_t loop_size;

static void
switch_to(ucontext_t *from, const ucontext_t *to)
{
	volatile bool back = false;

	if (getcontext(from) == 0 && !back) {
		back = true;
		setcontext(to);
	}
}

static void
enter(struct fibre *f)
{
	__sanitizer_start_switch_fiber(&loop_shadow, f->stack, FIBRE_STACK);
	switch_to(&loop, &f->at);
	__sanitizer_finish_switch_fiber(loop_shadow, NULL, NULL);
}

static void
entered(struct fibre *f)
{
	__sanitizer_finish_switch_fiber(f->shadow, &loop_stack, &loop_size);
}

static void
leave(struct fibre *f)
{
	__sanitizer_start_switch_fiber(&f->shadow, loop_stack, loop_size);
	switch_to(&f->at, &loop);
	entered(f);
}

static void
forget_shadow(const struct fibre *f)
{
	ASAN_UNPOISON_MEMORY_REGION(f->stack, FIBRE_STACK);
}
#else
static void
enter(struct fibre *f)
{
	swapcontext(&loop, &f->at);
}

static void
entered(struct fibre *f UNUSED)
{
}

static void
leave(struct fibre *f)
{
	swapcontext(&f->at, &loop);
}

static void
forget_shadow(const struct fibre *f UNUSED)
{
}
#endif

/* what a stack does for ever: one work after another */
static void
serve(void)
{
	struct fibre *f = self;

	entered(f);
	for (;;) {
		f->w->work(f->w->arg);
		f->w->fibre = NULL;
		f->w = NULL;
		leave(f);
	}
}

static void
prepare(struct fibre *f)
{
	getcontext(&f->at);
	f->at.uc_stack.ss_sp = f->stack;
	f->at.uc_stack.ss_size = FIBRE_STACK;
	f->at.uc_link = NULL;
	makecontext(&f->at, serve, 0);
}

/* NULL: no memory */
static struct fibre *
make(void)
{
	struct fibre *f;
	char *p = mmap(NULL, GUARD + FIBRE_STACK, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p + GUARD, FIBRE_STACK, PROT_READ | PROT_WRITE) < 0) {
		munmap(p, GUARD + FIBRE_STACK);
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	f->stack = p + GUARD;
	prepare(f);
	return f;
}

static struct fibre *
take(void)
{
	struct fibre *f = kept;

	if (f == NULL)
		return make();
	kept = f->next;
	nkept--;
	return f;
}

static void
give_back(struct fibre *f)
{
	nbusy--;
	if (queue != NULL)
		event_active(turn, EV_TIMEOUT, 0);
	if (nkept < KEEP) {
		f->cancelled = false;
		f->next = kept;
		kept = f;
		nkept++;
		return;
	}
	forget_shadow(f);
	munmap(f->stack - GUARD, GUARD + FIBRE_STACK);
	free(f);
}

/* until it waits: false, or has ended: true */
static bool
go(struct fibre *f)
{
	assert(self == NULL);
	self = f;
	enter(f);
	self = NULL;
	if (f->w != NULL)
		return false;
	give_back(f);
	return true;
}

static int
begin(struct fibre_work *w)
{
	struct fibre *f = take();

	if (f == NULL)
		return -1;
	nbusy++;
	f->w = w;
	w->fibre = f;
	if (!go(f))
		return 0;
	w->then(w->arg);
	return 1;
}

static void
unqueue(struct fibre_work *w)
{
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	else
		queue_end = w->prev;
	w->prev = NULL;
}

/* One at a time: each may be some work, and others are to have their turn.  A
 * work for which there is no memory waits until there is a stack again. */
static void
on_turn(evutil_socket_t fd UNUSED, short what UNUSED, void *arg UNUSED)
{
	static const struct timeval pause = { 0, 100000 };
	struct fibre_work *w = queue;

	if (w == NULL || nbusy >= limit)
		return;
	if (kept == NULL) {
		kept = make();
		if (kept == NULL) {
			event_add(turn, &pause);
			return;
		}
		kept->next = NULL;
		nkept++;
	}
	unqueue(w);
	(void)begin(w);
	if (queue != NULL && nbusy < limit)
		event_active(turn, EV_TIMEOUT, 0);
}

void
fibre_limit(size_t n)
{
	limit = n;
}

int
fibre_run(struct fibre_work *w)
{
	assert(w->fibre == NULL && w->prev == NULL);
	if (nbusy < limit && queue == NULL)
		return begin(w);
	if (turn == NULL)
		turn = event_new(hub_base, -1, 0, on_turn, NULL);
	if (turn == NULL)
		return -1;
	w->next = NULL;
	w->prev = queue_end;
	*queue_end = w;
	queue_end = &w->next;
	/* a stack may have been given back before there was a queue */
	if (nbusy < limit)
		event_active(turn, EV_TIMEOUT, 0);
	return 0;
}

void
fibre_cancel(struct fibre_work *w)
{
	struct fibre *f = w->fibre;

	if (w->prev != NULL)
		unqueue(w);
	if (f == NULL)
		return;
	assert(f != self);
	f->cancelled = true;
	if (!go(f))
		assert(!"a fibre that was cancelled waits");
}

struct fibre *
fibre_self(void)
{
	return self;
}

bool
fibre_wait(void)
{
	struct fibre *f = self;
	int e = errno;

	assert(f != NULL);
	if (!f->cancelled)
		leave(f);
	errno = e;
	return !f->cancelled;
}

void
fibre_wake(struct fibre *f)
{
	struct fibre_work *w = f->w;

	if (go(f))
		w->then(w->arg);
}

size_t
fibre_busy(void)
{
	return nbusy;
}

size_t
fibre_kept(void)
{
	return nkept;
}
