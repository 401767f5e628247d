/*
 * stop.c - the orderly end: services leave in groups by their order, those
 * that take clients first, so that what is under way can still be finished.
 * Each group gets the time left but a second for each that follows; it is
 * asked (life pipe: idle ones leave), asked again (SIGTERM: sessions say
 * good-bye to clients that wait), then killed.  The log's reader is always
 * last.
 */
#include "base/clock.h"
#include "base/log.h"
#include "master.h"

#include <event2/event.h>
#include <signal.h>

enum { LAST_ORDER = 1000, ASK_AGAIN_MS = 2000, RESERVE_MS = 1000 };

static struct event *timer;
static int64_t deadline;	/* mono_ms of the whole stop; 0: none */
static int64_t phase;		/* order of the group that is leaving */
static int64_t phase_ends;
static int asked;		/* 0 by pipe, 1 SIGTERM, 2 SIGKILL */

bool
stop_active(void)
{
	return deadline != 0;
}

static int64_t
order_of(const struct service *s)
{
	return s->reads_log ? LAST_ORDER : s->order;
}

/* the lowest order above after, or -1; *n_r: how many different ones */
static int64_t
next_order(int64_t after, int *n_r)
{
	struct service *s;
	int64_t o, least = -1;

	*n_r = 0;
	for (s = services; s != NULL; s = s->next) {
		o = order_of(s);
		if (o <= after || s->children == NULL)
			continue;
		++*n_r;		/* an upper bound is good enough */
		if (least < 0 || o < least)
			least = o;
	}
	return least;
}

static void
wait_until(int64_t when)
{
	int64_t ms = MAX(when - mono_ms(), 1);
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(timer, &tv);
}

static bool
leaving(const struct service *s)
{
	return order_of(s) <= phase;
}

static void
next_phase(void)
{
	int64_t now = mono_ms(), share;
	struct service *s;
	int n;

	phase = next_order(phase, &n);
	if (phase < 0) {
		event_base_loopbreak(base);
		return;
	}
	if (phase == LAST_ORDER)
		log_event(LOG_INFO, "stopped", KEND);
	share = MAX(deadline - now - (n - 1) * RESERVE_MS,
	    (deadline - now) / MAX(n, 1));
	share = MAX(share, 500);
	asked = 0;
	phase_ends = now + share;
	for (s = services; s != NULL; s = s->next)
		if (leaving(s) && !s->stopping) {
			service_finish(s);
			service_close(s);
		}
	wait_until(now + MIN(share * 3 / 4, (int64_t)ASK_AGAIN_MS));
	stop_progress();
}

void
stop_progress(void)
{
	struct service *s;

	if (!stop_active() || phase < 0)
		return;
	for (s = services; s != NULL; s = s->next)
		if (leaving(s) && s->children != NULL)
			return;
	next_phase();
}

static void
on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx UNUSED)
{
	struct service *s;

	asked++;
	for (s = services; s != NULL; s = s->next) {
		if (!leaving(s) || s->children == NULL)
			continue;
		log_event(LOG_WARN, "stop_slow", KS("service", s->name),
		    KS("signal", asked == 1 ? "TERM" : "KILL"), KEND);
		child_signal_all(s, asked == 1 ? SIGTERM : SIGKILL);
	}
	wait_until(asked == 1 ? phase_ends : mono_ms() + 1000);
}

void
stop_hasten(void)
{
	deadline = mono_ms();
	phase_ends = deadline + 500;
	wait_until(deadline);
}

void
stop_begin(const char *why)
{
	if (stop_active()) {
		stop_hasten();
		return;
	}
	log_event(LOG_INFO, "stopping", KS("reason", why), KEND);
	notify_send("STOPPING=1");
	timer = evtimer_new(base, on_timer, NULL);
	if (timer == NULL)
		die("out of memory");
	deadline = mono_ms() + config->stop_timeout;
	phase = -1;
	next_phase();
}
