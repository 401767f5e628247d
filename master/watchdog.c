/*
 * watchdog.c - a child that runs an event loop counts its turns on the status
 * board.  One whose count stands still for the watchdog time of its service
 * hangs: it keeps its clients waiting, and its successor.  It is killed; one
 * that is to end already, and has not noticed, after a quarter of that time.
 * Children that serve one client after another may be silent and are not
 * looked at.
 */
#include "base/clock.h"
#include "base/log.h"
#include "master.h"

#include <event2/event.h>
#include <signal.h>

enum { LOOKS = 8 };		/* in the time of a watchdog */

static struct event *timer;
static int64_t period;		/* ms between two looks; 0: none are needed */
static int64_t last;		/* mono_ms of one */

static int64_t
limit(const struct child *c)
{
	return c->gen->life < 0 && !c->heard ? c->watchdog / 4 : c->watchdog;
}

/* elapsed: ms since the last look */
static void
look_at(struct child *c, int64_t elapsed)
{
	uint8_t beats = board_beats(&c->gen->board, c->slot);

	if (beats == 0)
		return;		/* it is starting, or has no loop */
	if (beats != c->beats) {
		c->beats = beats;
		c->silent = 0;
		c->heard = c->gen->life < 0;
		return;
	}
	c->silent += elapsed;
	if (c->silent < limit(c))
		return;
	log_event(LOG_ERROR, "hung", KS("service", c->service->name),
	    KI("child", c->pid), KI("silent_ms", c->silent), KEND);
	(void)kill(-c->pid, SIGKILL);
	c->silent = 0;
}

static void
set_timer(void)
{
	struct timeval tv = { period / 1000, period % 1000 * 1000 };

	event_add(timer, &tv);
}

/* Where we stood still ourselves, the machine did, and time that nobody had
 * counts for nobody. */
static void
look(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx UNUSED)
{
	int64_t now = mono_ms(), elapsed = MIN(now - last, 2 * period);
	const struct service *s;
	struct child *c;

	last = now;
	period = 0;
	for (s = services; s != NULL; s = s->next)
		for (c = s->children; c != NULL; c = c->next) {
			if (c->watchdog == 0)
				continue;
			look_at(c, elapsed);
			if (period == 0 || c->watchdog / LOOKS < period)
				period = c->watchdog / LOOKS;
		}
	if (period != 0)
		set_timer();
}

void
watchdog_begin(struct child *c)
{
	c->watchdog = c->service->conf->watchdog;
	if (c->watchdog == 0 ||
	    (period != 0 && period <= c->watchdog / LOOKS))
		return;
	if (timer == NULL && (timer = evtimer_new(base, look, NULL)) == NULL)
		die("out of memory");
	if (period == 0)
		last = mono_ms();
	period = c->watchdog / LOOKS;
	set_timer();
}

void
watchdog_told(struct child *c)
{
	c->beats = board_beats(&c->gen->board, c->slot);
	/* the next look adds what passed since the last: this was before */
	c->silent = MIN(last - mono_ms(), (int64_t)0);
}
