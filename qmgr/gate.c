/*
 * gate.c - may a destination have one more request?  It is in the ring of a
 * class exactly while it has jobs of that class, is not suspended, its window
 * has room, and neither its rate nor its site holds it back; where one of
 * those does, it is with the sleepers, or with those that its site blocks.
 * (In a ring its site may have become full meanwhile: a pick looks again.)
 */
#include "schedule.h"

enum { RESERVE = 5 };	/* the fifth that backlog does not take */
enum { SECOND_US = 1000000, UNBLOCK = 16 };

int64_t sched_now_us;
struct site *sched_sites;
static struct dest_list sleepers = TAILQ_HEAD_INITIALIZER(sleepers);

int64_t
sched_without_reserve(int64_t limit)
{
	return MAX(1, limit - limit / RESERVE);
}

/* where more than one a second may go, those of a second may go at once */
static int64_t
rate_time(const struct rate *r)
{
	int64_t slack = MAX(0, SECOND_US - r->interval_us);

	return r->interval_us == 0 ? 0 : r->next_us - slack;
}

bool
sched_rate_ready(const struct dest *d)
{
	return rate_time(&d->rate) <= sched_now_us && (d->site == NULL ||
	    rate_time(&d->site->rate) <= sched_now_us);
}

static void
rate_take(struct rate *r)
{
	if (r->interval_us > 0)
		r->next_us = MAX(r->next_us, sched_now_us) + r->interval_us;
}

void
sched_rate_take(struct dest *d)
{
	rate_take(&d->rate);
	if (d->site != NULL)
		rate_take(&d->site->rate);
}

static bool
site_ready(const struct site *s)
{
	return (s->most == 0 || s->busy < s->most) &&
	    rate_time(&s->rate) <= sched_now_us;
}

static bool
has_room(const struct dest *d, enum sched_class c)
{
	if (d->busy >= d->window)
		return false;
	return c == FRESH ||
	    d->out[BACKLOG] < sched_without_reserve(d->window);
}

static void
set_blocked(struct dest *d, bool blocked)
{
	if (blocked && !d->is_blocked)
		TAILQ_INSERT_TAIL(&d->site->blocked, d, blocked);
	else if (!blocked && d->is_blocked)
		TAILQ_REMOVE(&d->site->blocked, d, blocked);
	d->is_blocked = blocked;
}

static void
set_sleeping(struct dest *d, bool sleeping)
{
	if (sleeping && !d->is_sleeping)
		TAILQ_INSERT_TAIL(&sleepers, d, sleeping);
	else if (!sleeping && d->is_sleeping)
		TAILQ_REMOVE(&sleepers, d, sleeping);
	d->is_sleeping = sleeping;
}

void
sched_look(struct dest *d)
{
	struct transport *t = d->transport;
	bool want[CLASSES], any = false, sleeps, blocked;
	int c;

	for (c = 0; c < CLASSES; c++) {
		want[c] = d->levels[c] != 0 && d->suspended_until == 0 &&
		    has_room(d, c);
		any = any || want[c];
	}
	sleeps = any && rate_time(&d->rate) > sched_now_us;
	blocked = any && !sleeps && d->site != NULL && !site_ready(d->site);
	set_sleeping(d, sleeps);
	set_blocked(d, blocked);
	for (c = 0; c < CLASSES; c++) {
		want[c] = want[c] && !sleeps && !blocked;
		if (want[c] && !d->in_ring[c])
			TAILQ_INSERT_TAIL(&t->ring[c], d, ring[c]);
		else if (!want[c] && d->in_ring[c])
			TAILQ_REMOVE(&t->ring[c], d, ring[c]);
		d->in_ring[c] = want[c];
	}
}

/* Some of those that it blocked may go; more than there is room for look
 * again when they are picked. */
void
sched_look_site(struct site *s)
{
	struct dest *d;
	int n;

	for (n = 0; n < UNBLOCK && site_ready(s) &&
	    (d = TAILQ_FIRST(&s->blocked)) != NULL; n++)
		sched_look(d);
}

int64_t
sched_wake(void)
{
	int64_t next = 0, at;
	struct dest *d, *after;
	struct site *s;

	for (d = TAILQ_FIRST(&sleepers); d != NULL; d = after) {
		after = TAILQ_NEXT(d, sleeping);
		at = rate_time(&d->rate);
		if (at <= sched_now_us)
			sched_look(d);
		else
			next = next == 0 ? at : MIN(next, at);
	}
	for (s = sched_sites; s != NULL; s = s->next) {
		if (TAILQ_EMPTY(&s->blocked))
			continue;
		sched_look_site(s);
		at = rate_time(&s->rate);
		if (at > sched_now_us)
			next = next == 0 ? at : MIN(next, at);
	}
	return next;
}

void
sched_site(struct dest *d, struct site *s)
{
	struct site *old = d->site;

	if (old == s)
		return;
	set_blocked(d, false);
	if (old != NULL) {
		old->busy -= d->busy;
		old->dests--;
	}
	d->site = s;
	if (s != NULL) {
		s->busy += d->busy;
		s->dests++;
	}
	sched_look(d);
}

/* the window follows what the destination takes */
static void
good(struct dest *d)
{
	d->bad = 0;
	if (++d->gain < d->window || d->window >= d->window_max)
		return;
	d->gain = 0;
	d->window++;
}

/* true: all that were at work had trouble, and nobody a good answer */
static bool
trouble(struct dest *d)
{
	if (d->bad++ == 0)
		d->cohort = MAX(1, d->busy) * MAX(1, d->transport->cohorts);
	d->gain = 0;
	d->window = MAX(1, d->window - 1);
	if (d->bad < d->cohort)
		return false;
	d->bad = 0;
	return true;
}

bool
sched_done(struct dest *d, enum sched_class class, enum sched_end how,
    bool place)
{
	bool dead = false;

	if (how == SCHED_GOOD)
		good(d);
	else if (how == SCHED_TROUBLE)
		dead = trouble(d);
	d->out[class]--;
	d->transport->out[class]--;
	if (place) {
		d->busy--;
		if (d->site != NULL)
			d->site->busy--;
	}
	sched_look(d);
	if (place && d->site != NULL)
		sched_look_site(d->site);
	return dead;
}

void
sched_suspend(struct dest *d)
{
	d->window = 1;
	d->gain = d->bad = 0;
	sched_look(d);
}

void
sched_resume(struct dest *d)
{
	d->suspended_until = 0;
	sched_look(d);
}
