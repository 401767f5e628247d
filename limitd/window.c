/*
 * window.c - one sliding window.  Counts stay below COUNT_MAX, so that no
 * product of a count and a time overflows.
 */
#include "limitd.h"

static void
turn(struct window *w, int64_t now)
{
	int64_t since = now - w->start;

	if (since >= 0 && since < w->length)
		return;
	if (since >= w->length && since < 2 * w->length) {
		w->prev = w->cur;
		w->start += w->length;
	} else {
		w->prev = 0;
		w->start = now;
	}
	w->cur = 0;
}

/* of n that came evenly in the bucket before: the part that still counts,
 * rounded up */
static int64_t
left(const struct window *w, int64_t n, int64_t since)
{
	return (n * (w->length - since) + w->length - 1) / w->length;
}

int64_t
window_used(struct window *w, int64_t now)
{
	turn(w, now);
	return w->cur + left(w, w->prev, now - w->start);
}

/* ms from the end of a bucket with n until no more than room of it count */
static int64_t
decay(const struct window *w, int64_t n, int64_t room)
{
	return n <= room ? 0 : w->length - room * w->length / n;
}

int64_t
window_wait(struct window *w, int64_t limit, int64_t amount, int64_t now)
{
	int64_t room = limit - amount;

	if (room < 0)
		return w->length;
	if (window_used(w, now) <= room)
		return 0;
	if (w->cur <= room)
		return w->start + decay(w, w->prev, room - w->cur) - now;
	return w->start + w->length + decay(w, w->cur, room) - now;
}

void
window_add(struct window *w, int64_t amount, int64_t now)
{
	if (w->cur == 0 && w->prev == 0)
		w->start = now;
	turn(w, now);
	w->cur = MIN(w->cur + amount, (int64_t)COUNT_MAX);
}

void
window_take(struct window *w, int64_t amount)
{
	w->cur = MAX(w->cur - amount, (int64_t)0);
}
